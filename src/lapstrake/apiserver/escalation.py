"""Nobody may grant rights that he does not have (vectors/kube/rbac/escalation)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.apiserver import status
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.rbac import GROUP, Rbac, Rule
from lapstrake.kube.types import ResourceType

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")


class Escalation:
    """A guard on roles and bindings."""

    def __init__(self, rbac: Rbac) -> None:
        self._rbac = rbac

    def check(
        self, user: User, rt: ResourceType, obj: Mapping[str, Any], old: Mapping[str, Any] | None
    ) -> None:
        """Raise Forbidden if ``user`` writes rules, or binds a role, beyond his own rights."""
        if rt.group != GROUP:
            return
        namespace = obj["metadata"].get("namespace", "")
        name = obj["metadata"].get("name", "")
        if rt.plural in _ROLES:
            if old is not None and old.get("rules") == obj.get("rules"):
                return
            if self._may(user, "escalate", rt.plural, namespace, name):
                return
            wanted: Iterable[Rule] = [Rule.parse(rule) for rule in obj.get("rules") or ()]
        elif rt.plural in _BINDINGS:
            role = obj.get("roleRef") or {}
            plural = "roles" if role.get("kind") == "Role" else "clusterroles"
            if self._may(user, "bind", plural, namespace, role.get("name", "")):
                return
            wanted = self._rbac.role_rules(role.get("kind", ""), role.get("name", ""), namespace)
        else:
            return
        missing = self._rbac.not_held(user, wanted, namespace)
        if missing:
            raise status.forbidden(rt.plural, name, rt.group, _text(user, missing))

    def _may(self, user: User, verb: str, plural: str, namespace: str, name: str) -> bool:
        return self._rbac.allowed(user, verb, group=GROUP, resource=plural, namespace=namespace, name=name)


def _text(user: User, missing: Iterable[Rule]) -> str:
    groups = " ".join(f'"{group}"' for group in user.groups)
    lines = "\n".join(map(str, missing))
    return f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n{lines}'
