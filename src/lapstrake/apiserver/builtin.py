"""The kinds that every cluster serves, read from the table ``builtin.json``.

The table is written by scripts/kube_schemas.py from the published description of the Kubernetes API.
What that description does not say stands here: short names, categories, and which members the server
leaves out when they are zero. Loading the table takes a few milliseconds; schemas are built when asked for.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lapstrake.apiserver.schema import ANYTHING, MISSING, Schema
from lapstrake.kube.types import ResourceType


@dataclass(frozen=True, slots=True)
class Subresource:
    """One path below an object: ``status``, ``scale``; the kind is the one that is sent and answered."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuiltinType:
    """One built-in resource with what is needed to serve it."""

    type: ResourceType
    subresources: tuple[Subresource, ...]
    definition: str

    @property
    def schema(self) -> Schema:
        return definition_schema(self.definition)

    @property
    def has_status(self) -> bool:
        return any(sub.name == "status" for sub in self.subresources)


_SHORT_NAMES = {
    "componentstatuses": "cs",
    "configmaps": "cm",
    "endpoints": "ep",
    "events": "ev",
    "limitranges": "limits",
    "namespaces": "ns",
    "nodes": "no",
    "persistentvolumeclaims": "pvc",
    "persistentvolumes": "pv",
    "pods": "po",
    "replicationcontrollers": "rc",
    "resourcequotas": "quota",
    "serviceaccounts": "sa",
    "services": "svc",
    "daemonsets": "ds",
    "deployments": "deploy",
    "replicasets": "rs",
    "statefulsets": "sts",
    "horizontalpodautoscalers": "hpa",
    "cronjobs": "cj",
    "certificatesigningrequests": "csr",
    "ingresses": "ing",
    "networkpolicies": "netpol",
    "poddisruptionbudgets": "pdb",
    "storageclasses": "sc",
    "volumeattributesclasses": "vac",
    "customresourcedefinitions": "crd crds",
    "priorityclasses": "pc",
    "ipaddresses": "ip",
}

_IN_ALL = frozenset(
    [
        "pods",
        "replicationcontrollers",
        "services",
        "daemonsets",
        "deployments",
        "replicasets",
        "statefulsets",
        "horizontalpodautoscalers",
        "cronjobs",
        "jobs",
    ]
)
_API_EXTENSION_GROUPS = frozenset(
    ("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io")
)

_KEPT_EMPTY_STRINGS = frozenset(
    [
        "storageClassName",
        "runtimeClassName",
        "appProtocol",
        "ingressClassName",
        "volumeAttributesClassName",
        "message",
        "namespaceSelector",
    ]
)
"""Optional strings that differ between empty and absent."""

_DROPPED_FALSE = frozenset(
    [
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "readOnly",
        "stdin",
        "stdinOnce",
        "tty",
        "paused",
        "publishNotReadyAddresses",
        "unschedulable",
        "preserveUnknownFields",
        "nullable",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "uniqueItems",
        "deprecated",
        "authenticated",
        "globalDefault",
        "insecureSkipTLSVerify",
        "denied",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
    ]
)
"""Optional booleans for which false and absent are the same."""

_DROPPED_NUMBERS = frozenset(
    [
        "minReadySeconds",
        "hostPort",
        "nodePort",
        "initialDelaySeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
        "observedGeneration",
        "readyReplicas",
        "availableReplicas",
        "updatedReplicas",
        "unavailableReplicas",
        "currentReplicas",
        "active",
        "succeeded",
        "failed",
        "count",
        "generation",
        "fullyLabeledReplicas",
        "numberAvailable",
        "numberUnavailable",
        "updatedNumberScheduled",
        "healthCheckNodePort",
    ]
)
"""Optional numbers for which zero and absent are the same."""


@cache
def _table() -> Mapping[str, Any]:
    data = pkgutil.get_data("lapstrake.apiserver", "builtin.json")
    if data is None:
        raise FileNotFoundError("builtin.json")
    table: Mapping[str, Any] = json.loads(data)
    return table


def definition_row(name: str) -> Mapping[str, Any]:
    """The raw row of a definition such as ``core.v1.Pod``: fields ``f`` and inlined messages ``i``."""
    row: Mapping[str, Any] = _table()["definitions"][name]
    return row


@cache
def builtin_types() -> Sequence[BuiltinType]:
    """Every built-in resource, in the order of discovery: groups by preference, plurals by name."""
    return tuple(_builtin_type(row) for row in _table()["kinds"])


