from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lapstrake.apiserver.authn import ADMIN
from lapstrake.apiserver.identity import ANONYMOUS, User, service_account_user
from lapstrake.apiserver.rbac import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    ROLE_BINDINGS,
    ROLES,
    Rbac,
    Rule,
    bootstrap_objects,
)
from lapstrake.apiserver.store import Collection, Key, Store

ROBOT = service_account_user("ns", "robot")


def put(store: Store, collection: Collection, namespace: str, obj: dict[str, Any]) -> None:
    store.put(Key(collection, namespace, obj["metadata"]["name"]), obj, expected=None)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    for obj in bootstrap_objects():
        collection = CLUSTER_ROLES if obj["kind"] == "ClusterRole" else CLUSTER_ROLE_BINDINGS
        put(store, collection, "", obj)
    yield store
    store.close()


def role(kind: str, name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "rules": list(rules),
    }


def binding(name: str, role_kind: str, role_name: str, *subjects: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"kind": role_kind, "name": role_name},
        "subjects": list(subjects),
    }


READ_CM = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}
ACCOUNT = {"kind": "ServiceAccount", "name": "robot", "namespace": "ns"}


def test_role_binding_opens_just_its_namespace(store: Store) -> None:
    rbac = Rbac(store)
    assert not rbac.allowed(ROBOT, "get", resource="configmaps", namespace="ns")
    put(store, ROLES, "ns", role("Role", "r", READ_CM))
    put(store, ROLE_BINDINGS, "ns", binding("b", "Role", "r", ACCOUNT))
    assert rbac.allowed(ROBOT, "get", resource="configmaps", namespace="ns")
    assert not rbac.allowed(ROBOT, "delete", resource="configmaps", namespace="ns")
    assert not rbac.allowed(ROBOT, "get", resource="secrets", namespace="ns")
    assert not rbac.allowed(ROBOT, "get", resource="configmaps", namespace="other")
    assert not rbac.allowed(ROBOT, "list", resource="configmaps")


def test_removed_binding_closes_again(store: Store) -> None:
    rbac = Rbac(store)
    put(store, ROLES, "ns", role("Role", "r", READ_CM))
    put(store, ROLE_BINDINGS, "ns", binding("b", "Role", "r", ACCOUNT))
    assert rbac.allowed(ROBOT, "get", resource="configmaps", namespace="ns")
    store.delete(Key(ROLE_BINDINGS, "ns", "b"))
    assert not rbac.allowed(ROBOT, "get", resource="configmaps", namespace="ns")


def test_cluster_role_binding_opens_everywhere(store: Store) -> None:
    put(store, CLUSTER_ROLES, "", role("ClusterRole", "c", READ_CM))
    put(store, CLUSTER_ROLE_BINDINGS, "", binding("cb", "ClusterRole", "c", ACCOUNT))
    rbac = Rbac(store)
    assert rbac.allowed(ROBOT, "list", resource="configmaps")
    assert rbac.allowed(ROBOT, "list", resource="configmaps", namespace="any")


@pytest.mark.parametrize(
    ("user", "verb", "path", "expected"),
    [
        (ADMIN, "get", "/metrics", True),
        (ROBOT, "get", "/metrics", False),
        (ROBOT, "get", "/version", True),
        (ROBOT, "get", "/apis/apps/v1", True),
        (ANONYMOUS, "get", "/healthz", True),
        (ANONYMOUS, "get", "/api", False),
    ],
)
def test_paths(store: Store, user: User, verb: str, path: str, expected: bool) -> None:
    assert Rbac(store).allowed(user, verb, path=path) is expected


@pytest.mark.parametrize(
    ("rule", "verb", "group", "resource", "name", "expected"),
    [
        (
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            "delete",
            "apps",
            "deployments/scale",
            "x",
            True,
        ),
        (
            {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"]},
            "get",
            "apps",
            "deployments/scale",
            "",
            False,
        ),
        (
            {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["*/scale"]},
            "get",
            "apps",
            "deployments/scale",
            "",
            True,
        ),
        (
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]},
            "get",
            "",
            "secrets",
            "a",
            True,
        ),
        (
            {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"]},
            "get",
            "",
            "secrets",
            "b",
            False,
        ),
    ],
)
def test_rule_matches(
    rule: dict[str, Any], verb: str, group: str, resource: str, name: str, expected: bool
) -> None:
    assert Rule.parse(rule).allows(verb, group, resource, name) is expected


def test_nobody_grants_what_he_does_not_hold(store: Store) -> None:
    put(store, ROLES, "ns", role("Role", "r", READ_CM))
    put(store, ROLE_BINDINGS, "ns", binding("b", "Role", "r", ACCOUNT))
    wanted = [Rule.parse({"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["configmaps"]})]
    rbac = Rbac(store)
    missing = rbac.not_held(ROBOT, wanted, "ns")
    assert [str(rule) for rule in missing] == ['{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}']
    assert rbac.not_held(ADMIN, wanted, "ns") == []
