"""The kapp command against our own API server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lapstrake.apiserver.serve import ApiServer
from lapstrake.apiserver.store import Store
from lapstrake.cli.kapp import main

CONFIG = "clusters: [{name: c, cluster: {server: URL}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n"
RESOURCES = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: MODE}\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    store = Store()
    server = ApiServer(store)
    server.start()
    yield server.url
    server.stop()
    store.close()


@pytest.fixture
def run(url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run kapp in a folder with ``app.yml``; times, ages and the server's address are made the same."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAPP_KUBECONFIG_YAML", CONFIG.replace("URL", url))
    (tmp_path / "app.yml").write_text(RESOURCES.replace("MODE", "plain"))

    def call(*argv: str) -> tuple[int, str, str]:
        status = main(argv)
        captured = capsys.readouterr()
        out = re.sub(r"(?m)^\d+:\d\d:\d\d[AP]M: ", "", captured.out).replace(url, "URL")
        return status, re.sub(r"\b\d+s\b", "AGE", out), captured.err

    return call


def test_deploy_inspect_list_delete(run: Run) -> None:
    status, out, err = run("deploy", "-a", "one", "-f", "app.yml", "-y")
    assert (status, err) == (0, "")
    assert out == (
        "Target cluster 'URL'\n\n"
        "Changes\n\n"
        "Namespace  Name      Kind       Age  Op      Op st.  Wait to    Rs  Ri  \n"
        "default    settings  ConfigMap  -    create  -       reconcile  -   -  \n\n"
        "Op:      1 create, 0 delete, 0 update, 0 noop, 0 exists\n"
        "Wait to: 1 reconcile, 0 delete, 0 noop\n\n"
        "---- applying 1 changes [0/1 done] ----\n"
        "create configmap/settings (v1) namespace: default\n"
        "---- waiting on 1 changes [0/1 done] ----\n"
        "ok: reconcile configmap/settings (v1) namespace: default\n"
        "---- applying complete [1/1 done] ----\n"
        "---- waiting complete [1/1 done] ----\n\n"
        "Succeeded\n"
    )
    assert run("inspect", "-a", "one") == (0, "default\tsettings\tConfigMap\tkapp\tok\t-\tAGE\t\n", "")
    assert run("ls") == (0, "one\tdefault\ttrue\tAGE\t\n", "")
    status, out, _ = run("delete", "-a", "one", "-y")
    assert (status, out.endswith("---- waiting complete [1/1 done] ----\n\nSucceeded\n")) == (0, True)
    assert run("delete", "-a", "one", "-y")[1] == (
        "Target cluster 'URL'\n\nApp 'one' (namespace: default) does not exist\n\nSucceeded\n"
    )


def test_difference_is_shown(run: Run, tmp_path: Path) -> None:
    run("deploy", "-a", "diff", "-f", "app.yml", "-y")
    (tmp_path / "app.yml").write_text(RESOURCES.replace("MODE", "fancy"))
    status, out, _ = run("deploy", "-a", "diff", "-f", "app.yml", "-c", "--diff-run", "--diff-exit-status")
    assert status == 3
    assert (
        "@@ update configmap/settings (v1) namespace: default @@\n"
        "  ...\n"
        "  1,  1   data:\n"
        "  2     -   mode: plain\n"
        "      2 +   mode: fancy\n"
        "  3,  3   kind: ConfigMap\n"
        "  4,  4   metadata:\n\n"
        "Changes\n"
    ) in out
    run("delete", "-a", "diff", "-y")


def test_question_without_an_answer(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with open(tmp_path / "empty") as empty:
        monkeypatch.setattr("sys.stdin", empty)
        status, out, err = run("deploy", "-a", "ask", "-f", "app.yml")
    assert (status, err) == (1, "kapp: Error: Asking for confirmation:\n  EOF\n")
    assert out.endswith("\n\nContinue? [yN]: \n")


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        pytest.param(["deploy", "-f", "app.yml"], "Expected app name to be non-empty", id="no-name"),
        pytest.param(
            ["deploy", "-a", "x"],
            "Expected at least one --file (-f) specified with a file or directory path",
            id="no-file",
        ),
        pytest.param(
            ["deploy", "-a", "x", "-f", "missing.yml"],
            "stat missing.yml: no such file or directory",
            id="missing-file",
        ),
        pytest.param(
            ["deploy", "-a", "x", "-n", "nowhere", "-f", "app.yml"],
            'namespaces "nowhere" not found',
            id="namespace",
        ),
        pytest.param(
            ["rename", "-a", "x", "--new-name", "y"],
            "App 'x' (namespace: default) does not exist",
            id="rename",
        ),
        pytest.param(["deploy", "--no-such-flag"], "unknown flag: --no-such-flag", id="flag"),
    ],
)
def test_refused(run: Run, argv: list[str], error: str) -> None:
    status, _, err = run(*argv)
    assert (status, err) == (1, f"kapp: Error: {error}\n")


def test_json(run: Run) -> None:
    _, out, _ = run("deploy", "-a", "json", "-f", "app.yml", "-y", "--json")
    found = json.loads(out)
    assert found["Lines"][0] == "Target cluster 'URL'"
    assert found["Tables"][0]["Notes"][0] == "Op:      1 create, 0 delete, 0 update, 0 noop, 0 exists"
    run("delete", "-a", "json", "-y")


def test_metadata_file(run: Run, tmp_path: Path) -> None:
    run("deploy", "-a", "meta", "-f", "app.yml", "-y", "--app-metadata-file-output", "meta.json")
    assert json.loads((tmp_path / "meta.json").read_text())["lastChange"]["namespaces"] == ["default"]
    run("delete", "-a", "meta", "-y")


def test_app_group(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / "group" / name).mkdir(parents=True)
        (tmp_path / "group" / name / "cm.yml").write_text(RESOURCES.replace("settings", name))
    status, out, _ = run("app-group", "deploy", "-g", "grp", "-d", "group", "-y")
    assert status == 0
    assert out.startswith(
        "--- deploying app 'grp-one' (namespace: default) from group/one\n\nTarget cluster 'URL'\n\nChanges\n"
    )
    assert group_apps(run) == ["grp-one", "grp-two"]
    (tmp_path / "group" / "two" / "cm.yml").unlink()
    (tmp_path / "group" / "two").rmdir()
    assert (
        "--- deleting app 'grp-two' (namespace: default)\n"
        in run("app-group", "deploy", "-g", "grp", "-d", "group", "-y")[1]
    )
    assert run("app-group", "delete", "-g", "grp", "-y")[0] == 0
    assert group_apps(run) == []


def group_apps(run: Run) -> list[str]:
    return [name for line in run("ls")[1].splitlines() if (name := line.split()[0]).startswith("grp-")]
