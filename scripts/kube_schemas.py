#!/usr/bin/env python3
"""Writes src/lapstrake/apiserver/builtin.json from the two published descriptions of the Kubernetes API.

    kube_schemas.py SWAGGER_JSON PROTO_DIRECTORY > src/lapstrake/apiserver/builtin.json

SWAGGER_JSON is ``api/openapi-spec/swagger.json`` of a Kubernetes release; PROTO_DIRECTORY holds the
``generated.proto`` files of the same release, below their import paths (``k8s.io/api/core/v1/...``).
Both descriptions are (c) The Kubernetes Authors, under the Apache License 2.0. Only facts of the
interface are taken over: names, types, field numbers, merge and list keys, paths and verbs; no text.

The table: ``definitions`` maps ``core.v1.Pod`` to its fields, ``kinds`` lists what is served.
A field is ``[number, type]`` or ``[number, type, facts]``; types are ``string``, ``int32``, ``@core.v1.Pod``,
``[]T`` (list), ``{}T`` (map); facts are ``req``, ``lt``/``lk`` (list type and map keys), ``mt`` (map type),
``ps``/``pk`` (patch strategy and merge key), ``def`` (default), ``w`` (wrapped by a message).
``i`` lists structures whose members stand in the outer object in JSON but are messages of their own.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

SERVED = [
    "/v1",
    "apiregistration.k8s.io/v1",
    "apps/v1",
    "events.k8s.io/v1",
    "authentication.k8s.io/v1",
    "authorization.k8s.io/v1",
    "autoscaling/v2",
    "autoscaling/v1",
    "batch/v1",
    "certificates.k8s.io/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
    "storage.k8s.io/v1",
    "admissionregistration.k8s.io/v1",
    "apiextensions.k8s.io/v1",
    "scheduling.k8s.io/v1",
    "coordination.k8s.io/v1",
    "node.k8s.io/v1",
    "discovery.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1",
]

VERBS = {
    "post": "create",
    "delete": "delete",
    "deletecollection": "deletecollection",
    "get": "get",
    "list": "list",
    "patch": "patch",
    "put": "update",
    "watch": "watch",
    "watchlist": "watch",
    "connect": "connect",
}
CONNECT = {"post": "create", "delete": "delete", "get": "get", "patch": "patch", "put": "update"}

EXTRA_ROOTS = (
    "meta.v1.DeleteOptions",
    "meta.v1.Status",
    "autoscaling.v1.Scale",
    "policy.v1.Eviction",
    "authentication.v1.TokenRequest",
)

# Defaults of list map keys: what the description of the v3 kind says and that of v2 leaves out.
KEY_DEFAULTS = {
    ("core.v1.ContainerPort", "protocol"): "TCP",
    ("core.v1.ServicePort", "protocol"): "TCP",
}


def short(name: str) -> str:
    """``io.k8s.api.core.v1.Pod`` as ``core.v1.Pod``."""
    parts = name.split(".")
    return ".".join(parts[-3:]) if "pkg" not in parts[-3:-1] else ".".join(parts[-2:])


def message_fields(directory: Path) -> dict[str, dict[str, tuple[int, str, str]]]:
    """Message → field → (number, type, label), types as short names."""
    messages: dict[str, dict[str, tuple[int, str, str]]] = {}
    for path in sorted(directory.rglob("generated.proto")):
        package, current = "", ""
        for line in path.read_text().splitlines():
            line = line.split("//")[0].strip()
            if found := re.match(r"package ([\w.]+);", line):
                package = found[1]
            elif found := re.match(r"message (\w+) {", line):
                current = short(f"{package}.{found[1]}")
                messages[current] = {}
            elif found := re.match(r"(optional|repeated) ([\w.]+) (\w+) = (\d+)", line):
                messages[current][found[3]] = (int(found[4]), type_name(package, found[2]), found[1])
            elif found := re.match(r"map<string, ([\w.]+)> (\w+) = (\d+)", line):
                messages[current][found[2]] = (int(found[3]), type_name(package, found[1]), "map")
    return messages


def letters(name: str) -> str:
    """Messages spell ``xKubernetesListType`` and ``aPIGroup`` where JSON has other signs and cases."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def type_name(package: str, written: str) -> str:
    if written[0].islower() and "." not in written:
        return written
    return short(written if "." in written else f"{package}.{written}")


