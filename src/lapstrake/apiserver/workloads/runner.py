"""Keeps the simulated workloads going: one thread that asks the deciders and does what they say.

Every change of a workload, of its Pods or of the nodes puts the workload into a queue without duplicates;
what a decision writes comes back as a change, until there is nothing left to do.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import orjson

from lapstrake.apiserver.deletion import DeleteOptions, Deletion
from lapstrake.apiserver.identity import MASTERS, User
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import DELETED, Changed, Collection, Event, Key, Stored
from lapstrake.apiserver.times import rfc3339
from lapstrake.apiserver.workloads import daemonsets, deployments, jobs, kubelet, replicasets, statefulsets
from lapstrake.apiserver.workloads.actions import (
    Action,
    Bind,
    Create,
    Delete,
    Object,
    Update,
    controller_of,
    owned_by,
)

PODS = Collection("", "pods")
NODES = Collection("", "nodes")
SERVICES = Collection("", "services")
CLAIMS = Collection("", "persistentvolumeclaims")
REPLICA_SETS = Collection("apps", "replicasets")
DEPLOYMENTS = Collection("apps", "deployments")
STATEFUL_SETS = Collection("apps", "statefulsets")
DAEMON_SETS = Collection("apps", "daemonsets")
JOBS = Collection("batch", "jobs")
REVISIONS = Collection("apps", "controllerrevisions")

_OF_KIND = {
    "ReplicaSet": REPLICA_SETS,
    "Deployment": DEPLOYMENTS,
    "StatefulSet": STATEFUL_SETS,
    "DaemonSet": DAEMON_SETS,
    "Job": JOBS,
}
_CONTROLLERS = User("system:kube-controller-manager", (MASTERS,))
_log = logging.getLogger(__name__)


class Workloads:
    """The controllers and the kubelet of one API server. ``start`` and ``stop`` may be called once each."""

    def __init__(self, objects: Objects, clock: Callable[[], datetime]) -> None:
        self._objects = objects
        self._store = objects.store
        self._deletion = Deletion(objects)
        self._clock = clock
        self._waiting: dict[Key, None] = {}
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="workloads", daemon=True)
        self._unsubscribe: Callable[[], None] = lambda: None
        self._deciders: dict[Collection, Callable[[Object], list[Action]]] = {
            PODS: self._decide_pod,
            SERVICES: kubelet.decide_service,
            CLAIMS: kubelet.decide_claim,
            REPLICA_SETS: lambda rs: replicasets.decide(rs, self._beside(rs, PODS)),
            DEPLOYMENTS: lambda d: deployments.decide(
                d, owned_by(d, self._beside(d, REPLICA_SETS)), self._now()
            ),
            STATEFUL_SETS: lambda s: statefulsets.decide(
                s, self._beside(s, PODS), self._beside(s, CLAIMS), self._beside(s, REVISIONS)
            ),
            DAEMON_SETS: lambda d: daemonsets.decide(
                d, self._beside(d, PODS), self._all(NODES), self._beside(d, REVISIONS)
            ),
            JOBS: lambda job: jobs.decide(job, self._beside(job, PODS), self._now()),
        }

    def _decide_pod(self, pod: Object) -> list[Action]:
        actions = kubelet.decide_pod(pod, self._all(NODES), self._now())
        reference = controller_of(pod)
        if reference is None or reference["kind"] != "Job":
            return actions
        job = self._store.get(Key(JOBS, pod["metadata"]["namespace"], reference["name"]))
        same = job is not None and job.object["metadata"]["uid"] == reference["uid"]
        return actions + jobs.decide_pod(pod, job.object if job is not None and same else None)

    def start(self) -> None:
        """Make the node if there is none, look at everything once, and then follow the changes."""
        self._unsubscribe = self._store.subscribe(self._changed)
        if self._store.get(Key(NODES, "", kubelet.NODE)) is None:
            self._carry_out(Create(kubelet.node(self._now())))
        with self._wake:
            for collection in self._deciders:
                self._waiting.update((key, None) for key, _ in self._store.list(collection)[0])
        self._thread.start()

    def stop(self) -> None:
        self._unsubscribe()
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _changed(self, event: Event) -> None:
        with self._wake:
            self._waiting.update((key, None) for key in self._concerned(event))
            self._wake.notify()

    def _concerned(self, event: Event) -> Iterator[Key]:
        """What may have to act after this change."""
        key = event.key
        if key.collection in self._deciders and event.type != DELETED:
            yield key
        if key.collection in (PODS, REPLICA_SETS, REVISIONS):
            for stored in (event.now, event.before):
                yield from self._owner(key, stored)
            if key.collection == PODS and controller_of(event.now.object) is None:
                yield from (other for other, _ in self._store.list(REPLICA_SETS, key.namespace)[0])
        elif key.collection == NODES:
            yield from (other for other, _ in self._store.list(DAEMON_SETS)[0])
            yield from (other for other, _ in self._store.list(PODS)[0])

    def _owner(self, key: Key, stored: Stored | None) -> Iterator[Key]:
        reference = controller_of(stored.object) if stored is not None else None
        collection = _OF_KIND.get(reference["kind"]) if reference is not None else None
        if reference is not None and collection is not None:
            yield Key(collection, key.namespace, reference["name"])

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
                key = next(iter(self._waiting))
                del self._waiting[key]
            self._look_at(key)

    def _look_at(self, key: Key) -> None:
        stored = self._store.get(key)
        if stored is None:
            return
        try:
            for action in self._deciders[key.collection](stored.object):
                self._carry_out(action)
        except (ApiError, Changed) as refusal:
            # The object changed or its namespace is going: the change that did it brings us back here.
            _log.debug("%s: %s", key, refusal)
        except Exception:
            # A template that nobody checked must not end the simulation of all the others.
            _log.exception("simulating %s", key)

    def _carry_out(self, action: Action) -> None:
        obj = action.object
        served = self._served(obj)
        namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"].get("name", "")
        match action:
            case Create():
                self._objects.create(
                    served, namespace, obj, Call(_CONTROLLERS, "kube-controller-manager", validation="Ignore")
                )
            case Delete():
                grace = 0 if obj["kind"] == "Pod" and "deletionTimestamp" in obj["metadata"] else None
                options = DeleteOptions(propagation="Background", grace=grace, uid=obj["metadata"]["uid"])
                self._deletion.delete(served, namespace, name, options)
            case Bind():
                key = Key(PODS, namespace, name)
                bound = {
                    **obj,
                    "spec": {**obj["spec"], "nodeName": action.node},
                    "metadata": dict(obj["metadata"]),
                }
                self._store.put(key, bound, expected=int(obj["metadata"]["resourceVersion"]))
            case _:
                subresource = "" if isinstance(action, Update) else "status"
                manager = "kubelet" if obj["kind"] == "Pod" and subresource else "kube-controller-manager"
                call = Call(_CONTROLLERS, manager, validation="Ignore")
                self._objects.modify(served, namespace, name, lambda live: _copied(obj), call, subresource)

    def _served(self, obj: Object) -> Served:
        served = self._objects.registry.of_kind(obj["apiVersion"], obj["kind"])
        if served is None:
            raise LookupError(f"{obj['kind']} is not served")
        return served

    def _all(self, collection: Collection) -> list[Object]:
        return [stored.object for _, stored in self._store.list(collection)[0]]

    def _beside(self, obj: Object, collection: Collection) -> list[Object]:
        return [stored.object for _, stored in self._store.list(collection, obj["metadata"]["namespace"])[0]]

    def _now(self) -> str:
        return rfc3339(self._clock())


def _copied(obj: Object) -> Object:
    """The objects of the store are shared; what is handed to a write must be free to change."""
    copied: Object = orjson.loads(orjson.dumps(obj))
    return copied
