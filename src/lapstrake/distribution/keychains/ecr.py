"""Amazon's registries: a token of ECR, for the keys that the environment, a file, a role or the machine has.

Source: AWS's public documentation of GetAuthorizationToken, of the order of credential sources, and of IMDSv2.
"""

from __future__ import annotations

import base64
import configparser
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from lapstrake.distribution.keychains.aws_signature import AwsKey, signed
from lapstrake.distribution.keychains.web import Web

_HOST = re.compile(
    r"\d{12}\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|on\.aws)"
)
_TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
_METADATA = "http://169.254.169.254"
_CONTAINER = "http://169.254.170.2"


def login(host: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Name and password for ``host``, None for a registry that is not Amazon's."""
    match = _HOST.fullmatch(host)
    if match is None:
        return None
    fips, region, domain = match.groups()
    key = _key(environment, region)
    if key is None:
        return None
    url = environment.get("AWS_ENDPOINT_URL_ECR") or environment.get("AWS_ENDPOINT_URL")
    if not url and domain == "on.aws":
        url = f"https://ecr{fips or ''}.{region}.api.aws/"
    elif not url:
        url = f"https://{'ecr-fips' if fips else 'api.ecr'}.{region}.{domain}/"
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGET}
    now = datetime.now(UTC)
    answer = Web(environment).object("POST", url, signed(key, region, "ecr", url, headers, b"{}", now), b"{}")
    text = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
    name, _, password = text.partition(":")
    return name, password


def _key(environment: Mapping[str, str], region: str) -> AwsKey | None:
    """From the first source that has one."""
    sources: tuple[Callable[[], AwsKey | None], ...] = (
        lambda: _from_environment(environment),
        lambda: _from_file(environment),
        lambda: _from_web_identity(environment, region),
        lambda: _from_container(environment),
        lambda: _from_metadata(environment),
    )
    return next((key for source in sources if (key := source())), None)


def _from_environment(environment: Mapping[str, str]) -> AwsKey | None:
    name, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    return AwsKey(name, secret, environment.get("AWS_SESSION_TOKEN", "")) if name and secret else None


def _from_file(environment: Mapping[str, str]) -> AwsKey | None:
    path = environment.get("AWS_SHARED_CREDENTIALS_FILE") or os.path.join(
        environment.get("HOME", ""), ".aws", "credentials"
    )
    profiles = configparser.RawConfigParser()
    try:
        profiles.read(path, encoding="utf-8")
        profile = profiles[environment.get("AWS_PROFILE") or "default"]
        return AwsKey(
            profile["aws_access_key_id"],
            profile["aws_secret_access_key"],
            profile.get("aws_session_token", ""),
        )
    except (configparser.Error, KeyError, ValueError):
        return None


def _from_web_identity(environment: Mapping[str, str], region: str) -> AwsKey | None:
    """A role lent to a Kubernetes service account."""
    path, role = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"), environment.get("AWS_ROLE_ARN")
    if not path or not role:
        return None
    with open(path, encoding="utf-8") as file:
        token = file.read().strip()
    url = (
        environment.get("AWS_ENDPOINT_URL_STS")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://sts.{region}.amazonaws.com/"
    )
    query = (
        f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={quote(role, safe='')}"
        f"&RoleSessionName={environment.get('AWS_ROLE_SESSION_NAME') or 'lapstrake'}"
        f"&WebIdentityToken={quote(token, safe='')}"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    answer = Web(environment).object("POST", url, headers, query.encode())
    lent = answer["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
    return AwsKey(lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"])


def _from_container(environment: Mapping[str, str]) -> AwsKey | None:
    """What ECS and EKS give to containers."""
    relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    url = f"{_CONTAINER}{relative}" if relative else environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if not url:
        return None
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    if path := environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        with open(path, encoding="utf-8") as file:
            token = file.read().strip()
    headers = {"Authorization": token} if token else {}
    return _lent(Web(environment, near=True).object("GET", url, headers))


def _from_metadata(environment: Mapping[str, str]) -> AwsKey | None:
    """The role of the machine (IMDSv2)."""
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    base = (environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _METADATA).rstrip("/")
    web = Web(environment, near=True)
    token = web.text("PUT", f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    shown = {"X-aws-ec2-metadata-token": token}
    roles = f"{base}/latest/meta-data/iam/security-credentials/"
    role = web.text("GET", roles, shown).split("\n")[0].strip()
    return _lent(web.object("GET", roles + quote(role), shown))


def _lent(answer: Mapping[str, Any]) -> AwsKey:
    return AwsKey(answer["AccessKeyId"], answer["SecretAccessKey"], answer.get("Token", ""))
