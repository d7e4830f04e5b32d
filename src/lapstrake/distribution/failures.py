"""The texts of a registry's refusals, laid out as the Carvel tools print them.

Source: recorded output; the structure of an answer is that of the OCI distribution specification,
"Error codes": ``{"errors": [{"code", "message", "detail"}]}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus

from urllib3.exceptions import ReadTimeoutError

from lapstrake.errors import RegistryError
from lapstrake.http.failures import cause, is_temporary
from lapstrake.http.redaction import redacted

_SHORTEST_SECRET = 8  # bytes; what is shorter stands in many a word
_LONGEST_BODY = 2048  # characters of an answer that go into a message


class TemporaryError(RegistryError):
    """Another try may succeed. ``after``: the seconds a registry asks us to wait before it."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", after: float = 0.0) -> None:
        super().__init__(message, status=status, code=code)
        self.after = after


class NotLetIn(RegistryError):
    """The registry did not get as far as looking at the request: no answer to a ping, no token."""


class NoRegistry(NotLetIn):
    """What answers there, if anything does, is no registry."""


def refusal(method: str, url: str, status: int, body: bytes, retry_after: str = "") -> RegistryError:
    """The error for an answer with a status that was not hoped for.

    A registry that is busy and says when to come back (``retry_after``, in seconds) is so for a time only.
    """
    error = _refusal(method, url, status, body)
    if status in (429, 503) and re.fullmatch(r"\d{1,9}", retry_after):
        return TemporaryError(str(error), status=status, code=error.code, after=float(retry_after))
    return error


def without_credentials(body: bytes, headers: Mapping[str, str]) -> bytes:
    """What a registry said, which may repeat what it was shown."""
    secret = headers.get("Authorization", "").partition(" ")[2].encode(errors="surrogateescape")
    return body.replace(secret, b"REDACTED") if len(secret) >= _SHORTEST_SECRET else body


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
    texts = [text for _, text in diagnoses]
    joined = texts[0] if len(texts) == 1 else "multiple errors returned: " + "; ".join(texts)
    return RegistryError(f"{where}: {joined}", status=status, code=diagnoses[0][0])


def _diagnoses(body: bytes) -> list[tuple[str, str]]:
    """Code and text of each error that the body tells of; none if it is of another form, or nested without end."""
    try:
        errors = json.loads(body)["errors"]
        return [
            (str(e["code"]), _diagnosis_text(str(e["code"]), str(e.get("message") or ""), e.get("detail")))
            for e in errors
        ]
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
    text = f'{method.capitalize()} "{redacted(url)}": {cause(url, error)}'
    return TemporaryError(text) if is_temporary(error) else RegistryError(text)


def broken_off(error: Exception) -> RegistryError:
    """The error for a body that ended before its end."""
    if isinstance(error, ReadTimeoutError):
        return TemporaryError("net/http: timeout awaiting the rest of a response")
    return TemporaryError("unexpected EOF")
