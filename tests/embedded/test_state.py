from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lapstrake.embedded import kubeconfig
from lapstrake.embedded.state import AlreadyRunningError, Record, State, default_folder
from lapstrake.errors import InputError


def test_state_is_held_by_one_process(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    assert not state.is_held()
    with state.held():
        assert state.is_held()
        with pytest.raises(AlreadyRunningError), state.held():
            pass
    assert not state.is_held()


def test_killed_process_lets_go(tmp_path: Path) -> None:
    code = "import sys; from lapstrake.embedded.state import State; from pathlib import Path\nwith State(Path(sys.argv[1])).held(): print('held', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    assert State(tmp_path).is_held()
    process.kill()
    process.wait()
    assert State(tmp_path).wait_until_free(5)
    process.stdout.close()
    process.stdin.close()


def test_record_is_kept_and_a_broken_one_is_none(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.read() == Record()
    record = Record(pid=7, api_port=1, registry_port=2, kubeconfig="k", started=3.0)
    state.write(record)
    assert state.read() == record
    assert state.running() is None, "nobody holds the lock"
    (tmp_path / "plane.json").write_text("{")
    assert state.read() == Record()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/lapstrake"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/lapstrake"),
        ({"HOME": "/h"}, "/h/.local/state/lapstrake"),
    ],
)
def test_default_folder_follows_the_xdg_rules(environment: dict[str, str], folder: str) -> None:
    assert str(default_folder(environment)) == folder


def test_kubeconfig_stands_beside_other_clusters(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- name: prod\n  cluster: {server: https://prod}\n"
    )
    for port in (1, 2):
        kubeconfig.write(file, kubeconfig.document(f"https://127.0.0.1:{port}", b"ca", "token"))
    content = yaml.safe_load(file.read_text())
    assert content["current-context"] == "lapstrake"
    assert [(c["name"], c["cluster"]["server"]) for c in content["clusters"]] == [
        ("prod", "https://prod"),
        ("lapstrake", "https://127.0.0.1:2"),
    ]
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_kubeconfig_that_is_none_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a: [")
    with pytest.raises(InputError, match="Reading kubeconfig"):
        kubeconfig.write(file, kubeconfig.document("https://127.0.0.1:1", b"ca", "token"))
    assert file.read_text() == "a: ["
