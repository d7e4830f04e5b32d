"""The texts of a registry's refusals, laid out as the Carvel tools print them.

Source: recorded output; the structure of an answer is that of the OCI distribution specification,
"Error codes": ``{"errors": [{"code", "message", "detail"}]}``.
"""

from __future__ import annotations

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


def refusal(method: str, url: str, status: int, body: bytes, retry_after: str = "") -> RegistryError:
    """The error for an answer with a status that was not hoped for.

    A registry that is busy and says when to come back (``retry_after``, in seconds) is so for a time only.
    """
    error = _refusal(method, url, status, body)
    if status in (429, 503) and re.fullmatch(r"\d{1,9}", retry_after):
        return TemporaryError(str(error), status=status, code=error.code, after=float(retry_after))
    return error


def _refusal(method: str, url: str, status: int, body: bytes) -> RegistryError:
    where = f"{method} {_redacted(url)}"
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


def _redacted(url: str) -> str:
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


def no_answer(method: str, url: str, error: Exception) -> RegistryError:
    """The error for a request that got no answer at all, or half of one."""
    return RegistryError(f'{method.capitalize()} "{_redacted(url)}": {_cause(url, error)}')


def unanswered(method: str, url: str, error: Exception) -> RegistryError:
    """The error for a request without an answer, of the temporary sort if another try may help."""
    told = no_answer(method, url, error)
    return TemporaryError(str(told)) if is_temporary(error) else told


def is_temporary(error: Exception) -> bool:
    """Whether another try may succeed: a connection that broke or was too slow, not one that was refused."""
    temporary = urllib3.exceptions.TimeoutError | urllib3.exceptions.ProtocolError
    return isinstance(_reason(error), temporary) and not isinstance(_reason(error), NewConnectionError)


def _reason(error: Exception) -> Exception:
    """What urllib3's own giving up is about."""
    return error.reason if isinstance(error, MaxRetryError) and error.reason else error


def _cause(url: str, error: Exception) -> str:
    error = _reason(error)
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return f"dial tcp: lookup {parts.hostname}: no such host"
    if isinstance(error, NewConnectionError):
        cause = error.__cause__
        text = (cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)).lower()
        return f"dial tcp {address}: connect: {text}"
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return f"dial tcp {address}: i/o timeout"
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "net/http: timeout awaiting response headers"
    if isinstance(error, urllib3.exceptions.SSLError):
        text = str(error)
        if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
            return "http: server gave HTTP response to HTTPS client"
        reason = re.search(r"certificate verify failed: ([^(]*)", text)
        return f"tls: failed to verify certificate: {reason[1].strip()}" if reason else f"tls: {text}"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "EOF" if "RemoteDisconnected" in repr(error) else f"unexpected EOF: {error.args[0]}"
    return str(error)
