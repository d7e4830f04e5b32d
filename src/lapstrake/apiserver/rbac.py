"""Who may do what: roles and their bindings (rbac.authorization.k8s.io), enforced.

Rules are looked up from an index of subjects that is built anew after a change of any role or binding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.apiserver.identity import MASTERS, User
from lapstrake.apiserver.store import Collection, Event, Store

GROUP = "rbac.authorization.k8s.io"
ROLES = Collection(GROUP, "roles")
CLUSTER_ROLES = Collection(GROUP, "clusterroles")
ROLE_BINDINGS = Collection(GROUP, "rolebindings")
CLUSTER_ROLE_BINDINGS = Collection(GROUP, "clusterrolebindings")


@dataclass(frozen=True, slots=True)
class Rule:
    """One PolicyRule."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def parse(cls, rule: Mapping[str, Any]) -> Rule:
        def texts(field: str) -> tuple[str, ...]:
            return tuple(rule.get(field) or ())

        return cls(
            texts("verbs"),
            texts("apiGroups"),
            texts("resources"),
            texts("resourceNames"),
            texts("nonResourceURLs"),
        )

    def allows(self, verb: str, group: str, resource: str, name: str) -> bool:
        """``resource`` with its subresource: ``deployments/scale``."""
        return (
            _has(self.verbs, verb)
            and _has(self.groups, group)
            and _covers_resource(self.resources, resource)
            and (not self.names or name in self.names)
        )

    def allows_path(self, verb: str, path: str) -> bool:
        return _has(self.verbs, verb) and any(
            url == path or url == "*" or (url.endswith("*") and path.startswith(url[:-1]))
            for url in self.urls
        )

    def __str__(self) -> str:
        parts = (
            ("APIGroups", self.groups),
            ("Resources", self.resources),
            ("ResourceNames", self.names),
            ("NonResourceURLs", self.urls),
            ("Verbs", self.verbs),
        )
        shown = (
            f"{name}:[{', '.join(_quoted(value) for value in values)}]" for name, values in parts if values
        )
        return "{" + ", ".join(shown) + "}"


@dataclass(frozen=True, slots=True)
class _Grant:
    namespace: str | None
    """Where the rules hold; None: everywhere."""
    rules: tuple[Rule, ...]


