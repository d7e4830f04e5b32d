"""Change groups and rules: the words with which resources say what comes before what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.kapp.matchers import Matcher
from lapstrake.kube.resource import Resource

_GROUP = "kapp.k14s.io/change-group"
_RULE = "kapp.k14s.io/change-rule"
_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED = re.compile(rf"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{_NAME}")


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """``upsert after upserting GROUP``; ``weak``: gives way where it would close a circle."""

    upserts: bool
    after: bool
    target_upserts: bool
    group: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class GroupBinding:
    name: str
    matches: Matcher


@dataclass(frozen=True, slots=True)
class RuleBinding:
    rules: tuple[str, ...]
    matches: Matcher
    weak: bool = False


def groups_of(resource: Resource, bindings: tuple[GroupBinding, ...] = ()) -> list[str]:
    """Raises InputError for a name that is no qualified name."""
    names = _annotated(resource.annotations, _GROUP)
    names += [binding.name for binding in bindings if binding.matches(resource)]
    found = [filled(name, resource) for name in names]
    for name in found:
        check_group(name)
    return found


def rules_of(resource: Resource, bindings: tuple[RuleBinding, ...] = ()) -> list[ChangeRule]:
    found = []
    for text in _annotated(resource.annotations, _RULE):
        try:
            found.append(parsed(filled(text, resource)))
        except InputError as err:
            raise InputError(f"Resource {resource}: {err}") from err
    for binding in bindings:
        if binding.matches(resource):
            found += [parsed(filled(text, resource), weak=binding.weak) for text in binding.rules]
    return found


def parsed(text: str, *, weak: bool = False) -> ChangeRule:
    words = text.split(" ")
    if (
        len(words) != 4
        or words[0] not in ("upsert", "delete")
        or words[1] not in ("before", "after")
        or words[2] not in ("upserting", "deleting")
    ):
        raise InputError(
            "Expected change rule annotation value to have format '(upsert|delete) (before|after) "
            f"(upserting|deleting) (change-group)', but was '{text}'"
        )
    return ChangeRule(
        words[0] == "upsert", words[1] == "after", words[2] == "upserting", check_group(words[3]), weak
    )


def check_group(name: str) -> str:
    if not _QUALIFIED.fullmatch(name):
        raise InputError(
            f'Expected change group name "{name}" to be a qualified name: name part must consist of alphanumeric '
            "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
            f"'my.name',  or '123-abc', regex used for validation is '{_NAME}')"
        )
    return name


def filled(text: str, resource: Resource) -> str:
    """Placeholders of groups and rules replaced by what the resource says of itself."""
    if "{" not in text:
        return text
    values = {
        "{name}": resource.name,
        "{namespace}": resource.namespace,
        "{api-group}": resource.group,
        "{kind}": resource.kind,
        "{crd-kind}": str(resource.at(("spec", "names", "kind"), "")),
        "{crd-group}": str(resource.at(("spec", "group"), "")),
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _annotated(annotations: Mapping[str, str], name: str) -> list[str]:
    return [value for key, value in sorted(annotations.items()) if key == name or key.startswith(name + ".")]
