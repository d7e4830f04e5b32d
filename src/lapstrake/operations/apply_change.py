"""One change carried out: what is sent to the server, and by which strategy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lapstrake.errors import ClusterError, ConflictError, LapstrakeError, NotFoundError
from lapstrake.kapp import changes as plan
from lapstrake.kapp import labels
from lapstrake.kapp.changes import Change, DiffRules
from lapstrake.kapp.compare import operations
from lapstrake.kube.resource import Resource
from lapstrake.kube.types import ResourceType
from lapstrake.operations.kapp_run import Clock, Cluster, Object, server_says

_MERGE = "application/merge-patch+json"
_TRIES_ON_CONFLICT = 10
_GONE_WITHIN = 120.0  # seconds a replaced resource may take to vanish
_RETRYABLE_TEXTS = (
    "failed calling webhook",
    "failed calling admission webhook",
    "conversion webhook for",
    "the server could not find the requested resource",
    "no matches for kind",
    "etcdserver: request timed out",
    "unable to create new content in namespace",
    "connection refused",
    "connection reset by peer",
    "broken pipe",
    "i/o timeout",
    ": EOF",
    "unexpected EOF",
)


class Retryable(LapstrakeError):
    """It may work a little later."""


class ApplyChange:
    """Carries out changes on one cluster. ``__call__`` gives the object as it is then, None if there is none."""

    def __init__(self, cluster: Cluster, rules: DiffRules, clock: Clock) -> None:
        self._cluster = cluster
        self._rules = rules
        self._clock = clock
        self._by_op: dict[str, Callable[[Change], Object | None]] = {
            plan.CREATE: self._create,
            plan.UPDATE: self._update,
            plan.DELETE: self._delete,
            plan.EXISTS: self._exists,
            plan.NOOP: lambda change: change.existing,
        }

    def __call__(self, change: Change) -> Object | None:
        """Raises Retryable, or LapstrakeError for what will not get better."""
        try:
            return self._by_op[change.op](change)
        except ClusterError as err:
            verb = {plan.CREATE: "Creating", plan.UPDATE: "Updating", plan.DELETE: "Deleting"}.get(
                change.op, "Getting"
            )
            text = f"{change.op} {change}: {verb} resource {change}: {server_says(err)}"
            raise (Retryable if is_retryable(err) else LapstrakeError)(text) from err

    def type_of(self, resource: Resource) -> ResourceType:
        return self._cluster.resource_type(resource.api_version, resource.kind)

    def _create(self, change: Change) -> Object:
        resource, new = change.resource, _given(change.new)
        rt = self.type_of(resource)
        try:
            made = self._cluster.create(rt, new, resource.namespace or None)
        except ConflictError as err:
            if err.reason != "AlreadyExists" or change.strategy not in (
                "fallback-on-update",
                "fallback-on-update-or-noop",
            ):
                raise
            return self._update_instead(change, rt, new)
        return self._recorded(rt, new, made)

    def _update_instead(self, change: Change, rt: ResourceType, new: Object) -> Object:
        existing = self._cluster.get(rt, change.resource.namespace or None, change.resource.name)
        if change.strategy.endswith("noop") and "kapp.k14s.io/noop" in Resource(existing).annotations:
            return existing
        return self._replaced(rt, new, existing, None)

    def _update(self, change: Change) -> Object:
        new, existing = _given(change.new), _given(change.existing)
        rt = self.type_of(change.resource)
        approved = operations(change.left, change.right)
        match change.strategy:
            case "" | "plain":
                return self._replaced(rt, new, existing, approved)
            case "fallback-on-replace":
                try:
                    return self._replaced(rt, new, existing, approved)
                except ClusterError as err:
                    if err.status != 422:
                        raise
                return self._deleted_and_created(rt, new, existing)
            case "always-replace":
                return self._deleted_and_created(rt, new, existing)
            case "skip":
                return existing
        raise LapstrakeError(f"Unknown update strategy: {change.strategy}")

    def _replaced(self, rt: ResourceType, new: Object, existing: Object, approved: Any) -> Object:
        """Write ``new`` over ``existing``; somebody else's write in between only means to look again."""
        for left_tries in range(_TRIES_ON_CONFLICT, 0, -1):
            body = self._rules.rebased(new, existing)
            if "status" in existing:
                body["status"] = existing["status"]  # kinds without a status subresource would lose it
            try:
                return self._recorded(rt, new, self._cluster.replace(rt, body))
            except ConflictError as err:
                if err.reason == "AlreadyExists" or left_tries == 1:
                    raise
            existing = self._cluster.get(rt, Resource(new).namespace or None, Resource(new).name)
            if approved is not None and operations(*plan.sides(new, existing, self._rules)) != approved:
                resource = Resource(new)
                raise LapstrakeError(
                    f"update {resource}: Failed to update due to resource conflict (approved diff no longer matches)"
                )
        raise AssertionError("unreachable")

    def _deleted_and_created(self, rt: ResourceType, new: Object, existing: Object) -> Object:
        resource = Resource(existing)
        place, name, uid = resource.namespace or None, resource.name, resource.uid
        try:
            self._cluster.delete(rt, place, name, uid=uid)
            limit = self._clock.now_ns() + int(_GONE_WITHIN * 1e9)
            while Resource(self._cluster.get(rt, place, name)).uid == uid:
                if self._clock.now_ns() > limit:
                    raise LapstrakeError(
                        f"Timed out waiting for {resource} to be deleted before it is replaced"
                    )
                self._clock.sleep(0.1)
        except NotFoundError:
            pass
        return self._recorded(rt, new, self._cluster.create(rt, new, place))

    def _recorded(self, rt: ResourceType, original: Object, applied: Object) -> Object:
        """Write down what was given, and how the server's object differs from it."""
        current = Resource(applied)
        annotations = labels.record_annotations(original, current, self._rules.md5(original, applied))
        if all(current.annotations.get(key) == value for key, value in annotations.items()):
            return applied
        body = {"metadata": {"annotations": annotations}}
        try:
            return self._cluster.patch(rt, current.namespace or None, current.name, body, _MERGE)
        except NotFoundError:
            return applied  # gone again already (a Job with a time to live); waiting will tell

    def _delete(self, change: Change) -> Object | None:
        existing = Resource(_given(change.existing))
        rt = self.type_of(existing)
        place = existing.namespace or None
        try:
            if change.strategy == "orphan":
                body = {"metadata": {"labels": {labels.APP_LABEL: None, labels.ORPHANED_LABEL: ""}}}
                return self._cluster.patch(rt, place, existing.name, body, _MERGE)
            if not existing.deleting:
                self._cluster.delete(rt, place, existing.name, uid=existing.uid)
        except NotFoundError:
            return None
        except ConflictError as err:
            if err.reason != "Conflict":
                raise
            return None  # another object of that name: ours is gone
        return change.existing

    def _exists(self, change: Change) -> Object:
        resource = change.resource
        try:
            return self._cluster.get(self.type_of(resource), resource.namespace or None, resource.name)
        except NotFoundError as err:
            raise Retryable(f"exists {change}: External resource doesn't exists") from err


def is_retryable(err: ClusterError) -> bool:
    """Conflicts, busy servers, webhooks and types that are still starting."""
    if isinstance(err, ConflictError):
        return err.reason != "AlreadyExists"
    if err.status in (0, 429, 502, 503, 504):
        return True
    return any(text in str(err) for text in _RETRYABLE_TEXTS)


def _given(obj: Object | None) -> Object:
    if obj is None:
        raise AssertionError("this change has no such side")
    return obj
