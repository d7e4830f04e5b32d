"""All changes of a deploy: versioned resources first, then the others in the order given, deletions last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lapstrake.kapp import changes, versioned
from lapstrake.kapp.changes import Change, DiffRules, Strategies
from lapstrake.kapp.given import EXISTS, is_deletable
from lapstrake.kapp.labels import Key, key_of
from lapstrake.kapp.versioned import TemplateRule
from lapstrake.kube.resource import Resource

Object = dict[str, Any]


def planned(
    given: Sequence[Object],
    existing: Mapping[Key, Object],
    *,
    rules: DiffRules,
    strategies: Strategies,
    templates: Sequence[TemplateRule] = versioned.DEFAULT_TEMPLATE_RULES,
    keep_others: bool = False,
) -> list[Change]:
    """What leads from ``existing`` to ``given``. ``keep_others``: nothing is deleted."""
    numbered = [obj for obj in given if versioned.is_versioned(obj)]
    found, names, handled = _versioned_changes(numbered, existing, rules, strategies)
    samples = {versioned.base_key(obj): obj for obj in numbered}
    for obj in given:
        if versioned.is_versioned(obj) and versioned.KEEP_ORIGINAL not in Resource(obj).annotations:
            continue
        new = versioned.referring(obj, names, templates, samples) if names else obj
        handled.add(key_of(Resource(new)))
        if not is_deletable(Resource(new)):
            continue
        change = _change(new, existing, rules, strategies)
        if change is not None:
            found.append(change)
    if keep_others:
        return [change for change in found if change.op != changes.DELETE]
    return found + [
        changes.deletion(obj, rules, strategies)
        for key, obj in existing.items()
        if key not in handled and is_deletable(Resource(obj))
    ]


def _change(
    new: Object, existing: Mapping[Key, Object], rules: DiffRules, strategies: Strategies
) -> Change | None:
    resource = Resource(new)
    current = existing.get(key_of(resource)) if resource.name else None
    if EXISTS in resource.annotations:
        return changes.existence(new, current, strategies)
    if current is None:
        return changes.creation(new, strategies)
    return changes.update(new, current, rules, strategies)


def _versioned_changes(
    numbered: Sequence[Object], existing: Mapping[Key, Object], rules: DiffRules, strategies: Strategies
) -> tuple[list[Change], dict[Key, str], set[Key]]:
    """Changes of versioned resources, the names to refer to, and the existing versions that are settled."""
    creations: list[Change] = []
    deletions: list[Change] = []
    names: dict[Key, str] = {}
    settled: set[Key] = set()
    present = versioned.versions(list(existing.values()))
    for obj in numbered:
        key = versioned.base_key(obj)
        several = present.get(key, [])
        settled |= {key_of(Resource(version.body)) for version in several}
        if several:
            newest = several[-1]
            same_number = versioned.renamed(obj, newest.number)
            left, right = changes.sides(same_number, newest.body, rules)
            if not changes.differ(left, right):
                names[key] = Resource(same_number).name
                unchanged = changes.update(same_number, newest.body, rules, strategies)
                creations += [unchanged] if unchanged else []
                deletions += [
                    changes.deletion(old, rules, strategies) for old in versioned.superfluous(several, obj)
                ]
                continue
        number = several[-1].number + 1 if several else 1
        new = versioned.renamed(obj, number)
        names[key] = Resource(new).name
        change = changes.creation(new, strategies)
        creations.append(replace(change, left=left, right=right) if several else change)
        deletions += [changes.deletion(old, rules, strategies) for old in versioned.superfluous(several, obj)]
    return [*creations, *deletions], names, settled
