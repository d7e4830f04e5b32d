from __future__ import annotations

from typing import Any

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp.changes import Change, DiffRules, Strategies, creation, deletion
from lapstrake.kapp.order import ordered


def obj(kind: str, name: str, api: str = "v1", namespace: str = "", **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {})}
    metadata |= more.pop("metadata", {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def crd(name: str, group: str, kind: str) -> dict[str, Any]:
    spec = {"group": group, "names": {"kind": kind}}
    return obj("CustomResourceDefinition", name, "apiextensions.k8s.io/v1", spec=spec)


def annotated(name: str, **annotations: str) -> dict[str, Any]:
    found = {f"kapp.k14s.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return obj("ConfigMap", name, namespace="n", metadata={"annotations": found})


def batches(changes: list[Change]) -> list[list[str]]:
    """The names that can begin together, batch by batch."""
    dependencies = ordered(changes)
    done: set[int] = set()
    found = []
    while len(done) < len(changes):
        ready = {i for i in range(len(changes)) if i not in done and dependencies[i] <= done}
        found.append(sorted(changes[i].resource.kind for i in ready))
        done |= ready
    return found


def creations(*objects: dict[str, Any]) -> list[Change]:
    return [creation(one, Strategies()) for one in objects]


RBAC = "rbac.authorization.k8s.io/v1"
MIXED = [
    obj("Deployment", "web", "apps/v1", "n"),
    obj("RoleBinding", "b", RBAC, "n"),
    obj("Gadget", "g", "x.test/v1", "n"),
    crd("gadgets.x.test", "x.test", "Gadget"),
    obj("Namespace", "n"),
    obj("ConfigMap", "c", namespace="n"),
    obj("Role", "r", RBAC, "other"),
    obj("StorageClass", "s", "storage.k8s.io/v1"),
]


def test_order_of_creation() -> None:
    assert batches(creations(*MIXED)) == [
        ["CustomResourceDefinition", "Namespace", "Role", "StorageClass"],
        ["ConfigMap", "RoleBinding"],
        ["Deployment", "Gadget"],
    ]


def test_order_of_deletion() -> None:
    changes = [deletion(one, DiffRules(), Strategies()) for one in MIXED]
    assert batches(changes) == [
        ["Gadget"],
        ["CustomResourceDefinition"],
        ["ConfigMap", "Deployment", "Namespace", "Role", "RoleBinding", "StorageClass"],
    ]


def test_rule_with_placeholder() -> None:
    changes = creations(
        annotated("late", change_rule="upsert after upserting apps.test/early"),
        annotated("early", change_group="apps.test/{name}"),
    )
    assert ordered(changes) == [{1}, set()]


def test_built_in_rules_give_way() -> None:
    changes = creations(
        annotated("config", change_rule="upsert after upserting g/web"),
        obj("Pod", "p", namespace="n", metadata={"annotations": {"kapp.k14s.io/change-group": "g/web"}}),
    )
    assert ordered(changes) == [{1}, set()]


def test_circle_is_named() -> None:
    changes = creations(
        annotated("a", change_group="g/a", change_rule="upsert after upserting g/b"),
        annotated("b", change_group="g/b", change_rule="upsert after upserting g/a"),
    )
    with pytest.raises(InputError) as caught:
        ordered(changes)
    assert str(caught.value) == (
        "Detected cycle while ordering changes: [configmap/a (v1) namespace: n] -> "
        "[configmap/b (v1) namespace: n] -> [configmap/a (v1) namespace: n] "
        "(found repeated: configmap/a (v1) namespace: n)"
    )


def test_unreadable_rule() -> None:
    with pytest.raises(InputError) as caught:
        ordered(creations(annotated("a", change_rule="after g/b")))
    assert str(caught.value) == (
        "Change graph: Calculating required deps: Resource configmap/a (v1) namespace: n: "
        "Expected change rule annotation value to have format '(upsert|delete) (before|after) "
        "(upserting|deleting) (change-group)', but was 'after g/b'"
    )


def test_group_name_not_allowed() -> None:
    with pytest.raises(
        InputError, match=r'^Change graph: .* group name "bad group name!" to be a qualified name'
    ):
        ordered(creations(annotated("a", change_group="bad group name!")))
