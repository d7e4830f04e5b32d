"""How a resource shows that it belongs to an app: labels, identity, and the original that was applied.

Source: recorded objects. ``association`` is an MD5 because kapp's is: it names, it does not protect.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.kapp import paths
from lapstrake.kapp.matchers import Matcher, anything, kinds
from lapstrake.kapp.paths import EACH, Path
from lapstrake.kube.resource import Resource

APP_LABEL = "kapp.k14s.io/app"
ASSOCIATION_LABEL = "kapp.k14s.io/association"
ORPHANED_LABEL = "kapp.k14s.io/orphaned"
IDENTITY = "kapp.k14s.io/identity"
ORIGINAL = "kapp.k14s.io/original"
ORIGINAL_MD5 = "kapp.k14s.io/original-diff-md5"
NONCE = "kapp.k14s.io/nonce"
_DISABLE_ORIGINAL = "kapp.k14s.io/disable-original"
_DISABLE_SCOPING = ("kapp.k14s.io/disable-label-scoping", "kapp.k14s.io/disable-default-label-scoping-rules")
_LARGEST_ORIGINAL = 262144
_VERSION = re.compile(r"-ver-\d+$")

Object = dict[str, Any]
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A path to a map of labels. ``create``: also where there is no such map yet."""

    path: Path
    matches: Matcher
    create: bool = True


_TEMPLATED = kinds(
    "apps/Deployment",
    "apps/DaemonSet",
    "apps/StatefulSet",
    "apps/ReplicaSet",
    "extensions/Deployment",
    "extensions/DaemonSet",
    "extensions/ReplicaSet",
    "ReplicationController",
    "batch/Job",
)

OWNERSHIP_RULES = (
    LabelRule(("metadata", "labels"), anything),
    LabelRule(("spec", "template", "metadata", "labels"), _TEMPLATED),
    LabelRule(("spec", "volumeClaimTemplates", EACH, "metadata", "labels"), kinds("apps/StatefulSet")),
    LabelRule(("spec", "jobTemplate", "spec", "template", "metadata", "labels"), kinds("batch/CronJob")),
)

SCOPING_RULES = (
    LabelRule(("spec", "selector"), kinds("Service", "ReplicationController"), create=False),
    LabelRule(
        ("spec", "selector", "matchLabels"),
        kinds(
            "apps/Deployment",
            "apps/DaemonSet",
            "apps/StatefulSet",
            "apps/ReplicaSet",
            "extensions/Deployment",
            "extensions/DaemonSet",
            "extensions/ReplicaSet",
            "policy/PodDisruptionBudget",
        ),
        create=False,
    ),
)


def key_of(resource: Resource) -> Key:
    """Namespace, group, kind, name: what makes a resource the same one in another API version."""
    return (resource.namespace, resource.group, resource.kind, resource.name)


def association(resource: Resource) -> str:
    """The value of the association label; all versions of a versioned resource share it."""
    namespace, group, kind, name = key_of(resource)
    name = _VERSION.sub("", name) if "kapp.k14s.io/versioned" in resource.annotations else name
    text = f"{namespace}/{group}/{kind}/{name}"
    return "v1." + hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def identity(resource: Resource) -> str:
    return f"v1;{'/'.join(key_of(resource))};{resource.api_version}"


def is_own(resource: Resource) -> bool:
    """Applied by kapp itself; the others with an app's label inherited it from one of these."""
    recorded = resource.annotations.get(IDENTITY)
    if recorded is not None:
        parts = recorded.split(";")
        namespace, _, kind, name = key_of(resource)
        named = parts[1].split("/") if len(parts) == 3 else []
        return len(named) == 4 and (named[0], named[2], named[3]) == (namespace, kind, name)
    return resource.labels.get(ASSOCIATION_LABEL) == association(resource)


def labeled(
    obj: Mapping[str, Any],
    app_label: str,
    *,
    ownership: Sequence[LabelRule] = OWNERSHIP_RULES,
    scoping: Sequence[LabelRule] = SCOPING_RULES,
    extra: Mapping[str, str] | None = None,
) -> Object:
    """A copy that belongs to the app: in its own labels, in its templates, in its selectors."""
    resource = Resource(obj)
    labels = {APP_LABEL: app_label, ASSOCIATION_LABEL: association(resource), **(extra or {})}
    result: Any = dict(obj)
    for rule in ownership:
        if rule.matches(resource):
            result = _with_labels(result, rule, labels)
    if any(name in resource.annotations for name in _DISABLE_SCOPING):
        return dict(result)
    for rule in scoping:
        if rule.matches(resource):
            result = _with_labels(result, rule, {APP_LABEL: app_label})
    return dict(result)


def _with_labels(value: Any, rule: LabelRule, labels: Mapping[str, str]) -> Any:
    steps = list(rule.path)
    if EACH in steps:
        cut = steps.index(EACH)
        places = [
            ((*exact, index), tuple(s for s in steps[cut + 1 :] if isinstance(s, str | int)))
            for exact, items in paths.occurrences(value, steps[:cut])
            if isinstance(items, list)
            for index in range(len(items))
        ]
        exact_paths: list[tuple[str | int, ...]] = [(*head, *tail) for head, tail in places]
    else:
        exact_paths = [tuple(step for step in steps if isinstance(step, str | int))]
    for path in exact_paths:
        current = paths.get(value, path)
        if current or rule.create:
            value = paths.with_value(value, path, {**(current or {}), **labels})
    return value


def original_text(obj: Mapping[str, Any]) -> str:
    """Compact JSON with sorted keys, escaped as Go's encoder does for HTML."""
    text = json.dumps(obj, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    for char, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(char, escape)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def record_annotations(original: Mapping[str, Any], applied: Resource, md5: str) -> dict[str, str]:
    """What is written onto a resource after it was applied (and got its name, if the server chose that)."""
    resource = Resource(original)
    found = {IDENTITY: identity(applied)}
    if _DISABLE_ORIGINAL in resource.annotations:
        return found
    text = original_text(original)
    if len(text) > _LARGEST_ORIGINAL:
        return found
    return {**found, ORIGINAL: text, ORIGINAL_MD5: md5}


def recorded_original(resource: Resource) -> tuple[Object, str] | None:
    """The original and its MD5 as recorded on a resource, None if there is no (readable) record."""
    text, md5 = resource.annotations.get(ORIGINAL), resource.annotations.get(ORIGINAL_MD5)
    if not text or not md5:
        return None
    try:
        original = json.loads(text)
    except ValueError:
        return None
    return (original, md5) if isinstance(original, dict) else None


def without_records(obj: Mapping[str, Any]) -> Object:
    """A copy without kapp's own annotations."""
    annotations = (obj.get("metadata") or {}).get("annotations")
    if not annotations:
        return dict(obj)
    kept = {k: v for k, v in annotations.items() if k not in (IDENTITY, ORIGINAL, ORIGINAL_MD5)}
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}
