"""Whether an object may be stored: the causes of a refusal, none if all is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lapstrake.apiserver import custom_rules, definition_rules, metadata_rules, structural
from lapstrake.apiserver.causes import Cause
from lapstrake.apiserver.kind_rules import RULES as KIND_RULES
from lapstrake.apiserver.schema import MISSING, Schema
from lapstrake.apiserver.status import cause
from lapstrake.apiserver.workload_rules import RULES as WORKLOAD_RULES

Object = Mapping[str, Any]
Rules = Callable[[Object, Object | None], Iterator[Cause]]

_RULES: Mapping[str, Rules] = {
    **KIND_RULES,
    **WORKLOAD_RULES,
    "apiextensions.v1.CustomResourceDefinition": definition_rules.violations,
}


def violations(definition: str, obj: Object, old: Object | None = None) -> list[Cause]:
    """What is wrong with an object of a built-in kind (``apps.v1.Deployment``), defaults already filled in.

    ``old`` is the object before an update.
    """
    found = list(metadata_rules.violations(definition, obj["metadata"], old["metadata"] if old else None))
    rules = _RULES.get(definition)
    if rules is not None:
        found += rules(obj, old)
    return found


def custom_violations(schema: Schema | None, obj: Object, old: Object | None = None) -> list[Cause]:
    """What is wrong with a custom resource; ``schema`` is that of its kind, None: anything goes."""
    found = list(metadata_rules.violations("", obj["metadata"], old["metadata"] if old else None))
    if schema is not None:
        broken = list(structural.violations(schema, obj))
        found += broken
        if custom_rules.has_rules(schema):
            if broken:
                found.append(
                    cause("FieldValueInvalid", "<nil>", f"Invalid value: null: {custom_rules.UNCHECKED}")
                )
            else:
                found += custom_rules.violations(schema, obj, MISSING if old is None else old)
    return found
