from __future__ import annotations

import pytest

from lapstrake.apiserver.builtin import (
    BuiltinType,
    builtin_types,
    definition_of,
    definition_schema,
    with_head,
)


def found(plural: str, group: str = "") -> BuiltinType:
    return next(
        builtin for builtin in builtin_types() if (builtin.type.plural, builtin.type.group) == (plural, group)
    )


def test_every_kind_has_a_schema() -> None:
    assert len(builtin_types()) > 60
    for builtin in builtin_types():
        assert builtin.schema.type == "object", builtin.type.resource


def test_pods() -> None:
    pods = found("pods")
    assert pods.type.short_names == ("po",)
    assert pods.type.categories == ("all",)
    assert pods.type.verbs == (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )
    names = [sub.name for sub in pods.subresources]
    assert names == sorted(names)
    assert {"status", "log", "exec", "eviction", "binding"} <= set(names)


def test_scope_and_foreign_subresources() -> None:
    assert not found("clusterroles", "rbac.authorization.k8s.io").type.namespaced
    [scale] = [sub for sub in found("deployments", "apps").subresources if sub.name == "scale"]
    assert (scale.group, scale.version, scale.kind) == ("autoscaling", "v1", "Scale")
    assert not found("configmaps").has_status


def test_container_ports_merge_by_one_key_and_are_owned_by_two() -> None:
    ports = definition_schema("core.v1.Container").properties["ports"]
    assert (ports.patch_merge_key, ports.list_map_keys) == ("containerPort", ("containerPort", "protocol"))


def test_schemas_may_contain_themselves() -> None:
    schema = definition_schema("apiextensions.v1.JSONSchemaProps")
    assert schema.properties["not"].properties is schema.properties


@pytest.mark.parametrize(
    ("api_version", "kind", "definition"),
    [
        pytest.param("v1", "ConfigMap", "core.v1.ConfigMap", id="core"),
        pytest.param(
            "authentication.k8s.io/v1", "TokenRequest", "authentication.v1.TokenRequest", id="review"
        ),
        pytest.param("v1", "DeleteOptions", "meta.v1.DeleteOptions", id="options"),
        pytest.param("example.com/v1", "Thing", None, id="unknown"),
    ],
)
def test_definition_of(api_version: str, kind: str, definition: str | None) -> None:
    assert definition_of(api_version, kind) == definition


def test_custom_kinds_have_the_head_of_all_objects() -> None:
    schema = with_head(None)
    assert schema.preserve_unknown
    assert "labels" in schema.properties["metadata"].properties