class Definitions:
    """The reachable definitions of the description, rewritten as compact rows."""

    def __init__(self, swagger: dict, messages: dict) -> None:
        self.source = {short(name): body for name, body in swagger["definitions"].items()}
        self.messages = messages
        self.rows: dict[str, dict] = {}

    def add(self, name: str) -> None:
        if name in self.rows or name in SCALARS:
            return
        body = self.source[name]
        row: dict = {}
        self.rows[name] = row
        fields = {}
        message = self.messages.get(name, {})
        for member, spec in body.get("properties", {}).items():
            fields[member] = self.field(name, member, spec, member in body.get("required", ()))
        if fields:
            row["f"] = fields
        if body.get("x-kubernetes-map-type"):
            row["mt"] = body["x-kubernetes-map-type"]
        if inlined := self.number(name, fields, message):
            row["i"] = inlined

    def field(self, owner: str, member: str, spec: dict, required: bool) -> list:
        facts = {}
        if required:
            facts["req"] = 1
        for key, keyword in (("lt", "list-type"), ("lk", "list-map-keys"), ("mt", "map-type")):
            if value := spec.get(f"x-kubernetes-{keyword}"):
                facts[key] = value
        if value := spec.get("x-kubernetes-patch-strategy"):
            facts["ps"] = value
        if value := spec.get("x-kubernetes-patch-merge-key"):
            facts["pk"] = value
        if default := KEY_DEFAULTS.get((owner, member)):
            facts["def"] = default
        return [0, self.type(spec), facts] if facts else [0, self.type(spec)]

    def type(self, spec: dict) -> str:
        if "$ref" in spec:
            name = short(spec["$ref"].rsplit("/", 1)[1])
            self.add(name)
            return SCALARS.get(name) or f"@{name}"
        if spec.get("type") == "array":
            return "[]" + self.type(spec["items"])
        if spec.get("type") == "object":
            return "{}" + self.type(spec.get("additionalProperties", {}))
        if not spec.get("type"):
            return "any"
        return {"byte": "bytes", "int32": "int32", "int64": "int64", "double": "double"}.get(
            spec.get("format", ""), {"integer": "int32", "number": "double"}.get(spec["type"], spec["type"])
        )

    def number(self, name: str, fields: dict, message: dict) -> list:
        """Writes the field numbers into ``fields``; returns the messages that JSON inlines."""
        inlined = []
        by_letters = {letters(member): member for member in fields}
        for written, (number, kind, label) in message.items():
            member = by_letters.get(letters(written), written)
            if member in fields:
                fields[member][0] = number
                wrapped = fields[member][1].startswith(("[]", "{}[]")) and label != "repeated"
                if wrapped and not (label == "map" and not fields[member][1].startswith("{}[]")):
                    fields[member].extend([{}] * (3 - len(fields[member])))
                    fields[member][2] = {**fields[member][2], "w": 1}
            elif kind in self.messages:
                inlined.append([number, self.numbers_of(kind, fields)])
            else:
                print(f"no member for {name}.{member} = {number}", file=sys.stderr)
        covered = {member for _, members in inlined for member in members}
        for member, row in fields.items():
            if message and not row[0] and member not in covered and member not in ("apiVersion", "kind"):
                print(f"no number for {name}.{member}", file=sys.stderr)
        return inlined

    def numbers_of(self, kind: str, fields: dict) -> dict:
        numbers: dict = {}
        for member, (number, inner, _) in self.messages[kind].items():
            if member in fields:
                numbers[member] = number
            elif inner in self.messages:
                numbers[f"#{number}"] = self.numbers_of(inner, fields)
        return numbers


