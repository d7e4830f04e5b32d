"""Connections to registries: kept alive, through proxies where the environment names some, with extra certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3

from lapstrake.errors import InputError

if TYPE_CHECKING:
    import ssl


class HttpPools:
    """Chooses the pool for each request: direct, or the proxy for its scheme."""

    def __init__(
        self,
        *,
        ca_cert_paths: Sequence[str],
        verify_certs: bool,
        timeout: urllib3.Timeout,
        environment: Mapping[str, str],
    ) -> None:
        """Raises InputError for a certificate file that is missing or holds none."""
        pems = [_pem(path) for path in ca_cert_paths]
        self._settings: dict[str, Any] = {"maxsize": 16, "timeout": timeout}
        if pems or not verify_certs:
            self._settings["ssl_context"] = _tls_context(ca_cert_paths, pems, verify_certs)
        self._proxies = {
            scheme: url
            for scheme in ("http", "https")
            if (url := environment.get(f"{scheme.upper()}_PROXY") or environment.get(f"{scheme}_proxy"))
        }
        self._direct_hosts = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        self._direct = urllib3.PoolManager(**self._settings)
        self._proxied: dict[str, urllib3.ProxyManager] = {}

    def request(self, method: str, url: str, **arguments: Any) -> urllib3.BaseHTTPResponse:
        """As urllib3's; raises its HTTPError."""
        return self._pool(url).request(method, url, **arguments)

    def clear(self) -> None:
        for pool in (self._direct, *self._proxied.values()):
            pool.clear()

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = self._proxies.get(parts.scheme)
        if not proxy or not parts.hostname or _is_direct(parts.hostname, self._direct_hosts):
            return self._direct
        if proxy not in self._proxied:
            address = proxy if "://" in proxy else f"http://{proxy}"
            self._proxied[proxy] = urllib3.ProxyManager(address, **self._settings)
        return self._proxied[proxy]


def _is_direct(host: str, direct_hosts: str) -> bool:
    """Whether a host is spoken to without proxy: this machine, and what NO_PROXY lists (names cover subdomains)."""
    if host in ("localhost", "::1") or host.startswith("127."):
        return True
    for name in direct_hosts.replace(" ", "").split(","):
        bare = name.partition(":")[0].lstrip(".")
        if name == "*" or (bare and (host == bare or host.endswith(f".{bare}"))):
            return True
    return False


def _pem(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            f"Creating registry HTTP transport: Reading CA certificates from '{path}': open {path}: {reason}"
        ) from error


def _tls_context(paths: Sequence[str], pems: Sequence[str], verify: bool) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context()
    for path, pem in zip(paths, pems, strict=True):
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError) as error:
            raise InputError(
                f"Creating registry HTTP transport: Adding CA certificates from '{path}': failed"
            ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
