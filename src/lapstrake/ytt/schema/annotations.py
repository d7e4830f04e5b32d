"""Reading the ``@schema/...`` annotations of a node. All raise SchemaError under "Invalid schema"."""

from __future__ import annotations

from lapstrake.starlark.values import type_name
from lapstrake.ytt.schema.errors import SchemaError, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.yamldoc.nodes import Annotation, Item

HEADLINE = "Invalid schema"
_EXAMPLE = "2-tuple containing description (string) and example value (of expected type)"


def annotation_of(node: Item, name: str) -> Annotation | None:
    return node.annotations.get(f"schema/{name}") if node.annotations else None


def is_any(node: Item) -> bool:
    """Whether the node is annotated ``@schema/type any=True``."""
    annotation = annotation_of(node, "type")
    if annotation is None:
        return False
    if not annotation.kwargs:
        raise _error(
            node,
            annotation,
            "expected @schema/type annotation to have keyword argument and value",
            f"missing keyword argument and value (by {annotation.position})",
            "valid keyword argument and value",
            ("Supported key-value pairs are 'any=True', 'any=False'",),
        )
    for name, value in annotation.kwargs.items():
        if name != "any":
            raise _error(
                node,
                annotation,
                "unknown @schema/type annotation keyword argument",
                f"{name} (by {annotation.position})",
                "A valid kwarg",
                ("Supported kwargs are 'any'",),
            )
        if type(value) is not bool:
            raise _error(
                node,
                annotation,
                "unknown @schema/type annotation keyword argument value",
                f"{type_name(value)} (by {annotation.position})",
                "starlark.Bool",
                ("Supported kwargs are 'any'",),
            )
    return annotation.kwargs["any"] is True


def is_nullable(node: Item) -> bool:
    """Whether the node is annotated ``@schema/nullable``."""
    annotation = annotation_of(node, "nullable")
    if annotation is None:
        return False
    if annotation.kwargs:
        raise _error(
            node,
            annotation,
            "expected @schema/nullable annotation to not contain any keyword arguments",
            f"keyword argument in @schema/nullable (by {annotation.position})",
            "starlark.Bool",
            ("Supported kwargs are 'any'",),
        )
    return True


def text_of(node: Item, name: str) -> str:
    """The string that ``title``, ``desc`` or ``deprecated`` gives, ``""`` without that annotation."""
    annotation = annotation_of(node, name)
    if annotation is None:
        return ""
    if annotation.kwargs:
        raise _syntax_error(
            node,
            annotation,
            "keyword argument in",
            "string",
            ("this annotation only accepts one argument: a string.",),
        )
    if not annotation.args:
        raise _syntax_error(node, annotation, "missing value in", "string")
    if len(annotation.args) > 1:
        raise _syntax_error(node, annotation, f"{len(annotation.args)} values in", "string")
    text = annotation.args[0]
    if type(text) is not str:
        raise _syntax_error(node, annotation, "Non-string value in", "string")
    return text


def default_argument(node: Item, annotation: Annotation, expected: str) -> Any:
    """The one argument of ``@schema/default`` (a Starlark value)."""
    if annotation.kwargs:
        hints = (
            "this annotation only accepts one argument: the default value.",
            "value must be in Starlark format, e.g.: {'key': 'value'}, True.",
        )
        raise _syntax_error(node, annotation, "keyword argument in", expected, hints)
    if not annotation.args:
        raise _syntax_error(node, annotation, "missing value in", expected)
    if len(annotation.args) > 1:
        raise _syntax_error(node, annotation, f"{len(annotation.args)} values in", expected)
    return annotation.args[0]


def example_arguments(node: Item, annotation: Annotation) -> list[tuple[str, Any]]:
    """Descriptions and (Starlark) values of ``@schema/examples``."""
    if annotation.kwargs:
        raise _syntax_error(node, annotation, "keyword argument in", _EXAMPLE)
    if not annotation.args:
        raise _syntax_error(node, annotation, "missing value in", _EXAMPLE)
    for example in annotation.args:
        if type(example) is not tuple:
            raise _syntax_error(node, annotation, f"{type_name(example)} for", _EXAMPLE, by="at")
        if len(example) != 2:
            raise _syntax_error(node, annotation, f"{len(example)}-tuple argument in", _EXAMPLE)
        if type(example[0]) is not str:
            raise _syntax_error(node, annotation, f"{type_name(example[0])} value for", _EXAMPLE, by="at")
    return list(annotation.args)


def refuse_deprecated_document(node: Item) -> None:
    annotation = annotation_of(node, "deprecated")
    if annotation is not None:
        hints = (
            "do you mean to deprecate the entire schema document?",
            "use schema/deprecated on individual keys.",
        )
        raise _error(node, annotation, "@schema/deprecated not supported on a document", "", "", hints)


def refuse_item_default(node: Item) -> None:
    """An array item takes no default; ytt reports this as an error within an error."""
    annotation = annotation_of(node, "default")
    if annotation is None:
        return
    hints = (
        "do you mean to set a default value for the array?",
        "set an array's default by annotating its parent.",
    )
    inner = SchemaError(
        "Invalid schema - @schema/default not supported on array item",
        [Violation([annotation.position, node.position], "", "", hints)],
    )
    error = SchemaError(HEADLINE, [])
    error.message += str(inner)[1:] + " \n\n"
    raise error


def refuse_below_any(node: Item, names: list[str]) -> None:
    """``names``: the schema annotations of a node somewhere below an any type."""
    annotations = node.annotations or {}
    lines = [annotations[name].position for name in names] + [node.position]
    raise SchemaError(
        HEADLINE,
        [
            Violation(
                lines,
                f"{', '.join('@' + name for name in names)} annotation(s)",
                "no '@schema/...' on nodes within a node annotated '@schema/type any=True'",
                (
                    'an "any type" fragment has no constraints; nested schema annotations conflict and are disallowed',
                ),
                'Schema was specified within an "any type" fragment',
            )
        ],
    )


def _syntax_error(
    node: Item, annotation: Annotation, found: str, expected: str, hints: tuple[str, ...] = (), by: str = "by"
) -> SchemaError:
    name = f"@{annotation.name}"
    title = f"syntax error in {name} annotation"
    return _error(node, annotation, title, f"{found} {name} ({by} {annotation.position})", expected, hints)


def _error(
    node: Item, annotation: Annotation, title: str, found: str, expected: str, hints: tuple[str, ...]
) -> SchemaError:
    lines = [annotation.position, node.position]
    return SchemaError(HEADLINE, [Violation(lines, found, expected, hints, title)])
