"""Which scheme a registry speaks, and what it asks for: the first request to each host.

Source: facts on imgpkg, "Registry access": https; for local hosts plain http as well, https preferred if both
answer. A local host that does not greet in TLS within 0.3 s is asked by http without waiting further.
"""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from lapstrake.distribution.challenges import Challenge, challenges
from lapstrake.distribution.failures import NoRegistry, TemporaryError, refusal, unanswered
from lapstrake.errors import RegistryError
from lapstrake.http.pools import HttpPools, small_body

_LARGEST_ANSWER = 1 << 20
_HEAD_START = 0.3  # seconds https has before http is tried as well
_TLS_RECORDS = (b"\x15", b"\x16")  # alert, handshake
_GREETING = 5  # bytes by which a server shows what it speaks


def find_registry(
    pools: HttpPools, host: str, *, plain_too: bool, told_as: str = ""
) -> tuple[str, list[Challenge]]:
    """Scheme and host of a registry, and its challenges (none if it lets everybody in).

    Raises RegistryError, after ``told_as``, with the failures of all schemes.
    """
    secure, plain = (f"{scheme}://{host.removesuffix(':')}" for scheme in ("https", "http"))
    failures: dict[str, RegistryError] = {}
    for base in _bases(pools, secure, plain, failures) if plain_too else (secure,):
        try:
            return base, _ping(pools, base)
        except RegistryError as error:
            failures[base] = error
    told = [failures[base] for base in (secure, plain) if base in failures]
    text = told_as + "; ".join(map(str, told))
    waits = [failure.after for failure in told if isinstance(failure, TemporaryError)]
    if waits:
        raise TemporaryError(text, after=max(waits))
    raise NoRegistry(text, status=max(failure.status for failure in told))


def _bases(pools: HttpPools, secure: str, plain: str, failures: dict[str, RegistryError]) -> tuple[str, ...]:
    """In which order a local host is asked; that it speaks no TLS is put into ``failures``."""
    if pools.proxy_of(secure) or pools.proxy_of(plain):
        return secure, plain
    greeting = _greeting(secure)
    if greeting is None:  # too slow to tell
        return plain, secure
    if greeting and greeting[:1] not in _TLS_RECORDS:
        failures[secure] = _no_tls(secure, greeting)
        return (plain,)
    return secure, plain


def _ping(pools: HttpPools, base: str) -> list[Challenge]:
    """Raises RegistryError if no registry answers at ``base``."""
    url = f"{base}/v2/"
    _check_port(url)
    try:
        response = pools.request("GET", url, redirects=3)
        body = small_body(response, _LARGEST_ANSWER)
        response.release_conn()
    except HTTPError as error:
        raise unanswered("GET", url, error) from error
    if response.status not in (200, 401):
        raise refusal("GET", url, response.status, body, response.headers.get("Retry-After", ""))
    return challenges(response.headers.get("WWW-Authenticate", "")) if response.status == 401 else []


def _check_port(url: str) -> None:
    try:
        _ = urlsplit(url).port
    except ValueError as error:
        port = urlsplit(url).netloc.rpartition(":")[2]
        raise RegistryError(f'Get "{url}": dial tcp: address {port}: invalid port') from error


def _greeting(base: str) -> bytes | None:
    """How the host of ``base`` begins its answer to a TLS hello; None if it does not in time.

    b"" stands for a host that hangs up or cannot be reached. Cheaper than a failed request, for which all
    certificates of the system would be read.
    """
    parts = urlsplit(base)
    try:
        address = (parts.hostname or "", 443 if parts.port is None else parts.port)
    except ValueError:  # there is no such port, which the request will tell
        return b""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(
        incoming, outgoing, server_hostname=parts.hostname
    )
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        pass
    try:
        with socket.create_connection(address, _HEAD_START) as connection:
            connection.sendall(outgoing.read())
            return connection.recv(_GREETING)
    except TimeoutError:
        return None
    except OSError:
        return b""


def _no_tls(base: str, greeting: bytes) -> RegistryError:
    told = (
        "http: server gave HTTP response to HTTPS client"
        if greeting.startswith(b"HTTP/")
        else "tls: first record does not look like a TLS handshake"
    )
    return RegistryError(f'Get "{base}/v2/": {told}')
