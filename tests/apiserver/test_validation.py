from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.decoding import decode
from lapstrake.apiserver.defaults import fill
from lapstrake.apiserver.schema import from_openapi
from lapstrake.apiserver.validation import custom_violations, violations


def complete(definition: str, name: str = "x", **members: Any) -> dict[str, Any]:
    """The object as it stands before validation: decoded and with its defaults."""
    metadata = {"name": name, "namespace": "n", **members.pop("metadata", {})}
    obj = decode(definition_schema(definition), {"metadata": metadata, **members}).object
    return fill(definition, {"kind": definition.rpartition(".")[2], **obj})


def texts(definition: str, name: str = "x", **members: Any) -> list[str]:
    found = violations(definition, complete(definition, name, **members))
    return [f"{cause['field']}: {cause['message']}" for cause in found]


def starts(found: list[str]) -> list[str]:
    """Without the parts that explain a form."""
    return [text.split(": a ")[0] for text in found]


def pod(*containers: dict[str, Any], **spec: Any) -> list[str]:
    return texts("core.v1.Pod", spec={"containers": list(containers), **spec})


@pytest.mark.parametrize(
    ("definition", "name", "wrong"),
    [
        pytest.param("core.v1.ConfigMap", "Upper", ['metadata.name: Invalid value: "Upper"'], id="subdomain"),
        pytest.param(
            "core.v1.Namespace",
            "has.dot",
            ['metadata.name: Invalid value: "has.dot": must not contain dots'],
            id="namespace",
        ),
        pytest.param("core.v1.Service", "9lives", ["spec.ports: Required value"], id="service may start so"),
        pytest.param(
            "rbac.v1.Role",
            "bad%name",
            ["metadata.name: Invalid value: \"bad%name\": may not contain '%'"],
            id="%",
        ),
        pytest.param("rbac.v1.Role", "sys:ok", [], id="colon"),
        pytest.param(
            "core.v1.ConfigMap",
            "",
            ["metadata.name: Required value: name or generateName is required"],
            id="none",
        ),
        pytest.param(
            "core.v1.ConfigMap",
            "n" * 254,
            [f'metadata.name: Invalid value: "{"n" * 254}": must be no more than 253 characters'],
            id="long",
        ),
    ],
)
def test_names(definition: str, name: str, wrong: list[str]) -> None:
    assert starts(texts(definition, name)) == wrong


def test_metadata() -> None:
    metadata = {
        "labels": {"bad key": "v", "k": "v" * 64},
        "finalizers": ["plain", "a.b/c"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "y"}],
    }
    assert [text.split(" must consist")[0] for text in texts("core.v1.ConfigMap", metadata=metadata)] == [
        'metadata.labels: Invalid value: "bad key": name part',
        f'metadata.labels: Invalid value: "{"v" * 64}": must be no more than 63 bytes',
        'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
        (
            'metadata.finalizers[0]: Invalid value: "plain": name is neither a standard finalizer name nor is it fully '
            "qualified"
        ),
    ]


def test_no_finalizer_joins_while_the_object_goes() -> None:
    old = {"metadata": {"name": "x", "deletionTimestamp": "t", "finalizers": ["a/b"]}}
    new = {"metadata": {**old["metadata"], "finalizers": ["a/b", "a/c"]}}
    [found] = violations("core.v1.ConfigMap", new, old)
    assert found["reason"] == "FieldValueForbidden"
    assert found["message"].endswith('found new finalizers []string{"a/c"}')


def test_container_fields() -> None:
    container = {
        "name": "a",
        "image": "i",
        "ports": [
            {"containerPort": 0},
            {"containerPort": 70000, "protocol": "ICMP", "name": "waytoolongportname"},
        ],
        "env": [{"name": "ok", "value": "v", "valueFrom": {"fieldRef": {"fieldPath": "spec.nope"}}}],
    }
    at = "spec.containers[0]"
    assert pod(container) == [
        f"{at}.ports[0].containerPort: Required value",
        f'{at}.ports[1].name: Invalid value: "waytoolongportname": must be no more than 15 characters',
        f"{at}.ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
        f'{at}.ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
        (
            f'{at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field '
            "label not supported: spec.nope"
        ),
        f'{at}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
    ]


