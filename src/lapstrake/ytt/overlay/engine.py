"""The operations of overlays, carried out on the left tree in place; what comes from the right is copied.

Each level of the tree puts its place in front of an error that comes from below it.
"""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, copy_value
from lapstrake.yamldoc.printer import is_empty
from lapstrake.ytt.fragment import go_type
from lapstrake.ytt.overlay.annotations import (
    ALL,
    NO_DEFAULTS,
    NOT_GIVEN,
    child_defaults_of,
    keywords,
    match_of,
    operation_of,
)
from lapstrake.ytt.overlay.changes import Changes, KeyIndex
from lapstrake.ytt.overlay.compare import difference
from lapstrake.ytt.overlay.expectation import applies
from lapstrake.ytt.overlay.host import is_callable, tree_type
from lapstrake.ytt.overlay.matching import document_test, item_test

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lapstrake.ytt.overlay.annotations import Defaults
    from lapstrake.ytt.overlay.host import Host


def apply_overlays(targets: Sequence[DocumentSet], overlays: Sequence[DocumentSet], host: Host) -> None:
    """Change all ``targets`` by the documents of ``overlays``, one after the other.

    Documents count through over all targets; added ones go to the last target. Raises InputError that begins
    with ``Overlaying (in following order: ...)``.
    """
    engine = Engine(host)
    try:
        for overlay in overlays:
            for document in overlay.items:
                engine.document(targets, document)
    except InputError as error:
        names = ", ".join(overlay.position.source for overlay in overlays)
        raise InputError(f"Overlaying (in following order: {names}): {error}") from error


