"""The control plane in the background: started, found, killed, started again, ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import yaml

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import load_access
from lapstrake.embedded.state import State
from lapstrake.operations.cluster_access import INSTALLS
from tests.e2e.world import Shell, environment


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, environment(tmp_path, KUBECONFIG=str(tmp_path / "kubeconfig")))


def up(shell: Shell) -> None:
    shell.run(
        "lapstrake", "up", "--detach", "--port", "0", "--registry-port", "0", "--kubeconfig", "kubeconfig"
    )


def state(shell: Shell) -> State:
    return State(Path(shell.variables["XDG_STATE_HOME"]) / "lapstrake")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_plane_is_started_found_and_ended(shell: Shell) -> None:
    assert shell.run("lapstrake", "status", status=1) == "not running\n"
    up(shell)
    record = state(shell).running()
    assert record is not None
    assert f"process {record.pid}" in shell.run("lapstrake", "status")
    up(shell)
    again = state(shell).running()
    assert again is not None
    assert again.pid == record.pid, "a second start finds the first"
    assert shell.run("lapstrake", "down") == "stopped\n"
    assert not alive(record.pid)
    assert shell.run("lapstrake", "down") == "not running\n"
    shell.run("lapstrake", "down", "--purge")
    assert not state(shell).folder.exists()


def test_second_plane_on_the_same_state_is_refused(shell: Shell) -> None:
    up(shell)
    try:
        assert "runs already" in shell.fails("lapstrake", "up")
    finally:
        shell.run("lapstrake", "down")


INSTALL = """\
apiVersion: data.packaging.carvel.dev/v1alpha1
kind: Package
metadata:
  name: slow.packages.example.com.1.0.0
  namespace: default
spec:
  refName: slow.packages.example.com
  version: 1.0.0
  template:
    spec:
      fetch:
      - inline:
          paths:
            config.yml: |
              #@ for i in range(40):
              ---
              apiVersion: v1
              kind: ConfigMap
              metadata:
                name: #@ "slow-{}".format(i)
                namespace: default
              #@ end
              ---
              apiVersion: apps/v1
              kind: Deployment
              metadata:
                name: slow
                namespace: default
              spec:
                selector:
                  matchLabels: {app: slow}
                template:
                  metadata:
                    labels: {app: slow}
                  spec:
                    containers:
                    - name: main
                      image: example.com/slow:1
      template:
      - ytt: {}
      deploy:
      - kapp: {}
"""


def test_killed_plane_goes_on_where_it_was(shell: Shell) -> None:
    """SIGKILL in the middle of an installation, and the end is the same."""
    up(shell)
    cluster = ClusterClient(load_access(str(shell.folder / "kubeconfig")))
    package = yaml.safe_load(INSTALL)
    cluster.create(cluster.resource_type(package["apiVersion"], package["kind"]), package, "default")
    shell.run(
        "tanzu",
        "package",
        "install",
        "slow",
        "--package-name",
        "slow.packages.example.com",
        "--version",
        "1.0.0",
        "--wait=false",
    )
    config_maps = cluster.resource_type("v1", "ConfigMap")
    shell.until(
        lambda: any(
            o["metadata"]["name"].startswith("slow-") for o in cluster.list(config_maps, "default").items
        ),
        30,
    )
    record = state(shell).running()
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    assert state(shell).wait_until_free(5)
    cluster.close()
    up(shell)
    try:
        again = state(shell).running()
        assert again is not None
        assert (again.api_port, again.registry_port) != (0, 0)
        cluster = ClusterClient(load_access(str(shell.folder / "kubeconfig")))

        def description() -> str:
            return str(
                (cluster.get(INSTALLS, "default", "slow").get("status") or {}).get("friendlyDescription")
            )

        shell.until(lambda: description() == "Reconcile succeeded", 60)
        names = [o["metadata"]["name"] for o in cluster.list(config_maps, "default").items]
        assert sum(name.startswith("slow-") for name in names) == 40
        cluster.close()
    finally:
        shell.run("lapstrake", "down")


def test_demo_ends_with_five_packages_and_leaves_nothing(shell: Shell) -> None:
    for _ in range(2):
        out = shell.run("lapstrake", "demo")
        tree = out[out.index("5. Install one package") :].split("\n\n")[1]
        assert tree.count("Reconcile succeeded") == 5
        assert "5 of 5 packages hold" in out
    assert not state(shell).folder.exists()
