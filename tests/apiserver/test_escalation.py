"""Nobody grants what he does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lapstrake.apiserver.escalation import Escalation
from lapstrake.apiserver.identity import MASTERS, User
from lapstrake.apiserver.rbac import GROUP, Rbac
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import Collection, Key, Store
from lapstrake.kube.types import ResourceType

ROLES = ResourceType(GROUP, "v1", "Role", "roles", True)
BINDINGS = ResourceType(GROUP, "v1", "RoleBinding", "rolebindings", True)
READ_PODS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
READ_SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}


def role(name: str, *rules: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns"}
    return {"apiVersion": f"{GROUP}/v1", "kind": "Role", "metadata": metadata, "rules": list(rules)}


def binding(name: str, role_name: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name, "namespace": "ns"},
        "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": role_name},
        "subjects": [{"kind": "User", "name": "jo"}],
    }


@pytest.fixture
def guard() -> Iterator[Escalation]:
    """jo may read Pods."""
    store = Store()
    guard = Escalation(Rbac(store))
    for obj in (role("pods", READ_PODS), role("secrets", READ_SECRETS)):
        store.put(Key(Collection(GROUP, "roles"), "ns", obj["metadata"]["name"]), obj, expected=0)
    store.put(Key(Collection(GROUP, "rolebindings"), "ns", "jo"), binding("jo", "pods"), expected=0)
    yield guard
    store.close()


JO = User("jo", ("team",))


def test_own_rights_may_be_granted(guard: Escalation) -> None:
    guard.check(JO, ROLES, role("new", READ_PODS), None)
    guard.check(JO, BINDINGS, binding("new", "pods"), None)


def test_other_rights_may_not_be_written(guard: Escalation) -> None:
    with pytest.raises(ApiError) as caught:
        guard.check(JO, ROLES, role("new", READ_SECRETS), None)
    assert str(caught.value) == (
        'roles.rbac.authorization.k8s.io "new" is forbidden: user "jo" (groups=["team"]) is attempting to grant '
        'RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    )


def test_other_rights_may_not_be_bound(guard: Escalation) -> None:
    with pytest.raises(ApiError, match="is attempting to grant"):
        guard.check(JO, BINDINGS, binding("new", "secrets"), None)


def test_unchanged_rules_may_stay(guard: Escalation) -> None:
    guard.check(JO, ROLES, role("secrets", READ_SECRETS), role("secrets", READ_SECRETS))


def test_masters_may_grant_anything(guard: Escalation) -> None:
    guard.check(User("admin", (MASTERS,)), ROLES, role("new", READ_SECRETS), None)
