"""What a CustomResourceDefinition must fulfil. Recorded in vectors/kube/crd/invalid and vectors/kube/crd/names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lapstrake.apiserver import names, structural
from lapstrake.apiserver.causes import Cause, choice, invalid, required, unchanged
from lapstrake.apiserver.schema import from_openapi
from lapstrake.apiserver.status import cause

Object = Mapping[str, Any]

_SCHEMA = "spec.validation.openAPIV3Schema"
_TYPES = ("array", "boolean", "integer", "number", "object", "string")


def violations(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    known = spec.get("names") or {}
    versions = spec.get("versions") or ()
    name, expected = obj["metadata"].get("name", ""), f"{known.get('plural', '')}.{spec.get('group', '')}"
    if name != expected:
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    yield from _group(spec)
    yield from choice("spec.scope", spec.get("scope", ""), ("Cluster", "Namespaced"))
    yield from _names(known)
    yield from _versions(versions)
    for index, version in enumerate(versions):
        yield from _schema(version, f"spec.versions[{index}].schema.openAPIV3Schema", _common(versions))
    if old is not None:
        before = old.get("spec") or {}
        yield from unchanged("spec.group", spec.get("group"), before.get("group"))
        yield from unchanged("spec.scope", spec.get("scope"), before.get("scope"))
        for key in ("plural", "kind"):
            yield from unchanged(f"spec.names.{key}", known.get(key), (before.get("names") or {}).get(key))


def _common(versions: Sequence[Object]) -> bool:
    """One schema for all versions is kept, and named in refusals, as that of the whole definition."""
    return all(version.get("schema") == versions[0].get("schema") for version in versions)


def _group(spec: Object) -> Iterator[Cause]:
    group = spec.get("group", "")
    if not group:
        yield required("spec.group")
        return
    for text in names.subdomain(group):
        yield invalid("spec.group", group, text)
    if "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _names(known: Object) -> Iterator[Cause]:
    for key in ("plural", "singular", "kind", "listKind"):
        name = known.get(key, "")
        if not name:
            yield required(f"spec.names.{key}")
            continue
        for text in names.label_1035(name.lower()):
            yield invalid(f"spec.names.{key}", name, text)
    for index, short in enumerate(known.get("shortNames") or ()):
        for text in names.label_1035(short):
            yield invalid(f"spec.names.shortNames[{index}]", short, text)


def _versions(versions: Sequence[Object]) -> Iterator[Cause]:
    if not versions:
        yield required("spec.versions")
        return
    first = versions[0].get("name", "")
    for text in names.label_1035(first):
        yield invalid("spec.version", first, text)
    for index, version in enumerate(versions):
        name = version.get("name", "")
        for text in names.label_1035(name):
            yield invalid(f"spec.versions[{index}].name", name, text)
    stored = [version.get("name") for version in versions if version.get("storage")]
    if len(stored) != 1:
        shown = [_internal(version, _common(versions)) for version in versions]
        yield invalid("spec.versions", shown, "must have exactly one version marked as storage version")
        if stored:
            yield invalid("status.storedVersions", stored[:1], f"must have the storage version {stored[-1]}")
        else:
            yield invalid("status.storedVersions", None, "must have at least one stored version")


def _internal(version: Object, common: bool) -> dict[str, Any]:
    """A version as the server prints it, with the names of its own structures."""
    return {
        "Name": version.get("name", ""),
        "Served": bool(version.get("served")),
        "Storage": bool(version.get("storage")),
        "Deprecated": bool(version.get("deprecated")),
        "DeprecationWarning": version.get("deprecationWarning"),
        "Schema": None if common else version.get("schema"),
        "Subresources": version.get("subresources"),
        "AdditionalPrinterColumns": version.get("additionalPrinterColumns"),
        "SelectableFields": version.get("selectableFields"),
    }


def _schema(version: Object, field: str, common: bool) -> Iterator[Cause]:
    document = (version.get("schema") or {}).get("openAPIV3Schema")
    if document is None:
        yield required(field)
        return
    path = _SCHEMA if common else field
    if document.get("type") != "object":
        yield invalid(f"{path}.type", document.get("type", ""), "must be object at the root")
    yield from _node(document, path, root=True)


def _node(document: Object, field: str, *, root: bool = False) -> Iterator[Cause]:
    free = document.get("x-kubernetes-int-or-string") or document.get("x-kubernetes-preserve-unknown-fields")
    if root and document.get("x-kubernetes-preserve-unknown-fields") is False:
        yield invalid(f"{field}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined")
    children = [*(document.get("properties") or {}).items()]
    for name, child in children:
        yield from _node(child, f"{field}.properties[{name}]")
    for key in ("items", "additionalProperties"):
        if isinstance(document.get(key), Mapping):
            yield from _node(document[key], f"{field}.{key}")
    kind = document.get("type", "")
    if not kind and not free and not root:
        yield required(f"{field}.type", "must not be empty for specified object fields")
    elif kind and kind not in _TYPES:
        yield from choice(f"{field}.type", kind, _TYPES)
    if kind == "array" and not isinstance(document.get("items"), Mapping):
        yield required(f"{field}.items", "must be specified")
    if document.get("x-kubernetes-list-type") == "map" and not document.get("x-kubernetes-list-map-keys"):
        text = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{field}.x-kubernetes-list-map-keys", text)
    if "default" in document:
        yield from _default(document, f"{field}.default")


def _default(document: Object, field: str) -> Iterator[Cause]:
    for found in structural.violations(from_openapi(document), document["default"]):
        where = f"{field}.{found['field']}" if found["field"] else field
        yield cause(found["reason"], where, found["message"])
