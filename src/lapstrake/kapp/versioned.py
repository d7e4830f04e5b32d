"""Versioned resources: ``NAME-ver-N``, a new one only when the content differs, references rewritten."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kapp import paths
from lapstrake.kapp.labels import Key, key_of
from lapstrake.kapp.matchers import Matcher, any_of, kinds
from lapstrake.kapp.paths import EACH, Path
from lapstrake.kube.resource import Resource

Object = dict[str, Any]
VERSIONED = "kapp.k14s.io/versioned"
KEEP_ORIGINAL = "kapp.k14s.io/versioned-keep-original"
EXPLICIT_REF = "kapp.k14s.io/versioned-explicit-ref"
_NUMBER = "kapp.k14s.io/num-versions"
_KEPT = 5
_SUFFIX = re.compile(r"-ver-(\d+)$")


@dataclass(frozen=True, slots=True)
class TemplateRule:
    """Where objects of ``referring`` kinds name those of ``matches``: maps at ``path``, in the key ``name_key``."""

    matches: Matcher
    referring: Matcher
    path: Path
    name_key: str = "name"


@dataclass(frozen=True, slots=True)
class Version:
    """One existing version of a resource."""

    number: int
    body: Object


def template_rules(entry: Mapping[str, Any]) -> list[TemplateRule]:
    """From one entry of a Config's ``templateRules``."""
    affected: Mapping[str, Any] = entry.get("affectedResources") or {}
    references: Sequence[Mapping[str, Any]] = affected.get("objectReferences") or []
    return [
        TemplateRule(
            any_of(entry.get("resourceMatchers")),
            any_of(reference.get("resourceMatchers")),
            tuple(
                EACH if isinstance(step, Mapping) and step.get("allIndexes") else step
                for step in reference["path"]
            ),
            str(reference.get("nameKey") or "name"),
        )
        for reference in references
    ]


def split_name(name: str) -> tuple[str, int]:
    """``conf-ver-3`` → (``conf``, 3); number 0 if there is none."""
    match = _SUFFIX.search(name)
    return (name[: match.start()], int(match[1])) if match else (name, 0)


def is_versioned(obj: Mapping[str, Any]) -> bool:
    return VERSIONED in Resource(obj).annotations


def base_key(obj: Mapping[str, Any]) -> Key:
    namespace, group, kind, name = key_of(Resource(obj))
    return (namespace, group, kind, split_name(name)[0])


def versions(existing: Sequence[Object]) -> dict[Key, list[Version]]:
    """Existing versions by the name without version, oldest first."""
    found: dict[Key, list[Version]] = {}
    for obj in existing:
        number = split_name(Resource(obj).name)[1]
        if is_versioned(obj) and number:
            found.setdefault(base_key(obj), []).append(Version(number, obj))
    return {key: sorted(several, key=lambda version: version.number) for key, several in found.items()}


def renamed(obj: Object, number: int) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "name": f"{Resource(obj).name}-ver-{number}"}}


def superfluous(several: Sequence[Version], obj: Object) -> list[Object]:
    """The existing versions that are deleted: all but the newest ``num-versions``."""
    try:
        kept = int(Resource(obj).annotations.get(_NUMBER, _KEPT))
    except ValueError:
        kept = _KEPT
    return [version.body for version in several[: max(0, len(several) - kept)]]


def referring(
    obj: Object, names: Mapping[Key, str], rules: Sequence[TemplateRule], sample: Mapping[Key, Object]
) -> Object:
    """``obj`` with its references to versioned resources changed to the names in ``names``.

    ``sample`` holds for each key the resource given, to find the rules that speak about it.
    """
    resource = Resource(obj)
    result: Any = obj
    for rule in rules:
        if not rule.referring(resource):
            continue
        for exact, found in list(paths.occurrences(obj, rule.path)):
            new = _new_name(found, rule, resource.namespace, names, sample)
            if new is not None:
                result = paths.with_value(result, (*exact, rule.name_key), new)
    return dict(_explicit(result, resource, names))


def _new_name(
    found: Any, rule: TemplateRule, namespace: str, names: Mapping[Key, str], sample: Mapping[Key, Object]
) -> str | None:
    if not isinstance(found, Mapping):
        return None
    for key, name in names.items():
        if (
            key[0] in ("", namespace)
            and key[3] == found.get(rule.name_key)
            and rule.matches(Resource(sample[key]))
        ):
            return name
    return None


def _explicit(obj: Any, resource: Resource, names: Mapping[Key, str]) -> Any:
    """References in annotations: each is a small YAML document naming apiVersion, kind, namespace and name."""
    from lapstrake.yamldoc.plain import dump, load

    for annotation, text in resource.annotations.items():
        if annotation != EXPLICIT_REF and not annotation.startswith(EXPLICIT_REF + "."):
            continue
        reference = load(text, annotation)
        if not isinstance(reference, dict):
            raise InputError(f"Parsing versioned explicit ref on resource '{resource}': expected a map")
        target = Resource(reference)
        namespace = str(reference.get("namespace") or resource.namespace)
        new = names.get((namespace, target.group, target.kind, str(reference.get("name"))))
        if new is not None:
            changed = dump({**reference, "name": new})
            obj = paths.with_value(obj, ("metadata", "annotations", annotation), changed)
    return obj


def _in_pods(*tails: tuple[Any, ...]) -> list[tuple[Matcher, Path]]:
    places = (
        (kinds("Pod"), ("spec",)),
        (
            kinds("apps/Deployment", "apps/DaemonSet", "apps/StatefulSet", "apps/ReplicaSet", "batch/Job"),
            ("spec", "template", "spec"),
        ),
        (kinds("batch/CronJob"), ("spec", "jobTemplate", "spec", "template", "spec")),
    )
    return [(matches, (*head, *tail)) for matches, head in places for tail in tails]


def _containers(*tail: Any) -> list[tuple[Any, ...]]:
    return [(name, EACH, *tail) for name in ("containers", "initContainers")]


def _rules(kind: str, name_key: str, where: Sequence[tuple[Matcher, Path]]) -> list[TemplateRule]:
    return [TemplateRule(kinds(kind), matches, path, name_key) for matches, path in where]


DEFAULT_TEMPLATE_RULES: tuple[TemplateRule, ...] = (
    *_rules(
        "ConfigMap",
        "name",
        _in_pods(
            *_containers("env", EACH, "valueFrom", "configMapKeyRef"),
            *_containers("envFrom", EACH, "configMapRef"),
            ("volumes", EACH, "configMap"),
            ("volumes", EACH, "projected", "sources", EACH, "configMap"),
        ),
    ),
    *_rules(
        "Secret",
        "name",
        [
            *_in_pods(
                *_containers("env", EACH, "valueFrom", "secretKeyRef"),
                *_containers("envFrom", EACH, "secretRef"),
                ("imagePullSecrets", EACH),
                ("volumes", EACH, "projected", "sources", EACH, "secret"),
            ),
            (kinds("ServiceAccount"), ("imagePullSecrets", EACH)),
            (kinds("ServiceAccount"), ("secrets", EACH)),
            (kinds("networking.k8s.io/Ingress"), ("spec", "tls", EACH)),
        ],
    ),
    *_rules(
        "Secret",
        "secretName",
        [
            *_in_pods(("volumes", EACH, "secret")),
            (kinds("networking.k8s.io/Ingress"), ("spec", "tls", EACH)),
        ],
    ),
)
