from __future__ import annotations

from typing import Any

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp import given
from lapstrake.kapp.given import Placement


def config_map(name: str = "a", **metadata: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def namespaced(api_version: str, kind: str) -> bool | None:
    return {"ConfigMap": True, "Namespace": False}.get(kind)


def test_lists_are_unpacked() -> None:
    found = given.unpacked(
        [{"kind": "List", "items": [config_map("a"), config_map("b")]}], ["file 'x' doc 1"]
    )
    assert [(obj["metadata"]["name"], origin) for obj, origin in found] == [
        ("a", "file 'x' doc 1"),
        ("b", "file 'x' doc 1"),
    ]


@pytest.mark.parametrize(
    ("placement", "namespace", "expected"),
    [
        pytest.param(Placement("d"), "", "d", id="default"),
        pytest.param(Placement("d"), "n", "n", id="own"),
        pytest.param(Placement("d", into="i"), "n", "i", id="into"),
        pytest.param(Placement("d", mapping={"n": "m"}), "n", "m", id="mapped"),
        pytest.param(Placement("n", mapping={"n": "m"}), "", "m", id="default-mapped"),
    ],
)
def test_namespace(placement: Placement, namespace: str, expected: str) -> None:
    obj = config_map(**({"namespace": namespace} if namespace else {}))
    [found] = given.placed([obj], placement, namespaced)
    assert found["metadata"]["namespace"] == expected


def test_cluster_wide_resource_has_no_namespace() -> None:
    obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "namespace": "wrong"}}
    assert given.placed([obj], Placement("d", into="i"), namespaced) == [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}
    ]


def test_unknown_kind() -> None:
    obj = {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "x"}}
    with pytest.raises(InputError) as caught:
        given.placed([obj], Placement("d"), namespaced)
    assert str(caught.value) == (
        "Expected to find kind 'cert-manager.io/v1/Certificate', but did not:\n"
        "- Kubernetes API server did not have matching apiVersion + kind\n"
        "- No matching CRD was found in given configuration"
    )


def test_missing_parts_are_listed() -> None:
    bad = [
        ({"kind": "ConfigMap", "metadata": {"name": "x"}}, "file 'a' doc 1"),
        ({"apiVersion": "v1", "kind": "ConfigMap"}, "stdin doc 2"),
    ]
    with pytest.raises(InputError) as caught:
        given.check(bad)
    assert str(caught.value) == (
        "Validation errors:\n"
        "- Expected 'apiVersion' on resource 'configmap/x () cluster' to be non-empty (file 'a' doc 1)\n"
        "- Expected 'metadata.name' on resource 'configmap/ (v1) cluster' to be non-empty (stdin doc 2)"
    )


def test_duplicates() -> None:
    assert given.unique([config_map(), config_map()]) == [config_map()]
    with pytest.raises(InputError) as caught:
        given.unique([config_map(), {**config_map(), "data": {}}])
    assert str(caught.value) == (
        "Uniqueness errors:\n- Found resource 'configmap/a (v1) cluster' multiple times with different content"
    )
