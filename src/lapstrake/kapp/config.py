"""Config resources (``kapp.k14s.io/v1alpha1`` ``Config``): rules of the user on top of the built-in ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lapstrake.errors import InputError
from lapstrake.kapp.change_rules import GroupBinding, RuleBinding
from lapstrake.kapp.changes import DEFAULT_EXCLUSIONS, FieldExclusion
from lapstrake.kapp.labels import OWNERSHIP_RULES, SCOPING_RULES, LabelRule
from lapstrake.kapp.matchers import Matcher, any_of, kinds
from lapstrake.kapp.paths import EACH, Path
from lapstrake.kapp.rebase import DEFAULT_RULES, EXISTING_FIRST, NEW_FIRST, RebaseRule
from lapstrake.kapp.versioned import DEFAULT_TEMPLATE_RULES, TemplateRule, template_rules
from lapstrake.kapp.waits import Progress, WaitRule
from lapstrake.kube.resource import Resource

Object = dict[str, Any]

# A version of kapp whose Config features these are; ``minimumRequiredVersion`` is compared with it.
COMPATIBLE_VERSION = "0.60.0"


class Ytt(Protocol):
    """What rules written in ytt need; operations supplies it."""

    def overlay(
        self, files: Mapping[str, str], new: Object, existing: Object, last_applied: Object
    ) -> Object:
        """The rebased resource."""

    def judge(self, files: Mapping[str, str], resource: Mapping[str, Any]) -> Mapping[str, Any]:
        """What ``is_done`` of the user's code says."""


_SECRET = kinds("Secret")
DEFAULT_MASKS: tuple[tuple[Matcher, Path], ...] = ((_SECRET, ("data",)), (_SECRET, ("stringData",)))


