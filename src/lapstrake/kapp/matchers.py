"""Which resources a rule is about: the ``resourceMatchers`` of a Config resource, and the same by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kube.resource import Resource

Matcher = Callable[[Resource], bool]

_BUILT_IN_GROUPS = frozenset(
    (
        "",
        "apps",
        "autoscaling",
        "batch",
        "extensions",
        "policy",
    )
)


def anything(_: Resource) -> bool:
    return True


def kinds(*wanted: str) -> Matcher:
    """Resources of these kinds, each written as ``apps/Deployment`` (group and kind) or ``Service`` (core)."""
    pairs = frozenset((name.rpartition("/")[0], name.rpartition("/")[2]) for name in wanted)
    return lambda resource: (resource.group, resource.kind) in pairs


def is_custom(resource: Resource) -> bool:
    """Not of a group that a Kubernetes server has of itself."""
    return not (resource.group in _BUILT_IN_GROUPS or resource.group.endswith(".k8s.io"))


def any_of(specs: Sequence[Mapping[str, Any]] | None) -> Matcher:
    """From the list form of a Config: one of them must match. No list at all matches nothing."""
    found = [matcher(spec) for spec in specs or ()]
    return lambda resource: any(one(resource) for one in found)


def matcher(spec: Mapping[str, Any]) -> Matcher:
    """One entry of ``resourceMatchers``. Raises InputError for a form nobody knows."""
    if len(spec) != 1:
        raise InputError(f"Expected exactly one resource matcher, but got {sorted(spec)}")
    [(form, value)] = spec.items()
    if form not in _FORMS:
        raise InputError(f"Unknown resource matcher '{form}'")
    return _FORMS[form](value or {})


def _api_version_kind(value: Mapping[str, Any]) -> Matcher:
    return lambda r: (r.api_version, r.kind) == (value.get("apiVersion"), value.get("kind"))


def _group_kind(value: Mapping[str, Any]) -> Matcher:
    return lambda r: (r.group, r.kind) == (value.get("apiGroup") or "", value.get("kind"))


def _kind_namespace_name(value: Mapping[str, Any]) -> Matcher:
    wanted = (value.get("kind"), value.get("namespace") or "", value.get("name"))
    return lambda r: (r.kind, r.namespace, r.name) == wanted


def _all(value: Mapping[str, Any]) -> Matcher:
    return anything


def _any(value: Mapping[str, Any]) -> Matcher:
    return any_of(value.get("matchers"))


def _and(value: Mapping[str, Any]) -> Matcher:
    found = [matcher(spec) for spec in value.get("matchers") or ()]
    return lambda r: all(one(r) for one in found)


def _not(value: Mapping[str, Any]) -> Matcher:
    inner = matcher(value.get("matcher") or {})
    return lambda r: not inner(r)


def _has_annotation(value: Mapping[str, Any]) -> Matcher:
    keys = value.get("keys") or ()
    return lambda r: all(key in r.annotations for key in keys)


def _has_namespace(value: Mapping[str, Any]) -> Matcher:
    names = value.get("names")
    return lambda r: r.namespace in names if names else bool(r.namespace)


def _custom(value: Mapping[str, Any]) -> Matcher:
    return is_custom


def _empty_field(value: Mapping[str, Any]) -> Matcher:
    path = value.get("path") or ()
    return lambda r: not r.at(path)


_FORMS: dict[str, Callable[[Mapping[str, Any]], Matcher]] = {
    "apiVersionKindMatcher": _api_version_kind,
    "apiGroupKindMatcher": _group_kind,
    "kindNamespaceNameMatcher": _kind_namespace_name,
    "allMatcher": _all,
    "anyMatcher": _any,
    "andMatcher": _and,
    "notMatcher": _not,
    "hasAnnotationMatcher": _has_annotation,
    "hasNamespaceMatcher": _has_namespace,
    "customResourceMatcher": _custom,
    "emptyFieldMatcher": _empty_field,
}
