"""Why a request got no answer, in the words of Go's HTTP client, which the Carvel tools pass on."""

from __future__ import annotations

import http.client
import re
from urllib.parse import urlsplit

from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as SlowError

from lapstrake.http.redaction import without_passwords

_PORT = re.compile(r"[a-z]+://[^/?#]*:([0-9]+)(?:[/?#]|$)")
_HIGHEST_PORT = 65535
_LONGEST_LINE = 200  # characters of a malformed answer that are shown


def is_temporary(error: Exception) -> bool:
    """Whether another try may succeed: after a connection that broke or was too slow, not one that was refused."""
    error = _reason(error)
    if isinstance(error, NewConnectionError):
        return isinstance(error.__cause__, TimeoutError)
    return isinstance(error, SlowError | ProtocolError)


def cause(url: str, error: Exception) -> str:
    """What ``error``, one of urllib3's or the operating system's, says of the request to ``url``, without passwords."""
    if isinstance(error, LocationParseError):
        port = _PORT.match(url)
        if port and int(port[1]) > _HIGHEST_PORT:
            return f"dial tcp: address {port[1]}: invalid port"
        return "invalid address"
    through = "proxyconnect tcp: " if isinstance(error, ProxyError) else ""
    error = _reason(error)
    host, address = _address(url, error)
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return through + _unconnected(host, address, error)
    if isinstance(error, ReadTimeoutError):
        return "net/http: timeout awaiting response headers"
    if isinstance(error, SSLError):
        return _tls_cause(str(error))
    if isinstance(error, ProtocolError):
        return _protocol_cause(error, address)
    if refused := re.search(r"Tunnel connection failed: \d+ (.*)", str(error)):
        return refused[1].strip()
    return through + without_passwords(str(error))


def _reason(error: Exception) -> Exception:
    """What urllib3's own wrappings are about: its giving up, or a proxy."""
    if isinstance(error, MaxRetryError) and error.reason:
        return error.reason
    if isinstance(error, ProxyError):
        return error.original_error
    return error


def _address(url: str, error: Exception) -> tuple[str, str]:
    """Name and address of the host that was to be connected to, which may be a proxy."""
    parts = urlsplit(url)
    connection = getattr(error, "conn", None)
    host = getattr(connection, "host", None) or parts.hostname or ""
    usual = 443 if parts.scheme == "https" else 80
    port = getattr(connection, "port", None) or (usual if parts.port is None else parts.port)
    return host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _unconnected(host: str, address: str, error: Exception) -> str:
    if isinstance(error, NameResolutionError):
        return f"dial tcp: lookup {host}: no such host"
    if not isinstance(error, NewConnectionError) or isinstance(error.__cause__, TimeoutError):
        return f"dial tcp {address}: i/o timeout"
    reason = error.__cause__
    text = (reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)).lower()
    return f"dial tcp {address}: connect: {text}"


def _tls_cause(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return "http: server gave HTTP response to HTTPS client"
    if "EOF occurred" in text:
        return "EOF"
    if "certificate verify failed" not in text:
        return f"tls: {text}"
    if "self-signed certificate" in text or "self signed certificate" in text or "local issuer" in text:
        reason = "certificate signed by unknown authority"
    else:
        reason = text.partition("certificate verify failed: ")[2].partition("(_ssl")[0].strip()
    return f"tls: failed to verify certificate: x509: {reason or 'certificate refused'}"


def _protocol_cause(error: ProtocolError, address: str) -> str:
    reason = error.args[1] if len(error.args) > 1 else error.__cause__
    if isinstance(reason, http.client.RemoteDisconnected):
        return "EOF"
    if isinstance(reason, ConnectionResetError):
        return f"read tcp {address}: read: connection reset by peer"
    if isinstance(reason, BrokenPipeError):
        return f"write tcp {address}: write: broken pipe"
    if isinstance(reason, http.client.HTTPException):
        return f"net/http: HTTP/1.x transport connection broken: {_malformed(reason)}"
    return "unexpected EOF"


def _malformed(reason: http.client.HTTPException) -> str:
    if isinstance(reason, http.client.BadStatusLine):
        return f'malformed HTTP response "{str(reason).strip()[:_LONGEST_LINE]}"'
    if isinstance(reason, http.client.LineTooLong) or "headers" in str(reason):
        return "net/http: server response headers exceeded what is allowed; aborted"
    return str(reason)[:_LONGEST_LINE]
