"""``@ytt:base64``, ``@ytt:md5`` and ``@ytt:sha256``."""

from __future__ import annotations

import binascii

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import string_bytes, string_of
from lapstrake.ytt.modules.function import a_flag, a_string, exactly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_STANDARD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_URL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def base64_members(host: object) -> dict[str, Any]:
    return {"encode": _encode, "decode": _decode}


def _encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (value,) = exactly(args, 1)
    text = binascii.b2a_base64(string_bytes(a_string(value)), newline=False).decode()
    if a_flag(kwargs, "url", False):
        text = text.replace("+", "-").replace("/", "_")
    return text.rstrip("=") if a_flag(kwargs, "raw", False) else text


def _decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (value,) = exactly(args, 1)
    raw = a_flag(kwargs, "raw", False)
    url = a_flag(kwargs, "url", False)
    data = string_bytes(a_string(value)).replace(b"\n", b"").replace(b"\r", b"")
    alphabet = _URL if url else _STANDARD
    digits = data if raw else data.rstrip(b"=")
    for at, char in enumerate(digits):
        if char not in alphabet:
            raise EvalError(f"illegal base64 data at input byte {at}")
    padding = len(data) - len(digits)
    if len(digits) % 4 == 1 or (not raw and (len(data) % 4 or padding > 2)):
        raise EvalError(
            f"illegal base64 data at input byte {len(data) - len(data) % 4 if not padding else len(digits)}"
        )
    if url:
        digits = digits.replace(b"-", b"+").replace(b"_", b"/")
    return string_of(binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)))


def md5_members(host: object) -> dict[str, Any]:
    return {"sum": _digest("md5")}


def sha256_members(host: object) -> dict[str, Any]:
    return {"sum": _digest("sha256")}


def _digest(algorithm: str) -> Callable[[tuple[Any, ...], dict[str, Any]], str]:
    def digest(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        import hashlib

        (value,) = exactly(args, 1)
        return hashlib.new(algorithm, string_bytes(a_string(value)), usedforsecurity=False).hexdigest()

    return digest
