"""One request to one registry: its address, credentials, redirects, and what became of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.distribution.authority import Authority
from lapstrake.distribution.credentials import Credentialed
from lapstrake.distribution.failures import (
    TemporaryError,
    broken_off,
    refusal,
    unanswered,
    without_credentials,
)
from lapstrake.distribution.options import RegistryOptions
from lapstrake.distribution.pings import find_registry
from lapstrake.errors import RegistryError
from lapstrake.http.pools import HttpPools, small_body
from lapstrake.http.redaction import redacted
from lapstrake.oci.reference import Repository

Body = bytes | Callable[[], Iterable[bytes]]  # the function is called once for each time the request is sent

_LARGEST_LEFTOVER = 64 << 10
_PIECE = 1 << 20
_MOST_REDIRECTS = 10
_LEAST_PROGRESS = 1024  # bytes in the time for an answer; what is slower is as good as stalled
_PATIENCE = 30.0  # seconds, if the time for an answer is not bounded
_SENT_AT_ONCE = 256 << 10  # bytes; each piece may take as long as a connection may
_UNPREPARED = "Error while preparing a transport to talk with the registry: Unable to create round tripper: "
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTED = ("GET", "HEAD")
_OWN_HEADERS = {"imgpkg-session-id": os.urandom(16).hex(), "User-Agent": "lapstrake"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A registry's good answer. Its body must be read to the end, or the answer closed."""

    method: str
    url: str
    response: urllib3.BaseHTTPResponse
    patience: float  # seconds of waiting for a kilobyte

    @property
    def status(self) -> int:
        return self.response.status

    def header(self, name: str) -> str:
        return self.response.headers.get(name, "")

    @property
    def location(self) -> str:
        """Where the registry says to go on; the address of the request if it says nothing."""
        location = self.header("Location")
        try:
            return urljoin(self.url, location)
        except ValueError as error:
            raise RegistryError(
                f'{self.method.capitalize()} "{redacted(location)}": invalid address'
            ) from error

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives. Raises TemporaryError if it breaks off or hardly comes on."""
        clock = time.monotonic
        progress, waited = 0, 0.0
        try:
            while True:
                begun = clock()
                piece = self.response.read1(_PIECE, decode_content=False)
                if not piece:
                    return
                waited += clock() - begun
                progress += len(piece)
                if progress >= _LEAST_PROGRESS:
                    progress, waited = 0, 0.0
                elif waited > self.patience:
                    raise TemporaryError("net/http: timeout awaiting the rest of a response")
                yield piece
        except HTTPError as error:
            raise broken_off(error) from error

    def whole(self, limit: int) -> bytes:
        """The body, which may have ``limit`` bytes."""
        data = bytearray()
        try:
            for piece in self.pieces():
                data += piece
                if len(data) > limit:
                    raise RegistryError(
                        f"{self.method} {redacted(self.url)}: Expected an answer of at most {limit} bytes"
                    )
        finally:
            self.close()
        return bytes(data)

    def close(self) -> None:
        """Give the connection back if nothing is left on it, else end it."""
        if self.response.length_remaining == 0:
            self.response.drain_conn()
        else:
            self.response.close()

    def drain(self) -> bytes:
        """Read a small rest, so that the connection can be used again."""
        try:
            return small_body(self.response, _LARGEST_LEFTOVER, self.patience)
        except HTTPError:
            return b""
        finally:
            self.close()


class Transport:
    """Sends requests to any number of registries; each is asked once how it wants to be spoken to.

    Nothing is tried again here: whoever sends knows what may be repeated.
    """

    def __init__(self, options: RegistryOptions) -> None:
        """Raises InputError for certificate files and keychains that cannot be used."""
        self._options = options
        self._credentials = Credentialed(options.credentials, options.environment, options.env_prefix)
        self._pools = HttpPools(
            ca_cert_paths=options.ca_cert_paths,
            verify_certs=options.verify_certs,
            timeout=urllib3.Timeout(connect=30.0, read=options.response_timeout or None),
            environment=options.environment,
        )
        self._patience = options.response_timeout or _PATIENCE
        self._authorities: dict[str, Authority] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._told_as = _UNPREPARED if options.env_prefix == "IMGPKG" else ""

    def close(self) -> None:
        self._pools.clear()

    def send(
        self,
        method: str,
        repository: Repository,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        push: bool = False,
        also: tuple[Repository, ...] = (),
        good: tuple[int, ...] = (200,),
    ) -> Answer:
        """Send one request below the repository (or to an absolute ``path``), once.

        ``push`` asks for the right to write, ``also`` for the right to read those repositories too.
        Raises RegistryError for an answer whose status is none of ``good``; TemporaryError if another try may help.
        """
        authority = self._authority(repository)
        url = path if "://" in path else f"{authority.base}/v2/{repository.path}/{path}"
        own = {**_OWN_HEADERS, **(headers or {})}
        if isinstance(body, bytes):
            own["Content-Length"] = str(len(body))
        repositories = (repository, *also)
        shown = authority.headers(repositories, push=push)
        answer = self._follow(authority.base, method, url, own, shown, body)
        if answer.status == 401:
            challenge = answer.header("WWW-Authenticate")
            others = authority.renewed(repositories, push=push, refused=shown, challenge=challenge)
            if others is not None:
                answer.drain()
                shown = others
                answer = self._follow(authority.base, method, url, own, shown, body)
        if answer.status in good:
            return answer
        said = without_credentials(answer.drain(), shown)
        raise refusal(method, url, answer.status, said, answer.header("Retry-After"))

    def _follow(
        self,
        base: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        credentials: Mapping[str, str],
        body: Body | None,
    ) -> Answer:
        """The answer where the redirects end; credentials are shown to the registry itself only."""
        for _ in range(_MOST_REDIRECTS):
            shown = {**headers, **credentials} if _is_below(base, url) else headers
            answer = Answer(method, url, self._once(method, url, shown, body), self._patience)
            if answer.status not in _REDIRECTS or method not in _REDIRECTED or not answer.header("Location"):
                return answer
            answer.drain()
            url = answer.location
            scheme = url.partition(":")[0]
            if scheme not in ("https", "http"):
                raise RegistryError(f'Get "{redacted(url)}": unsupported protocol scheme "{scheme}"')
        raise RegistryError(f'Get "{redacted(url)}": stopped after {_MOST_REDIRECTS} redirects')

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> urllib3.BaseHTTPResponse:
        outgoing: bytes | _Outgoing | None
        if callable(body) or (body and len(body) > _SENT_AT_ONCE):
            outgoing = _Outgoing(body)
        else:
            outgoing = body
        try:
            return self._pools.request(method, url, headers=headers, body=outgoing)
        except HTTPError as error:
            if isinstance(outgoing, _Outgoing) and outgoing.failure:
                raise outgoing.failure from error
            raise unanswered(method, url, error) from error

    def _authority(self, repository: Repository) -> Authority:
        host = repository.registry
        known = self._authorities.get(host)
        if known is None:
            with self._lock:
                asking = self._asking.setdefault(host, threading.Lock())
            with asking:
                known = self._authorities.get(host) or self._asked(repository)
                self._authorities[host] = known
        return known

    def _asked(self, repository: Repository) -> Authority:
        self._credentials.of(repository)  # what is wrong with them is told before anybody is asked
        plain_too = self._options.insecure or repository.is_local
        base, offered = find_registry(
            self._pools, repository.registry, plain_too=plain_too, told_as=self._told_as
        )
        return Authority(self._pools, base, offered, self._credentials, told_as=self._told_as)


class _Outgoing:
    """A body on its way in pieces; remembers if it was its source that failed, not the connection."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._body() if callable(self._body) else (self._body,):
                if len(piece) <= _SENT_AT_ONCE:
                    yield piece
                    continue
                view = memoryview(piece)
                for at in range(0, len(view), _SENT_AT_ONCE):
                    yield view[at : at + _SENT_AT_ONCE]  # type: ignore[misc]  # sockets take any buffer
        except Exception as error:
            self.failure = error
            raise


def _is_below(base: str, url: str) -> bool:
    return url.startswith(base) and urlsplit(url)[:2] == urlsplit(base)[:2]
