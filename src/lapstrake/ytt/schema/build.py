"""From a schema document to types."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Array, Document, Map, placed
from lapstrake.ytt.schema.annotations import (
    annotation_of,
    default_argument,
    example_arguments,
    is_any,
    is_nullable,
    refuse_below_any,
    refuse_deprecated_document,
    refuse_item_default,
    text_of,
)
from lapstrake.ytt.schema.errors import SchemaError, Violation
from lapstrake.ytt.schema.types import AnyType, ArrayType, DocumentType, MapType, Place, ScalarType, Type
from lapstrake.ytt.validation import SCHEMA, is_computed, rules_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Item
    from lapstrake.ytt.overlay.host import Host

_SCALARS = (bool, int, float, str, bytes)


def schema_of(document: Document, host: Host) -> DocumentType:
    """The type that a schema document describes. Raises InputError (mostly SchemaError)."""
    refuse_deprecated_document(document)
    return DocumentType(_type_of(document, host), document.position)


def _type_of(node: Item, host: Host) -> Type:
    if is_any(node):
        _refuse_annotations_below(node.value)
        is_nullable(node)
        kind: Type = AnyType(node.value, node.position)
        kind.nullable = annotation_of(node, "nullable") is not None
    else:
        kind = _structural_type(node, host)
        kind.nullable = is_nullable(node)
    documentation = kind.documentation
    documentation.title = text_of(node, "title")
    documentation.description = text_of(node, "desc")
    documentation.deprecated = (
        bool(text_of(node, "deprecated")) or annotation_of(node, "deprecated") is not None
    )
    _read_default(node, kind, host)
    _read_examples(node, kind, host)
    if node.annotations and SCHEMA in node.annotations:
        kind.rules = rules_of(node.annotations[SCHEMA], host)
    return kind


def _structural_type(node: Item, host: Host) -> Type:
    value = node.value
    if value is None:
        raise _null_error(node)
    if value.__class__ is Map:
        return MapType([(item.key, _type_of(item, host)) for item in value.items], node.position)
    if value.__class__ is Array:
        if is_computed(node):
            raise InputError(
                f"Expected value '[{' '.join(_go_text(item.value) for item in value.items)}]'"
                " to be a map, array, or scalar, but was []interface {}"
            )
        if len(value.items) != 1:
            raise _array_error(node, len(value.items))
        item = value.items[0]
        refuse_item_default(item)
        return ArrayType(_type_of(item, host), node.position)
    if isinstance(value, _SCALARS):
        return ScalarType(value, node.position)
    raise InputError(
        f"Expected value '{value}' to be a map, array, or scalar, but was {type(value).__name__}"
    )


def _go_text(value: Any) -> str:
    """A value as Go's ``%s`` shows it; its complaints about other types are part of ytt's text."""
    if value is None:
        return "%!s(<nil>)"
    if isinstance(value, bool):
        return f"%!s(bool={'true' if value else 'false'})"
    if isinstance(value, (int, float)):
        return f"%!s({'int64' if isinstance(value, int) else 'float64'}={value})"
    return str(value) if isinstance(value, str) else "map[]" if isinstance(value, Map) else "[]"


def _refuse_annotations_below(value: Any) -> None:
    pending: list[Item] = list(value.items) if isinstance(value, (Map, Array)) else []
    while pending:
        item = pending.pop(0)
        names = [name for name in item.annotations or () if name.startswith("schema/")]
        if names:
            refuse_below_any(item, names)
        if isinstance(item.value, (Map, Array)):
            pending = [*item.value.items, *pending]


def _read_default(node: Item, kind: Type, host: Host) -> None:
    annotation = annotation_of(node, "default")
    if annotation is None:
        return
    argument = default_argument(node, annotation, f"{kind.name} (by {kind.position})")
    value = placed(host.to_yaml(argument), annotation.position)
    violations: list[Violation] = []
    blamed = [annotation.position, node.position]
    kind.check(value, Place(node.position, violations, blamed, f" (at {annotation.position})"))
    if violations:
        raise SchemaError("Invalid schema - @schema/default is wrong type", violations)
    kind.explicit_default = value


def _read_examples(node: Item, kind: Type, host: Host) -> None:
    annotation = annotation_of(node, "examples")
    if annotation is None:
        return
    for description, argument in example_arguments(node, annotation):
        value = placed(host.to_yaml(argument), annotation.position)
        violations: list[Violation] = []
        blamed = [annotation.position, node.position]
        kind.check(value, Place(node.position, violations, blamed, f" (by {annotation.position})"))
        if violations:
            raise SchemaError("Invalid schema - @schema/examples has wrong type", violations)
        kind.documentation.examples.append((description, value))


def _null_error(node: Item) -> SchemaError:
    hints = (
        "in YAML, omitting a value implies null.",
        "to set the default value to null, annotate with @schema/nullable.",
        "to allow any value, annotate with @schema/type any=True.",
    )
    violation = Violation([node.position], "null value", "non-null value", hints)
    return SchemaError("Invalid schema - null value not allowed here", [violation])


def _array_error(node: Item, count: int) -> SchemaError:
    hints = (
        "in schema, the one item of the array implies the type of its elements.",
        "in schema, the default value for an array is always an empty list.",
        "default values can be overridden via a data values overlay.",
    )
    found = f"{count} array item{'' if count == 1 else 's'}"
    violation = Violation([node.position], found, "exactly 1 array item, of the desired type", hints)
    return SchemaError("Invalid schema - wrong number of items in array definition", [violation])
