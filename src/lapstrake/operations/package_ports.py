"""What the package commands need from outside: a cluster, a clock, and somebody to tell what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lapstrake.errors import NotFoundError, TimedOutError
from lapstrake.kube.types import ResourceType

Object = Mapping[str, Any]
MERGE_PATCH = "application/merge-patch+json"


class Listing(Protocol):
    @property
    def items(self) -> list[dict[str, Any]]: ...


class Cluster(Protocol):
    """The part of a cluster client that the package commands use. Raises ClusterError."""

    def get(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...

    def list(
        self,
        rt: ResourceType,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Listing: ...

    def create(self, rt: ResourceType, obj: Object, namespace: str | None = None) -> dict[str, Any]: ...

    def replace(self, rt: ResourceType, obj: Object) -> dict[str, Any]: ...

    def patch(
        self, rt: ResourceType, namespace: str | None, name: str, body: object, content_type: str
    ) -> dict[str, Any]: ...

    def delete(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...


class Report(Protocol):
    """Is told what happens.

    ``step`` is a line with a time (now, if ``at`` is None; seconds since the epoch), ``section`` the output of a
    step, ``sentence`` a message that stands alone.
    """

    def step(self, text: str, at: float | None = None) -> None: ...

    def section(self, text: str) -> None: ...

    def sentence(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Wait:
    """How to wait. ``interval`` and ``timeout`` are in seconds; ``enabled`` false: not at all."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    interval: float = 1.0
    timeout: float = 1800.0
    enabled: bool = True

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Ask ``done`` again and again; TimedOutError when the time is over."""
        end = self.now() + self.timeout
        while not done():
            if self.now() >= end:
                raise TimedOutError(f"{what}: timed out waiting for the condition")
            self.sleep(self.interval)


def find(cluster: Cluster, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any] | None:
    """The object, or None if there is none."""
    try:
        return cluster.get(rt, namespace, name)
    except NotFoundError:
        return None


def seconds_of(timestamp: str | None) -> float | None:
    """Seconds since the epoch of a Kubernetes time; None if there is none."""
    if not timestamp:
        return None
    try:
        return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def age(seconds: float) -> str:
    """``12s``, ``4m``, ``3h``, ``2d``: whole units, rounded down."""
    whole = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def observed(obj: Object) -> bool:
    """Whether the controller has seen the newest generation."""
    return bool((obj.get("status") or {}).get("observedGeneration") == obj["metadata"].get("generation"))


def condition(obj: Object) -> str:
    """The type of the one condition that Apps, PackageInstalls and PackageRepositories have; "" before the first."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((str(c.get("type")) for c in conditions if c.get("status") == "True"), "")