SCALARS = {
    "resource.Quantity": "quantity",
    "api.resource.Quantity": "quantity",
    "intstr.IntOrString": "int-or-string",
    "util.intstr.IntOrString": "int-or-string",
    "meta.v1.Time": "time",
    "meta.v1.MicroTime": "micro-time",
    "meta.v1.Duration": "duration",
    "meta.v1.FieldsV1": "fields",
    "runtime.RawExtension": "raw",
    "pkg.runtime.RawExtension": "raw",
    "apiextensions.v1.JSON": "json",
    "apiextensions.v1.JSONSchemaPropsOrBool": "json",
    "apiextensions.v1.JSONSchemaPropsOrArray": "json",
    "apiextensions.v1.JSONSchemaPropsOrStringArray": "json",
}


def served_kinds(swagger: dict) -> list[dict]:
    """One row per plural: group, version, kind, verbs, subresources; in the order of SERVED."""
    rows: dict[tuple[str, str, str], dict] = {}
    subresources: dict[tuple[str, str, str], dict[str, dict]] = defaultdict(dict)
    for path, item in sorted(swagger["paths"].items()):
        found = re.match(r"/(?:api|apis/([^/]+))/([^/]+)/(?:watch/)?(namespaces/{namespace}/)?(.+)$", path)
        if not found or f"{found[1] or ''}/{found[2]}" not in SERVED:
            continue
        group, version, namespaced, rest = found[1] or "", found[2], bool(found[3]), found[4]
        plural, _, below = rest.partition("/")
        below = below.removeprefix("{name}").strip("/").removesuffix("/{path}")
        if plural == "namespaces" and below.startswith("{"):
            continue
        for method, operation in item.items():
            if not isinstance(operation, dict) or "x-kubernetes-action" not in operation:
                continue
            kind = operation["x-kubernetes-group-version-kind"]
            action = operation["x-kubernetes-action"]
            verb = CONNECT[method] if action == "connect" and method in CONNECT else VERBS[action]
            if verb == "connect":
                continue
            key = (group, version, plural)
            if below:
                row = subresources[key].setdefault(below, {"kind": kind, "verbs": set()})
            else:
                row = rows.setdefault(key, {"kind": kind, "verbs": set(), "namespaced": False})
                row["namespaced"] |= namespaced
            row["verbs"].add(verb)
    return [
        {
            "g": key[0],
            "v": key[1],
            "p": key[2],
            "k": row["kind"]["kind"],
            "n": int(row["namespaced"]),
            "verbs": sorted(row["verbs"]),
            "sub": [
                [
                    name,
                    *(below["kind"][part] for part in ("group", "version", "kind")),
                    sorted(below["verbs"]),
                ]
                for name, below in sorted(subresources[key].items())
            ],
        }
        for key, row in sorted(
            rows.items(), key=lambda entry: (SERVED.index(f"{entry[0][0]}/{entry[0][1]}"), entry[0][2])
        )
    ]


def main() -> None:
    swagger = json.loads(Path(sys.argv[1]).read_text())
    definitions = Definitions(swagger, message_fields(Path(sys.argv[2])))
    by_kind = {}
    for name, body in swagger["definitions"].items():
        for kind in body.get("x-kubernetes-group-version-kind", ()):
            by_kind.setdefault((kind["group"], kind["version"], kind["kind"]), short(name))
    kinds = served_kinds(swagger)
    for row in kinds:
        row["d"] = by_kind[row["g"], row["v"], row["k"]]
        definitions.add(row["d"])
    for root in EXTRA_ROOTS:
        definitions.add(root)
    head = {
        "source": "OpenAPI description and protobuf field numbers of the Kubernetes API 1.36",
        "license": "Apache-2.0, (c) The Kubernetes Authors; facts of the interface extracted by scripts/kube_schemas.py",
    }
    print("{")
    for key, text in head.items():
        print(f"{json.dumps(key)}: {json.dumps(text)},")
    print('"kinds": [')
    print(",\n".join(json.dumps(row, separators=(",", ":")) for row in kinds))
    print('],\n"definitions": {')
    rows = sorted(definitions.rows.items())
    print(",\n".join(f"{json.dumps(name)}:{json.dumps(row, separators=(',', ':'))}" for name, row in rows))
    print("}\n}")


if __name__ == "__main__":
    main()
