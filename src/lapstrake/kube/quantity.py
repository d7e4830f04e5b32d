"""Quantities as Kubernetes writes them: ``1Mi``, ``1.5G``, ``1e3``, ``100m``."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from lapstrake.errors import InputError

_PARTS = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_FACTORS = {
    **{
        unit: Fraction(1000) ** (i - 3)
        for i, unit in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"))
    },
    **{f"{unit}i": Fraction(1 << (10 * i)) for i, unit in enumerate("KMGTPE", 1)},
}
_EXPONENT = re.compile(r"[eE]([-+]?[0-9]+)")
_LARGEST = (1 << 63) - 1
_MOST_DIGITS = 40
"""Of an exponent's power: beyond it, numbers of int64 are all the same."""


def whole_quantity(text: str) -> int:
    """The whole number of a quantity, rounded away from zero and kept within 64 bits. Raises InputError in Go's words."""
    found = _PARTS.fullmatch(text)
    if not text or found is None:
        raise InputError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    sign, whole, part, suffix = found.groups(default="")
    factor = _factor(suffix)
    if not whole + part:
        raise InputError("unable to parse numeric part of quantity")
    amount = math.ceil(Fraction(int(whole + part), 10 ** len(part)) * factor)
    return -min(amount, _LARGEST) if sign == "-" else min(amount, _LARGEST)


def _factor(suffix: str) -> Fraction:
    if suffix in _FACTORS:
        return _FACTORS[suffix]
    exponent = _EXPONENT.fullmatch(suffix)
    if exponent is None:
        raise InputError("unable to parse quantity's suffix")
    return Fraction(10) ** max(-_MOST_DIGITS, min(_MOST_DIGITS, int(exponent[1])))
