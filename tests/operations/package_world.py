"""A cluster in memory, with a controller that answers writes, a clock, and a report that remembers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import ConflictError, NotFoundError
from lapstrake.kube.types import ResourceType
from lapstrake.operations.cluster_access import APPS, INSTALLS
from lapstrake.operations.package_ports import Wait

Object = dict[str, Any]
EPOCH = 1_700_000_000.0
STARTED = "2023-11-14T22:13:20Z"  # EPOCH


@dataclass
class Found:
    items: list[Object]


class Cluster:
    """``react`` is called after every write with this cluster; it plays the controller."""

    def __init__(self, react: Callable[[Cluster], None] = lambda cluster: None) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.written: list[str] = []
        self.react = react

    def get(self, rt: ResourceType, namespace: str | None, name: str) -> Object:
        try:
            return copy.deepcopy(self.objects[rt.kind, namespace or "", name])
        except KeyError:
            raise NotFoundError(f'{rt.resource} "{name}" not found', status=404, reason="NotFound") from None

    def list(
        self,
        rt: ResourceType,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Found:
        wanted = field_selector.partition("=")[2]
        return Found(
            [
                copy.deepcopy(o)
                for (kind, ns, _), o in self.objects.items()
                if kind == rt.kind
                and (namespace is None or ns == namespace)
                and (not wanted or o["spec"].get("refName") == wanted)
            ]
        )

    def create(self, rt: ResourceType, obj: Any, namespace: str | None = None) -> Object:
        if self._key(rt, obj) in self.objects:
            raise ConflictError(f"{rt.plural} already exists", status=409, reason="AlreadyExists")
        return self._put("create", rt, {**obj, "metadata": {**obj["metadata"], "generation": 1}})

    def replace(self, rt: ResourceType, obj: Any) -> Object:
        return self._put("replace", rt, dict(obj))

    def patch(
        self, rt: ResourceType, namespace: str | None, name: str, body: Any, content_type: str
    ) -> Object:
        before = self.get(rt, namespace, name)
        obj = merged(before, body)
        if obj["spec"] != before["spec"]:
            obj["metadata"]["generation"] += 1
        return self._put("patch", rt, obj)

    def delete(self, rt: ResourceType, namespace: str | None, name: str) -> Object:
        self.get(rt, namespace, name)
        self.written.append(f"delete {rt.kind} {name}")
        gone = self.objects.pop((rt.kind, namespace or "", name))
        self.react(self)
        return gone

    def _put(self, verb: str, rt: ResourceType, obj: Object) -> Object:
        self.written.append(f"{verb} {rt.kind} {obj['metadata']['name']}")
        self.objects[self._key(rt, obj)] = copy.deepcopy(obj)
        self.react(self)
        return copy.deepcopy(obj)

    def _key(self, rt: ResourceType, obj: Any) -> tuple[str, str, str]:
        return rt.kind, obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def merged(value: Any, patch: Any) -> Any:
    """A JSON merge patch, RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    out = dict(value) if isinstance(value, dict) else {}
    for key, inner in patch.items():
        if inner is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), inner)
    return out


def reconciling(outcome: str = "ReconcileSucceeded", **sections: Any) -> Callable[[Cluster], None]:
    """A controller that at once makes an App of every PackageInstall, and removes it with it."""

    def react(cluster: Cluster) -> None:
        installs = {k[1:]: o for k, o in cluster.objects.items() if k[0] == "PackageInstall"}
        for key in [k for k in cluster.objects if k[0] == "App" and k[1:] not in installs]:
            del cluster.objects[key]
        for (namespace, name), install in installs.items():
            generation = install["metadata"]["generation"]
            paused = bool(install["spec"].get("paused"))
            known = cluster.objects.get(("App", namespace, name))
            state = status(outcome, generation, paused=paused, **sections)
            if paused and known:
                state = {
                    **known["status"],
                    "observedGeneration": generation,
                    "friendlyDescription": "Canceled/paused",
                }
            app = {
                "apiVersion": APPS.api_version,
                "kind": "App",
                "metadata": {"name": name, "namespace": namespace, "generation": generation},
                "spec": {"paused": True} if paused else {},
                "status": state,
            }
            cluster.objects["App", namespace, name] = app
            install["status"] = {**state, "version": "1.0.0"}

    return react


def status(condition: str, generation: int = 1, *, paused: bool = False, **sections: Any) -> Object:
    failed = condition.endswith("Failed")
    usual = {
        "fetch": {"startedAt": STARTED, "updatedAt": STARTED, "exitCode": 0, "stdout": "lock\n"},
        "template": {"updatedAt": STARTED, "exitCode": 0},
        "deploy": {
            "startedAt": STARTED,
            "updatedAt": STARTED,
            "exitCode": 0,
            "finished": True,
            "stdout": "done",
        },
    }
    return {
        "observedGeneration": generation,
        "conditions": [{"type": condition, "status": "True"}],
        "friendlyDescription": "Canceled/paused" if paused else ("Reconcile failed: why" if failed else ""),
        **({"usefulErrorMessage": "kapp: Error: No"} if failed else {}),
        **usual,
        **sections,
    }


def install_object(name: str = "s1", namespace: str = "ns", **spec: Any) -> Object:
    return {
        "apiVersion": INSTALLS.api_version,
        "kind": "PackageInstall",
        "metadata": {"name": name, "namespace": namespace, "generation": 1, "annotations": {}},
        "spec": {"packageRef": {"refName": "simple.example.com"}, **spec},
    }


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.time = EPOCH

    def wait(self, **options: Any) -> Wait:
        return Wait(now=lambda: self.time, sleep=self._sleep, **options)

    def _sleep(self, seconds: float) -> None:
        self.time += seconds


class Notes:
    """A report as a list of lines; sections are indented."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def step(self, text: str, at: float | None = None) -> None:
        self.lines.append(text)

    def section(self, text: str) -> None:
        self.lines += [f"  {line}" for line in text.split("\n")]

    def sentence(self, text: str) -> None:
        self.lines.append(text)
