"""The life of namespaces: what a new one holds, and how a deleted one is emptied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from lapstrake.apiserver.crds import set_condition
from lapstrake.apiserver.deletion import DeleteOptions, Deletion
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.reading import NAMESPACES
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import ADDED, DELETED, Collection, Event, Key, Stored
from lapstrake.apiserver.times import rfc3339

ACCOUNTS, CONFIG_MAPS = Collection("", "serviceaccounts"), Collection("", "configmaps")
ROOT_CA = "kube-root-ca.crt"
NAME_LABEL = "kubernetes.io/metadata.name"
_FINALIZER = "kubernetes"
_ROOT_CA_NOTE = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using "
    "internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed "
    "across distributions of Kubernetes clusters."
}
INITIAL = ("default", "kube-system", "kube-public", "kube-node-lease")


def prepare(new: dict[str, Any], old: Mapping[str, Any] | None) -> None:
    """Label, finalizer and phase of a namespace, in place."""
    meta = new["metadata"]
    if not meta.get("labels"):
        meta["labels"] = {}
    meta["labels"][NAME_LABEL] = meta.get("name", "")
    if old is None:
        new["spec"] = {"finalizers": [_FINALIZER]}
        new["status"] = {"phase": "Active"}


class Namespaces:
    """Controller: fills new namespaces, empties deleted ones. ``root_ca``: the PEM text that Pods trust."""

    def __init__(self, objects: Objects, deletion: Deletion, root_ca: str) -> None:
        self._objects = objects
        self._deletion = deletion
        self._root_ca = root_ca
        self._call = Call(User("system:kube-controller-manager"), "kube-controller-manager")

    def create_initial(self) -> None:
        """The namespaces that every cluster has, when the store is new."""
        served = self._objects.registry.of_collection(NAMESPACES)
        assert served is not None
        for name in INITIAL:
            if self._objects.store.get(Key(NAMESPACES, "", name)) is None:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                self._objects.create(served, "", body, self._call)

    def handle(self, event: Event) -> None:
        if event.key.collection == NAMESPACES:
            if event.type != DELETED:
                self._look_after(event.key.name)
        elif event.key.namespace and event.type != ADDED:
            home = self._objects.store.get(Key(NAMESPACES, "", event.key.namespace))
            if home is None:
                return
            if _terminating(home):
                if event.type == DELETED or not event.now.object["metadata"].get("finalizers"):
                    self._empty(event.key.namespace)
            elif event.key in self._contents(event.key.namespace):
                self._fill(event.key.namespace)

    def _look_after(self, name: str) -> None:
        home = self._objects.store.get(Key(NAMESPACES, "", name))
        if home is None:
            return
        if _terminating(home):
            self._empty(name)
        else:
            self._fill(name)

    # -- filling

    def _contents(self, namespace: str) -> dict[Key, dict[str, Any]]:
        """What every namespace holds."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        authority = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": ROOT_CA, "annotations": dict(_ROOT_CA_NOTE)},
            "data": {"ca.crt": self._root_ca},
        }
        return {
            Key(ACCOUNTS, namespace, "default"): account,
            Key(CONFIG_MAPS, namespace, ROOT_CA): authority,
        }

    def _fill(self, namespace: str) -> None:
        for key, wanted in self._contents(namespace).items():
            served = self._objects.registry.of_collection(key.collection)
            live = self._objects.store.get(key)
            assert served is not None
            try:
                if live is None:
                    self._objects.create(served, namespace, wanted, self._call)
                elif live.object.get("data") != wanted.get("data"):
                    self._objects.replace(served, namespace, key.name, wanted, self._call)
            except ApiError as refusal:
                # Somebody else was quicker, or the namespace is going.
                if refusal.code not in (403, 404, 409):
                    raise

    # -- emptying

    def _empty(self, namespace: str) -> None:
        left: Counter[str] = Counter()
        finalizers: Counter[str] = Counter()
        for collection in self._objects.store.collections():
            served = self._objects.registry.of_collection(collection)
            if served is None or not served.rt.namespaced:
                continue
            for key, item in self._objects.store.list(collection, namespace)[0]:
                if "deletionTimestamp" not in item.object["metadata"]:
                    self._remove(key)
            for _, item in self._objects.store.list(collection, namespace)[0]:
                left[served.rt.resource if served.rt.group else served.rt.plural + "."] += 1
                finalizers.update(item.object["metadata"].get("finalizers") or [])
        self._report(namespace, left, finalizers)

    def _remove(self, key: Key) -> None:
        served = self._objects.registry.of_collection(key.collection)
        assert served is not None
        try:
            self._deletion.delete(served, key.namespace, key.name, DeleteOptions("Background"))
        except ApiError as refusal:
            if refusal.code != 404:
                raise

    def _report(self, namespace: str, left: Counter[str], finalizers: Counter[str]) -> None:
        """Write the conditions; without content the namespace's own finalizer goes, and with it the namespace."""
        now = rfc3339(self._objects.clock())

        def change(obj: dict[str, Any]) -> None:
            if not left:
                spec = obj.setdefault("spec", {})
                spec["finalizers"] = [name for name in spec.get("finalizers") or [] if name != _FINALIZER]
            conditions = obj.setdefault("status", {}).setdefault("conditions", [])
            for type_, status, reason, message in _conditions(left, finalizers):
                set_condition(conditions, type_, status, reason, message, now)

        self._objects.amend(Key(NAMESPACES, "", namespace), change)


def _conditions(left: Counter[str], finalizers: Counter[str]) -> list[tuple[str, str, str, str]]:
    resources = [f"{name} has {count} resource instances" for name, count in sorted(left.items())]
    remaining = [f"{name} in {count} resource instances" for name, count in sorted(finalizers.items())]
    found = [
        (
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
    ]
    if resources:
        text = "Some resources are remaining: " + ", ".join(resources)
        found.append(("NamespaceContentRemaining", "True", "SomeResourcesRemain", text))
    else:
        text = "All content successfully removed"
        found.append(("NamespaceContentRemaining", "False", "ContentRemoved", text))
    if remaining:
        text = "Some content in the namespace has finalizers remaining: " + ", ".join(remaining)
        found.append(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text))
    else:
        text = "All content-preserving finalizers finished"
        found.append(("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", text))
    return found


def _terminating(home: Stored) -> bool:
    return "deletionTimestamp" in home.object["metadata"]
