"""What a Secret says about a login at registries, for images and for charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
from lapstrake.json_text import from_json
from lapstrake.operations.fetch_inline import secret
from lapstrake.vendir import schema
from lapstrake.vendir.config import References

_DOCKER_CONFIG = ".dockerconfigjson"
_VARIABLES = {"username": "IMGPKG_USERNAME", "password": "IMGPKG_PASSWORD", "token": "IMGPKG_TOKEN"}
_VARIABLES_OF_HOST = {
    "hostname": "IMGPKG_REGISTRY_HOSTNAME",
    "username": "IMGPKG_REGISTRY_USERNAME",
    "password": "IMGPKG_REGISTRY_PASSWORD",
    "identity-token": "IMGPKG_REGISTRY_IDENTITY_TOKEN",
    "token": "IMGPKG_REGISTRY_REGISTRY_TOKEN",
}


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """``variables`` are imgpkg's, below those of the process. ``verify_certs`` false takes any certificate for good."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    verify_certs: bool = True


def login(source: Mapping[str, Any], references: References) -> RegistryLogin:
    """For the source ``image`` or ``imgpkgBundle``. Raises InputError for a Secret that is absent or no login."""
    ref = source.get("secretRef")
    variables: dict[str, str] = {}
    for index, found in enumerate(registry_secrets(references, ref)):
        names = _VARIABLES
        if "hostname" in found:
            names = {key: f"{name}_{index}" for key, name in _VARIABLES_OF_HOST.items()}
        refuse_unknown(found, ref, names)
        variables |= {names[key]: value.decode("utf-8", "replace") for key, value in found.items()}
    return RegistryLogin(variables, not source.get("dangerousSkipTLSVerify"))


def refuse_unknown(found: Mapping[str, bytes], ref: Mapping[str, Any] | None, known: Iterable[str]) -> None:
    if unknown := next((key for key in sorted(found) if key not in known), None):
        raise InputError(f"Unknown secret field '{unknown}' in secret '{(ref or {}).get('name')}'")


def registry_secrets(references: References, ref: Mapping[str, Any] | None) -> Sequence[Mapping[str, bytes]]:
    """The Secret itself, or, if it is a docker configuration, hostname, username and password of each of its registries."""
    if ref is None:
        return []
    found = secret(references, ref)
    if ref.get("name", "") not in references.docker_configs:
        return [found]
    auths = schema.decode(from_json(found.get(_DOCKER_CONFIG, b"")), schema.DOCKER_CONFIG).get("auths", {})
    return [_host(name, auths[name]) for name in sorted(auths)]


def _host(hostname: str, auth: Mapping[str, str]) -> Mapping[str, bytes]:
    username, password = auth.get("username", ""), auth.get("password", "")
    if not password and auth.get("auth"):
        username, password = _unpacked(auth["auth"])
    return {
        "hostname": hostname.encode(),
        "username": username.encode(),
        "password": password.encode(),
    }


def _unpacked(text: str) -> tuple[str, str]:
    try:
        decoded = schema.base64_decoded(text).decode("utf-8", "replace")
    except InputError as e:
        raise InputError(f"Decoding auth field: {e}") from e
    username, colon, password = decoded.partition(":")
    if not colon:
        raise InputError("Expected auth field to have 'username:password' format, but did not")
    return username, password
