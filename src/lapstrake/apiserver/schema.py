"""The shape of a kind: one :class:`Schema` per node, whatever description it was read from.

Custom resources bring an ``openAPIV3Schema`` (:func:`from_openapi`); the built-in kinds come from
the catalogue in ``builtin.py``. Decoding, defaulting, merging and field ownership only know this form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final


class _Missing:
    """The type of :data:`MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""No default: ``None`` would be a default of null."""


@dataclass(slots=True, eq=False, repr=False)
class Schema:
    """One node. Kinds refer to themselves (JSONSchemaProps), so nodes are filled in after they are made."""

    type: str = ""
    """object, array, string, integer, number, boolean; empty: anything goes."""
    name: str = ""
    """Name of the structure as decoding errors show it: ``DeploymentSpec``."""
    format: str = ""
    properties: dict[str, Schema] = field(default_factory=dict)
    items: Schema | None = None
    additional: Schema | None = None
    list_type: str = ""
    """map, set or atomic; empty: the description does not say (atomic for ownership)."""
    list_map_keys: tuple[str, ...] = ()
    map_type: str = ""
    patch_strategy: tuple[str, ...] = ()
    patch_merge_key: str = ""
    default: Any = MISSING
    nullable: bool = False
    int_or_string: bool = False
    preserve_unknown: bool = False
    embedded_resource: bool = False
    required: tuple[str, ...] = ()
    rules: Mapping[str, Any] = field(default_factory=dict)
    """Keywords that only restrict values: enum, pattern, minimum, maxItems, allOf, ..."""
    keeps_zero: bool = True
    """False: the server leaves the field out when it holds the zero value of its type."""
    composed: bool = False
    """The node was reached inside allOf, anyOf, oneOf or not: it restricts and never shapes."""

    def child(self, key: str) -> Schema | None:
        """The schema of a member of an object; None: the description knows no such member."""
        found = self.properties.get(key)
        return found if found is not None else self.additional

    @property
    def atomic(self) -> bool:
        """Whether ownership treats the whole value as one."""
        if self.type == "array":
            return self.list_type in ("", "atomic")
        return self.map_type == "atomic"

    @property
    def shapeless(self) -> bool:
        """Anything goes below: neither members nor elements are described."""
        return not self.properties and self.additional is None and self.items is None


ANYTHING = Schema(preserve_unknown=True, nullable=True)
"""What a value is when nothing is said about it."""

_RESTRICTIONS = (
    "enum",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "x-kubernetes-validations",
)


def from_openapi(document: Mapping[str, Any], *, composed: bool = False) -> Schema:
    """Reads a structural ``openAPIV3Schema``; what it cannot mean is ignored.

    The document has been accepted as a CustomResourceDefinition, so its types are trusted.
    """
    schema = Schema(
        type=str(document.get("type", "")),
        format=str(document.get("format", "")),
        nullable=bool(document.get("nullable")),
        int_or_string=bool(document.get("x-kubernetes-int-or-string")),
        preserve_unknown=bool(document.get("x-kubernetes-preserve-unknown-fields")),
        embedded_resource=bool(document.get("x-kubernetes-embedded-resource")),
        required=tuple(document.get("required") or ()),
        list_type=str(document.get("x-kubernetes-list-type", "")),
        list_map_keys=tuple(document.get("x-kubernetes-list-map-keys") or ()),
        map_type=str(document.get("x-kubernetes-map-type", "")),
        default=document.get("default", MISSING),
        composed=composed,
    )
    for name, member in (document.get("properties") or {}).items():
        schema.properties[name] = from_openapi(member, composed=composed)
    items = document.get("items")
    if isinstance(items, Mapping):
        schema.items = from_openapi(items, composed=composed)
    _read_additional(schema, document.get("additionalProperties"), composed)
    schema.rules = dict(_restrictions(document))
    if schema.embedded_resource:
        _allow_embedded_heads(schema)
    return schema


def _read_additional(schema: Schema, additional: object, composed: bool) -> None:
    if isinstance(additional, Mapping):
        schema.additional = from_openapi(additional, composed=composed)
    elif additional is True:
        schema.additional = ANYTHING


def _restrictions(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword in _RESTRICTIONS:
        if document.get(keyword) is not None:
            yield keyword, document[keyword]
    for keyword in ("allOf", "anyOf", "oneOf"):
        if document.get(keyword):
            yield keyword, [from_openapi(part, composed=True) for part in document[keyword]]
    if isinstance(document.get("not"), Mapping):
        yield "not", from_openapi(document["not"], composed=True)


def _allow_embedded_heads(schema: Schema) -> None:
    """An embedded resource always keeps its head, described or not."""
    schema.properties.setdefault("apiVersion", Schema(type="string"))
    schema.properties.setdefault("kind", Schema(type="string"))
    schema.properties.setdefault("metadata", Schema(type="object", preserve_unknown=True))


def prune(schema: Schema, value: Any, path: str = "", unknown: list[str] | None = None) -> Any:
    """The value without what the schema does not describe; appends the dropped paths to ``unknown``.

    Paths read ``spec.list[1].x``. The value itself is left as it was.
    """
    if isinstance(value, Mapping):
        return _prune_object(schema, value, path, unknown)
    if isinstance(value, list):
        items = schema.items
        if items is None:
            return value
        return [prune(items, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


def _prune_object(
    schema: Schema, value: Mapping[str, Any], path: str, unknown: list[str] | None
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, member in value.items():
        where = f"{path}.{key}" if path else key
        found = schema.child(key)
        if found is not None:
            kept[key] = prune(found, member, where, unknown)
        elif schema.preserve_unknown or schema.type not in ("object", ""):
            kept[key] = member
        elif unknown is not None:
            unknown.append(where)
    return kept


def fill_defaults(schema: Schema, value: Any) -> Any:
    """The value with the schema's defaults filled in, also below existing members.

    A null of a member that is not nullable is dropped first, as if it had not been given.
    """
    if isinstance(value, Mapping):
        return _fill_object(schema, value)
    if isinstance(value, list) and schema.items is not None:
        return [fill_defaults(schema.items, item) for item in value]
    return value


def _fill_object(schema: Schema, value: Mapping[str, Any]) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for key, member in value.items():
        found = schema.child(key)
        if found is None:
            filled[key] = member
        elif member is None and not found.nullable and found.default is not MISSING:
            continue
        else:
            filled[key] = fill_defaults(found, member)
    for key, found in schema.properties.items():
        if key not in filled and found.default is not MISSING:
            filled[key] = fill_defaults(found, deepcopy(found.default))
    return filled


def drop_forbidden_nulls(schema: Schema, value: Any) -> Any:
    """The value without nulls of members that may not be null, as custom resources are decoded."""
    if isinstance(value, Mapping):
        kept: dict[str, Any] = {}
        for key, member in value.items():
            found = schema.child(key)
            if member is None and found is not None and not found.nullable:
                continue
            kept[key] = drop_forbidden_nulls(found, member) if found is not None else member
        return kept
    if isinstance(value, list) and schema.items is not None:
        return [drop_forbidden_nulls(schema.items, item) for item in value]
    return value
