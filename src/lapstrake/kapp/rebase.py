"""Rebasing: what of a resource the cluster decides is taken over before comparing and applying.

The default rules keep what servers and controllers write into specs: cluster addresses, node ports, CA bundles,
bindings. Source: behaviour of kapp as described in its facts; the rules themselves are written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.kapp import paths
from lapstrake.kapp.labels import without_records
from lapstrake.kapp.matchers import Matcher, anything, kinds
from lapstrake.kapp.paths import EACH, Path
from lapstrake.kube.resource import Resource

Object = dict[str, Any]
NEW_FIRST = ("new", "existing")
EXISTING_FIRST = ("existing", "new")


@dataclass(frozen=True, slots=True)
class RebaseRule:
    """The first of ``sources`` that has ``path`` gives the value; without sources: it is removed.

    ``silent``: what it takes over is not seen in the MD5 of what was applied last.
    """

    path: Path
    matches: Matcher
    sources: tuple[str, ...] = NEW_FIRST
    silent: bool = True


def _copy(matches: Matcher, *found: Path, sources: tuple[str, ...] = NEW_FIRST) -> list[RebaseRule]:
    return [RebaseRule(path, matches, sources) for path in found]


def _is_type(kind: str, field: str, *wanted: str) -> Matcher:
    of_kind = kinds(kind)
    path = field.split(".")
    return lambda r: of_kind(r) and r.at(path) in wanted


def _has(kind: str, field: str) -> Matcher:
    of_kind = kinds(kind)
    path = field.split(".")
    return lambda r: of_kind(r) and bool(r.at(path))


def _has_cluster_address(resource: Resource) -> bool:
    return kinds("Service")(resource) and resource.at(("spec", "type"), "ClusterIP") != "ExternalName"


def _is_secretgen_placeholder(resource: Resource) -> bool:
    return kinds("Secret")(resource) and "secretgen.carvel.dev/image-pull-secret" in resource.annotations


_HAS_NODE_PORTS = _is_type("Service", "spec.type", "NodePort", "LoadBalancer")
_ANNOTATIONS = ("metadata", "annotations")
_WEBHOOKS = kinds(
    "admissionregistration.k8s.io/MutatingWebhookConfiguration",
    "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
)
_CRD = kinds("apiextensions.k8s.io/CustomResourceDefinition")
_WITH_REVISION = kinds("apps/Deployment", "extensions/Deployment")
_TOKEN = _is_type("Secret", "type", "kubernetes.io/service-account-token")

DEFAULT_RULES: tuple[RebaseRule, ...] = (
    *_copy(anything, ("metadata", "ownerReferences"), ("metadata", "finalizers")),
    RebaseRule(
        (*_ANNOTATIONS, "deployment.kubernetes.io/revision"), _WITH_REVISION, EXISTING_FIRST, silent=False
    ),
    *_copy(kinds("Namespace"), ("spec", "finalizers")),
    *_copy(_has_cluster_address, ("spec", "clusterIP"), ("spec", "healthCheckNodePort")),
    RebaseRule(("spec", "ports", EACH, "nodePort"), _HAS_NODE_PORTS, silent=False),
    *_copy(
        kinds("PersistentVolumeClaim"),
        ("spec", "volumeName"),
        (*_ANNOTATIONS, "pv.kubernetes.io/bind-completed"),
        (*_ANNOTATIONS, "pv.kubernetes.io/bound-by-controller"),
        (*_ANNOTATIONS, "volume.beta.kubernetes.io/storage-provisioner"),
        (*_ANNOTATIONS, "volume.kubernetes.io/storage-provisioner"),
        (*_ANNOTATIONS, "volume.kubernetes.io/selected-node"),
    ),
    RebaseRule(("spec", "storageClassName"), kinds("PersistentVolumeClaim"), silent=False),
    *_copy(kinds("PersistentVolume"), ("spec", "claimRef")),
    *_copy(kinds("ServiceAccount"), ("secrets",)),
    *_copy(_TOKEN, ("data",), (*_ANNOTATIONS, "kubernetes.io/service-account.uid")),
    *_copy(_is_secretgen_placeholder, ("data",), sources=EXISTING_FIRST),
    *_copy(_WEBHOOKS, ("webhooks", EACH, "clientConfig", "caBundle")),
    *_copy(kinds("apiregistration.k8s.io/APIService"), ("spec", "caBundle")),
    *_copy(_CRD, ("spec", "conversion", "webhook", "clientConfig", "caBundle")),
    *_copy(
        _has("rbac.authorization.k8s.io/ClusterRole", "aggregationRule"), ("rules",), sources=EXISTING_FIRST
    ),
    *_copy(kinds("Pod"), ("spec", "nodeName")),
)

# What only the server writes: never taken from the given resource.
_SERVER_METADATA = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
)


def rebased(
    new: Mapping[str, Any], existing: Mapping[str, Any], rules: Sequence[RebaseRule] = DEFAULT_RULES
) -> Object:
    """``new`` as it would be written over ``existing``: without status, without kapp's own annotations."""
    result: Object = {key: value for key, value in new.items() if key != "status"}
    metadata = {k: v for k, v in (new.get("metadata") or {}).items() if k not in _SERVER_METADATA}
    current = existing.get("metadata") or {}
    metadata |= {key: current[key] for key in _SERVER_METADATA if key in current}
    result = without_records({**result, "metadata": metadata})
    resource = Resource(new)
    for rule in rules:
        if rule.matches(resource):
            result = _applied(rule, result, new, existing)
    return result


def compared(existing: Mapping[str, Any]) -> Object:
    """``existing`` as far as it is compared: without status and kapp's own annotations."""
    return without_records({key: value for key, value in existing.items() if key != "status"})


def without_fields(obj: Mapping[str, Any], fields: Iterable[Path]) -> Object:
    """A copy without some fields, for comparisons that leave them out."""
    result: Any = dict(obj)
    for path in fields:
        for exact, _ in reversed(list(paths.occurrences(result, path))):
            result = paths.without(result, exact)
    return dict(result)


def _applied(rule: RebaseRule, result: Object, new: Mapping[str, Any], existing: Mapping[str, Any]) -> Object:
    if not rule.sources:
        return without_fields(result, [rule.path])
    value: Any = result
    for exact in _places(rule.path, new, existing):
        for source in rule.sources:
            origin = new if source == "new" else existing
            if paths.has(origin, exact):
                value = paths.with_value(value, exact, paths.get(origin, exact))
                break
    return dict(value)


def _places(path: Path, *objects: Mapping[str, Any]) -> list[tuple[str | int, ...]]:
    found: dict[tuple[str | int, ...], None] = {}
    for obj in objects:
        for exact, _ in paths.occurrences(obj, path):
            found[exact] = None
    return list(found)
