from __future__ import annotations

import threading
import time
from pathlib import Path

from lapstrake.embedded.plane import ControlPlane, Settings
from lapstrake.embedded.state import State


def test_idle_clients_do_not_hold_up_the_end(tmp_path: Path) -> None:
    plane = ControlPlane(Settings(State(tmp_path), api_port=0, registry_port=0, controller=False))
    plane.start()
    cluster = plane.client()
    cluster.resource_types()
    began = time.monotonic()
    plane.stop()
    assert time.monotonic() - began < 3, "the connection is open still, and its client silent"
    cluster.close()
    assert [t.name for t in threading.enumerate() if t.name in ("apiserver", "registry", "workloads")] == []


def test_ports_are_kept_for_the_next_start(tmp_path: Path) -> None:
    state = State(tmp_path)
    ports = []
    for wanted in (0, None):
        plane = ControlPlane(Settings(state, api_port=wanted, registry_port=wanted, controller=False))
        plane.start()
        ports.append((plane.record().api_port, plane.record().registry_port))
        plane.stop()
        state.write(plane.stopped_record())
    assert ports[0] == ports[1]
    assert state.read().pid == 0
