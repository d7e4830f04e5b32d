"""What a configuration must hold, beyond its types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld.config import ImageMatch, Override, Source
from lapstrake.kbld.rules import SearchRule


def each(name: str, values: Sequence[Any], validate: Callable[[Any], None]) -> None:
    """Validate each of ``values``; an error is told with its place in the list."""
    for i, value in enumerate(values):
        try:
            validate(value)
        except InputError as e:
            raise InputError(f"Validating {name}[{i}]: {e}") from e


def validate_match(match: ImageMatch) -> None:
    if not match.image and not match.image_repo:
        raise InputError("Expected Image or ImageRepo to be non-empty")


def validate_source(source: Source) -> None:
    validate_match(source.match)
    if not source.path:
        raise InputError("Expected Path to be non-empty")


def validate_override(override: Override) -> None:
    validate_match(override.match)
    if not override.new_image:
        raise InputError("Expected NewImage to be non-empty")


def validate_key(key: str) -> None:
    if not key:
        raise InputError("Expected to be non-empty")


def validate_search_rule(rule: SearchRule) -> None:
    if rule.key is None and rule.value is None:
        raise InputError("Expected KeyMatcher or ValueMatcher to be non-empty")
    if rule.key is not None and not (rule.key.name or rule.key.path):
        raise InputError("Expected KeyMatcher.Name or KeyMatcher.Path to be non-empty")
    if rule.value is not None and not (rule.value.image or rule.value.image_repo):
        raise InputError("Expected ValueMatcher.Image or ValueMatcher.ImageRepo to be non-empty")
