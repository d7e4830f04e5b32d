"""What the ways to run kapp have in common: the ports they need, their options, where they print."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lapstrake.errors import ClusterError, LapstrakeError
from lapstrake.kapp import report
from lapstrake.kapp.report import Printed
from lapstrake.kube.types import ResourceType

Object = dict[str, Any]
Sink = Callable[[Printed], None]
CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
PODS = ResourceType("", "v1", "Pod", "pods", True)
NODES = ResourceType("", "v1", "Node", "nodes", False)


class Listed(Protocol):
    @property
    def items(self) -> list[Object]: ...


class Cluster(Protocol):
    """The part of a cluster client that kapp needs."""

    @property
    def server(self) -> str: ...

    def resource_types(self, refresh: bool = False) -> Sequence[ResourceType]: ...

    def resource_type(self, api_version: str, kind: str) -> ResourceType: ...

    def get(self, rt: ResourceType, namespace: str | None, name: str) -> Object: ...

    def list(self, rt: ResourceType, namespace: str | None = None, label_selector: str = "") -> Listed: ...

    def create(self, rt: ResourceType, obj: Mapping[str, Any], namespace: str | None = None) -> Object: ...

    def replace(self, rt: ResourceType, obj: Mapping[str, Any]) -> Object: ...

    def patch(
        self, rt: ResourceType, namespace: str | None, name: str, body: object, content_type: str
    ) -> Object: ...

    def delete(
        self,
        rt: ResourceType,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        uid: str | None = None,
    ) -> Object: ...


class Clock(Protocol):
    def now_ns(self) -> int:
        """Nanoseconds since 1970."""

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one. Here, because every caller of these operations needs it and it is three lines."""

    def now_ns(self) -> int:
        return time.time_ns()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How changes are carried out. Times in seconds.

    ``wait_check_interval`` is the longest pause between two checks: the first ones come sooner.
    """

    wait: bool = True
    wait_timeout: float = 900.0
    wait_resource_timeout: float = 0.0
    wait_check_interval: float = 3.0
    wait_concurrency: int = 5
    apply_timeout: float = 900.0
    apply_check_interval: float = 1.0
    apply_concurrency: int = 5
    default_update_strategy: str = ""
    exit_early_on_apply_error: bool = True
    exit_early_on_wait_error: bool = True


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What is shown before anything happens. ``run``: only that."""

    run: bool = False
    changes: bool = False
    changes_yaml: bool = False
    summary: bool = True
    context: int = 2
    line_numbers: bool = True
    mask: bool = True
    against_last_applied: bool = True
    filter: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which resources a command is about; empty: all. Kinds and names are compared as they are."""

    kinds: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    kind_names: tuple[str, ...] = ()
    kind_namespaces: tuple[str, ...] = ()
    kind_namespace_names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    age: str = ""
    json: str = ""


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a run asks back: ``confirm`` before it begins, ``cancelled`` while it waits."""

    confirm: Callable[[], bool] = field(default=lambda: True)
    cancelled: Callable[[], bool] = field(default=lambda: False)


class Canceled(LapstrakeError):
    """The caller wanted the run to stop."""


class Stopped(LapstrakeError):
    """The user did not confirm, or wanted an exit status that says what was found."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def stamp(clock: Clock) -> str:
    """Local time of progress lines: ``6:53:38AM``."""
    local = time.localtime(clock.now_ns() / 1e9)
    return report.clock_text(local.tm_hour, local.tm_min, local.tm_sec)


def show_target(cluster: Cluster, sink: Sink) -> None:
    """First line of every run: the server, and its nodes if we may see them."""
    try:
        nodes: list[str] | None = [node["metadata"]["name"] for node in cluster.list(NODES).items]
    except ClusterError:
        nodes = None
    sink(report.target(cluster.server, nodes))


def server_says(err: ClusterError) -> str:
    """The text in which errors of the API server are passed on."""
    if not err.reason or err.reason == "Unreachable":
        return str(err)
    return report.server_says(err.reason, str(err))
