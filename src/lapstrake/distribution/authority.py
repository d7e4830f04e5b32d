"""How a registry wants to be asked: its challenge, and the tokens that answer it.

Source: the distribution project's token authentication (bearer) and RFC 7617 (basic).
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.distribution.credentials import Credentialed, Credentials
from lapstrake.distribution.failures import TemporaryError, refusal, unanswered
from lapstrake.distribution.pools import HttpPools
from lapstrake.errors import InputError, RegistryError
from lapstrake.oci.manifest import json_mapping
from lapstrake.oci.reference import Repository

_LARGEST_ANSWER = 1 << 20
_NO_RETRIES = urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=3)
_PARAMETER = re.compile(r'([a-zA-Z_]+)="?([^",]*)"?')


def ping(pool: HttpPools, base: str, credentials: Credentialed) -> Authority:
    """Ask ``base`` (scheme and host) for its challenge. Raises RegistryError if no registry answers there."""
    url = f"{base}/v2/"
    try:
        response = pool.request("GET", url, retries=_NO_RETRIES, preload_content=False)
        body = response.read(_LARGEST_ANSWER)
        response.release_conn()
    except HTTPError as error:
        raise unanswered("GET", url, error) from error
    if response.status not in (200, 401, 404):
        raise refusal("GET", url, response.status, body)
    challenge = response.headers.get("WWW-Authenticate", "") if response.status == 401 else ""
    kind, _, parameters = challenge.partition(" ")
    return Authority(pool, base, kind.lower(), dict(_PARAMETER.findall(parameters)), credentials)


def transport_error(failures: Sequence[RegistryError], *, told_apart: bool) -> RegistryError:
    """One error for the ways that were tried; ``told_apart``: with imgpkg's words in front."""
    before = (
        "Error while preparing a transport to talk with the registry: Unable to create round tripper: "
        if told_apart
        else ""
    )
    text = before + "; ".join(str(failure) for failure in failures)
    if any(isinstance(failure, TemporaryError) for failure in failures):
        return TemporaryError(text)
    return RegistryError(text, status=failures[0].status)


class Authority:
    """One registry host: its address and the headers that let us in."""

    def __init__(
        self,
        pool: HttpPools,
        base: str,
        kind: str,
        parameters: Mapping[str, str],
        credentials: Credentialed,
    ) -> None:
        self.base = base
        self._pool = pool
        self._kind = kind
        self._parameters = parameters
        self._credentials = credentials
        self._tokens: dict[tuple[str, ...], str] = {}
        self._lock = threading.Lock()

    @property
    def renewable(self) -> bool:
        return self._kind == "bearer"

    def headers(self, repositories: Sequence[Repository], *, push: bool, renew: bool) -> dict[str, str]:
        """Headers for a request that reads all of ``repositories`` and, if ``push``, writes the first."""
        credentials = self._credentials.of(repositories[0])
        if not self._kind:
            return {}
        if credentials.registry_token:
            return {"Authorization": f"Bearer {credentials.registry_token}"}
        if self._kind == "basic":
            return {"Authorization": _basic(credentials)} if credentials.username else {}
        if self._kind != "bearer":
            raise RegistryError(f"unrecognized challenge: {self._kind}")
        first, *others = (f"repository:{repository.path}:" for repository in repositories)
        scopes = (first + ("push,pull" if push else "pull"), *(scope + "pull" for scope in others))
        with self._lock:
            if renew or scopes not in self._tokens:
                self._tokens[scopes] = self._token(credentials, scopes)
            return {"Authorization": f"Bearer {self._tokens[scopes]}"}

    def _token(self, credentials: Credentials, scopes: Sequence[str]) -> str:
        realm = self._parameters.get("realm", "")
        if not realm.startswith(("https://", "http://")):
            raise RegistryError("malformed www-authenticate, missing realm")
        service = self._parameters.get("service", "")
        if credentials.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credentials.identity_token,
                "service": service,
                "client_id": "lapstrake",
                "scope": " ".join(scopes),
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._asked_for_token("POST", realm, headers, urlencode(form).encode())
        query = urlencode([*(("scope", scope) for scope in scopes), ("service", service)])
        headers = {"Authorization": _basic(credentials)} if credentials.username else {}
        return self._asked_for_token("GET", realm + ("&" if "?" in realm else "?") + query, headers, None)

    def _asked_for_token(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> str:
        try:
            response = self._pool.request(
                method, url, headers=headers, body=body, retries=_NO_RETRIES, preload_content=False
            )
            data = response.read(_LARGEST_ANSWER)
            response.release_conn()
        except HTTPError as error:
            raise unanswered(method, url, error) from error
        if response.status != 200:
            raise refusal(method, url, response.status, data)
        try:
            answer = json_mapping(data, "token")
        except InputError as error:
            raise RegistryError(str(error)) from error
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str):
            raise RegistryError("no token in bearer response")
        return token


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