def test_volumes_and_mounts() -> None:
    found = pod(
        {"name": "a", "image": "i", "volumeMounts": [{"name": "nov", "mountPath": ""}], "livenessProbe": {}},
        volumes=[{"name": "w", "emptyDir": {}, "configMap": {"name": "x"}}],
    )
    assert found == [
        "spec.volumes[0].configMap: Forbidden: may not specify more than 1 volume type",
        'spec.containers[0].volumeMounts[0].name: Not found: "nov"',
        "spec.containers[0].volumeMounts[0].mountPath: Required value",
        "spec.containers[0].livenessProbe: Required value: must specify a handler type",
    ]


def test_requests_stay_below_limits() -> None:
    resources = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
    assert pod({"name": "a", "image": "i", "resources": resources}) == [
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'
    ]


def test_containers_have_names_of_their_own() -> None:
    assert pod({"name": "a", "image": "i"}, {"name": "a", "image": "i"}) == [
        'spec.containers[1].name: Duplicate value: "a"'
    ]
    assert pod() == ["spec.containers: Required value"]


def test_empty_deployment() -> None:
    assert texts("apps.v1.Deployment") == [
        "spec.selector: Required value",
        "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
        "spec.template.spec.containers: Required value",
    ]


def deployment(**labels: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "i"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return complete("apps.v1.Deployment", spec=spec)


def test_selector_is_immutable() -> None:
    found = violations("apps.v1.Deployment", deployment(app="web", b="c"), deployment(app="web"))
    assert [f"{cause['field']}: {cause['message']}" for cause in found] == [
        'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
        'spec.selector: Invalid value: {"matchLabels":{"app":"web","b":"c"}}: field is immutable',
    ]


def test_secret_types_ask_for_keys() -> None:
    assert texts("core.v1.Secret", type="kubernetes.io/tls", data={"tls.crt": "eA=="}) == [
        "data[tls.key]: Required value"
    ]
    wrong = texts(
        "core.v1.Secret", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": "{no"}
    )
    assert wrong == [
        (
            "data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'n' looking for "
            "beginning of object key string"
        )
    ]


def test_frozen_config_map() -> None:
    old = {"metadata": {"name": "x"}, "data": {"a": "1"}, "immutable": True}
    found = violations("core.v1.ConfigMap", {"metadata": {"name": "x"}, "data": {"a": "2"}}, old)
    assert [cause["field"] for cause in found] == ["immutable", "data"]


def test_role_reference_stays() -> None:
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
    old = complete("rbac.v1.RoleBinding", roleRef=role)
    [found] = violations("rbac.v1.RoleBinding", {**old, "roleRef": {**role, "name": "other"}}, old)
    assert found["message"] == (
        'Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}: cannot change roleRef'
    )


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        pytest.param("^[a-z]+$", "abc\n", False, id="end is the end"),
        pytest.param("^[[:alpha:]_]+$", "a_B", True, id="named class"),
        pytest.param(r"^a\$[$]$", "a$$", True, id="dollar signs"),
        pytest.param(r"^\d+\z", "12", True, id="absolute end"),
        pytest.param("^[]a]+$", "]a", True, id="bracket first"),
        pytest.param("(", "anything", True, id="unreadable patterns hold"),
    ],
)
def test_patterns_are_those_of_the_server(pattern: str, text: str, fits: bool) -> None:
    schema = from_openapi({"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}})
    assert (custom_violations(schema, {"metadata": {"name": "x"}, "a": text}) == []) is fits


BOWL = from_openapi(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1, "maximum": 10},
                    "color": {"type": "string", "enum": ["red", "blue"]},
                    "code": {"type": "string", "pattern": "^[a-z]{3}$"},
                    "tags": {
                        "type": "array",
                        "maxItems": 2,
                        "items": {"type": "string", "minLength": 1, "maxLength": 5},
                    },
                    "opts": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "ratio": {"type": "number", "exclusiveMinimum": True, "minimum": 0},
                    "when": {"type": "string", "format": "date-time"},
                    "port": {"x-kubernetes-int-or-string": True},
                    "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                },
            }
        },
    }
)


