"""Server-side apply: merges what a manager wants into the live object, by field ownership.

Rules: facts/kube-api.md section 3, recorded in vectors/kube/apply-server and vectors/kube/crd/apply-ssa.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from lapstrake.apiserver import field_sets, managed_fields
from lapstrake.apiserver.field_sets import Fields, Path
from lapstrake.apiserver.managed_fields import Entry, Writer
from lapstrake.apiserver.schema import ANYTHING, Schema
from lapstrake.apiserver.status import ApiError, cause, internal
from lapstrake.apiserver.typed_check import complaints

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
_BEFORE = "before-first-apply"


def apply(
    schema: Schema,
    live: Mapping[str, Any] | None,
    patch: Mapping[str, Any],
    writer: Writer,
    *,
    force: bool = False,
    has_status: bool = False,
    blank: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The object after the apply, with its ``managedFields``; not yet defaulted. ``live`` None: it is new.

    ``patch`` is the decoded body, whose head (apiVersion, kind, name) the caller has checked. Raises ApiError
    for fields that do not fit the schema (500) and for conflicts with other managers (409).
    """
    _check_types(schema, patch)
    wanted = _own_part(patch, writer.subresource, has_status=has_status)
    base = dict(live) if live is not None else {}
    entries = managed_fields.read(base)
    if live is not None and not entries:
        entries = _owned_by_nobody(schema, live, blank or {}, writer, has_status=has_status)
    mine = _my_entry(entries, writer)
    others = [entry for entry in entries if entry is not mine]
    fields = field_sets.fields_of(schema, field_sets.ownable(wanted))
    merged = merge(schema, base, wanted)
    if mine is not None:
        merged = _pruned(schema, merged, mine.fields, fields, others)
    difference = field_sets.compare(schema, field_sets.ownable(base), field_sets.ownable(merged))
    changed = frozenset(difference.added | difference.modified)
    conflicts = [(entry, entry.fields & changed) for entry in others if entry.fields & changed]
    if conflicts and not force:
        _refuse(schema, live, conflicts, writer.manager)
    lost = frozenset(difference.removed).union(*(found for _, found in conflicts))
    others = [replace(entry, fields=entry.fields - lost) for entry in others]
    time = (mine.time if mine is not None else "") if difference.same and live is not None else writer.now
    own = Entry(writer.manager, "Apply", writer.api_version, fields, time, writer.subresource)
    return _finished(merged, patch, [*others, own], writer)


def _finished(
    merged: dict[str, Any], patch: Mapping[str, Any], entries: Sequence[Entry], writer: Writer
) -> dict[str, Any]:
    metadata = dict(merged.get("metadata") or {})
    metadata["managedFields"] = managed_fields.written(entries)
    notes = metadata.get("annotations") or {}
    if writer.manager == _KUBECTL and LAST_APPLIED in notes:
        metadata["annotations"] = {**notes, LAST_APPLIED: _last_applied_text(patch)}
    return {**merged, "metadata": metadata}


