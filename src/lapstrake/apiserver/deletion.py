"""Deletion: at once, or marked and waiting for finalizers and the grace period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lapstrake.apiserver import status
from lapstrake.apiserver.admission import admitted
from lapstrake.apiserver.metadata import has_generation
from lapstrake.apiserver.objects import Objects, is_finished
from lapstrake.apiserver.reading import NAMESPACES, at_rest, seen, unstored
from lapstrake.apiserver.requests import Query
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.store import Collection, Stored
from lapstrake.apiserver.times import parsed, rfc3339

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
"""Finalizers by which the garbage collector has its turn before the object goes."""

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a custom resource definition until its instances are gone."""

_PERMANENT = ("default", "kube-system", "kube-public")
_DEFINITIONS = Collection("apiextensions.k8s.io", "customresourcedefinitions")
_FINALIZER = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
_POD_GRACE = 30
PODS = Collection("", "pods")
_ANSWERED_WITH_OBJECT = frozenset(
    Collection("", plural)
    for plural in (
        "pods",
        "services",
        "serviceaccounts",
        "persistentvolumes",
        "persistentvolumeclaims",
        "podtemplates",
        "resourcequotas",
    )
)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """``grace`` in seconds; ``uid`` and ``version`` are preconditions. Empty or None: not given."""

    propagation: str = ""
    grace: int | None = None
    uid: str = ""
    version: str = ""
    dry_run: bool = False


def delete_options(query: Query, body: Mapping[str, Any]) -> DeleteOptions:
    """From the query and the DeleteOptions in the body, which wins. Raises the refusal of bad values."""
    propagation = body.get("propagationPolicy") or query.text("propagationPolicy")
    orphans = body.get("orphanDependents")
    if orphans is None and query.given("orphanDependents"):
        orphans = query.flag("orphanDependents")
    problem = ""
    reason = "FieldValueInvalid"
    if propagation and orphans is not None:
        problem = (
            f'Invalid value: "{propagation}": orphanDependents and deletionPropagation cannot be both set'
        )
    elif propagation and propagation not in ("Foreground", "Background", "Orphan"):
        reason = "FieldValueNotSupported"
        problem = (
            f'Unsupported value: "{propagation}": '
            'supported values: "Foreground", "Background", "Orphan", "nil"'
        )
    if problem:
        raise status.invalid(
            "DeleteOptions", "meta.k8s.io", "", [status.cause(reason, "propagationPolicy", problem)]
        )
    if orphans is not None:
        propagation = "Orphan" if orphans else "Background"
    grace = body.get("gracePeriodSeconds")
    if grace is None:
        grace = query.number("gracePeriodSeconds")
    preconditions = body.get("preconditions") or {}
    return DeleteOptions(
        propagation,
        # A negative period means one second, as on a real server.
        None if grace is None else (1 if grace < 0 else int(grace)),
        preconditions.get("uid") or "",
        preconditions.get("resourceVersion") or "",
        bool(body.get("dryRun")) or query.text("dryRun") == "All",
    )


class Deletion:
    """Deletes by the rules of ``objects``."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._store = objects.store

    def delete(
        self, served: Served, namespace: str, name: str, options: DeleteOptions
    ) -> Stored | dict[str, Any]:
        """The object as it remains or was last, or the Status of success, as clients expect it of the kind."""
        rt = served.rt
        key = served.key(namespace, name)
        with self._store.transaction():
            found = self._store.get(key)
            if found is None:
                # Seen through a view, but living elsewhere: not for this namespace to delete.
                return self._objects.get(served, namespace, name)
            live = seen(served, found)
            _check_preconditions(served, live, options)
            if served.collection == NAMESPACES and name in _PERMANENT:
                text = "this namespace may not be deleted"
                raise status.forbidden(rt.plural, name, rt.group, text)
            admitted(self._objects.hooks, "DELETE", rt, live.copy(), live.object)
            marked = self._marked(served, live, options)
            if marked is None:
                return live
            if options.dry_run:
                return unstored(marked)
            if is_finished(marked):
                gone = self._store.delete(key, expected=live.version)
                return self._farewell(served, seen(served, gone) if gone is not None else live)
            return seen(served, self._store.put(key, at_rest(served, marked), expected=live.version))

    def delete_collection(self, served: Served, found: Sequence[Stored], options: DeleteOptions) -> None:
        """Delete each of ``found``; what has gone meanwhile is no error."""
        for item in found:
            meta = item.object["metadata"]
            try:
                self.delete(served, meta.get("namespace", ""), meta["name"], options)
            except status.ApiError as refusal:
                if refusal.code != 404:
                    raise

    def _farewell(self, served: Served, gone: Stored) -> Stored | dict[str, Any]:
        if served.collection in _ANSWERED_WITH_OBJECT:
            return gone
        meta = gone.object["metadata"]
        return status.success(meta["name"], served.rt.plural, served.rt.group, meta["uid"])

    def _marked(self, served: Served, live: Stored, options: DeleteOptions) -> dict[str, Any] | None:
        """The object with its marks of deletion; None if it has them already."""
        now = self._objects.clock()
        marked = live.copy()
        meta = marked["metadata"]
        grace = _grace(served, live.object, options)
        finalizers = _finalizers(meta.get("finalizers") or [], options.propagation)
        if "deletionTimestamp" in meta:
            current = int(meta.get("deletionGracePeriodSeconds") or 0)
            if grace >= current:
                return None
            begun = parsed(meta["deletionTimestamp"]) - timedelta(seconds=current)
            meta["deletionTimestamp"] = rfc3339(begun + timedelta(seconds=grace))
            meta["deletionGracePeriodSeconds"] = grace
            return marked
        meta["deletionTimestamp"] = rfc3339(now + timedelta(seconds=grace))
        meta["deletionGracePeriodSeconds"] = grace
        if served.collection == _DEFINITIONS:
            finalizers = [*finalizers, CLEANUP]
        if finalizers:
            meta["finalizers"] = finalizers
        else:
            meta.pop("finalizers", None)
        if has_generation(served):
            meta["generation"] = meta.get("generation", 0) + 1
        if served.rt.kind == "Namespace" and not served.rt.group:
            meta.pop("deletionGracePeriodSeconds")
            marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
        return marked


def _grace(served: Served, live: Mapping[str, Any], options: DeleteOptions) -> int:
    """Only Pods that run on a node have a grace period."""
    if served.collection != PODS:
        return 0
    spec, phase = live.get("spec") or {}, (live.get("status") or {}).get("phase")
    if not spec.get("nodeName") or phase in ("Succeeded", "Failed"):
        return 0
    if options.grace is not None:
        return options.grace
    return int(spec.get("terminationGracePeriodSeconds", _POD_GRACE))


def _finalizers(current: list[str], propagation: str) -> list[str]:
    wanted = _FINALIZER.get(propagation)
    if not propagation:
        return current
    kept = [name for name in current if name not in (FOREGROUND, ORPHAN)]
    return [*kept, wanted] if wanted else kept


def _check_preconditions(served: Served, live: Stored, options: DeleteOptions) -> None:
    rt, meta = served.rt, live.object["metadata"]
    if options.uid and options.uid != meta["uid"]:
        text = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise status.conflict(rt.kind, meta["name"], rt.group, text)
    if options.version and options.version != str(live.version):
        text = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion "
            f"in record ({live.version}). The object might have been modified"
        )
        raise status.conflict(rt.kind, meta["name"], rt.group, text)
