"""What kbld is told: overrides, sources, and the rules by which images are searched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld.builders import Builder, Docker
from lapstrake.kbld.rules import DEFAULT_RULE, KeyMatcher, SearchRule, repository_part
from lapstrake.oci.manifest import Platform
from lapstrake.versions import Prereleases

API_VERSION = "kbld.k14s.io/v1alpha1"
ID_ANNOTATION = "kbld.carvel.dev/id"
ORIGINS_ANNOTATION = "kbld.carvel.dev/origins"
COMPATIBLE_VERSION = "0.42.0"
"""The release of the original whose configurations are understood; ``minimumRequiredVersion`` is held against it."""

Origin = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ImageMatch:
    """The whole reference (``image``), or the reference without tag and digest (``image_repo``)."""

    image: str = ""
    image_repo: str = ""

    def matches(self, text: str) -> bool:
        if self.image:
            return text == self.image
        return bool(self.image_repo) and repository_part(text) == self.image_repo


@dataclass(frozen=True, slots=True)
class TagSelection:
    """``constraints`` is None where no way of selecting is named; nothing can be selected then."""

    constraints: str | None = ""
    prereleases: Prereleases | None = None


@dataclass(frozen=True, slots=True)
class Override:
    match: ImageMatch
    new_image: str
    preresolved: bool = False
    tag_selection: TagSelection | None = None
    platform: Platform | None = None
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """An image that ``builder`` makes from the folder ``path``."""

    match: ImageMatch
    path: str
    builder: Builder = field(default_factory=Docker)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an image that was built is pushed: a repository, and what it is tagged with there."""

    match: ImageMatch
    new_image: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    overrides: tuple[Override, ...] = ()
    sources: tuple[Source, ...] = ()
    destinations: tuple[Destination, ...] = ()
    keys: tuple[str, ...] = ()
    search_rules: tuple[SearchRule, ...] = ()
    raw_rules: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)

    @property
    def rules(self) -> tuple[SearchRule, ...]:
        """In the order in which they are tried: keys, own rules, the built-in key ``image``."""
        return (*(SearchRule(KeyMatcher(name=k)) for k in self.keys), *self.search_rules, DEFAULT_RULE)

    @property
    def rules_for_lock(self) -> list[Mapping[str, Any]]:
        """Each once, as a configuration holds them."""
        found: list[Mapping[str, Any]] = []
        for rule in (*({"keyMatcher": {"name": key}} for key in self.keys), *self.raw_rules):
            if rule not in found:
                found.append(rule)
        return [_without_empty(rule) for rule in found]

    def with_overrides(self, overrides: Iterable[Override]) -> Config:
        """These overrides after one's own."""
        return replace(self, overrides=(*self.overrides, *overrides))


def parse_platform(text: str) -> Platform:
    """``os/arch[/variant][:version]``. Raises InputError."""
    names, _, version = text.partition(":")
    parts = names.split("/")
    if len(parts) > 3:
        raise InputError(f"Parsing platform '{text}': too many slashes")
    if len(parts) < 2:
        raise InputError(f"Parsing platform '{text}': expected format os/arch[/variant]")
    return Platform(parts[0], parts[1], parts[2] if len(parts) == 3 else "", version)


def _without_empty(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Texts and lists that hold nothing are left out."""
    return {k: _carried(v) for k, v in raw.items() if v not in ("", [])}


def _carried(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_empty(value)
    if isinstance(value, list):
        return [_without_empty(v) if isinstance(v, Mapping) else v for v in value]
    return value
