"""The texts of a registry's refusals, laid out as the Carvel tools print them.

Source: recorded output; the structure of an answer is that of the OCI distribution specification,
"Error codes": ``{"errors": [{"code", "message", "detail"}]}``.
"""

from __future__ import annotations

import http.client
import json
import re
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError

from lapstrake.errors import RegistryError

_LONGEST_BODY = 2048  # characters of an answer that go into a message


class TemporaryError(RegistryError):
    """Another try may succeed. ``after``: the seconds a registry asks us to wait before it."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", after: float = 0.0) -> None:
        super().__init__(message, status=status, code=code)
        self.after = after


class NotLetIn(RegistryError):
    """The registry did not get as far as looking at the request: no answer to a ping, no token."""


def refusal(method: str, url: str, status: int, body: bytes, retry_after: str = "") -> RegistryError:
    """The error for an answer with a status that was not hoped for.

    A registry that is busy and says when to come back (``retry_after``, in seconds) is so for a time only.
    """
    error = _refusal(method, url, status, body)
    if status in (429, 503) and re.fullmatch(r"\d{1,9}", retry_after):
        return TemporaryError(str(error), status=status, code=error.code, after=float(retry_after))
    return error


def _refusal(method: str, url: str, status: int, body: bytes) -> RegistryError:
    where = f"{method} {redacted(url)}"
    diagnoses = _diagnoses(body)
    if not diagnoses:
        text = body.decode(errors="replace")[:_LONGEST_BODY]
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = ""
        message = f"{where}: unexpected status code {status} {phrase}".rstrip()
        if method == "HEAD":
            message += " (HEAD responses have no body, use GET for details)"
        elif text:
            message += f": {text}"
        return RegistryError(message, status=status)
    texts = [_diagnosis_text(code, text, detail) for code, text, detail in diagnoses]
    joined = texts[0] if len(texts) == 1 else "multiple errors: " + "; ".join(texts)
    return RegistryError(f"{where}: {joined}", status=status, code=diagnoses[0][0])


def redacted(url: str) -> str:
    """The address without the values of tokens and signatures in its query."""
    return re.sub(r"(?i)([?&](?:[^=&]*(?:token|signature|credential|sig|_state))=)[^&]*", r"\1REDACTED", url)


def _diagnoses(body: bytes) -> list[tuple[str, str, object]]:
    try:
        value = json.loads(body)
        errors = value["errors"]
        return [(str(e["code"]), str(e.get("message") or ""), e.get("detail")) for e in errors]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def _diagnosis_text(code: str, text: str, detail: object) -> str:
    suffix = "" if detail is None else f"; {go_value(detail)}"
    return f"{code}: {text}{suffix}"


def go_value(value: object) -> str:
    """A value from JSON as Go's ``%v`` shows it: ``map[Name:x Tags:[a b]]``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_value(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_value, value)) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def not_let_in(before: str, error: RegistryError) -> RegistryError:
    """The same error with words in front."""
    if isinstance(error, TemporaryError):
        return TemporaryError(before + str(error), status=error.status, code=error.code, after=error.after)
    return NotLetIn(before + str(error), status=error.status, code=error.code)


def unanswered(method: str, url: str, error: Exception) -> RegistryError:
    """The error for a request that got no answer at all: of the temporary sort if another try may get one."""
    text = f'{method.capitalize()} "{redacted(url)}": {_cause(url, error)}'
    return TemporaryError(text) if _is_temporary(error) else RegistryError(text)


def broken_off(error: Exception) -> RegistryError:
    """The error for a body that ended before its end."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return TemporaryError("net/http: timeout awaiting the rest of a response")
    return TemporaryError("unexpected EOF")


def json_reason(data: bytes) -> str:
    """Why ``data`` is no JSON, in Go's words."""
    text = data.decode(errors="replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            return "unexpected end of JSON input"
        return f"invalid character '{text[error.pos]}' looking for beginning of value"
    except RecursionError:
        return "exceeded max depth"
    return "json: cannot unmarshal into an object"


def _is_temporary(error: Exception) -> bool:
    """Whether another try may succeed: a connection that broke or was too slow, not one that was refused."""
    error = _reason(error)
    if isinstance(error, NewConnectionError):
        return isinstance(error.__cause__, TimeoutError)
    return isinstance(error, urllib3.exceptions.TimeoutError | urllib3.exceptions.ProtocolError)


def _reason(error: Exception) -> Exception:
    """What urllib3's own wrappings are about: its giving up, or a proxy."""
    if isinstance(error, MaxRetryError) and error.reason:
        return error.reason
    if isinstance(error, urllib3.exceptions.ProxyError):
        return error.original_error
    return error


def _cause(url: str, error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.LocationParseError):
        return "invalid address"
    through = "proxyconnect tcp: " if isinstance(error, urllib3.exceptions.ProxyError) else ""
    error = _reason(error)
    parts = urlsplit(url)
    connection = getattr(error, "conn", None)  # to the proxy, if there is one
    host = getattr(connection, "host", None) or parts.hostname
    usual = 443 if parts.scheme == "https" else 80
    port = getattr(connection, "port", None) or (usual if parts.port is None else parts.port)
    address = f"[{host}]:{port}" if ":" in (host or "") else f"{host}:{port}"
    if isinstance(error, NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return through + _unconnected(host, address, error)
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "net/http: timeout awaiting response headers"
    if isinstance(error, urllib3.exceptions.SSLError):
        return _tls_cause(str(error))
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return _protocol_cause(error, address)
    if refused := re.search(r"Tunnel connection failed: \d+ (.*)", str(error)):
        return refused[1].strip()
    return through + str(error)


def _unconnected(host: str | None, address: str, error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return f"dial tcp: lookup {host}: no such host"
    if not isinstance(error, NewConnectionError) or isinstance(error.__cause__, TimeoutError):
        return f"dial tcp {address}: i/o timeout"
    cause = error.__cause__
    text = (cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)).lower()
    return f"dial tcp {address}: connect: {text}"


def _tls_cause(text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return "http: server gave HTTP response to HTTPS client"
    if "EOF occurred" in text:
        return "EOF"
    if "self-signed certificate" in text or "self signed certificate" in text or "local issuer" in text:
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    reason = re.search(r"certificate verify failed: ([^(]*)", text)
    return f"tls: failed to verify certificate: {reason[1].strip()}" if reason else f"tls: {text}"


def _protocol_cause(error: urllib3.exceptions.ProtocolError, address: str) -> str:
    cause = error.args[1] if len(error.args) > 1 else error.__cause__
    if isinstance(cause, http.client.RemoteDisconnected):
        return "EOF"
    if isinstance(cause, ConnectionResetError):
        return f"read tcp {address}: read: connection reset by peer"
    if isinstance(cause, BrokenPipeError):
        return f"write tcp {address}: write: broken pipe"
    if isinstance(cause, http.client.HTTPException):
        return f"net/http: HTTP/1.x transport connection broken: {_malformed(cause)}"
    return "unexpected EOF"


def _malformed(cause: http.client.HTTPException) -> str:
    if isinstance(cause, http.client.BadStatusLine):
        return f'malformed HTTP response "{str(cause).strip()[:200]}"'
    if isinstance(cause, http.client.LineTooLong) or "headers" in str(cause):
        return "net/http: server response headers exceeded what is allowed; aborted"
    return str(cause)[:200]