class Engine:
    """Applies overlay nodes to a tree."""

    __slots__ = ("_host",)

    def __init__(self, host: Host) -> None:
        self._host = host

    def apply(self, left: Any, right: Any) -> Any:
        """``overlay.apply``: the left value or document set changed by the right one, without overlay annotations."""
        if right.__class__ is DocumentSet:
            if left.__class__ is not DocumentSet:
                left = DocumentSet([Document(left)])
            for document in right.items:
                self.document((left,), document)
        elif left.__class__ is DocumentSet:
            for document in left.items:
                document.value = self._merged(document.value, right, NO_DEFAULTS)
        elif right.__class__ is Map or right.__class__ is Array:
            left = self._merged(left, right, NO_DEFAULTS)
        strip_annotations(left)
        return left

    def document(self, targets: Sequence[DocumentSet], right: Document) -> None:
        """Apply one overlay document to the documents that it matches. Raises InputError with its place."""
        try:
            operation, kwargs = operation_of(right)
            if operation == "append":
                self._append_document(targets, right.deep_copy())
                return
            match = match_of(right, NO_DEFAULTS)
            if not match.present:
                raise InputError(
                    "Expected 'overlay/match' annotation to have at least one keyword argument (by=..., expects=...)"
                )
            test = document_test(match.by, self._host)
            left_documents = [
                (docset, document)
                for docset in targets
                for document in docset.items
                if not is_empty(document.value)
            ]
            matched = [
                (docset, document)
                for index, (docset, document) in enumerate(left_documents)
                if test(index, document.value, right.value)
            ]
            if not applies(match.count, [document.position for _, document in matched], self._host):
                return
            if not matched and operation == "replace" and self._or_add(kwargs):
                added = right.deep_copy()
                added.value = self._replacement(kwargs, None, right.value)
                self._append_document(targets, added)
            defaults = child_defaults_of(right, NO_DEFAULTS)
            changes = Changes()
            for _, document in matched:
                changes.add(document, self._act(operation, kwargs, document, right, defaults))
            for docset in targets:
                changes.carry_out(docset)
        except InputError as error:
            raise InputError(
                f"Document on line {right.position}: {error}", position=right.position
            ) from error

    def matched_document(self, left: Document, right: Document) -> None:
        """Apply an overlay document to one that it meets by its kind (data values, schemas), whatever ``by`` says."""
        try:
            operation, kwargs = operation_of(right)
            instead = self._act(operation, kwargs, left, right, child_defaults_of(right, NO_DEFAULTS))
            if instead is not None and left not in instead:
                left.value = instead[0].value if instead else None
        except InputError as error:
            raise InputError(
                f"Document on line {right.position}: {error}", position=right.position
            ) from error

    @staticmethod
    def _append_document(targets: Sequence[DocumentSet], document: Document) -> None:
        if targets:
            targets[-1].items.append(document)

    def _merged(self, left: Any, right: Any, defaults: Defaults) -> Any:
        """``left`` after merging ``right`` into it: the same node for collections, else what stands there now."""
        kind = right.__class__
        if not isinstance(right, (Map, Array)):
            return right
        if left is None:
            return right.deep_copy()
        if left.__class__ is not kind:
            raise InputError(f"Expected {tree_type(right)}, but was {tree_type(left)}")
        if isinstance(right, Map):
            index = KeyIndex(left, len(right.items))
            for item in right.items:
                self._map_item(left, item, defaults, index)
        else:
            for entry in right.items:
                self._array_item(left, entry, defaults)
        return left

    def _map_item(self, left: Map, right: MapItem, defaults: Defaults, index: KeyIndex) -> None:
        try:
            operation, kwargs = operation_of(right)
            if operation in ("insert", "append"):
                raise InputError(
                    f"Found @overlay/{operation} on map item ({right.position});"
                    f" only array items can be annotated with @overlay/{operation}"
                )
            if right.annotations:
                match = match_of(right, defaults)
                by, count = match.by, match.count
                by_key = not match.present or by is NOT_GIVEN
                below = child_defaults_of(right, defaults)
            else:
                by, count, by_key, below = None, defaults, True, defaults
            if by_key:
                matched = index.items(right.key)
            else:
                test = item_test(by, self._host)
                matched = [item for item in left.items if test(item.key, item.value, right.value)]
            if (len(matched) != 1 or count is not NO_DEFAULTS) and not applies(
                count, [item.position for item in matched], self._host
            ):
                return
            if not matched:
                added = self._added(operation, kwargs, right)
                if added is not None:
                    left.items.append(added)
                    index.appended(added)
            changes = Changes()
            for item in matched:
                changes.add(item, self._act(operation, kwargs, item, right, below))
            changes.carry_out(left)
            index.changed(changes)
        except InputError as error:
            raise InputError(
                f"Map item (key '{_shown(right.key)}') on line {right.position}: {error}",
                position=right.position,
            ) from error

    def _array_item(self, left: Array, right: ArrayItem, defaults: Defaults) -> None:
        try:
            operation, kwargs = operation_of(right)
            if operation == "append":
                left.items.append(right.deep_copy())
                return
            match = match_of(right, defaults)
            matched: list[ArrayItem] = []
            if match.present:
                test = item_test(match.by, self._host)
                matched = [item for at, item in enumerate(left.items) if test(at, item.value, right.value)]
                if not applies(match.count, [item.position for item in matched], self._host):
                    return
            if not matched:
                added = self._added(operation, kwargs, right)
                if added is not None:
                    left.items.append(added)
                return
            below = child_defaults_of(right, defaults)
            changes = Changes()
            for item in matched:
                changes.add(item, self._act(operation, kwargs, item, right, below))
            changes.carry_out(left)
        except InputError as error:
            raise InputError(
                f"Array item on line {right.position}: {error}", position=right.position
            ) from error

    def _added(self, operation: str, kwargs: dict[str, Any], right: Any) -> Any:
        """The item to add where nothing matched and nothing need match, or None."""
        if operation == "merge":
            return right.deep_copy()
        if operation == "replace" and self._or_add(kwargs):
            added = right.deep_copy()
            added.value = self._replacement(kwargs, None, right.value)
            return added
        return None

    def _act(
        self, operation: str, kwargs: dict[str, Any], item: Any, right: Any, below: Defaults
    ) -> list[Any] | None:
        """Carry out an operation on ``item``, which matched ``right``; answers what is to stand in its place
        (None: itself, perhaps changed)."""
        if operation == "merge":
            self._merge_into(item, right, below)
        elif operation == "remove":
            return []
        elif operation == "replace":
            keywords(operation, kwargs, ("via", "or_add"))
            fresh = right.deep_copy()
            fresh.value = self._replacement(kwargs, item.value, right.value)
            if fresh.__class__ is Document:
                fresh.comments, fresh.implicit = item.comments, item.implicit
            return [fresh]
        elif operation == "insert":
            return self._insert(kwargs, item, right)
        else:
            self._assert(kwargs, item.value, right.value)
            if right.value.__class__ is Map or right.value.__class__ is Array:
                self._merge_into(item, right, below)
        return None

    def _merge_into(self, item: Any, right: Any, below: Defaults) -> None:
        value = self._merged(item.value, right.value, below)
        if value is not item.value or (value.__class__ is not Map and value.__class__ is not Array):
            item.value = value
            if item.__class__ is not Document:
                item.position = right.position

    def _or_add(self, kwargs: dict[str, Any]) -> bool:
        keywords("replace", kwargs, ("via", "or_add"))
        return _flag(kwargs.get("or_add", False))

    def _replacement(self, kwargs: dict[str, Any], left: Any, right: Any) -> Any:
        if "via" not in kwargs:
            return copy_value(right)
        return copy_value(self._host.to_yaml(self._via("replace", kwargs["via"], left, right)))

    def _insert(self, kwargs: dict[str, Any], item: Any, right: Any) -> list[Any]:
        keywords("insert", kwargs, ("before", "after", "via"))
        before, after = _flag(kwargs.get("before", False)), _flag(kwargs.get("after", False))
        if "before" not in kwargs and "after" not in kwargs:
            raise InputError(
                "Expected 'overlay/insert' annotation to have at least one keyword argument (before=..., after=...)"
            )
        above = [self._inserted(kwargs, item, right)] if before else []
        return [*above, item, *([self._inserted(kwargs, item, right)] if after else ())]

    def _inserted(self, kwargs: dict[str, Any], item: Any, right: Any) -> Any:
        fresh = right.deep_copy()
        if "via" in kwargs:
            answer = self._via("insert", kwargs["via"], item.value, right.value)
            fresh.value = copy_value(self._host.to_yaml(answer))
        return fresh

    def _via(self, operation: str, function: Any, left: Any, right: Any) -> Any:
        if not is_callable(function):
            raise InputError(
                f"Expected 'overlay/{operation}' annotation keyword argument 'via' to be function,"
                f" but was {go_type(function)}"
            )
        host = self._host
        return host.call(function, (host.to_starlark(left), host.to_starlark(right)))

    def _assert(self, kwargs: dict[str, Any], left: Any, right: Any) -> None:
        keywords("assert", kwargs, ("via",))
        if "via" not in kwargs:
            reason = difference(left, right)
            if reason is not None:
                raise InputError(f"Expected objects to equal, but did not: {reason}")
            return
        answer = self._via("assert", kwargs["via"], left, right)
        if answer is None or answer is True:
            return
        if answer is False:
            raise InputError("Expected via invocation to return true, but was false")
        if type(answer) is tuple and len(answer) == 2 and type(answer[0]) is bool and type(answer[1]) is str:
            if answer[0]:
                return
            raise InputError(
                f"Expected via invocation to return true, but was false with message: {answer[1]}"
            )
        raise InputError(
            "Expected via invocation to return NoneType, Bool or Tuple(Bool,String), but returned neither of those"
        )


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise InputError(f"expected starlark.Bool, but was {go_type(value)}")
    return value


def _shown(key: Any) -> str:
    """A key in a message; ytt's formatting of keys that are no strings is part of its texts."""
    if key.__class__ is str:
        return str(key)
    if key is None:
        return "%!s(<nil>)"
    if key.__class__ is bool:
        return f"%!s(bool={'true' if key else 'false'})"
    return f"%!s({'int' if key.__class__ is int else 'float64'}={key})"


def strip_annotations(value: Any) -> None:
    """Take the overlay annotations off a whole tree."""
    pending = [value]
    while pending:
        node = pending.pop()
        kind = node.__class__
        if kind is Map or kind is Array or kind is DocumentSet:
            pending.extend(node.items)
        elif kind is MapItem or kind is ArrayItem or kind is Document:
            pending.append(node.value)
        else:
            continue
        if node.annotations:
            kept = {name: one for name, one in node.annotations.items() if name not in ALL}
            node.annotations = kept or None
