"""Resource quantities (``500m``, ``1Gi``, ``1e3``) and the one canonical way in which the server writes each.

Canonical: no fraction, and the largest suffix that allows it. Rules as the published description of the
Quantity type states them; recorded in vectors/kube/crud/quantities.
"""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal, InvalidOperation
from functools import lru_cache

_FORM = re.compile(r"^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE]?)$")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_NANO = Decimal(10) ** 9

WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


class InvalidQuantity(ValueError):
    """The text is no quantity."""


def _parts(text: str) -> tuple[int, str]:
    """The value in units of 10⁻⁹, rounded away from zero, and the suffix as written."""
    found = _FORM.match(text)
    if found is None:
        raise InvalidQuantity(WRONG_FORM)
    number, suffix = Decimal(found[1]), found[2]
    if suffix in _BINARY:
        number *= Decimal(1024) ** _BINARY[suffix]
    elif suffix in _DECIMAL:
        number = number.scaleb(_DECIMAL[suffix])
    else:
        exponent = int(suffix[1:])
        if abs(exponent) > 30:
            raise InvalidQuantity(WRONG_FORM)
        number = number.scaleb(exponent)
    try:
        return int((number * _NANO).to_integral_value(ROUND_UP)), suffix
    except InvalidOperation as error:
        raise InvalidQuantity(WRONG_FORM) from error


def value(quantity: str | int | float) -> Decimal:
    """The number that a quantity stands for."""
    return Decimal(_parts(str(quantity))[0]) / _NANO


@lru_cache(maxsize=512)
def canonical(text: str) -> str:
    """The quantity as the server stores it; raises :class:`InvalidQuantity`."""
    nano, suffix = _parts(text.strip())
    if nano == 0:
        return "0"
    if suffix in _BINARY and nano % 10**9 == 0 and abs(nano) >= 1024 * 10**9:
        return _binary(nano // 10**9)
    exponent = -9
    while nano % 1000 == 0 and exponent < 18:
        nano //= 1000
        exponent += 3
    if suffix[:1] in ("e", "E") and suffix != "E":
        return f"{nano}e{exponent}" if exponent else str(nano)
    return f"{nano}{_SUFFIX[exponent]}"


def _binary(number: int) -> str:
    power = 0
    while number % 1024 == 0 and power < 6:
        number //= 1024
        power += 1
    return f"{number}{_BINARY_SUFFIX[power]}" if power else str(number)
