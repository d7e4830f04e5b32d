"""``@ytt:ip`` and ``@ytt:url``."""

from __future__ import annotations

import re

from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import Builtin, keys_of, string_bytes, string_of, type_name
from lapstrake.ytt.fragment import Opaque
from lapstrake.ytt.modules.function import a_string, exactly, function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
    from typing import Any
    from urllib.parse import SplitResult

    from lapstrake.ytt.evaluation import Run

_USE_STRING = "does not automatically encode (hint: use .string())"
_SEGMENT_SAFE = "$&+=:@-_.~"


class _TextValue(Opaque):
    """A value that refuses to become YAML by itself."""

    __slots__ = ()

    def __init__(self, kind: str, fields: dict[str, Any]) -> None:
        super().__init__(kind, fields, _USE_STRING)


def _getter(name: str, value: Any) -> Builtin:
    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            raise EvalError("expected no argument")
        return value

    return function(name, run)


# -- ip


def ip_members(run: Run) -> dict[str, Any]:
    return {"parse_addr": _parse_addr, "parse_cidr": _parse_cidr}


def _parse_addr(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
    from ipaddress import ip_address

    text = a_string(exactly(args, 1)[0])
    try:
        return _address(ip_address(text))
    except ValueError:
        raise EvalError(f"invalid IP address: {text}") from None


def _parse_cidr(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Opaque, Opaque]:
    from ipaddress import ip_interface

    text = a_string(exactly(args, 1)[0])
    try:
        if "/" not in text or not text.rpartition("/")[2].isdigit():
            raise ValueError
        found = ip_interface(text)
    except ValueError:
        raise EvalError(f"invalid CIDR address: {text}") from None
    return _address(found.ip), _network(found.network)


def _address(address: IPv4Address | IPv6Address) -> Opaque:
    mapped = getattr(address, "ipv4_mapped", None)
    shown = mapped if mapped is not None else address
    return _TextValue(
        "@ytt:ip.addr",
        {
            "is_ipv4": _getter("ip.addr.is_ipv4", shown.version == 4),
            "is_ipv6": _getter("ip.addr.is_ipv6", shown.version == 6),
            "string": _getter("ip.addr.string", str(shown)),
        },
    )


def _network(network: IPv4Network | IPv6Network) -> Opaque:
    return _TextValue(
        "@ytt:ip.net",
        {
            "addr": _getter("ip.net.addr", _address(network.network_address)),
            "string": _getter("ip.net.string", str(network)),
        },
    )


# -- url


def url_members(run: Run) -> dict[str, Any]:
    return {
        "parse": _parse,
        "path_segment_encode": lambda args, kwargs: _quoted(exactly(args, 1)[0], _SEGMENT_SAFE),
        "path_segment_decode": lambda args, kwargs: _unquoted(a_string(exactly(args, 1)[0])),
        "query_param_value_encode": lambda args, kwargs: _query_quoted(exactly(args, 1)[0]),
        "query_param_value_decode": lambda args, kwargs: _query_unquoted(a_string(exactly(args, 1)[0])),
        "query_params_encode": _params_encode,
        "query_params_decode": _params_decode,
    }


def _quoted(value: Any, safe: str) -> str:
    from urllib.parse import quote

    return quote(string_bytes(a_string(value)), safe=safe)


def _query_quoted(value: Any) -> str:
    return _quoted(value, " -_.~").replace(" ", "+")


def _unquoted(text: str) -> str:
    from urllib.parse import unquote_to_bytes

    for found in re.finditer("%(?![0-9a-fA-F]{2})", text):
        raise EvalError(f'invalid URL escape "{text[found.start() : found.start() + 3]}"')
    return string_of(unquote_to_bytes(string_bytes(text)))


def _query_unquoted(text: str) -> str:
    return _unquoted(text.replace("+", " "))


def _params_encode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    (params,) = exactly(args, 1)
    if type(params) is not dict:
        raise EvalError(f"expected argument to be a map, but was {type_name(params)}")
    pairs: list[str] = []
    for key in sorted(keys_of(params)):
        values = params[key]
        if type(values) is not list and type(values) is not tuple:
            raise EvalError(f"expected map value to be array, but was {type_name(values)}")
        pairs += [f"{_query_quoted(key)}={_query_quoted(value)}" for value in values]
    return "&".join(pairs)


def _params_decode(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in re.split("[&;]", a_string(exactly(args, 1)[0])):
        if pair:
            key, _, value = pair.partition("=")
            found.setdefault(_query_unquoted(key), []).append(_query_unquoted(value))
    return {key: found[key] for key in sorted(found)}


def _parse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
    from urllib.parse import urlsplit

    text = a_string(exactly(args, 1)[0])
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError as error:
        raise EvalError(f'parse "{text}": {error}') from None
    for char in parts.netloc:
        if char in ' "<>\\^`{|}':
            raise EvalError(f'parse "{text}": invalid character "{char}" in host name')
    return _url(text, parts, host)


def _url(text: str, parts: SplitResult, host: str) -> Opaque:
    credentials, at, rest = parts.netloc.rpartition("@")

    def without_user(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Opaque:
        bare = parts._replace(netloc=rest)
        return _url(bare.geturl(), bare, host)

    fields: dict[str, Any] = {
        "string": _getter("url.string", text),
        "hostname": _getter("url.hostname", host),
        "user": _user(credentials) if at else None,
        "without_user": function("url.without_user", without_user),
    }
    return _TextValue("@ytt:url.value", fields)


def _user(credentials: str) -> Opaque:
    name, colon, password = credentials.partition(":")
    return _TextValue(
        "@ytt:url.user",
        {
            "name": _unquoted(name),
            "password": _unquoted(password) if colon else None,
            "string": _getter("url.user.string", credentials),
        },
    )
