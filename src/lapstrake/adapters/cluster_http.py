"""HTTP to a Kubernetes API server: one pool of connections, credentials, Status objects turned into errors."""

from __future__ import annotations

import base64
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from lapstrake import __version__
from lapstrake.adapters.kubeconfig import ClusterAccess
from lapstrake.errors import ClusterError, ConflictError, NotFoundError
from lapstrake.http.failures import cause

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 90.0  # longer than the server's own limit of one minute
# Ten workers for Apps and ten for repositories, each with a kapp that asks with eight threads.
_POOL_SIZE = 160

Query = Mapping[str, str]


class ClusterHttp:
    """Requests to one server as one user. Safe to use from several threads."""

    def __init__(self, access: ClusterAccess, *, user_agent: str = f"lapstrake/{__version__}") -> None:
        self.server = access.server
        self._access = access
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._anonymous: urllib3.PoolManager | None = None
        self._pool = _pool(access, with_certificate=True)
        self._authorization: Callable[[], str] | None = _authorization(access)

    def as_bearer(self, token: str) -> ClusterHttp:
        """The same server seen as the owner of ``token``; connections are shared unless they carry a certificate."""
        with self._lock:
            if self._access.client_certificate and self._anonymous is None:
                self._anonymous = _pool(self._access, with_certificate=False)
        other = object.__new__(ClusterHttp)
        other.server, other._access, other._user_agent = self.server, self._access, self._user_agent
        other._lock, other._anonymous = self._lock, self._anonymous
        other._pool = self._anonymous or self._pool
        other._authorization = lambda: f"Bearer {token}"
        return other

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """The decoded JSON answer. Raises ClusterError, NotFoundError or ConflictError."""
        _, answer = self.negotiate(
            method, path, query=query, body=body, content_type=content_type, accept=accept
        )
        return answer

    def negotiate(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[str, Any]:
        """As ``request``, with the media type of the answer in front."""
        response = self._send(
            method, path, query=query, body=body, content_type=content_type, accept=accept, stream=False
        )
        data = response.data
        try:
            answer = json.loads(data) if data else None
        except (ValueError, RecursionError) as err:
            raise ClusterError(f"{path}: the server's answer is not JSON", status=response.status) from err
        return str(response.headers.get("Content-Type", "")), answer

    def text(self, path: str, *, query: Query | None = None) -> str:
        """The answer as text (logs of a container)."""
        response = self._send(
            "GET", path, query=query, body=None, content_type="", accept="*/*", stream=False
        )
        return response.data.decode("utf-8", "replace")

    def stream(
        self, path: str, *, query: Query | None = None, silence: float | None = None
    ) -> urllib3.BaseHTTPResponse:
        """An open response to read from; ``silence`` is the number of seconds without a byte that ends it."""
        return self._send(
            "GET",
            path,
            query=query,
            body=None,
            content_type="",
            accept="application/json",
            stream=True,
            wait=silence,
        )

    def close(self) -> None:
        for pool in (self._pool, self._anonymous):
            if pool is not None:
                _hang_up(pool)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None,
        body: object,
        content_type: str,
        accept: str,
        stream: bool,
        wait: float | None = _ANSWER_SECONDS,
    ) -> urllib3.BaseHTTPResponse:
        url = self.server + path + _query_text(query)
        headers = {"Accept": accept, "User-Agent": self._user_agent}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization()
        payload: bytes | None = None
        if body is not None:
            payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            headers["Content-Type"] = content_type
        response = self._open(method, url, headers, payload, urllib3.Timeout(_CONNECT_SECONDS, wait), stream)
        if response.status >= 300:
            try:
                data = response.data
            finally:
                response.release_conn()
            raise error_of(response.status, data)
        return response

    def _open(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        payload: bytes | None,
        timeout: urllib3.Timeout,
        stream: bool,
    ) -> urllib3.BaseHTTPResponse:
        for attempt in (1, 2):
            try:
                return self._pool.request(
                    method,
                    url,
                    headers=headers,
                    body=payload,
                    timeout=timeout,
                    preload_content=not stream,
                    retries=False,
                    redirect=False,
                )
            except ProtocolError as err:
                # A kept-alive connection that the server has closed meanwhile: no byte of an answer came.
                if attempt == 2:
                    raise _unreachable(method, url, err) from err
            except (HTTPError, OSError) as err:
                raise _unreachable(method, url, err) from err
        raise AssertionError("unreachable")


def error_of(status: int, data: bytes) -> ClusterError:
    """The error that an answer with an error status stands for; the message is that of the Status object."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or body.get("kind") != "Status":
        body = {
            "message": data[:300].decode("utf-8", "replace").strip()
            or f"the server answered with status {status}"
        }
    kind: type[ClusterError] = {404: NotFoundError, 409: ConflictError}.get(status, ClusterError)
    message = body.get("message") or body.get("reason") or f"the server answered with status {status}"
    return kind(message, status=status, reason=body.get("reason") or "", details=body.get("details"))


def _unreachable(method: str, url: str, err: Exception) -> ClusterError:
    return ClusterError(f'{method.capitalize()} "{url}": {cause(url, err)}', reason="Unreachable")


def _query_text(query: Query | None) -> str:
    pairs = sorted((query or {}).items())
    return "?" + "&".join(f"{quote_plus(key)}={quote_plus(value)}" for key, value in pairs) if pairs else ""


def _authorization(access: ClusterAccess) -> Callable[[], str] | None:
    token = access.token
    if token is not None:
        return lambda: f"Bearer {token()}"
    if access.username:
        pair = base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
        return lambda: f"Basic {pair}"
    return None


def _pool(access: ClusterAccess, *, with_certificate: bool) -> urllib3.PoolManager:
    options: dict[str, Any] = {"num_pools": 4, "maxsize": _POOL_SIZE, "block": False}
    if access.server.startswith("https:"):
        options["ssl_context"] = _ssl_context(access, with_certificate=with_certificate)
        if access.tls_server_name:
            options["server_hostname"] = options["assert_hostname"] = access.tls_server_name
        elif access.insecure:
            options["assert_hostname"] = False
    if access.proxy:
        return urllib3.ProxyManager(access.proxy, **options)
    return urllib3.PoolManager(**options)


def _hang_up(manager: urllib3.PoolManager) -> None:
    """Close the connections now: urllib3 leaves that to the moment when nobody refers to their pool any more."""
    for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over
        pool = manager.pools.get(key)
        if pool is not None:
            pool.close()
    manager.clear()


def _ssl_context(access: ClusterAccess, *, with_certificate: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=access.ca.decode() if access.ca else None)
    except (ssl.SSLError, ValueError) as err:
        raise ClusterError("the cluster's certificate authority is not a valid PEM") from err
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if with_certificate and access.client_certificate:
        _load_certificate(context, access.client_certificate, access.client_key)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python's ssl reads client certificates from files only: a private one that is gone at once."""
    handle, name = tempfile.mkstemp(prefix="lapstrake-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(certificate + b"\n" + key)
        context.load_cert_chain(name)
    except (ssl.SSLError, OSError) as err:
        raise ClusterError("the client certificate or its key is not a valid PEM") from err
    finally:
        os.unlink(name)
