"""Rules of metadata that hold for every kind: names, labels, annotations, finalizers, owners."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lapstrake.apiserver import names
from lapstrake.apiserver.causes import Cause, forbidden, invalid, required, too_long

NameRule = Callable[[str], list[str]]

_NAME_RULES: Mapping[str, NameRule] = {
    "core.v1.Namespace": names.namespace,
    "core.v1.Service": names.label,
    "rbac.v1.Role": names.path_segment,
    "rbac.v1.ClusterRole": names.path_segment,
    "rbac.v1.RoleBinding": names.path_segment,
    "rbac.v1.ClusterRoleBinding": names.path_segment,
    "apiregistration.v1.APIService": names.path_segment,
    "apiextensions.v1.CustomResourceDefinition": names.path_segment,
    "certificates.v1.CertificateSigningRequest": names.path_segment,
}

_MOST_ANNOTATION_BYTES = 256 * 1024
_STANDARD_FINALIZERS = frozenset(("kubernetes", "orphan", "foregroundDeletion"))


def violations(
    definition: str, metadata: Mapping[str, Any], old: Mapping[str, Any] | None
) -> Iterator[Cause]:
    """``definition`` names a built-in kind, or is empty; ``old`` is the metadata before an update."""
    yield from _name(definition, metadata)
    for key, value in (metadata.get("labels") or {}).items():
        yield from _label(key, value, "metadata.labels")
    yield from _annotations(metadata.get("annotations") or {})
    yield from _owners(metadata.get("ownerReferences") or ())
    yield from _finalizers(metadata.get("finalizers") or (), builtin=bool(definition))
    if old is not None:
        yield from _update(metadata, old)


def _name(definition: str, metadata: Mapping[str, Any]) -> Iterator[Cause]:
    rule = _NAME_RULES.get(definition, names.subdomain)
    base = metadata.get("generateName", "")
    if base:
        masked = f"{base[:-2]}a" if base.endswith("-") and len(base) > 1 else base
        for text in rule(masked):
            yield invalid("metadata.generateName", base, text)
    name = metadata.get("name", "")
    if not name:
        yield required("metadata.name", "name or generateName is required")
        return
    for text in rule(name):
        yield invalid("metadata.name", name, text)


def _label(key: str, value: str, field: str) -> Iterator[Cause]:
    for text in names.label_key(key):
        yield invalid(field, key, text)
    for text in names.label_value(value):
        yield invalid(field, value, text)


def labels(found: Mapping[str, str], field: str) -> Iterator[Cause]:
    """Labels outside of metadata: selectors, Pod templates."""
    for key, value in found.items():
        yield from _label(key, value, field)


def _annotations(annotations: Mapping[str, str]) -> Iterator[Cause]:
    size = 0
    for key, value in annotations.items():
        size += len(key) + len(value)
        for text in names.label_key(key.lower()):
            yield invalid("metadata.annotations", key, text)
    if size > _MOST_ANNOTATION_BYTES:
        yield too_long("metadata.annotations", _MOST_ANNOTATION_BYTES)


def _owners(owners: Any) -> Iterator[Cause]:
    field = "metadata.ownerReferences"
    controllers = []
    for owner in owners:
        if not owner.get("apiVersion"):
            yield invalid(f"{field}.apiVersion", "", "version must not be empty")
        for key in ("kind", "name", "uid"):
            if not owner.get(key):
                yield invalid(f"{field}.{key}", "", "must not be empty")
        if owner.get("kind") == "Event" and owner.get("apiVersion") in ("v1", "events.k8s.io/v1"):
            group = "" if owner["apiVersion"] == "v1" else "events.k8s.io"
            text = f"{group}/v1, Kind=Event is disallowed from being an owner"
            yield invalid(field, _in_order(owner), text)
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind')}/{owner.get('name')}")
    if len(controllers) > 1:
        text = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{controllers[0]} and {controllers[1]}"
        )
        yield invalid(field, [_in_order(owner) for owner in owners], text)


def _in_order(owner: Mapping[str, Any]) -> dict[str, Any]:
    order = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
    return {key: owner.get(key, "") for key in order if key in owner or key in order[:4]}


def _finalizers(finalizers: Any, *, builtin: bool) -> Iterator[Cause]:
    for index, finalizer in enumerate(finalizers):
        field = f"metadata.finalizers[{index}]"
        wrong = names.label_key(finalizer)
        for text in wrong:
            yield invalid(field, finalizer, text)
        if builtin and not wrong and "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(field, finalizer, text)


def _update(metadata: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Cause]:
    if old.get("deletionTimestamp"):
        added = [
            name for name in metadata.get("finalizers") or () if name not in (old.get("finalizers") or ())
        ]
        if added:
            listed = ", ".join(f'"{name}"' for name in sorted(added))
            text = (
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{listed}}}"
            )
            yield forbidden("metadata.finalizers", text)
    if metadata.get("uid") != old.get("uid"):
        # The real server looks twice, and says so twice.
        for _ in range(2):
            yield invalid("metadata.uid", metadata.get("uid", ""), "field is immutable")
