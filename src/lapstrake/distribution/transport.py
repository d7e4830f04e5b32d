"""One request to one registry: its address, credentials, redirects, and what became of it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.distribution.authority import Authority, ping, transport_error
from lapstrake.distribution.credentials import Credentialed
from lapstrake.distribution.failures import refusal, unanswered
from lapstrake.distribution.options import RegistryOptions
from lapstrake.distribution.pools import HttpPools
from lapstrake.distribution.retries import Retries
from lapstrake.errors import RegistryError
from lapstrake.oci.reference import Repository

Body = bytes | Callable[[], Iterable[bytes]]  # the function is called once for each time the request is sent

_LARGEST_REFUSAL = 64 << 10
_LARGEST_LEFTOVER = 64 << 10
_PIECE = 1 << 20
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OWN_HEADERS = {"imgpkg-session-id": uuid.uuid4().hex, "User-Agent": "lapstrake"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A registry's good answer. Its body must be read to the end, or the answer closed."""

    method: str
    url: str
    response: urllib3.BaseHTTPResponse

    @property
    def status(self) -> int:
        return self.response.status

    def header(self, name: str) -> str:
        return self.response.headers.get(name, "")

    @property
    def location(self) -> str:
        """Where the registry says to go on; the address of the request if it says nothing."""
        return urljoin(self.url, self.header("Location"))

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives. Raises RegistryError (TemporaryError if it broke off)."""
        try:
            while piece := self.response.read1(_PIECE, decode_content=False):
                yield piece
        except HTTPError as error:
            raise unanswered(self.method, self.url, error) from error

    def whole(self, limit: int) -> bytes:
        """The body, which may have ``limit`` bytes."""
        data = bytearray()
        try:
            for piece in self.pieces():
                data += piece
                if len(data) > limit:
                    raise RegistryError(
                        f"{self.method} {self.url}: Expected an answer of at most {limit} bytes"
                    )
        finally:
            self.close()
        return bytes(data)

    def close(self) -> None:
        """Give the connection back if nothing is left on it, else end it."""
        if self.response.length_remaining == 0:
            self.response.release_conn()
        else:
            self.response.close()

    def drain(self) -> None:
        """Read a small rest, so that the connection can be used again."""
        try:
            self.response.read(_LARGEST_LEFTOVER)
        except HTTPError:
            self.response.close()
            return
        self.close()


class Transport:
    """Sends requests to any number of registries; each is asked once how it wants to be spoken to."""

    def __init__(self, options: RegistryOptions, retries: Retries) -> None:
        """Raises InputError for certificate files and keychains that cannot be used."""
        self._options = options
        self._credentials = Credentialed(options.credentials, options.environment, options.env_prefix)
        self._pools = HttpPools(
            ca_cert_paths=options.ca_cert_paths,
            verify_certs=options.verify_certs,
            timeout=urllib3.Timeout(connect=30.0, read=options.response_timeout or None),
            environment=options.environment,
        )
        self._retries = retries
        self._authorities: dict[str, Authority] = {}
        self._lock = threading.Lock()

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
    ) -> Answer:
        """Send one request below the repository (or to an absolute ``path``), once.

        ``push`` asks for the right to write, ``also`` for the right to read those repositories too.
        Raises RegistryError for an answer of 300 and above; TemporaryError if another try may help.
        """
        authority = self._authority(repository)
        url = path if "://" in path else f"{authority.base}/v2/{repository.path}/{path}"
        own = _OWN_HEADERS if headers is None else {**_OWN_HEADERS, **headers}
        for renew in (False, True):
            credentials = authority.headers((repository, *also), push=push, renew=renew)
            answer = self._follow(authority.base, method, url, own, credentials, body)
            if answer.status != 401 or renew or not authority.renewable:
                break
            answer.drain()
        if answer.status < 300:
            return answer
        failure = answer.response.read(_LARGEST_REFUSAL) if method != "HEAD" else b""
        answer.close()
        raise refusal(method, url, answer.status, failure, answer.header("Retry-After"))

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
        first = url
        for _ in range(_MOST_REDIRECTS + 1):
            shown = {**headers, **credentials} if _is_below(base, url) else headers
            answer = Answer(method, url, self._once(method, url, shown, body))
            if (
                answer.status not in _REDIRECTS
                or method not in ("GET", "HEAD")
                or not answer.header("Location")
            ):
                return answer
            answer.drain()
            url = answer.location
            if not url.startswith(("https://", "http://")):
                raise RegistryError(f"{method} {first}: Expected a redirect to an address with http or https")
        raise RegistryError(f"{method} {first}: stopped after {_MOST_REDIRECTS} redirects")

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: Body | None
    ) -> urllib3.BaseHTTPResponse:
        outgoing = _Outgoing(body) if callable(body) else body
        try:
            return self._pools.request(
                method,
                url,
                headers=headers,
                body=outgoing,
                preload_content=False,
                retries=False,
                redirect=False,
            )
        except HTTPError as error:
            if isinstance(outgoing, _Outgoing) and outgoing.failure:
                raise outgoing.failure from error
            raise unanswered(method, url, error) from error

    def _authority(self, repository: Repository) -> Authority:
        with self._lock:
            known = self._authorities.get(repository.registry)
            if known is None:
                known = self._retries.run(lambda: self._ping(repository))
                self._authorities[repository.registry] = known
            return known

    def _ping(self, repository: Repository) -> Authority:
        schemes = ["http", "https"] if self._options.insecure or repository.is_local else ["https"]
        failures: list[RegistryError] = []
        for scheme in schemes:
            try:
                return ping(self._pools, f"{scheme}://{repository.registry}", self._credentials)
            except RegistryError as error:
                failures.insert(0, error)
        raise transport_error(failures, told_apart=self._options.env_prefix == "IMGPKG")


class _Outgoing:
    """A body on its way; remembers if it was its source that failed, not the connection."""

    def __init__(self, pieces: Callable[[], Iterable[bytes]]) -> None:
        self._pieces = pieces
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces()
        except Exception as error:
            self.failure = error
            raise


def _is_below(base: str, url: str) -> bool:
    return url.startswith(base) and urlsplit(url)[:2] == urlsplit(base)[:2]
