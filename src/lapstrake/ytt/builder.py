"""The running side of a template: hooks that a compiled template calls to build its documents and texts.

Every call of a template function opens a context of its own. In a context of documents a stack of open nodes
leads from the root to the node begun last; what a new node belongs to is found by looking for its parent in
the text, so nodes need not be closed, and code may stand at any depth.
"""

from __future__ import annotations

from lapstrake.starlark.errors import EvalError
from lapstrake.yamldoc.nodes import (
    Annotation,
    Array,
    ArrayItem,
    Document,
    DocumentSet,
    Map,
    MapItem,
    copy_value,
    node_count,
)
from lapstrake.ytt.fragment import Fragment, Opaque, node_kind, to_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from lapstrake.position import Position

    Level: TypeAlias = tuple[Any, Any, set[Any] | None]

_FITTING = {DocumentSet: Document, Map: MapItem, Array: ArrayItem}
_PLURALS = {DocumentSet: "document sets", Map: "maps", Array: "arrays"}
_FITTING_PLURALS = {DocumentSet: "documents", Map: "map items", Array: "array items"}
KEY_OVERRIDE = "yaml/map-key-override"


class Replacement(Opaque):
    """What ``template.replace`` gives: takes the place of the item whose value it becomes."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__("@ytt:template.replace", {})
        self.value = value


class _Documents:
    """A context that builds nodes.

    ``stack`` leads from the root to the node begun last: a node of the template, its copy in the result,
    and for a map the keys that it has so far.
    """

    __slots__ = ("annotations", "keys", "root", "stack")

    def __init__(self) -> None:
        self.root: Any = None
        self.stack: list[Level] = []
        self.annotations: dict[int, dict[str, Annotation]] = {}
        self.keys: dict[int, str] = {}

    def result(self) -> Any:
        return None if self.root is None else Fragment(self.root)


class _Text:
    """A context that collects text."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[str] = []

    def result(self) -> str:
        return "".join(self.parts)