@dataclass(frozen=True, slots=True)
class Config:
    rebase: tuple[RebaseRule, ...] = DEFAULT_RULES
    overlays: tuple[tuple[Matcher, Callable[[Mapping[str, Any], Mapping[str, Any]], Object]], ...] = ()
    waits: tuple[WaitRule, ...] = ()
    ownership: tuple[LabelRule, ...] = OWNERSHIP_RULES
    scoping: tuple[LabelRule, ...] = SCOPING_RULES
    templates: tuple[TemplateRule, ...] = DEFAULT_TEMPLATE_RULES
    masks: tuple[tuple[Matcher, Path], ...] = DEFAULT_MASKS
    of_last_applied: tuple[FieldExclusion, ...] = DEFAULT_EXCLUSIONS
    of_existing: tuple[FieldExclusion, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[GroupBinding, ...] = ()
    rules: tuple[RuleBinding, ...] = ()


def read(objects: Sequence[Mapping[str, Any]], ytt: Ytt | None = None) -> Config:
    """All given Configs together. Raises InputError for one that cannot be understood."""
    config = Config()
    for obj in objects:
        try:
            config = _extended(config, obj, ytt)
        except InputError as err:
            raise InputError(f"Parsing resource '{_shown(obj)}' as kapp config: {err}") from err
        except (TypeError, AttributeError, KeyError) as err:
            raise InputError(
                f"Parsing resource '{_shown(obj)}' as kapp config: unexpected shape ({err})"
            ) from err
    return config


def _shown(obj: Mapping[str, Any]) -> str:
    resource = Resource(obj)
    place = f"namespace: {resource.namespace}" if resource.namespace else "cluster"
    return f"{resource.kind.lower()}/{resource.name} ({resource.api_version}) {place}"


def _extended(config: Config, obj: Mapping[str, Any], ytt: Ytt | None) -> Config:
    _check_version(str(obj.get("minimumRequiredVersion") or ""))
    plain, overlays = _rebase_rules(obj.get("rebaseRules") or (), ytt)
    return Config(
        rebase=(*config.rebase, *plain),
        overlays=(*config.overlays, *overlays),
        waits=(*config.waits, *(_wait_rule(entry, ytt) for entry in obj.get("waitRules") or ())),
        ownership=(*config.ownership, *_label_rules(obj.get("ownershipLabelRules"), create=True)),
        scoping=(*config.scoping, *_label_rules(obj.get("labelScopingRules"), create=False)),
        templates=(
            *config.templates,
            *(rule for entry in obj.get("templateRules") or () for rule in template_rules(entry)),
        ),
        masks=(*config.masks, *_masks(obj.get("diffMaskRules"))),
        of_last_applied=(
            *config.of_last_applied,
            *_exclusions(obj.get("diffAgainstLastAppliedFieldExclusionRules")),
        ),
        of_existing=(*config.of_existing, *_exclusions(obj.get("diffAgainstExistingFieldExclusionRules"))),
        labels={**config.labels, **(obj.get("additionalLabels") or {})},
        groups=(
            *config.groups,
            *(
                GroupBinding(str(entry["name"]), any_of(entry.get("resourceMatchers")))
                for entry in obj.get("changeGroupBindings") or ()
            ),
        ),
        rules=(
            *config.rules,
            *(
                RuleBinding(
                    tuple(entry.get("rules") or ()),
                    any_of(entry.get("resourceMatchers")),
                    bool(entry.get("ignoreIfCycle")),
                )
                for entry in obj.get("changeRuleBindings") or ()
            ),
        ),
    )


def _check_version(wanted: str) -> None:
    if not wanted:
        return
    try:
        needed = [int(part) for part in wanted.split(".")]
    except ValueError:
        raise InputError(
            f"Validating config: Parsing minimum required version: Malformed version: {wanted}"
        ) from None
    if needed > [int(part) for part in COMPATIBLE_VERSION.split(".")]:
        raise InputError(
            f"Validating config: kapp version '{COMPATIBLE_VERSION}' does not meet the minimum required "
            f"version '{wanted}'"
        )


def _path(steps: Sequence[Any]) -> Path:
    """Strings are keys; ``{index: N}`` and ``{allIndexes: true}`` are places in lists."""
    found: list[Any] = []
    for step in steps:
        if isinstance(step, Mapping):
            found.append(EACH if step.get("allIndexes") else int(step["index"]))
        else:
            found.append(str(step))
    return tuple(found)


def _paths(entry: Mapping[str, Any]) -> list[Path]:
    several = [_path(steps) for steps in entry.get("paths") or ()]
    return [_path(entry["path"]), *several] if entry.get("path") else several


def _rebase_rules(
    entries: Sequence[Mapping[str, Any]], ytt: Ytt | None
) -> tuple[list[RebaseRule], list[tuple[Matcher, Callable[[Mapping[str, Any], Mapping[str, Any]], Object]]]]:
    plain: list[RebaseRule] = []
    overlays = []
    for entry in entries:
        matches = any_of(entry.get("resourceMatchers"))
        if entry.get("ytt"):
            overlays.append((matches, _overlay(entry["ytt"], ytt)))
            continue
        kind = entry.get("type")
        if kind not in ("copy", "remove"):
            raise InputError(f"Unknown rebase rule type: {kind} (supported: copy, remove)")
        named = tuple(entry.get("sources") or NEW_FIRST)
        sources = {("existing", "new"): EXISTING_FIRST}.get(named, named) if kind == "copy" else ()
        plain += [RebaseRule(path, matches, sources) for path in _paths(entry)]
    return plain, overlays


def _overlay(
    spec: Mapping[str, Any], ytt: Ytt | None
) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Object]:
    files = spec["overlayContractV1"]
    supplied = _supplied(ytt)
    return lambda new, existing: supplied.overlay(files, dict(new), dict(existing), dict(existing))


def _wait_rule(entry: Mapping[str, Any], ytt: Ytt | None) -> WaitRule:
    matches = any_of(entry.get("resourceMatchers"))
    if entry.get("ytt"):
        return WaitRule(matches, judge=_judge(entry["ytt"], ytt))
    return WaitRule(
        matches, tuple(entry.get("conditionMatchers") or ()), bool(entry.get("supportsObservedGeneration"))
    )


def _judge(spec: Mapping[str, Any], ytt: Ytt | None) -> Callable[[Mapping[str, Any]], Progress]:
    files = spec["funcContractV1"]
    supplied = _supplied(ytt)

    def judge(resource: Mapping[str, Any]) -> Progress:
        said = supplied.judge(files, resource)
        return Progress(
            bool(said.get("done")),
            bool(said.get("successful")),
            str(said.get("message") or ""),
            bool(said.get("unblockChanges")),
        )

    return judge


def _supplied(ytt: Ytt | None) -> Ytt:
    if ytt is None:
        raise InputError("rules written in ytt cannot be used here")
    return ytt


def _label_rules(entries: Any, *, create: bool) -> list[LabelRule]:
    return [
        LabelRule(path, any_of(entry.get("resourceMatchers")), create)
        for entry in entries or ()
        for path in _paths(entry)
    ]


def _masks(entries: Any) -> list[tuple[Matcher, Path]]:
    return [
        (any_of(entry.get("resourceMatchers")), path) for entry in entries or () for path in _paths(entry)
    ]


def _exclusions(entries: Any) -> list[FieldExclusion]:
    return [
        FieldExclusion(path, any_of(entry.get("resourceMatchers")))
        for entry in entries or ()
        for path in _paths(entry)
    ]
