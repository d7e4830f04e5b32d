"""What a deploy or a delete would change: one ``Change`` per resource.

Given minus existing is created, existing minus given deleted, the rest updated where it differs. The left side of an
update is what was applied last time if the cluster's object still differs from that in the same way as then (so that
defaults do not show); otherwise it is the cluster's object, and drift is undone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.kapp.compare import original_md5, same
from lapstrake.kapp.labels import Key, key_of, recorded_original
from lapstrake.kapp.matchers import Matcher, kinds
from lapstrake.kapp.paths import Path
from lapstrake.kapp.rebase import DEFAULT_RULES, RebaseRule, compared, rebased, without_fields
from lapstrake.kapp.waits import Progress
from lapstrake.kube.resource import Resource

Object = dict[str, Any]
Ytt = Callable[[Mapping[str, Any], Mapping[str, Any]], Object]

CREATE, UPDATE, DELETE, NOOP, EXISTS = "create", "update", "delete", "noop", "exists"
RECONCILE = "reconcile"

_PREFIX = "kapp.k14s.io/"
CREATE_STRATEGY = _PREFIX + "create-strategy"
UPDATE_STRATEGY = _PREFIX + "update-strategy"
DELETE_STRATEGY = _PREFIX + "delete-strategy"
DISABLE_WAIT = _PREFIX + "disable-wait"
_SHOWN_STRATEGIES = {
    "": "",
    "plain": "",
    "orphan": "orphan",
    "always-replace": "always replace",
    "fallback-on-replace": "fallback on replace",
    "fallback-on-update": "fallback on update",
    "fallback-on-update-or-noop": "fallback on update or noop",
    "skip": "skip",
}


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """``new`` is what was given (None: deleted), ``existing`` what the cluster has (None: created).

    ``left`` and ``right`` are the sides that are compared and shown; ``state`` is the progress of ``existing``.
    """

    op: str
    wait: str
    resource: Resource
    new: Object | None = None
    existing: Object | None = None
    left: Object | None = None
    right: Object | None = None
    strategy: str = ""
    state: Progress | None = None

    @property
    def key(self) -> Key:
        return key_of(self.resource)

    @property
    def shown_strategy(self) -> str:
        return _SHOWN_STRATEGIES.get(self.strategy, "???")

    @property
    def upserts(self) -> bool:
        return self.op in (CREATE, UPDATE, EXISTS) or (self.op == NOOP and self.wait != DELETE)

    def __str__(self) -> str:
        return str(self.resource)


@dataclass(frozen=True, slots=True)
class FieldExclusion:
    path: Path
    matches: Matcher


DEFAULT_EXCLUSIONS = (
    FieldExclusion(
        ("metadata", "annotations", "deployment.kubernetes.io/revision"),
        kinds("apps/Deployment", "extensions/Deployment"),
    ),
)


@dataclass(frozen=True, slots=True)
class DiffRules:
    """``of_last_applied`` fields are left out of the MD5, ``of_existing`` fields of a comparison with the cluster."""

    rebase: Sequence[RebaseRule] = DEFAULT_RULES
    overlays: Sequence[tuple[Matcher, Ytt]] = ()
    of_last_applied: Sequence[FieldExclusion] = DEFAULT_EXCLUSIONS
    of_existing: Sequence[FieldExclusion] = ()
    against_last_applied: bool = True

    def md5(self, original: Mapping[str, Any], applied: Mapping[str, Any]) -> str:
        return original_md5(original, applied, self.rebase, _fields(self.of_last_applied, Resource(original)))

    def rebased(self, new: Mapping[str, Any], existing: Mapping[str, Any]) -> Object:
        result = rebased(new, existing, self.rebase)
        resource = Resource(new)
        for matches, overlay in self.overlays:
            if matches(resource):
                result = overlay(result, existing)
        return result


@dataclass(frozen=True, slots=True)
class Strategies:
    """What applies where a resource has no annotation of its own."""

    update: str = ""
    wait: bool = True
    progress: Callable[[Resource], Progress] = field(default=lambda _: Progress(done=True, successful=True))


def creation(new: Object, strategies: Strategies, *, shown_against: Object | None = None) -> Change:
    resource = Resource(new)
    return Change(
        CREATE,
        _wait(resource, strategies, RECONCILE),
        resource,
        new=new,
        left=shown_against,
        right=new,
        strategy=resource.annotations.get(CREATE_STRATEGY, ""),
    )


def existence(new: Object, existing: Object | None, strategies: Strategies) -> Change | None:
    """For ``kapp.k14s.io/exists``: somebody else brings the resource."""
    if existing is not None:
        return None
    resource = Resource(new)
    return Change(EXISTS, _wait(resource, strategies, RECONCILE), resource, new=new, right=new)


def update(new: Object, existing: Object, rules: DiffRules, strategies: Strategies) -> Change | None:
    """None if there is nothing to do and nothing to wait for."""
    resource = Resource(new)
    left, right = sides(new, existing, rules)
    state = strategies.progress(Resource(existing))
    wait = _wait(resource, strategies, RECONCILE)
    if differ(left, right):
        strategy = resource.annotations.get(UPDATE_STRATEGY, "") or strategies.update
        return Change(UPDATE, wait, resource, new, existing, left, right, strategy, state)
    if (state.done and state.successful) or wait == NOOP:
        return None
    return Change(NOOP, wait, resource, new, existing, left, right, "", state)


def sides(new: Mapping[str, Any], existing: Mapping[str, Any], rules: DiffRules) -> tuple[Object, Object]:
    """The two sides of an update."""
    right = rules.rebased(new, existing)
    applied = last_applied(existing, rules)
    if applied is not None:
        return applied, right
    left_out = _fields(rules.of_existing, Resource(existing))
    return without_fields(compared(existing), left_out), without_fields(right, left_out)


def differ(left: Object, right: Object) -> bool:
    """Whether the sides differ in more than annotations that are empty on one side and absent on the other."""
    return not same(_without_empty_annotations(left), _without_empty_annotations(right))


def _without_empty_annotations(obj: Object) -> Object:
    metadata = obj.get("metadata") or {}
    if metadata.get("annotations", None) != {}:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "annotations"}}


def last_applied(existing: Mapping[str, Any], rules: DiffRules) -> Object | None:
    """What was given the last time, if nobody has changed the object since."""
    recorded = recorded_original(Resource(existing))
    if recorded is None or not rules.against_last_applied:
        return None
    original, md5 = recorded
    return rebased(original, existing, rules.rebase) if rules.md5(original, existing) == md5 else None


def deletion(existing: Object, rules: DiffRules, strategies: Strategies) -> Change:
    resource = Resource(existing)
    return Change(
        DELETE,
        _wait(resource, strategies, DELETE),
        resource,
        existing=existing,
        left=last_applied(existing, rules) or compared(existing),
        strategy=resource.annotations.get(DELETE_STRATEGY, ""),
        state=strategies.progress(resource),
    )


def inherited(existing: Object, strategies: Strategies) -> Change:
    """A resource that the cluster generated: it goes with its owner, and that is waited for."""
    resource = Resource(existing)
    return Change(NOOP, DELETE, resource, existing=existing, state=strategies.progress(resource))


def counts(changes: Iterable[Change]) -> str:
    """The sums below the table, in one line, as the record of a change keeps them."""
    first, second = sums(changes)
    return f"{first.replace(':      ', ': ')} / {second}"


def sums(changes: Iterable[Change]) -> tuple[str, str]:
    found = list(changes)
    ops = [f"{sum(c.op == op for c in found)} {op}" for op in (CREATE, DELETE, UPDATE, NOOP, EXISTS)]
    waits = [f"{sum(c.wait == wait for c in found)} {wait}" for wait in (RECONCILE, DELETE, NOOP)]
    return f"Op:      {', '.join(ops)}", f"Wait to: {', '.join(waits)}"


def _wait(resource: Resource, strategies: Strategies, wanted: str) -> str:
    return NOOP if not strategies.wait or DISABLE_WAIT in resource.annotations else wanted


def _fields(exclusions: Sequence[FieldExclusion], resource: Resource) -> list[Path]:
    return [exclusion.path for exclusion in exclusions if exclusion.matches(resource)]