def _last_applied_text(patch: Mapping[str, Any]) -> str:
    """What kubectl would have noted if it had applied on its own side."""
    metadata = dict(patch.get("metadata") or {})
    notes = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    metadata.pop("annotations", None)
    if notes:
        metadata["annotations"] = notes
    metadata.pop("managedFields", None)
    return orjson.dumps({**patch, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode() + "\n"


def _check_types(schema: Schema, patch: Mapping[str, Any]) -> None:
    found = list(complaints(schema, patch))
    if not found:
        return
    metadata = patch.get("metadata") or {}
    api_version, kind = patch.get("apiVersion", ""), patch.get("kind", "")
    group, _, version = api_version.rpartition("/")
    place = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}; {group}/{version}, Kind={kind}"
    texts = found[0] if len(found) == 1 else "errors:\n" + "\n".join(f"  {text}" for text in found)
    raise internal(f"failed to create typed patch object ({place}): {texts}")


def _own_part(patch: Mapping[str, Any], subresource: str, *, has_status: bool) -> dict[str, Any]:
    """The part of the patch that the path covers: the status belongs to its subresource alone."""
    if subresource == "status":
        kept = ("apiVersion", "kind", "metadata", "status")
        return {key: value for key, value in patch.items() if key in kept}
    return {key: value for key, value in patch.items() if not (has_status and key == "status")}


def _owned_by_nobody(
    schema: Schema, live: Mapping[str, Any], blank: Mapping[str, Any], writer: Writer, *, has_status: bool
) -> list[Entry]:
    """An object that was never tracked: what it has belongs to a manager of that name."""
    listed = managed_fields.after_create(
        schema, live, blank, replace(writer, manager=_BEFORE), has_status=has_status
    )
    return managed_fields.read({"metadata": {"managedFields": listed}})


def _my_entry(entries: Sequence[Entry], writer: Writer) -> Entry | None:
    return next(
        (
            entry
            for entry in entries
            if entry.operation == "Apply"
            and entry.manager == writer.manager
            and entry.subresource == writer.subresource
        ),
        None,
    )


def merge(schema: Schema, live: Any, patch: Any) -> Any:
    """Maps by key, lists by their type; atomic values and scalars of the patch win."""
    if isinstance(live, Mapping) and isinstance(patch, Mapping) and field_sets.is_granular(schema, patch):
        merged = dict(live)
        for key, value in patch.items():
            merged[key] = merge(schema.child(key) or ANYTHING, live[key], value) if key in live else value
        return merged
    if isinstance(live, list) and isinstance(patch, list) and field_sets.is_granular(schema, patch):
        return _merged_list(schema, live, patch)
    return patch


def _merged_list(schema: Schema, live: list[Any], patch: list[Any]) -> list[Any]:
    """The order of the patch holds; items of the server alone stay before what followed them."""
    items = schema.items or ANYTHING
    olds = {field_sets.element_key(schema, item): item for item in live}
    news = {field_sets.element_key(schema, item): item for item in patch}
    merged: list[Any] = []
    waiting = list(olds)
    for key, item in news.items():
        if key not in olds:
            while waiting and waiting[0] not in news:
                merged.append(olds[waiting.pop(0)])
            merged.append(item)
            continue
        if key in waiting:
            before = waiting[: waiting.index(key)]
            merged += [olds[other] for other in before if other not in news]
            waiting = [other for other in before if other in news] + waiting[len(before) + 1 :]
        merged.append(merge(items, olds[key], item))
    return merged + [olds[key] for key in waiting if key not in news]


def _pruned(
    schema: Schema, merged: dict[str, Any], before: Fields, now: Fields, others: Sequence[Entry]
) -> dict[str, Any]:
    """Without what the manager used to apply, applies no more, and nobody else owns."""
    kept: set[Path] = set()
    for fields in (now, *(entry.fields for entry in others)):
        for path in fields:
            kept.update(path[:end] for end in range(1, len(path) + 1))
    last: set[Path] = set(before)
    for path in before:
        last.update(path[:end] for end in range(1, len(path)) if path[end - 1][0] == "f")
    gone = last - kept
    if not gone:
        return merged
    pruned: dict[str, Any] = _without(schema, merged, gone, ())
    return pruned


def _without(schema: Schema, value: Any, gone: set[Path], path: Path) -> Any:
    if not value or not field_sets.is_granular(schema, value):
        return value
    kept = []
    for element, child, member in field_sets.children(schema, value):
        below = (*path, element)
        if below not in gone:
            kept.append((element, _without(child, member, gone, below)))
    if isinstance(value, Mapping):
        return {element[2:]: member for element, member in kept}
    return [member for _, member in kept]


def _refuse(
    schema: Schema,
    live: Mapping[str, Any] | None,
    conflicts: Sequence[tuple[Entry, Fields]],
    manager: str,
) -> None:
    """Raises the conflict, unless kubectl itself wrote those fields by client-side apply."""
    allowed = _last_applied_fields(schema, live) if manager == _KUBECTL and live is not None else frozenset()
    left = [(entry, fields - allowed) for entry, fields in conflicts if fields - allowed]
    if left:
        raise _conflict(left)


def _last_applied_fields(schema: Schema, live: Mapping[str, Any]) -> Fields:
    """Fields that still have the value which kubectl's annotation says it gave them."""
    note = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        applied = orjson.loads(note) if note else None
    except orjson.JSONDecodeError:
        return frozenset()
    if not isinstance(applied, dict):
        return frozenset()
    wanted = field_sets.ownable(applied)
    fields = field_sets.fields_of(schema, wanted)
    difference = field_sets.compare(schema, wanted, field_sets.ownable(live))
    return fields - difference.modified - difference.removed


def _conflict(conflicts: Sequence[tuple[Entry, Fields]]) -> ApiError:
    by_manager = sorted(conflicts, key=lambda found: _manager_text(found[0]))
    causes = []
    for entry, fields in by_manager:
        for path in field_sets.in_order(fields):
            message = f"conflict with {_manager_text(entry)}"
            causes.append(cause("FieldManagerConflict", field_sets.text(path), message))
    if len(causes) == 1:
        text = f"{causes[0]['message']}: {causes[0]['field']}"
        return ApiError(409, "Conflict", f"Apply failed with 1 conflict: {text}", {"causes": causes})
    lines = []
    for entry, fields in by_manager:
        lines.append(f"conflicts with {_manager_text(entry)}:")
        lines += [f"- {field_sets.text(path)}" for path in field_sets.in_order(fields)]
    message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)
    return ApiError(409, "Conflict", message, {"causes": causes})


def _manager_text(entry: Entry) -> str:
    text = f'"{entry.manager}"'
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    return f"{text} using {entry.api_version}" if entry.operation == "Update" else text
