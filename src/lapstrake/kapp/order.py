"""In which order changes are applied: each waits for those it depends on.

Built in: a CRD before resources of its kind, a namespace before its contents, roles before their bindings, accounts,
rights, configuration and storage before all the rest; when deleting, custom resources before their CRDs, and CRDs
before the rest. Built-in rules give way to those of the user where both would make a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from lapstrake.errors import InputError
from lapstrake.kapp.change_rules import ChangeRule, GroupBinding, RuleBinding, groups_of, rules_of
from lapstrake.kapp.changes import DELETE, Change
from lapstrake.kapp.matchers import is_custom, kinds
from lapstrake.kube.resource import Resource

_ROLES = kinds("rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole")
_BINDINGS = kinds("rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding")
_CRD = kinds("apiextensions.k8s.io/CustomResourceDefinition")
_EARLY = kinds(
    "Namespace", "apiextensions.k8s.io/CustomResourceDefinition", "apiregistration.k8s.io/APIService"
)
_SUPPORT = kinds(
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "LimitRange",
    "ResourceQuota",
    "PodTemplate",
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    "networking.k8s.io/IngressClass",
    "networking.k8s.io/NetworkPolicy",
    "node.k8s.io/RuntimeClass",
    "policy/PodSecurityPolicy",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/CSIDriver",
    "storage.k8s.io/StorageClass",
)

Dependencies = list[set[int]]


def ordered(
    changes: Sequence[Change], groups: tuple[GroupBinding, ...] = (), rules: tuple[RuleBinding, ...] = ()
) -> Dependencies:
    """For each change the indices of those that must be done before it may begin.

    Raises InputError for a rule that cannot be read and for a circle.
    """
    try:
        strong, weak = _stated(changes, groups, rules)
    except InputError as err:
        raise InputError(f"Change graph: Calculating required deps: {err}") from err
    dependencies: Dependencies = [set() for _ in changes]
    for index, other in strong:
        dependencies[index].add(other)
    _refuse_circle(changes, dependencies)
    built_in = [*weak, *_built_in(changes)]
    if strong:
        _add_where_possible(dependencies, built_in)
    else:
        for index, other in built_in:
            dependencies[index].add(other)
    return dependencies


def _stated(
    changes: Sequence[Change], groups: tuple[GroupBinding, ...], rules: tuple[RuleBinding, ...]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Edges (a change, one it depends on) from annotations and bindings."""
    stated = [
        (index, rule) for index, change in enumerate(changes) for rule in rules_of(change.resource, rules)
    ]
    members: dict[str, list[int]] = defaultdict(list)
    for index, change in enumerate(changes):
        for name in groups_of(change.resource, groups):
            members[name].append(index)
    strong: list[tuple[int, int]] = []
    weak: list[tuple[int, int]] = []
    for index, rule in stated:
        if not _concerns(changes[index], rule.upserts):
            continue
        for other in members.get(rule.group, ()):
            if other != index and _concerns(changes[other], rule.target_upserts):
                (weak if rule.weak else strong).append(_edge(index, other, rule))
    return strong, weak


def _edge(index: int, other: int, rule: ChangeRule) -> tuple[int, int]:
    return (index, other) if rule.after else (other, index)


def _concerns(change: Change, upserts: bool) -> bool:
    return change.upserts if upserts else change.op == DELETE


def _built_in(changes: Sequence[Change]) -> Iterable[tuple[int, int]]:
    upserts = [(i, change.resource) for i, change in enumerate(changes) if change.upserts]
    deletes = [(i, change.resource) for i, change in enumerate(changes) if change.op == DELETE]
    yield from _upsert_edges(upserts)
    yield from _delete_edges(deletes)


def _upsert_edges(upserts: Sequence[tuple[int, Resource]]) -> Iterable[tuple[int, int]]:
    crds = {_defined(resource): i for i, resource in upserts if _CRD(resource)}
    namespaces = {r.name: i for i, r in upserts if r.is_a("", "Namespace")}
    roles = [i for i, resource in upserts if _ROLES(resource)]
    support = [i for i, r in upserts if _SUPPORT(r) or _ROLES(r) or _BINDINGS(r)]
    for i, resource in upserts:
        if resource.namespace in namespaces:
            yield i, namespaces[resource.namespace]
        if (resource.group, resource.kind) in crds:
            yield i, crds[resource.group, resource.kind]
        if _BINDINGS(resource):
            yield from ((i, role) for role in roles)
        elif not (_EARLY(resource) or _SUPPORT(resource) or _ROLES(resource)):
            yield from ((i, other) for other in support)


def _delete_edges(deletes: Sequence[tuple[int, Resource]]) -> Iterable[tuple[int, int]]:
    crds = {_defined(resource): i for i, resource in deletes if _CRD(resource)}
    for i, resource in deletes:
        crd = crds.get((resource.group, resource.kind))
        if crd is not None:
            yield crd, i
        elif not _CRD(resource) and not is_custom(resource):
            yield from ((i, other) for other in crds.values())


def _defined(crd: Resource) -> tuple[str, str]:
    return str(crd.at(("spec", "group"), "")), str(crd.at(("spec", "names", "kind"), ""))


def _add_where_possible(dependencies: Dependencies, edges: Iterable[tuple[int, int]]) -> None:
    """Add edges that close no circle. ``reach`` holds, as bits, all that a change depends on at any distance."""
    reach = [0] * len(dependencies)
    done: set[int] = set()

    def collect(index: int) -> int:
        if index not in done:
            done.add(index)
            for other in dependencies[index]:
                reach[index] |= (1 << other) | collect(other)
        return reach[index]

    for index in range(len(dependencies)):
        collect(index)
    for index, other in edges:
        if index == other or reach[other] >> index & 1:
            continue
        dependencies[index].add(other)
        gained = reach[other] | (1 << other)
        if gained & ~reach[index]:
            for i in range(len(reach)):
                if i == index or reach[i] >> index & 1:
                    reach[i] |= gained


def _refuse_circle(changes: Sequence[Change], dependencies: Dependencies) -> None:
    finished: set[int] = set()
    for start in range(len(changes)):
        trail: list[int] = []
        pending: list[tuple[int, list[int]]] = [(start, sorted(dependencies[start]))]
        while pending:
            index, others = pending[-1]
            if not trail or trail[-1] != index:
                trail.append(index)
            if index in finished or not others:
                finished.add(index)
                pending.pop()
                trail.pop()
                continue
            following = others.pop(0)
            if following in trail:
                names = [f"[{changes[i]}]" for i in [*trail, following]]
                raise InputError(
                    f"Detected cycle while ordering changes: {' -> '.join(names)} "
                    f"(found repeated: {changes[following]})"
                )
            pending.append((following, sorted(dependencies[following])))
