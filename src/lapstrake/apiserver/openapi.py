"""The OpenAPI v3 documents: what kubectl reads before it creates, applies, explains or merges.

They hold what those commands look for: the patch operation of every kind with its parameters, and schemas with
merge keys. Descriptions are those of custom kinds alone. Recorded in vectors/kube/discovery/openapi-v3.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from lapstrake.apiserver.builtin import definition_row
from lapstrake.apiserver.patches import APPLY_PATCH, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from lapstrake.apiserver.requests import Query
from lapstrake.apiserver.resources import Registry, Served

JSON = "application/json"
_REF = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"

_PACKAGES = {
    "meta": "io.k8s.apimachinery.pkg.apis.meta",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis.apiregistration",
}

_SCALARS: Mapping[str, Mapping[str, Any]] = {
    "string": {"type": "string"},
    "int32": {"type": "integer", "format": "int32"},
    "int64": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "duration": {"type": "string"},
    "raw": {"type": "object"},
    "fields": {"type": "object"},
    "json": {},
    "any": {},
}

_NAMED_SCALARS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "time": (f"{_META}.Time", {"type": "string", "format": "date-time"}),
    "micro-time": (f"{_META}.MicroTime", {"type": "string", "format": "date-time"}),
    "quantity": (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ),
    "int-or-string": (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    ),
}

_FACTS = {
    "lt": "x-kubernetes-list-type",
    "lk": "x-kubernetes-list-map-keys",
    "mt": "x-kubernetes-map-type",
    "ps": "x-kubernetes-patch-strategy",
    "pk": "x-kubernetes-patch-merge-key",
    "def": "default",
}

_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


class Documents:
    """Answers for paths below ``/openapi``; documents are kept until the registry changes."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = threading.Lock()
        self._edition = -1
        self._made: dict[str, bytes] = {}

    def __call__(self, path: str, query: Query) -> tuple[bytes, str] | None:
        """``v3`` is the index, ``v3/apis/apps/v1`` one document; None: there is no such document."""
        kind, _, rest = path.strip("/").partition("/")
        if kind != "v3":
            return None
        with self._lock:
            if self._edition != self._registry.edition:
                self._edition = self._registry.edition
                self._made.clear()
            if rest not in self._made:
                made = self._make(rest)
                if made is None:
                    return None
                self._made[rest] = made
            return self._made[rest], "text/plain; charset=utf-8" if not rest else JSON

    def _make(self, rest: str) -> bytes | None:
        if not rest:
            return orjson.dumps({"paths": dict(map(self._entry, self._group_versions()))})
        parts = rest.split("/")
        if parts[0] == "api" and len(parts) == 2:
            group, version = "", parts[1]
        elif parts[0] == "apis" and len(parts) == 3:
            group, version = parts[1], parts[2]
        else:
            return None
        served = self._registry.in_group(group, version)
        return orjson.dumps(document(group, version, served)) if served else None

    def _group_versions(self) -> list[tuple[str, str]]:
        return [(group.name, version) for group in self._registry.groups() for version in group.versions]

    def _entry(self, group_version: tuple[str, str]) -> tuple[str, dict[str, str]]:
        path = "/".join(("apis" if group_version[0] else "api", *filter(None, group_version)))
        served = self._registry.in_group(*group_version)
        content = [[found.rt.plural, found.definition, found.openapi] for found in served]
        digest = hashlib.sha256(orjson.dumps(content)).hexdigest().upper()
        return path, {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}


def document(group: str, version: str, served: Sequence[Served]) -> dict[str, Any]:
    """The document of one group version."""
    custom = any(found.custom for found in served)
    paths: dict[str, Any] = {}
    schemas = _Schemas()
    for found in served:
        schemas.add_kind(found)
        paths.update(_paths(group, version, found))
    info = {"title": "Kubernetes", "version": "v1.36.0"}
    if custom:
        info = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas.made}}


def full_name(definition: str) -> str:
    """``io.k8s.api.apps.v1.Deployment`` for ``apps.v1.Deployment``."""
    group, rest = definition.split(".", 1)
    return f"{_PACKAGES.get(group, f'io.k8s.api.{group}')}.{rest}"


def _custom_name(served: Served) -> str:
    return ".".join((*reversed(served.rt.group.split(".")), served.rt.version, served.rt.kind))


