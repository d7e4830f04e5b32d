"""Search rules: which texts of a document are image references, and how they are rewritten."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld import documents
from lapstrake.yamldoc import gojson, plain

Path = tuple[str | int, ...]
Replace = Callable[[str], str]

ALL_INDEXES = -1
NO_INDEX = -2

_EXACT = 1 << 53
_TAG = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class KeyMatcher:
    """The last key (``name``) or the whole ``path`` from the root.

    In a path ALL_INDEXES stands for any index, NO_INDEX for none.
    """

    name: str = ""
    path: Path = ()

    def matches(self, path: Path) -> bool:
        if self.name:
            return bool(path) and path[-1] == self.name
        return len(path) == len(self.path) and all(map(_part_matches, self.path, path))


@dataclass(frozen=True, slots=True)
class ValueMatcher:
    """The whole text (``image``), or the text without tag and digest (``image_repo``)."""

    image: str = ""
    image_repo: str = ""

    def matches(self, text: str) -> bool:
        if self.image:
            return text == self.image
        return repository_part(text) == self.image_repo


@dataclass(frozen=True, slots=True)
class SearchRule:
    """``strategy`` is entireValue, none, json or yaml; ``rules`` are those inside a json or yaml text.

    An empty strategy is an error once such a rule applies.
    """

    key: KeyMatcher | None = None
    value: ValueMatcher | None = None
    strategy: str = "entireValue"
    rules: tuple[SearchRule, ...] = ()

    def matches(self, path: Path, text: str) -> bool:
        if self.key is not None and not self.key.matches(path):
            return False
        return self.value is None or self.value.matches(text)


DEFAULT_RULE = SearchRule(KeyMatcher(name="image"))


def repository_part(text: str) -> str:
    """An image reference without digest and tag (a port is no tag); a text that is no reference stays whole.

    The tag is what follows the last colon before the digest, the digest what follows the first ``@`` if a colon
    stands in it.
    """
    if "\n" in text:
        return text
    end = text.find("@", 1)
    if end < 0 or text.rfind(":", 0, len(text) - 1) < end + 2:
        end = len(text)
    colon = text.rfind(":", 1, end)
    return text[:colon] if colon > 0 and _TAG.fullmatch(text, colon + 1, end) else text[:end]


def rewrite(value: Any, rules: Sequence[SearchRule], replace: Replace) -> Any:
    """A copy of ``value`` with every text that is an image passed through ``replace``."""
    return _rewrite(value, (), rules, replace)


def find(value: Any, rules: Sequence[SearchRule]) -> list[str]:
    """All image references of ``value``, in order, with repetitions."""
    found: list[str] = []

    def keep(text: str) -> str:
        found.append(text)
        return text

    rewrite(value, rules, keep)
    return found


def _rewrite(value: Any, path: Path, rules: Sequence[SearchRule], replace: Replace) -> Any:
    if isinstance(value, Mapping):
        return {k: _rewrite(v, (*path, k), rules, replace) for k, v in value.items()}
    if isinstance(value, list):
        return [_rewrite(v, (*path, i), rules, replace) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    rule = next((r for r in rules if r.matches(path, value)), None)
    return value if rule is None else _apply(rule, value, replace)


def _apply(rule: SearchRule, text: str, replace: Replace) -> str:
    if rule.strategy == "none":
        return text
    if rule.strategy == "entireValue":
        return replace(text)
    if not rule.strategy:
        # The original breaks down here.
        raise InputError("Expected UpdateStrategy to be one of none, entireValue, json, yaml")
    try:
        return _inside_json(text, rule.rules, replace)
    except (ValueError, RecursionError):
        return text if rule.strategy == "json" else _inside_yaml(text, rule.rules, replace)


def _inside_json(text: str, rules: Sequence[SearchRule], replace: Replace) -> str:
    return gojson.dumps(_rewrite_inner(_from_json(text), rules, replace))


def _inside_yaml(text: str, rules: Sequence[SearchRule], replace: Replace) -> str:
    try:
        found = documents.values(text)
    except InputError:
        return text
    return "".join(f"---\n{plain.dump(_rewrite_inner(value, rules, replace))}" for value in found)


def _from_json(text: str) -> Any:
    """Numbers lose what a 64 bit float cannot hold. Raises ValueError."""
    import json

    def number(digits: str) -> int | float:
        value = float(digits)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{digits} is out of range")
        return int(value) if value and value.is_integer() and abs(value) <= _EXACT else value

    def constant(name: str) -> float:
        raise ValueError(f"{name} is no JSON")

    return json.loads(text, parse_int=number, parse_float=number, parse_constant=constant)


def _rewrite_inner(value: Any, rules: Sequence[SearchRule], replace: Replace) -> Any:
    """A text that is nothing but a text holds no images."""
    return value if isinstance(value, str) else rewrite(value, rules, replace)


def _part_matches(wanted: str | int, part: str | int) -> bool:
    return wanted == part or (wanted == ALL_INDEXES and isinstance(part, int))
