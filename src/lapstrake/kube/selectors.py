"""Label selectors: the text form of ``-l`` and of the API, and the object form of ``spec.selector``.

Grammar as the API server reads it: comma-separated requirements ``a``, ``!a``, ``a=b``, ``a==b``, ``a!=b``,
``a in (x,y)``, ``a notin (x,y)``, ``a>1``, ``a<1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError

_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<absent_key>{_KEY})"
    rf"|(?P<key>{_KEY})\s*(?:(?P<set>in|notin)\s*\((?P<values>[^()]*)\)|(?P<op>==|=|!=|>|<)\s*(?P<value>{_VALUE}))?)\s*(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """``operator``: exists, absent, in, notin, greater, less."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "absent":
                return value is None
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case _:
                return value is not None and _compares(value, self.operator, self.values[0])


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none at all selects everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Raises InputError for what the API server would refuse."""
        found: list[Requirement] = []
        position = 0
        while position < len(text.rstrip()):
            match = _REQUIREMENT.match(text, position)
            if match is None or match.end() == position:
                raise InputError(
                    f"unable to parse requirement: found {text[position:]!r} in label selector {text!r}"
                )
            found.append(_requirement(match))
            position = match.end()
        return cls(tuple(found))

    @classmethod
    def of(cls, selector: Mapping[str, Any]) -> LabelSelector:
        """From the object form: matchLabels and matchExpressions."""
        found = [
            Requirement(key, "in", (str(value),))
            for key, value in (selector.get("matchLabels") or {}).items()
        ]
        operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
        for entry in selector.get("matchExpressions") or ():
            operator = operators.get(entry.get("operator"))
            if operator is None:
                raise InputError(f"{entry.get('operator')!r} is not a valid label selector operator")
            found.append(Requirement(entry["key"], operator, tuple(entry.get("values") or ())))
        return cls(tuple(found))

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        return all(requirement.matches(labels or {}) for requirement in self.requirements)


def equals(labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """The text form that asks for these labels: ``a=b,c=d``."""
    pairs = labels.items() if isinstance(labels, Mapping) else labels
    return ",".join(f"{key}={value}" for key, value in pairs)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement(match["absent_key"], "absent")
    key = match["key"]
    if match["set"]:
        return Requirement(key, match["set"], tuple(part.strip() for part in match["values"].split(",")))
    operator = {"=": "in", "==": "in", "!=": "notin", ">": "greater", "<": "less"}.get(match["op"] or "")
    return Requirement(key, operator, (match["value"],)) if operator else Requirement(key, "exists")


def _compares(value: str, operator: str, bound: str) -> bool:
    try:
        left, right = int(value), int(bound)
    except ValueError:
        return False
    return left > right if operator == "greater" else left < right
