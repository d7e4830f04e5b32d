"""What a YAML 1.1 scalar means, by the rules of Go's yaml.v2, and how numbers are written.

``resolve`` is used for both directions: the printer quotes a string that would come back as something else.
"""

from __future__ import annotations

import re

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.yamldoc.nodes import Scalar

UINT64_MAX = (1 << 64) - 1
INT64_MIN = -(1 << 63)

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    ".inf": float("inf"),
    ".Inf": float("inf"),
    ".INF": float("inf"),
    "+.inf": float("inf"),
    "+.Inf": float("inf"),
    "+.INF": float("inf"),
    "-.inf": float("-inf"),
    "-.Inf": float("-inf"),
    "-.INF": float("-inf"),
    ".nan": float("nan"),
    ".NaN": float("nan"),
    ".NAN": float("nan"),
}
for _word in ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"):
    _WORDS[_word] = True
for _word in ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"):
    _WORDS[_word] = False

_FIRST = frozenset("0123456789+-.~nNyYtTfFoO")
_DIGIT_FIRST = frozenset("0123456789+-.")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z").match
# the rare ones are compiled by their first use, since compiling costs more than most runs need of them
_PREFIXED = r"([-+]?)0(?:[xX]([0-9a-fA-F]+)|[oO]?([0-7]+)|[bB]([01]+))\Z"
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z").match
_BASE_60 = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"
_TIMESTAMP = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+]([0-9]{2}):([0-9]{2})))"
    r"|(?: +([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?))?\Z"
)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_TAGS = {
    "tag:yaml.org,2002:" + name: "!!" + name
    for name in ("str", "bool", "int", "float", "null", "binary", "timestamp", "merge")
}


def resolve(text: str) -> Scalar:
    """The value of a plain scalar; a timestamp stays text."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _DIGIT_FIRST:
        return text
    if _DECIMAL(text):
        return _within_64_bits(text)
    return _other_number(text)


def _other_number(text: str) -> Scalar:
    plain = text if text[0] == "." else text.replace("_", "")
    match = re.match(_PREFIXED, plain)
    if match:
        sign, hexadecimal, octal, binary = match.groups()
        if hexadecimal:
            number = int(hexadecimal, 16)
        else:
            number = int(octal, 8) if octal else int(binary, 2)
        number = -number if sign == "-" else number
        if INT64_MIN <= number <= UINT64_MAX:
            return number
    elif plain != text and _DECIMAL(plain):
        return _within_64_bits(plain)
    if _FLOAT(plain):
        number_ = float(plain)
        return text if number_ in (float("inf"), float("-inf")) else number_
    return text


def _within_64_bits(text: str) -> Scalar:
    """Decimal digits as an integer, as a float where 64 bits do not hold it, or as text beyond that."""
    if len(text) < 30:
        number = int(text)
        if INT64_MIN <= number <= UINT64_MAX:
            return number
    value = float(text)
    return text if value in (float("inf"), float("-inf")) else value


def is_timestamp(text: str) -> bool:
    """Whether yaml.v2 would read ``text`` as a point in time."""
    if len(text) < 8 or text[4] != "-":
        return False
    match = re.match(_TIMESTAMP, text)
    if not match:
        return False
    parts = [int(part) if part else 0 for part in match.groups()]
    year, month, day = parts[0], parts[1], parts[2]
    if not 1 <= month <= 12:
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _MONTH_DAYS[month - 1] + leap:
        return False
    return all(
        hour < 24 and minute < 60 and second < 60 for hour, minute, second in (parts[3:6], parts[8:11])
    )


def needs_quotes(text: str) -> bool:
    """Whether ``text``, written plainly, would be read as something else than that text."""
    if not text:
        return True
    first = text[0]
    if first not in _FIRST:
        return False
    if text in _WORDS:
        return True
    if first not in _DIGIT_FIRST:
        return False
    return resolve(text).__class__ is not str or is_timestamp(text) or re.match(_BASE_60, text) is not None


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with an explicit tag; an unknown tag leaves the text. Raises InputError."""
    short = _TAGS.get(tag)
    if short is None or short in ("!!str", "!!merge"):
        return text
    if short == "!!binary":
        return _binary(text)
    if short == "!!timestamp":
        if is_timestamp(text):
            return text
        raise InputError(f"yaml: cannot decode {_tag_of(resolve(text))} `{text}` as a !!timestamp")
    value = resolve(text)
    found = _tag_of(value)
    if found == short:
        return value
    if short == "!!float" and found == "!!int":
        return float(value)  # type: ignore[arg-type]
    raise InputError(f"yaml: cannot decode {found} `{text}` as a {short}")


def _binary(text: str) -> Scalar:
    import binascii

    try:
        data = binascii.a2b_base64(text.replace("\r", "").replace("\n", ""), strict_mode=True)
    except ValueError:
        raise InputError("yaml: !!binary value contains invalid base64 data") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _tag_of(value: Scalar) -> str:
    if value is None:
        return "!!null"
    return {bool: "!!bool", int: "!!int", float: "!!float"}.get(value.__class__, "!!str")


_STRICT_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z"


def check_strict(text: str, value: Scalar) -> None:
    """Refuse a plain scalar whose meaning a reader may doubt, as ``ytt --strict`` does. Raises InputError."""
    if value.__class__ is str:
        if ":" in text:
            raise InputError(f"yaml: Strict parsing: Strings with colon must be explicitly quoted: '{text}'")
        if " " in text or "\t" in text or "\n" in text:
            raise InputError(
                f"yaml: Strict parsing: Strings with whitespace must be explicitly quoted: '{text}'"
            )
        return
    if text in ("", "true", "false") or (value.__class__ in (int, float) and re.match(_STRICT_NUMBER, text)):
        return
    raise InputError(f"yaml: Strict parsing: Found '{text}' ambigious (could be !!str or {_tag_of(value)})")


def float_text(value: float) -> str:
    """A float as yaml.v2 writes it."""
    text = go_float(value)
    return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(text, text)


def go_float(value: float) -> str:
    """The shortest text that reads back as ``value``, as Go's ``%g``: with an exponent below 1e-4 and from 1e6."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, point = decimal_digits(value)
    if -4 <= point - 1 < 6:
        return fixed_notation(sign, digits, point)
    return exponent_notation(sign, digits, point)


def decimal_digits(value: float) -> tuple[str, str, int]:
    """Sign, shortest significant digits and the place of the point: 0.0125 gives ("", "125", -1)."""
    text = repr(value)
    sign = ""
    if text[0] == "-":
        sign, text = "-", text[1:]
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    return (sign, digits, point) if digits else (sign, "0", 1)


def fixed_notation(sign: str, digits: str, point: int) -> str:
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


def exponent_notation(sign: str, digits: str, point: int) -> str:
    exponent = point - 1
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
