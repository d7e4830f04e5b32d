from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lapstrake.distribution.keychains.gke import login
from tests.distribution.registry_at import Answer, canned

TOKEN = Answer(body=b'{"access_token": "t", "expires_in": 3599}')


@pytest.mark.parametrize("host", ["gcr.io", "eu.gcr.io", "europe-docker.pkg.dev"])
def test_metadata_server_is_asked(host: str) -> None:
    with canned(lambda asked: TOKEN) as (metadata, asked):
        assert login(host, {"GCE_METADATA_HOST": metadata}) == ("_token", "t")
    assert asked[0].path == "/computeMetadata/v1/instance/service-accounts/default/token"


@pytest.mark.parametrize("host", ["registry.test", "gcr.io.test", "notgcr.io", "pkg.dev"])
def test_other_registries_are_none_of_googles(host: str) -> None:
    assert login(host, {}) is None


def test_service_account_signs_its_claim(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with canned(lambda asked: TOKEN) as (host, asked):
        account = {
            "type": "service_account",
            "client_email": "me@project.test",
            "private_key_id": "k1",
            "private_key": pem.decode(),
            "token_uri": f"http://{host}/token",
        }
        path = tmp_path / "key.json"
        path.write_text(json.dumps(account))
        assert login("gcr.io", {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}) == ("_token", "t")
        form = dict(parse_qsl(asked[0].body.decode()))
        claims = jwt.decode(form["assertion"], key.public_key(), ["RS256"], audience=f"http://{host}/token")
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (claims["iss"], claims["exp"] - claims["iat"]) == ("me@project.test", 3600)
    assert jwt.get_unverified_header(form["assertion"])["kid"] == "k1"


def test_users_login_is_refreshed(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "gcloud"
    folder.mkdir(parents=True)
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (folder / "application_default_credentials.json").write_text(json.dumps(user))
    with canned(lambda asked: TOKEN) as (host, asked):
        assert login("gcr.io", {"HOME": str(tmp_path)}, tokens=f"http://{host}/token") == ("_token", "t")
    assert dict(parse_qsl(asked[0].body.decode()))["refresh_token"] == "r"