def _builtin_type(row: Mapping[str, Any]) -> BuiltinType:
    group, plural = row["g"], row["p"]
    categories: tuple[str, ...] = ()
    if plural in _IN_ALL and group in ("", "apps", "autoscaling", "batch"):
        categories = ("all",)
    elif group in _API_EXTENSION_GROUPS:
        categories = ("api-extensions",)
    resource = ResourceType(
        group=group,
        version=row["v"],
        kind=row["k"],
        plural=plural,
        namespaced=bool(row["n"]),
        singular=row["k"].lower(),
        short_names=tuple(_SHORT_NAMES.get(plural, "").split()),
        categories=categories,
        verbs=tuple(row["verbs"]),
    )
    below = tuple(
        Subresource(name, group, version, kind, tuple(verbs))
        for name, group, version, kind, verbs in row["sub"]
    )
    return BuiltinType(resource, below, row["d"])


@cache
def definition_of(api_version: str, kind: str) -> str | None:
    """The definition of a kind: ``("apps/v1", "Scale")`` has none; reviews and options are known too."""
    for builtin in builtin_types():
        if builtin.type.api_version == api_version and builtin.type.kind == kind:
            return builtin.definition
    group, _, version = api_version.rpartition("/")
    if kind == "DeleteOptions":
        return "meta.v1.DeleteOptions"
    name = f"{group.split('.')[0] or 'core'}.{version}.{kind}"
    return name if name in _table()["definitions"] else None


def with_head(schema: Schema | None) -> Schema:
    """The schema of whole objects of a custom kind: what its definition says, and the head that all objects have.

    None: anything goes below that head.
    """
    schema = schema or Schema(type="object", preserve_unknown=True)
    head = {
        "apiVersion": _SCALARS["string"],
        "kind": _SCALARS["string"],
        "metadata": definition_schema("meta.v1.ObjectMeta"),
    }
    return replace(schema, type="object", properties={**schema.properties, **head})


_schemas: dict[str, Schema] = {}


def definition_schema(name: str) -> Schema:
    """The schema of a definition, built once; definitions may contain themselves."""
    found = _schemas.get(name)
    if found is not None:
        return found
    row = definition_row(name)
    schema = Schema(type="object", name=name.rpartition(".")[2], map_type=row.get("mt", ""))
    _schemas[name] = schema
    if "f" not in row:
        schema.preserve_unknown = True
    for member, field in row.get("f", {}).items():
        facts = field[2] if len(field) > 2 else {}
        schema.properties[member] = _member_schema(member, field[1], facts)
    schema.required = tuple(
        member for member, field in row.get("f", {}).items() if len(field) > 2 and "req" in field[2]
    )
    return schema


def _member_schema(member: str, written: str, facts: Mapping[str, Any]) -> Schema:
    found = _type_schema(written)
    zero_kept = "req" in facts or _keeps_zero(member, found)
    if not facts and zero_kept == found.keeps_zero:
        return found
    # A copy, because the same structure merges differently in different places. It shares its members.
    return Schema(
        type=found.type,
        name=found.name,
        format=found.format,
        properties=found.properties,
        items=found.items,
        additional=found.additional,
        list_type=facts.get("lt", ""),
        list_map_keys=tuple(facts.get("lk", ())),
        map_type=facts.get("mt", found.map_type),
        patch_strategy=tuple(facts["ps"].split(",")) if "ps" in facts else (),
        patch_merge_key=facts.get("pk", ""),
        default=facts.get("def", MISSING),
        nullable=found.nullable,
        int_or_string=found.int_or_string,
        preserve_unknown=found.preserve_unknown,
        keeps_zero=zero_kept,
    )


def _keeps_zero(member: str, schema: Schema) -> bool:
    if schema.type == "array" or schema.additional is not None:
        return False
    if schema.type == "string" and not schema.format:
        return member in _KEPT_EMPTY_STRINGS
    if schema.type == "boolean":
        return member not in _DROPPED_FALSE
    if schema.type == "integer":
        return member not in _DROPPED_NUMBERS
    return True


_SCALARS = {
    "string": Schema(type="string"),
    "int32": Schema(type="integer", format="int32"),
    "int64": Schema(type="integer", format="int64"),
    "double": Schema(type="number", format="double"),
    "boolean": Schema(type="boolean"),
    "bytes": Schema(type="string", format="byte"),
    "time": Schema(type="string", format="date-time"),
    "micro-time": Schema(type="string", format="micro-time"),
    "duration": Schema(type="string", format="duration"),
    "quantity": Schema(type="string", format="quantity", int_or_string=True),
    "int-or-string": Schema(type="string", format="int-or-string", int_or_string=True),
    "fields": Schema(type="object", preserve_unknown=True, map_type="atomic"),
    "raw": Schema(type="object", preserve_unknown=True),
    "json": ANYTHING,
    "any": ANYTHING,
}


@cache
def _type_schema(written: str) -> Schema:
    if written.startswith("@"):
        return definition_schema(written[1:])
    if written.startswith("[]"):
        return Schema(type="array", items=_type_schema(written[2:]))
    if written.startswith("{}"):
        return Schema(type="object", additional=_type_schema(written[2:]))
    return _SCALARS[written]
