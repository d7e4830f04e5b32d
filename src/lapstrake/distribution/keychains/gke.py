"""Google's registries: a service account's key, a user's login, or the metadata server of the machine.

Source: Google's public documentation of application default credentials and of the metadata server.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from lapstrake.distribution.keychains.web import Web

_HOST = re.compile(r"(?:.+\.)?gcr\.io|.+\.pkg\.dev|.+\.google\.com")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TOKENS = "https://oauth2.googleapis.com/token"
_METADATA = "metadata.google.internal"
_SECONDS = 3600  # the longest a signed claim may be good for


def login(host: str, environment: Mapping[str, str], *, tokens: str = _TOKENS) -> tuple[str, str] | None:
    """Name and password for ``host``, None for a registry that is not Google's. ``tokens``: where users' are given."""
    if not _HOST.fullmatch(host):
        return None
    key = _key_file(environment)
    answer = _from_metadata(environment) if key is None else _from_key(key, environment, tokens)
    return "_token", str(answer["access_token"])


def _key_file(environment: Mapping[str, str]) -> Mapping[str, Any] | None:
    path = environment.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not path:
        folder = environment.get("CLOUDSDK_CONFIG") or os.path.join(
            environment.get("HOME", ""), ".config", "gcloud"
        )
        path = os.path.join(folder, "application_default_credentials.json")
        if not os.path.exists(path):
            return None
    with open(path, "rb") as file:
        key = json.load(file)
    return key if isinstance(key, dict) else None


def _from_key(key: Mapping[str, Any], environment: Mapping[str, str], tokens: str) -> Mapping[str, Any]:
    web = Web(environment)
    if key["type"] == "authorized_user":
        return web.form(
            tokens,
            client_id=key["client_id"],
            client_secret=key["client_secret"],
            grant_type="refresh_token",
            refresh_token=key["refresh_token"],
        )
    if key["type"] != "service_account":
        raise ValueError("a kind of key that cannot be used")
    return web.form(
        str(key.get("token_uri") or tokens),
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion=_claim(key, str(key.get("token_uri") or tokens)),
    )


def _claim(key: Mapping[str, Any], audience: str) -> str:
    """That we are the account, signed with its key (RFC 7523)."""
    import jwt

    now = int(time.time())
    claims = {
        "iss": key["client_email"],
        "scope": _SCOPE,
        "aud": audience,
        "iat": now,
        "exp": now + _SECONDS,
    }
    headers = {"kid": key["private_key_id"]} if key.get("private_key_id") else None
    return jwt.encode(claims, key["private_key"], algorithm="RS256", headers=headers)


def _from_metadata(environment: Mapping[str, str]) -> Mapping[str, Any]:
    host = environment.get("GCE_METADATA_HOST") or _METADATA
    url = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
    return Web(environment, near=True).object("GET", url, {"Metadata-Flavor": "Google"})