class Rbac:
    """The authorizer over the roles and bindings in ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._grants: dict[tuple[str, str], list[_Grant]] | None = None
        store.subscribe(self._changed)

    def _changed(self, event: Event) -> None:
        if event.key.collection.group == GROUP:
            self._grants = None

    def allowed(
        self,
        user: User,
        verb: str,
        *,
        group: str = "",
        resource: str = "",
        subresource: str = "",
        namespace: str = "",
        name: str = "",
        path: str = "",
    ) -> bool:
        """Whether ``user`` may; either a resource or, with ``path``, a path that is no resource."""
        if MASTERS in user.groups:
            return True
        if path:
            return any(rule.allows_path(verb, path) for rule in self.rules(user, ""))
        whole = f"{resource}/{subresource}" if subresource else resource
        return any(rule.allows(verb, group, whole, name) for rule in self.rules(user, namespace))

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """Every rule that holds for ``user`` in ``namespace`` ("" : cluster-wide ones only)."""
        grants = self._index()
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            for grant in grants.get(subject, ()):
                if grant.namespace is None or (namespace and grant.namespace == namespace):
                    yield from grant.rules

    def not_held(self, user: User, wanted: Iterable[Rule], namespace: str) -> list[Rule]:
        """The parts of ``wanted`` that ``user`` does not have, so may not grant to others."""
        if MASTERS in user.groups:
            return []
        held = list(self.rules(user, namespace))
        return [
            single for rule in wanted for single in _singles(rule) if not any(_holds(h, single) for h in held)
        ]

    def role_rules(self, kind: str, name: str, namespace: str) -> tuple[Rule, ...]:
        """The rules of a Role or ClusterRole; none if there is no such role."""
        collection = ROLES if kind == "Role" else CLUSTER_ROLES
        for key, item in self._store.list(collection, namespace if kind == "Role" else None)[0]:
            if key.name == name:
                return _rules(item.object)
        return ()

    def _index(self) -> dict[tuple[str, str], list[_Grant]]:
        grants = self._grants
        if grants is None:
            grants = self._grants = self._build()
        return grants

    def _build(self) -> dict[tuple[str, str], list[_Grant]]:
        cluster_roles = {key.name: _rules(item.object) for key, item in self._store.list(CLUSTER_ROLES)[0]}
        roles = {(key.namespace, key.name): _rules(item.object) for key, item in self._store.list(ROLES)[0]}
        grants: dict[tuple[str, str], list[_Grant]] = {}
        for _, item in self._store.list(CLUSTER_ROLE_BINDINGS)[0]:
            rules = cluster_roles.get(item.object["roleRef"]["name"], ())
            _add(grants, item.object, "", _Grant(None, rules))
        for key, item in self._store.list(ROLE_BINDINGS)[0]:
            reference = item.object["roleRef"]
            if reference.get("kind") == "ClusterRole":
                rules = cluster_roles.get(reference["name"], ())
            else:
                rules = roles.get((key.namespace, reference["name"]), ())
            _add(grants, item.object, key.namespace, _Grant(key.namespace, rules))
        return grants


def _add(
    grants: dict[tuple[str, str], list[_Grant]], binding: Mapping[str, Any], namespace: str, grant: _Grant
) -> None:
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind", ""), subject.get("name", "")
        if kind == "ServiceAccount":
            kind, name = "User", f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
        grants.setdefault((kind, name), []).append(grant)


def _rules(role: Mapping[str, Any]) -> tuple[Rule, ...]:
    return tuple(Rule.parse(rule) for rule in role.get("rules") or ())


def _has(values: Sequence[str], wanted: str) -> bool:
    return "*" in values or wanted in values


def _covers_resource(resources: Sequence[str], wanted: str) -> bool:
    if "*" in resources or wanted in resources:
        return True
    _, slash, subresource = wanted.partition("/")
    return bool(slash) and f"*/{subresource}" in resources


def _singles(rule: Rule) -> Iterator[Rule]:
    """``rule`` in parts of one verb, one group, one resource, one name each."""
    for verb in rule.verbs:
        for url in rule.urls:
            yield Rule((verb,), urls=(url,))
        for group in rule.groups:
            for resource in rule.resources:
                for name in rule.names or ("",):
                    yield Rule((verb,), (group,), (resource,), (name,) if name else ())


def _holds(held: Rule, single: Rule) -> bool:
    if single.urls:
        return held.allows_path(single.verbs[0], single.urls[0])
    name = single.names[0] if single.names else ""
    return held.allows(single.verbs[0], single.groups[0], single.resources[0], name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def bootstrap_objects() -> list[dict[str, Any]]:
    """The roles and bindings that every cluster has from its start."""
    everything = [_rule(["*"], ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}]
    discovery = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ]
    public = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
    reviews = [
        _rule(["create"], ["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
        _rule(["create"], ["authentication.k8s.io"], ["selfsubjectreviews"]),
    ]
    return [
        _cluster_role("cluster-admin", everything),
        _cluster_role("system:discovery", [{"nonResourceURLs": discovery, "verbs": ["get"]}]),
        _cluster_role("system:public-info-viewer", [{"nonResourceURLs": public, "verbs": ["get"]}]),
        _cluster_role("system:basic-user", reviews),
        _cluster_role("admin", _working_rules(_WRITE, secrets=True, roles=True)),
        _cluster_role("edit", _working_rules(_WRITE, secrets=True, roles=False)),
        _cluster_role("view", _working_rules(_READ, secrets=False, roles=False)),
        _cluster_role_binding("cluster-admin", "cluster-admin", [MASTERS]),
        _cluster_role_binding("system:discovery", "system:discovery", ["system:authenticated"]),
        _cluster_role_binding("system:basic-user", "system:basic-user", ["system:authenticated"]),
        _cluster_role_binding(
            "system:public-info-viewer",
            "system:public-info-viewer",
            ["system:authenticated", "system:unauthenticated"],
        ),
    ]


_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CORE = ("bindings", "configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims", "pods", "pods/log", "pods/status",
         "replicationcontrollers", "replicationcontrollers/scale", "resourcequotas", "serviceaccounts", "services", "services/status")  # fmt: skip
_APPS = ("controllerrevisions", "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale",
         "statefulsets", "statefulsets/scale")  # fmt: skip


def _working_rules(verbs: Sequence[str], *, secrets: bool, roles: bool) -> list[dict[str, Any]]:
    rules = [
        _rule(verbs, [""], [*_CORE, "secrets"] if secrets else _CORE),
        _rule(_READ, [""], ["namespaces", "namespaces/status"]),
        _rule(verbs, ["apps"], _APPS),
        _rule(verbs, ["batch"], ["cronjobs", "jobs"]),
        _rule(verbs, ["autoscaling"], ["horizontalpodautoscalers"]),
        _rule(verbs, ["networking.k8s.io"], ["ingresses", "networkpolicies"]),
        _rule(verbs, ["policy"], ["poddisruptionbudgets"]),
        _rule(_READ, ["discovery.k8s.io"], ["endpointslices"]),
    ]
    if roles:
        rules.append(_rule(verbs, [GROUP], ["rolebindings", "roles"]))
    return rules


def _rule(verbs: Sequence[str], groups: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


def _metadata(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
    }


def _cluster_role(name: str, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": _metadata(name),
        "rules": list(rules),
    }


def _cluster_role_binding(name: str, role: str, groups: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(name),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
    }