class _Schemas:
    """``components.schemas``, filled with everything that the kinds refer to."""

    def __init__(self) -> None:
        patch = {"type": "object", "description": "Any of the kinds of patch."}
        self.made: dict[str, Any] = {f"{_META}.Patch": patch}

    def add_kind(self, served: Served) -> None:
        rt = served.rt
        known_as = {"group": rt.group, "kind": rt.kind, "version": rt.version}
        if served.custom:
            name = _custom_name(served)
            self.made[name] = self._custom(served)
        else:
            name = self._definition(served.definition)
        self.made[name]["x-kubernetes-group-version-kind"] = [known_as]

    def _custom(self, served: Served) -> dict[str, Any]:
        written = dict(served.openapi or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        head = {
            "apiVersion": {"type": "string", "description": "Group and version of the form of this object."},
            "kind": {"type": "string", "description": "The kind of this object."},
            "metadata": {
                "description": "Name, labels, owners and the like.",
                "allOf": [{"$ref": _REF + self._definition("meta.v1.ObjectMeta")}],
            },
        }
        written["properties"] = {**(written.get("properties") or {}), **head}
        return written

    def _definition(self, definition: str) -> str:
        name = full_name(definition)
        if name in self.made:
            return name
        row = definition_row(definition)
        made: dict[str, Any] = {"type": "object"}
        self.made[name] = made
        fields = row.get("f", {})
        needed = [member for member, field in fields.items() if len(field) > 2 and "req" in field[2]]
        if needed:
            made["required"] = needed
        made["properties"] = {
            member: self._member(field[1], field[2] if len(field) > 2 else {})
            for member, field in fields.items()
        }
        if "mt" in row:
            made["x-kubernetes-map-type"] = row["mt"]
        return name

    def _member(self, written: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        found = self._type(written)
        if "$ref" in found:
            # Only so may other keywords stand beside the reference.
            found = {"allOf": [found]}
        return {**found, **{_FACTS[fact]: value for fact, value in facts.items() if fact in _FACTS}}

    def _type(self, written: str) -> dict[str, Any]:
        if written.startswith("@"):
            return {"$ref": _REF + self._definition(written[1:])}
        if written.startswith("[]"):
            return {"type": "array", "items": self._type(written[2:])}
        if written.startswith("{}"):
            return {"type": "object", "additionalProperties": self._type(written[2:])}
        if written in _NAMED_SCALARS:
            name, scalar = _NAMED_SCALARS[written]
            self.made.setdefault(name, dict(scalar))
            return {"$ref": _REF + name}
        return dict(_SCALARS[written])


def _paths(group: str, version: str, served: Served) -> dict[str, Any]:
    rt = served.rt
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    scope = "namespaces/{namespace}/" if rt.namespaced else ""
    collection = f"{base}/{scope}{rt.plural}"
    kind = {"group": rt.group, "version": rt.version, "kind": rt.kind}
    tail = f"{_camel_group(group)}{version.capitalize()}{'Namespaced' if rt.namespaced else ''}{rt.kind}"
    verbs = set(rt.verbs)
    operations = _Operations(kind, tail, _schema_name(served), served.custom)
    paths: dict[str, Any] = {}
    whole = operations.of(verbs & {"list", "create", "deletecollection"})
    single = operations.of(verbs & {"get", "update", "patch", "delete"})
    if whole:
        paths[collection] = whole
    if single:
        paths[f"{collection}/{{name}}"] = single
    return paths


def _schema_name(served: Served) -> str:
    return _custom_name(served) if served.custom else full_name(served.definition)


def _camel_group(group: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[.-]", (group or "core").removesuffix(".k8s.io")))


_METHODS = {
    "list": ("get", "list"),
    "create": ("post", "create"),
    "deletecollection": ("delete", "deleteCollection"),
    "get": ("get", "read"),
    "update": ("put", "replace"),
    "patch": ("patch", "patch"),
    "delete": ("delete", "delete"),
}


class _Operations:
    """The operations of one kind."""

    def __init__(self, kind: Mapping[str, str], tail: str, schema: str, custom: bool) -> None:
        self._kind, self._tail, self._schema, self._custom = kind, tail, schema, custom

    def of(self, verbs: set[str]) -> dict[str, Any]:
        return dict(self._operation(verb) for verb in _METHODS if verb in verbs)

    def _operation(self, verb: str) -> tuple[str, dict[str, Any]]:
        method, word = _METHODS[verb]
        operation: dict[str, Any] = {
            "operationId": word + self._tail,
            "x-kubernetes-action": method if verb in ("create", "update") else verb,
            "x-kubernetes-group-version-kind": dict(self._kind),
            "responses": {"200": {"description": "OK"}},
        }
        if verb in ("create", "update", "patch"):
            names = (*_WRITE_PARAMETERS, "force") if verb == "patch" else _WRITE_PARAMETERS
            operation["parameters"] = [
                {
                    "name": name,
                    "in": "query",
                    "schema": {"type": "boolean" if name == "force" else "string", "uniqueItems": True},
                }
                for name in names
            ]
            operation["requestBody"] = {"content": self._content(verb)}
        return method, operation

    def _content(self, verb: str) -> dict[str, Any]:
        if verb != "patch":
            return {JSON: {"schema": {"$ref": _REF + self._schema}}}
        kinds = [APPLY_PATCH, JSON_PATCH, MERGE_PATCH]
        if not self._custom:
            kinds.append(STRATEGIC_PATCH)
        return {kind: {"schema": {"$ref": f"{_REF}{_META}.Patch"}} for kind in kinds}
