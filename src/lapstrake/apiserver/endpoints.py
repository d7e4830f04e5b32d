"""Endpoints and EndpointSlices: which Pods stand behind a Service.

One slice for each Service with a selector; nothing is routed, but tools count and list these objects.
Labels of the Service are copied, so that those who label what they own find them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.apiserver.deletion import PODS, DeleteOptions, Deletion
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import DELETED, Collection, Event, Key, Stored
from lapstrake.apiserver.times import rfc3339

SERVICES, ENDPOINTS = Collection("", "services"), Collection("", "endpoints")
SLICES = Collection("discovery.k8s.io", "endpointslices")
_MANAGED_BY = "endpoints.kubernetes.io/managed-by"
_CONTROLLER = "endpoint-controller"
_CHANGED = "endpoints.kubernetes.io/last-change-trigger-time"
_HEADLESS = "service.kubernetes.io/headless"

Object = Mapping[str, Any]


class EndpointsController:
    """Controller: follows Services and the Pods that they select."""

    def __init__(self, objects: Objects, deletion: Deletion) -> None:
        self._objects = objects
        self._store = objects.store
        self._deletion = deletion
        self._call = Call(User("system:kube-controller-manager"), "kube-controller-manager")

    def handle(self, event: Event) -> None:
        key = event.key
        if key.collection == SERVICES:
            if event.type == DELETED:
                self._drop_endpoints(key)
            else:
                self._follow(key)
        elif key.collection == PODS:
            if event.before is None or event.type == DELETED or _shown(event.before) != _shown(event.now):
                for service in self._selecting(event):
                    self._follow(service)
        elif key.collection in (ENDPOINTS, SLICES) and event.type == DELETED:
            labels = event.now.object["metadata"].get("labels") or {}
            self._follow(Key(SERVICES, key.namespace, labels.get("kubernetes.io/service-name", key.name)))

    def _selecting(self, event: Event) -> list[Key]:
        pods = [item.object for item in (event.now, event.before) if item is not None]
        services = self._store.list(SERVICES, event.key.namespace)[0]
        return [key for key, service in services if any(_selects(service.object, pod) for pod in pods)]

    def _follow(self, key: Key) -> None:
        service = self._store.get(key)
        if service is None or "deletionTimestamp" in service.object["metadata"]:
            return
        if not service.object["spec"].get("selector") or service.object["spec"].get("type") == "ExternalName":
            return
        listed = self._store.list(PODS, key.namespace)[0]
        pods = [
            pod.object
            for _, pod in listed
            if _selects(service.object, pod.object) and _has_address(pod.object)
        ]
        try:
            self._write(Key(ENDPOINTS, key.namespace, key.name), _endpoints(service.object, pods))
            self._write(self._slice_key(key, service), _slice(service.object, pods))
        except ApiError as refusal:
            # The namespace is going.
            if refusal.code not in (403, 404):
                raise

    def _slice_key(self, key: Key, service: Stored) -> Key:
        """That of the Service's slice; without a name if there is none yet."""
        uid = service.object["metadata"]["uid"]
        for found, item in self._store.list(SLICES, key.namespace)[0]:
            owners = item.object["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == uid for owner in owners):
                return found
        return Key(SLICES, key.namespace, "")

    def _write(self, key: Key, wanted: dict[str, Any]) -> None:
        live = self._store.get(key) if key.name else None
        moment = rfc3339(self._objects.clock())
        if live is None:
            served = self._objects.registry.of_collection(key.collection)
            assert served is not None
            wanted["metadata"]["annotations"] = {_CHANGED: moment}
            made = self._objects.create(served, key.namespace, wanted, self._call)
            nulls = {name: None for name, value in wanted.items() if value is None}
            if nulls:
                # A slice says that it has none; what clients send as null is left out.
                created = Key(key.collection, key.namespace, made.object["metadata"]["name"])
                self._objects.amend(created, lambda obj: obj.update(nulls))
            return
        if "deletionTimestamp" in live.object["metadata"]:
            return

        def change(obj: dict[str, Any]) -> None:
            content = {name: value for name, value in wanted.items() if name != "metadata"}
            labels = wanted["metadata"]["labels"]
            same = all(obj.get(name) == value for name, value in content.items() if value)
            gone = [
                name for name in ("subsets", "endpoints", "ports") if obj.get(name) and not content.get(name)
            ]
            if same and not gone and obj["metadata"].get("labels") == labels:
                return
            for name in gone:
                if name == "subsets":
                    del obj[name]
                else:
                    obj[name] = None
            obj.update({name: value for name, value in content.items() if value})
            obj["metadata"]["labels"] = labels
            obj["metadata"].setdefault("annotations", {})[_CHANGED] = moment

        self._objects.amend(key, change)

    def _drop_endpoints(self, service: Key) -> None:
        key = Key(ENDPOINTS, service.namespace, service.name)
        served = self._objects.registry.of_collection(ENDPOINTS)
        live = self._store.get(key)
        if live is None or served is None:
            return
        if (live.object["metadata"].get("labels") or {}).get(_MANAGED_BY) == _CONTROLLER:
            self._deletion.delete(served, key.namespace, key.name, DeleteOptions("Background"))


def _shown(pod: Stored) -> tuple[Any, ...]:
    """What of a Pod shows in endpoints."""
    meta, status = pod.object["metadata"], pod.object.get("status") or {}
    return (
        meta.get("labels"),
        "deletionTimestamp" in meta,
        status.get("podIP"),
        status.get("phase"),
        _is_ready(pod.object),
    )


def _selects(service: Object, pod: Object) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(name) == value for name, value in selector.items())


