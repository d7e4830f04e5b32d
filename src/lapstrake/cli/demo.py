"""``lapstrake demo``: the story of the guide, told on a terminal or into a pipe."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.embedded.demo import NAMESPACE, ROOT, Demo, State
from lapstrake.embedded.state import Record
from lapstrake.embedded.state import State as PlaneState

_GREEN, _RED, _YELLOW, _BOLD, _DIM, _PLAIN = (
    "\x1b[32m",
    "\x1b[31m",
    "\x1b[33m",
    "\x1b[1m",
    "\x1b[2m",
    "\x1b[0m",
)
_USUAL_WIDTH = 120
_STATE_COLUMN = 31
"""Where a line of the tree says how a package is: indent, branch and name, version."""


def run(*, keep: bool, color: bool) -> int:
    """Perform the demo; 0 if all five packages hold in the end."""
    terminal = sys.stdout.isatty()
    narrator = Screen(sys.stdout, live=terminal, color=color and terminal)
    began = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix="lapstrake-demo-"))
    try:
        with _kept_plane() if keep else _passing_plane(work) as (cluster, record):
            narrator.stage("A registry, a Kubernetes API server and a package controller, in one process")
            narrator.result(f"registry {record.registry}, API server {record.api_url}")
            states = Demo(work, cluster, record.registry, narrator).perform()
            narrator.end(states, time.monotonic() - began, record if keep else None)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 0 if all(state.holds for state in states) else 1


@contextmanager
def _passing_plane(work: Path) -> Iterator[tuple[ClusterClient, Record]]:
    """A control plane that ends with the demo, at free ports and with its state in ``work``."""
    from lapstrake.embedded.plane import ControlPlane, Settings

    plane = ControlPlane(Settings(PlaneState(work / "state"), api_port=0, registry_port=0))
    plane.start()
    cluster = plane.client()
    try:
        yield cluster, plane.record()
    finally:
        cluster.close()
        plane.stop()


@contextmanager
def _kept_plane() -> Iterator[tuple[ClusterClient, Record]]:
    """The background control plane, started if it does not run."""
    from lapstrake.adapters.kubeconfig import load_access
    from lapstrake.embedded import detached
    from lapstrake.embedded.state import default_folder

    state = PlaneState(default_folder())
    record = state.running() or detached.start(state, [f"--state={state.folder}"])
    cluster = ClusterClient(load_access(record.kubeconfig))
    try:
        yield cluster, record
    finally:
        cluster.close()


class Screen:
    """Tells the story. ``live``: the tree is redrawn in place; else each change is a line."""

    def __init__(self, out: TextIO, *, live: bool, color: bool) -> None:
        self._out = out
        self._live = live
        self._color = color
        # A line that the terminal breaks would spoil the redrawing of those above it.
        columns = shutil.get_terminal_size().columns if live else _USUAL_WIDTH
        self._room = max(columns - _STATE_COLUMN - len("Reconcile failed  ") - 1, 10)
        self._began = time.monotonic()
        self._stages = 0
        self._drawn = 0
        self._shown: dict[str, tuple[str, str]] = {}

    def stage(self, title: str) -> None:
        self._stages += 1
        self._write(f"\n{self._painted(_BOLD, f'{self._stages}. {title}')}\n")

    def result(self, text: str) -> None:
        self._write(f"   {text}\n")

    def tree(self, states: Sequence[State]) -> None:
        changed = {s.name: (s.description, s.error) for s in states}
        if changed == self._shown:
            return
        if self._live:
            if self._drawn:
                self._write(f"\x1b[{self._drawn}F\x1b[J")
            lines = [f"   {line}" for line in self._lines(states)]
            self._write("\n".join(lines) + "\n")
            self._drawn = len(lines)
        else:
            for state in states:
                if self._shown.get(state.name, ("", ""))[0] != state.description and state.description:
                    self._write(f"   {self._seconds():>6}  {state.name:<15} {self._described(state)}\n")
        self._shown = changed

    def end(self, states: Sequence[State], seconds: float, kept: Record | None) -> None:
        if not self._live:
            self._write("\n" + "".join(f"   {line}\n" for line in self._lines(states)))
        holding = sum(state.holds for state in states)
        color = _GREEN if holding == len(states) else _RED
        self._write(
            f"\n{self._painted(color, f'{holding} of {len(states)} packages hold')} after {seconds:.1f} s.\n\n"
        )
        self._write(_kept_hints(kept) if kept is not None else _HINTS)

    def _lines(self, states: Sequence[State]) -> list[str]:
        lines = []
        for index, state in enumerate(states):
            branch = "" if index == 0 else "└─ " if index == len(states) - 1 else "├─ "
            lines.append(f"{branch + state.name:<18} {state.version:<8} {self._described(state)}")
        return lines

    def _described(self, state: State) -> str:
        if state.holds:
            return self._painted(_GREEN, state.description)
        if state.failed:
            reason = state.error.removeprefix("kapp: Error: ")
            if len(reason) > self._room:
                reason = reason[: self._room - 1] + "…"
            return f"{self._painted(_RED, 'Reconcile failed')}  {self._painted(_DIM, reason)}"
        return self._painted(_YELLOW, state.description or "…")

    def _painted(self, color: str, text: str) -> str:
        return f"{color}{text}{_PLAIN}" if self._color else text

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._began:.1f}s"

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


_HINTS = """\
Everything ran for real and is gone again: bytes in a registry, objects in an API server, retries until all held.
To look around, let it stay:

  lapstrake demo --keep                                   the same, left running in the background
  less examples/secure-ingress/README.md                  the files behind it, step by step
"""


def _kept_hints(record: Record) -> str:
    return f"""\
It keeps running. Look around:

  export KUBECONFIG={record.kubeconfig}
  kubectl get packageinstalls,apps
  tanzu package available list
  tanzu package installed get {ROOT}
  kapp inspect -a {ROOT}.app -n {NAMESPACE} --tree
  tanzu package installed delete {ROOT} -y                and everything it brought is gone
  lapstrake down                                          end the control plane
"""