class Builder:
    """The hooks of one template and the contexts they work in. ``prefix`` begins the messages of its errors.

    ``charge``, if there is one, is told how many nodes are about to be made.
    """

    def __init__(
        self,
        serial: int,
        *,
        text: bool = False,
        implicit_overrides: bool = False,
        charge: Callable[[int], None] | None = None,
    ) -> None:
        self.charge = charge
        self.prefix = f"__ytt_tpl{serial}_"
        self.text = text
        self.implicit_overrides = implicit_overrides
        self.contexts: list[Any] = []

    # -- contexts

    def enter(self) -> None:
        self.contexts.append(_Text() if self.text else _Documents())

    def begin(self, docset: DocumentSet | None) -> None:
        """Open the outermost context, which is to build the document set of a YAML template (None: a text)."""
        self.enter()
        if docset is not None:
            context = self.contexts[-1]
            context.root = DocumentSet([], docset.position)
            context.stack.append((docset, context.root, None))

    def leave(self, value: Any, explicit: bool) -> Any:
        context = self.contexts.pop()
        return value if explicit else context.result()

    def enter_text(self) -> None:
        self.contexts.append(_Text())

    def leave_text(self) -> str:
        text: str = self.contexts.pop().result()
        return text

    # -- text

    def append(self, text: str) -> None:
        self.contexts[-1].parts.append(text)

    def append_value(self, value: Any) -> None:
        if type(value) is not str:
            tree = to_tree(value)
            raise EvalError(
                f"{self.prefix}set_node: cannot set non-string value ({_go_kind(tree)}), "
                "consider using str(...) to convert to string"
            )
        self.contexts[-1].parts.append(value)

    # -- nodes

    def annotate(
        self, node: Any, name: str, position: Position, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Keep an evaluated annotation for the node of the template that begins next."""
        pending = self.contexts[-1].annotations.setdefault(id(node), {})
        pending[name] = Annotation(name, args, kwargs, position)

    def set_key(self, node: MapItem) -> None:
        text = self.leave_text()
        self.contexts[-1].keys[id(node)] = text

    def starter(self, node: Any, parent: Any) -> Callable[[], None]:
        """The hook that begins ``node``: a copy of it, without its children, goes where it belongs."""
        contexts, place, fresh = self.contexts, self._place, _fresh
        value = node.value
        collection = type(value) if type(value) is Map or type(value) is Array else None

        def start() -> None:
            context = contexts[-1]
            made = fresh(context, node)
            stack = place(context, parent, made)
            stack.append((node, made, None))
            if collection is None:
                made.value = value
            else:
                made.value = collection([], value.position)
                stack.append((value, made.value, set() if collection is Map else None))

        return start if self.charge is None else self._charged(start, 1)

    def _charged(self, run: Callable[[], None], nodes: int) -> Callable[[], None]:
        charge = self.charge
        assert charge is not None

        def charged() -> None:
            charge(nodes)
            run()

        return charged

    def static(self, node: Any, parent: Any) -> Callable[[], None]:
        """The hook for a node below which there is nothing to compute."""

        def add() -> None:
            context = self.contexts[-1]
            made = _fresh(context, node)
            made.value = copy_value(node.value)
            self._place(context, parent, made).append((node, made, None))

        return add if self.charge is None else self._charged(add, 1 + node_count(node.value))

    def set(self, value: Any) -> None:
        """Give the node begun last a computed value."""
        stack = self.contexts[-1].stack
        node, made, _ = stack[-1]
        kind = type(value)
        if kind is int or kind is bool or (kind is str and value.isascii()):
            made.value = value
            return
        if kind is Replacement:
            self._replace(stack, made, value.value)
            return
        try:
            tree = to_tree(value)
        except EvalError as error:
            raise EvalError(f"{self.prefix}set_node: {error.message}") from None
        if type(tree) is DocumentSet:
            raise EvalError(
                f"{self.prefix}set_node: {node_kind(node)}s can only contain arrays, maps, or scalars; "
                "this is a document set"
            )
        self._charge_copy(tree)
        made.value = copy_value(tree)

    def _charge_copy(self, tree: Any) -> None:
        if self.charge is not None:
            self.charge(node_count(tree))

    def drop(self, value: Any) -> None:
        """A replacement that no node took for its value takes the place of the node begun last, as in ytt."""
        if type(value) is not Replacement or self.text:
            return
        stack = self.contexts[-1].stack
        at = len(stack) - 1
        while at >= 0 and type(stack[at][1]) in _FITTING:
            at -= 1
        if at < 0:
            return
        del stack[at + 1 :]
        inner = stack[-1][1].value
        while type(inner) in _FITTING and inner.items:
            stack += [(None, inner, None), (None, inner.items[-1], None)]
            inner = inner.items[-1].value
        self._replace(stack, stack[-1][1], value.value)

    def set_text(self) -> None:
        text = self.leave_text()
        self.contexts[-1].stack[-1][1].value = text

    def _place(self, context: _Documents, parent: Any, made: Any) -> list[Level]:
        stack = context.stack
        at = len(stack) - 1
        while at >= 0 and stack[at][0] is not parent:
            at -= 1
        if at >= 0:
            del stack[at + 1 :]
        elif not stack:
            context.root = type(parent)([], made.position)
            stack.append((parent, context.root, set() if type(parent) is Map else None))
        _, holder, keys = stack[-1]
        if _FITTING.get(type(holder)) is not type(made):
            self._refuse(holder, made)
        if keys is not None:
            key = made.key
            if type(key) is not str:
                key = _key_mark(made)
            if key in keys:
                self._override(holder, made)
            keys.add(key)
        holder.items.append(made)
        return stack

    def _refuse(self, holder: Any, made: Any) -> None:
        kind = type(holder)
        if kind in _PLURALS:
            raise EvalError(
                f"{self.prefix}start_node: {_PLURALS[kind]} can only contain {_FITTING_PLURALS[kind]}; "
                f"this is a {node_kind(made)}"
            )
        raise EvalError(
            f"{self.prefix}start_node: {node_kind(holder)}s can only contain arrays, maps, or scalars; "
            f"this is a {node_kind(made)}"
        )

    def _override(self, holder: Map, made: MapItem) -> None:
        """Take the item with the same key out, if that is allowed."""
        overrides = made.annotations is not None and KEY_OVERRIDE in made.annotations
        if not overrides and not self.implicit_overrides:
            raise EvalError(
                f"{self.prefix}start_node: expected key '{made.key}' to not be specified again "
                "(unless 'yaml/map-key-override' annotation is added)"
            )
        holder.items[:] = [item for item in holder.items if not _same_key(item.key, made.key)]

    def _replace(self, stack: list[Level], made: Any, value: Any) -> None:
        """Put the items of ``value`` in the place of the item begun last."""
        stack.pop()
        _, holder, keys = stack[-1]
        if keys is not None:
            keys.discard(_key_mark(made))
        tree = to_tree(value)
        if type(holder) is Map:
            if type(tree) is not Map:
                raise EvalError(f"template.replace: expected value to be map, but was {_go_kind(tree)}")
            names = tree.items
            holder.items[:] = [
                item for item in holder.items if not any(_same_key(item.key, new.key) for new in names)
            ]
        elif type(tree) is not Array and type(tree) is not DocumentSet:
            wanted = "array" if type(holder) is Array else "document set"
            raise EvalError(f"template.replace: expected value to be {wanted}, but was {_go_kind(tree)}")
        self._charge_copy(tree)
        # the placeholder was begun last, so it is the last item, unless its key is one of the new ones
        if not holder.items or holder.items[-1] is not made:
            raise EvalError(
                f"template.replace: expected to find placeholder {node_kind(made)} in {node_kind(holder)}"
            )
        holder.items[-1:] = [self._replacing(holder, item) for item in tree.items]

    def _replacing(self, holder: Any, item: Any) -> Any:
        if type(holder) is DocumentSet and type(item) is not Document:
            return Document(copy_value(item.value), item.position)
        if type(holder) is Array and type(item) is not ArrayItem:
            return ArrayItem(copy_value(item.value), item.position)
        return item.deep_copy()


def _fresh(context: _Documents, node: Any) -> Any:
    """A copy of a node of the template without its value, but with the key and the annotations computed for it."""
    kind = type(node)
    made: Any
    if kind is MapItem:
        key = context.keys.pop(id(node), node.key) if context.keys else node.key
        made = MapItem(key, None, node.position)
    elif kind is ArrayItem:
        made = ArrayItem(None, node.position)
    else:
        made = Document(None, node.position, None, node.implicit)
    if context.annotations:
        made.annotations = context.annotations.pop(id(node), None)
    return made


def _key_mark(item: MapItem) -> Any:
    """What stands for an item's key among the keys of its map."""
    key = item.key
    if type(key) is str:
        return key
    return id(item) if isinstance(key, (Map, Array)) else (type(key), key)


def _same_key(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a == b)


def _go_kind(tree: Any) -> str:
    return {
        bool: "bool",
        int: "int64",
        float: "float64",
        type(None): "<nil>",
        Array: "[]interface {}",
        Map: "*orderedmap.Map",
        str: "string",
    }.get(type(tree), "*yamlmeta." + type(tree).__name__)