def _has_address(pod: Object) -> bool:
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in ("Succeeded", "Failed")


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(found.get("type") == "Ready" and found.get("status") == "True" for found in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _labels(service: Object, more: Mapping[str, str]) -> dict[str, str]:
    headless = {_HEADLESS: ""} if service["spec"].get("clusterIP") == "None" else {}
    return {**(service["metadata"].get("labels") or {}), **headless, **more}


def _target(pod: Object) -> dict[str, Any]:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _endpoints(service: Object, pods: Sequence[Object]) -> dict[str, Any]:
    meta = service["metadata"]
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": meta["name"], "labels": _labels(service, {_MANAGED_BY: _CONTROLLER})},
    }
    if pods:
        subset: dict[str, Any] = {}
        for member, ready in (("addresses", True), ("notReadyAddresses", False)):
            found = [_address(pod) for pod in pods if _is_ready(pod) is ready]
            if found:
                subset[member] = found
        ports = _ports(service, pods)
        made["subsets"] = [{**subset, **({"ports": ports} if ports else {})}]
    return made


def _address(pod: Object) -> dict[str, Any]:
    found = {"ip": pod["status"]["podIP"], "targetRef": _target(pod)}
    node = pod["spec"].get("nodeName")
    return {**found, "nodeName": node} if node else found


def _slice(service: Object, pods: Sequence[Object]) -> dict[str, Any]:
    meta = service["metadata"]
    owner = {
        "apiVersion": "v1",
        "kind": "Service",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    labels = {
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": meta["name"],
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{meta['name']}-",
            "labels": _labels(service, labels),
            "ownerReferences": [owner],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods] or None,
        "ports": _ports(service, pods) or None,
    }


def _endpoint(pod: Object) -> dict[str, Any]:
    going = "deletionTimestamp" in pod["metadata"]
    found = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": _is_ready(pod), "serving": _is_ready(pod) or going, "terminating": going},
        "targetRef": _target(pod),
    }
    node = pod["spec"].get("nodeName")
    return {**found, "nodeName": node} if node else found


def _ports(service: Object, pods: Sequence[Object]) -> list[dict[str, Any]]:
    """The ports of the Pods; names of container ports are looked up in the first Pod that has them."""
    made = []
    for port in service["spec"].get("ports") or ():
        number = port.get("targetPort", port["port"])
        if isinstance(number, str):
            number = next((found for pod in pods if (found := _container_port(pod, number))), None)
        if number is not None and pods:
            made.append(
                {"name": port.get("name", ""), "port": number, "protocol": port.get("protocol", "TCP")}
            )
    return made


def _container_port(pod: Object, name: str) -> int | None:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("name") == name:
                return int(port["containerPort"])
    return None
