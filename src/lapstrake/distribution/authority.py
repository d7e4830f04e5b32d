"""How a registry wants to be asked: its challenge, and the tokens that answer it.

Source: the distribution project's token authentication (bearer) and RFC 7617 (basic); which credentials go
with which challenge as imgpkg does it: a name and password are shown to a registry that asks for nothing, too.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from urllib3.exceptions import HTTPError

from lapstrake.distribution.challenges import Challenge, challenges, preferred
from lapstrake.distribution.credentials import Credentialed, Credentials
from lapstrake.distribution.failures import not_let_in, refusal, unanswered, without_credentials
from lapstrake.errors import InputError, RegistryError
from lapstrake.http.pools import HttpPools, small_body
from lapstrake.json_text import from_json, json_record
from lapstrake.oci.reference import Repository

_LARGEST_ANSWER = 1 << 20
_CREDENTIALS_LIVE = 300.0  # seconds; then configuration and keychains are asked again
_FOREVER = 1e9  # seconds; a token that lives longer is asked for again when it is refused
_MARGIN = 5.0  # seconds before its end at which a token is not used any more
_MOST_ADDED_SCOPES = 16


@dataclass(frozen=True, slots=True)
class _Pass:
    """Headers that let us in until ``end`` (on the clock)."""

    headers: Mapping[str, str]
    end: float


class _Scope:
    """What has been granted for one set of rights; its lock is held while a token is fetched."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.granted: _Pass | None = None
        self.added: tuple[str, ...] = ()


class Authority:
    """One registry host: its address and the headers that let us in. Serves all threads."""

    def __init__(
        self,
        pools: HttpPools,
        base: str,
        offered: list[Challenge],
        credentials: Credentialed,
        *,
        told_as: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``base`` is scheme and host; ``told_as`` goes before the texts of failures to get a token."""
        self.base = base
        self._pools = pools
        self._offered = offered
        self._credentials = credentials
        self._told_as = told_as
        self._clock = clock
        self._scopes: dict[tuple[tuple[Repository, ...], bool], _Scope] = {}
        self._lock = threading.Lock()

    def headers(self, repositories: tuple[Repository, ...], *, push: bool) -> Mapping[str, str]:
        """Headers for a request that reads all of ``repositories`` and, if ``push``, writes the first."""
        scope = self._scope(repositories, push)
        granted = scope.granted
        if granted and self._clock() < granted.end:
            return granted.headers
        with scope.lock:
            if scope.granted is None or scope.granted is granted:
                scope.granted = self._grant(repositories, push, scope.added)
            return scope.granted.headers

    def renewed(
        self, repositories: tuple[Repository, ...], *, push: bool, refused: Mapping[str, str], challenge: str
    ) -> Mapping[str, str] | None:
        """Other headers after a 401 with ``challenge``; None if there is nothing else to show than ``refused``."""
        now = challenges(challenge)
        asked = next((each for each in now if each.scheme == "bearer"), None)
        if asked is None:
            return None
        if not any(each.scheme in ("bearer", "basic") for each in self._offered):
            self._offered = now  # asked for nothing at first
        scope = self._scope(repositories, push)
        with scope.lock:
            if scope.granted and scope.granted.headers is refused:
                more = asked.parameters.get("scope", "")
                if more and more not in (*scope.added, *_scopes(repositories, push)):
                    scope.added = (*scope.added, more)[-_MOST_ADDED_SCOPES:]
                scope.granted = self._grant(repositories, push, scope.added)
            return scope.granted.headers if scope.granted else None

    def _scope(self, repositories: tuple[Repository, ...], push: bool) -> _Scope:
        key = (repositories, push)
        scope = self._scopes.get(key)
        if scope is None:
            with self._lock:
                scope = self._scopes.setdefault(key, _Scope())
        return scope

    def _grant(self, repositories: tuple[Repository, ...], push: bool, added: Sequence[str]) -> _Pass:
        credentials = self._credentials.of(repositories[0])
        challenge = preferred(self._offered, named=bool(credentials.username))
        asked_again = self._clock() + _CREDENTIALS_LIVE
        if credentials.registry_token:
            return _Pass({"Authorization": f"Bearer {credentials.registry_token}"}, asked_again)
        if challenge.scheme != "bearer":
            return _Pass(_basic(credentials), asked_again)
        try:
            token, seconds = self._token(challenge, credentials, (*added, *_scopes(repositories, push)))
        except RegistryError as error:
            raise not_let_in(self._told_as, error) from error
        end = self._clock() + max(seconds - _MARGIN, seconds / 2) if seconds > 0 else float("inf")
        return _Pass({"Authorization": f"Bearer {token}"}, end)

    def _token(
        self, challenge: Challenge, credentials: Credentials, scopes: Sequence[str]
    ) -> tuple[str, float]:
        """A token and the seconds it lives (0: unknown)."""
        realm = challenge.parameters.get("realm", "")
        if not realm:
            shown = " ".join(f"{name}:{value}" for name, value in sorted(challenge.parameters.items()))
            raise RegistryError(f"malformed www-authenticate, missing realm: map[{shown}]")
        if not realm.startswith(("https://", "http://")):
            raise RegistryError(f'Get "{realm}": unsupported protocol scheme "{realm.partition(":")[0]}"')
        service = challenge.parameters.get("service", "")
        if credentials.identity_token:
            try:
                return self._exchanged(realm, service, credentials.identity_token, scopes)
            except RegistryError as error:
                if error.status != 404:  # an old server that knows no exchange
                    raise
        query = urlencode([*(("scope", scope) for scope in scopes), ("service", service)])
        url = realm + ("&" if "?" in realm else "?") + query
        return self._asked_for_token("GET", url, _basic(credentials), None)

    def _exchanged(
        self, realm: str, service: str, identity_token: str, scopes: Sequence[str]
    ) -> tuple[str, float]:
        form = {
            "client_id": "lapstrake",
            "grant_type": "refresh_token",
            "refresh_token": identity_token,
            "scope": " ".join(scopes),
            "service": service,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._asked_for_token("POST", realm, headers, urlencode(form).encode())

    def _asked_for_token(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[str, float]:
        try:
            response = self._pools.request(method, url, headers=headers, body=body, redirects=3)
            data = small_body(response, _LARGEST_ANSWER)
            response.release_conn()
        except HTTPError as error:
            raise unanswered(method, url, error) from error
        if response.status != 200:
            said = without_credentials(data, headers)
            raise refusal(method, url, response.status, said, response.headers.get("Retry-After", ""))
        try:
            answer = json_record(from_json(data), "value of type transport.tokenResponse")
        except InputError as error:
            raise RegistryError(str(error)) from error
        token = answer.get("access_token") or answer.get("token")
        if not isinstance(token, str):
            raise RegistryError("no token in bearer response")
        lives = answer.get("expires_in")
        # A number that is too large for a float means nothing, as a text would.
        return token, float(lives) if isinstance(lives, int | float) and abs(lives) < _FOREVER else 0.0


def _scopes(repositories: tuple[Repository, ...], push: bool) -> list[str]:
    first, *others = (f"repository:{repository.path}:" for repository in repositories)
    return [first + ("push,pull" if push else "pull"), *(scope + "pull" for scope in others)]


def _basic(credentials: Credentials) -> dict[str, str]:
    if not credentials.username or not credentials.password:
        return {}
    text = f"{credentials.username}:{credentials.password}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode(errors="surrogateescape")).decode()}