def bowl(**spec: Any) -> list[str]:
    found = custom_violations(BOWL, {"metadata": {"name": "a"}, "spec": spec})
    return [f"{cause['field']}: {cause['message']}" for cause in found]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param({}, "spec.size: Required value", id="required"),
        pytest.param(
            {"color": "green"},
            'spec.color: Unsupported value: "green": supported values: "red", "blue"',
            id="enum",
        ),
        pytest.param(
            {"code": "ABC1"},
            "spec.code: Invalid value: \"ABC1\": spec.code in body should match '^[a-z]{3}$'",
            id="p",
        ),
        pytest.param(
            {"size": 0},
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
            id="min",
        ),
        pytest.param(
            {"ratio": 0},
            "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0",
            id="exclusive",
        ),
        pytest.param(
            {"tags": ["a", "b", "c"]}, "spec.tags: Too many: 3: must have at most 2 items", id="items"
        ),
        pytest.param(
            {"tags": ["toolong"]}, "spec.tags[0]: Too long: may not be more than 5 bytes", id="length"
        ),
        pytest.param(
            {"opts": {"k": "v"}},
            'spec.opts.k: Invalid value: "string": spec.opts.k in body must be of type integer: "string"',
            id="type",
        ),
        pytest.param(
            {"when": "yesterday"},
            'spec.when: Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday"',
            id="format",
        ),
        pytest.param(
            {"port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
            id="int or string",
        ),
        pytest.param(
            {"one": {}},
            'spec.one: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
            id="oneOf",
        ),
    ],
)
def test_custom_resource(spec: dict[str, Any], text: str) -> None:
    base = {} if text.startswith("spec.size: Req") else {"size": 2}
    assert bowl(**{**base, **spec}) == [text]


def test_custom_resource_that_fits() -> None:
    assert bowl(size=2, color="red", code="abc", ratio=0.5, port="http", one={"a": 1}) == []


def definition(**changes: Any) -> list[str]:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    spec = {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "cats", "kind": "Cat"},
        "versions": [{**version, **changes.pop("version", {})}],
        **changes,
    }
    return texts("apiextensions.v1.CustomResourceDefinition", "cats.example.com", spec=spec)


def schema_of(spec: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        pytest.param({}, [], id="fine"),
        pytest.param(
            {"scope": "Galaxy"},
            ['spec.scope: Unsupported value: "Galaxy": supported values: "Cluster", "Namespaced"'],
            id="scope",
        ),
        pytest.param(
            {"version": {"schema": None}},
            ["spec.versions[0].schema.openAPIV3Schema: Required value"],
            id="no schema",
        ),
        pytest.param(
            {"version": schema_of({"properties": {"a": {}}})},
            [
                (
                    "spec.validation.openAPIV3Schema.properties[spec].properties[a].type: Required value: must not be empty "
                    "for specified object fields"
                ),
                (
                    "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified "
                    "object fields"
                ),
            ],
            id="no types",
        ),
        pytest.param(
            {
                "version": schema_of(
                    {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}
                )
            },
            [
                (
                    'spec.validation.openAPIV3Schema.properties[spec].properties[a].default: Invalid value: "string":  in '
                    'body must be of type integer: "string"'
                )
            ],
            id="default",
        ),
    ],
)
def test_definition(changes: dict[str, Any], wrong: list[str]) -> None:
    assert definition(**changes) == wrong


def test_schema_may_require_the_head_of_an_object() -> None:
    schema = from_openapi(
        {"type": "object", "required": ["metadata", "spec"], "properties": {"spec": {"type": "object"}}}
    )
    obj = {"apiVersion": "x.example.com/v1", "kind": "X", "metadata": {"name": "a"}, "spec": {}}
    assert custom_violations(schema, obj) == []
    del obj["spec"]
    assert [cause["field"] for cause in custom_violations(schema, obj)] == ["spec"]
