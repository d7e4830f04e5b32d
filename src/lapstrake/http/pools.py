"""Connections to registries: kept alive, through proxies where the environment names some, with extra certificates."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import InsecureRequestWarning, InvalidHeader, LocationParseError, ReadTimeoutError

from lapstrake.errors import InputError
from lapstrake.http.heads import POOLS
from lapstrake.http.proxies import Proxies
from lapstrake.messages import unread

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl

_CONNECTIONS = 64  # kept for each host; more threads than that do not talk at once
SMALL_BODY_SECONDS = 60.0  # for what is small and read at once, the answer to a ping say
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

Send = Callable[..., urllib3.BaseHTTPResponse]


class HttpPools:
    """Chooses the connections for each request: direct ones, or those of the proxy for its scheme."""

    def __init__(
        self,
        *,
        ca_cert_paths: Sequence[str],
        verify_certs: bool,
        timeout: urllib3.Timeout,
        environment: Mapping[str, str],
    ) -> None:
        """Raises InputError for a certificate file that is missing or holds none."""
        self._pems = [_pem(path) for path in ca_cert_paths]
        self._verify = verify_certs
        self._settings: dict[str, Any] = {"maxsize": _CONNECTIONS, "timeout": timeout}
        self._proxies = Proxies(environment)
        self._managers: dict[tuple[str, str], urllib3.PoolManager] = {}
        self._senders: dict[str, tuple[Send, bool]] = {}
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def proxy_of(self, url: str) -> str:
        """The address of the proxy for ``url``, "" for none. Raises InputError for one we cannot use."""
        return self._proxies.proxy_of(url)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        redirects: int = 0,
    ) -> urllib3.BaseHTTPResponse:
        """One request; its body has not been read yet. Raises urllib3's HTTPError.

        ``redirects`` are followed at most, without ``headers`` on the way to another host.
        """
        while True:
            response = self._send(method, url, _sendable(headers or {}), body)
            location = response.headers.get("Location")
            if not redirects or response.status not in _REDIRECTS or not location or method == "POST":
                return response
            response.drain_conn()
            redirects -= 1
            following = _joined(url, location)
            if not following.startswith(("https://", "http://")):
                return response
            if urlsplit(url)[:2] != urlsplit(following)[:2]:
                headers = None
            url = following

    def clear(self) -> None:
        with self._lock:
            for manager in self._managers.values():
                manager.clear()
            self._senders.clear()

    def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | Iterable[bytes] | None
    ) -> urllib3.BaseHTTPResponse:
        slash = url.find("/", 8)
        base, target = (url[:slash], url[slash:]) if slash > 0 else (url, "/")
        send, whole = self._senders.get(base) or self._sender(base)
        return send(
            method,
            url if whole else target,
            body=body,
            headers=headers,
            preload_content=False,
            retries=False,
            redirect=False,
        )

    def _sender(self, base: str) -> tuple[Send, bool]:
        """What sends to ``base``, and whether it wants whole addresses."""
        scheme = base.partition(":")[0]
        try:
            proxy = self._proxies.proxy_of(base)
        except ValueError as error:  # a port that is none, say
            raise LocationParseError(base) from error
        with self._lock:
            manager = self._managers.get((scheme, proxy)) or self._manager(scheme, proxy)
            self._managers[scheme, proxy] = manager
            if proxy:
                sender: tuple[Send, bool] = manager.urlopen, True
            else:
                pool: HTTPConnectionPool = manager.connection_from_url(base)
                sender = pool.urlopen, False
            self._senders[base] = sender
        return sender

    def _manager(self, scheme: str, proxy: str) -> urllib3.PoolManager:
        settings = self._settings
        if scheme == "https" or proxy.startswith("https:"):
            settings = {**settings, "ssl_context": self._tls_context()}
        manager = _through(proxy, settings) if proxy else urllib3.PoolManager(**settings)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def _tls_context(self) -> ssl.SSLContext:
        """One for all connections, made when the first needs it: reading the system's certificates takes a while."""
        import ssl

        if self._context is None:
            context = ssl.create_default_context()
            for pem in self._pems:
                context.load_verify_locations(cadata=pem)
            if not self._verify:
                urllib3.disable_warnings(InsecureRequestWarning)  # it was asked for
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._context = context
        return self._context


def _through(proxy: str, settings: Mapping[str, Any]) -> urllib3.ProxyManager:
    """The connections of a proxy, whose address may hold a name and a password."""
    parts = urlsplit(proxy)
    shown = None
    if parts.username is not None:
        name = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        shown = urllib3.make_headers(proxy_basic_auth=name)
        proxy = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib3.ProxyManager(
        proxy, proxy_headers=shown, proxy_ssl_context=settings.get("ssl_context"), **settings
    )


def small_body(response: urllib3.BaseHTTPResponse, limit: int, seconds: float | None = None) -> bytes:
    """A body, or its first ``limit`` bytes. Raises urllib3's ReadTimeoutError if it trickles on for longer than ``seconds``."""
    data = bytearray()
    end = time.monotonic() + (SMALL_BODY_SECONDS if seconds is None else seconds)
    while len(data) < limit and (piece := response.read1(limit - len(data))):
        data += piece
        if time.monotonic() > end:
            response.close()
            raise ReadTimeoutError(None, None, "the body takes too long")  # type: ignore[arg-type]  # no pool is read from it
    return bytes(data)


def _sendable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """UTF-8 in the form that urllib3 takes bytes in. Raises InvalidHeader, without the value: it may be a secret."""
    for name, value in headers.items():
        if _CONTROL.search(value):
            raise InvalidHeader(f'net/http: invalid header field value for "{name}"')
    return {
        name: value if value.isascii() else value.encode(errors="surrogateescape").decode("latin-1")
        for name, value in headers.items()
    }


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise LocationParseError(location) from error


def _pem(path: str) -> str:
    """The text of a file with certificates."""
    import ssl

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            pem = file.read()
    except OSError as error:
        raise InputError(
            f"Creating registry HTTP transport: Reading CA certificates from '{path}': {unread(path, error)}"
        ) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise InputError(
            f"Creating registry HTTP transport: Adding CA certificates from '{path}': failed"
        ) from error
    return pem
