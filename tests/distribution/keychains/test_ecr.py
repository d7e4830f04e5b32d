from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from lapstrake.distribution.keychains.aws_signature import AwsKey, signed
from lapstrake.distribution.keychains.ecr import login
from tests.distribution.registry_at import Answer, Asked, canned

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GIVEN = base64.b64encode(b"AWS:password").decode()
LENT = {"AccessKeyId": "lent", "SecretAccessKey": "s", "Token": "session"}


def test_signature_of_the_published_example() -> None:
    """ "post-vanilla" of AWS's published test suite for signatures."""
    headers = signed(
        AwsKey("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        "us-east-1",
        "service",
        "https://example.amazonaws.com/",
        {},
        b"",
        datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC),
    )
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
    )


def test_key_does_not_show_its_secret() -> None:
    assert "secret" not in repr(AwsKey("id", "secret", "secret"))


def amazon(asked: Asked) -> Answer:
    """ECR, STS and the metadata service at once."""
    if asked.headers.get("x-amz-target", "").endswith(".GetAuthorizationToken"):
        return Answer(body=json.dumps({"authorizationData": [{"authorizationToken": GIVEN}]}).encode())
    if asked.path == "/latest/api/token":
        return Answer(body=b"imds") if asked.method == "PUT" else Answer(405)
    if b"AssumeRoleWithWebIdentity" in asked.body:
        lent = {"AccessKeyId": "lent", "SecretAccessKey": "s", "SessionToken": "session"}
        result = {"AssumeRoleWithWebIdentityResult": {"Credentials": lent}}
        return Answer(body=json.dumps({"AssumeRoleWithWebIdentityResponse": result}).encode())
    if asked.path == "/container":
        return Answer(body=json.dumps(LENT).encode())
    if asked.headers.get("x-aws-ec2-metadata-token") != "imds":
        return Answer(401)
    return Answer(body=json.dumps(LENT).encode() if asked.path.endswith("/role") else b"role\n")


def profile(folder: Path) -> dict[str, str]:
    path = folder / "credentials"
    path.write_text(
        "[default]\naws_access_key_id = other\naws_secret_access_key = s\n"
        "[work]\naws_access_key_id = filed\naws_secret_access_key = s%(x\n"
    )
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_PROFILE": "work"}


def web_identity(folder: Path) -> dict[str, str]:
    path = folder / "token"
    path.write_text("token of the account\n")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(path), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}


@pytest.mark.parametrize(
    ("environment", "key", "session"),
    [
        pytest.param(
            lambda folder: {"AWS_ACCESS_KEY_ID": "given", "AWS_SECRET_ACCESS_KEY": "s"},
            "given",
            None,
            id="environment",
        ),
        pytest.param(profile, "filed", None, id="file"),
        pytest.param(web_identity, "lent", "session", id="web identity"),
        pytest.param(
            lambda folder: {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://SERVICE/container"},
            "lent",
            "session",
            id="container",
        ),
        pytest.param(lambda folder: {}, "lent", "session", id="machine"),
    ],
)
def test_sources_of_keys(
    tmp_path: Path, environment: Callable[[Path], dict[str, str]], key: str, session: str | None
) -> None:
    with canned(amazon) as (service, asked):
        variables = {name: value.replace("SERVICE", service) for name, value in environment(tmp_path).items()}
        variables |= {
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": f"http://{service}",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{service}",
        }
        assert login(HOST, variables) == ("AWS", "password")
    shown = asked[-1].headers
    assert shown["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={key}/")
    assert "/eu-west-1/ecr/aws4_request" in shown["authorization"]
    assert shown.get("x-amz-security-token") == session


def test_role_is_asked_for_with_the_token_of_the_account(tmp_path: Path) -> None:
    with canned(amazon) as (service, asked):
        login(HOST, {**web_identity(tmp_path), "HOME": "", "AWS_ENDPOINT_URL": f"http://{service}"})
    form = dict(parse_qsl(asked[0].body.decode()))
    assert (form["RoleArn"], form["WebIdentityToken"]) == ("arn:aws:iam::1:role/r", "token of the account")


@pytest.mark.parametrize("host", ["registry.test", "public.ecr.aws", "1.dkr.ecr.eu-west-1.amazonaws.com"])
def test_other_registries_are_none_of_amazons(host: str) -> None:
    assert login(host, {}) is None
