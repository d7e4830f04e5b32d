from __future__ import annotations

import json

import pytest

from lapstrake.cli import kctrl, tanzu
from lapstrake.errors import NotFoundError

INSTALL = {
    "apiVersion": "packaging.carvel.dev/v1alpha1",
    "kind": "PackageInstall",
    "metadata": {"name": "s1", "namespace": "default", "generation": 1},
    "spec": {"packageRef": {"refName": "simple.example.com"}},
    "status": {
        "observedGeneration": 1,
        "version": "1.0.0",
        "conditions": [{"type": "ReconcileFailed", "status": "True", "message": "no: way"}],
        "usefulErrorMessage": "why",
    },
}
NODE = {"metadata": {"name": "fake-node"}}
METADATA = {
    "metadata": {"name": "simple.example.com", "namespace": "default"},
    "spec": {"displayName": "Simple"},
}


class Found:
    def __init__(self, items):
        self.items = items


class Client:
    """Answers reads; refuses writes."""

    server = "https://127.0.0.1:6443"
    namespace = ""

    def __init__(self):
        self.objects = {"Node": [NODE], "PackageInstall": [INSTALL], "PackageMetadata": [METADATA]}

    def list(self, rt, namespace=None, label_selector="", field_selector=""):
        return Found(self.objects.get(rt.kind, []))

    def get(self, rt, namespace, name):
        for obj in self.objects.get(rt.kind, []):
            if obj["metadata"]["name"] == name:
                return obj
        raise NotFoundError(f'{rt.resource} "{name}" not found', status=404)


@pytest.fixture(autouse=True)
def client(monkeypatch):
    from lapstrake.cli import app_commands, package_available, package_installed, package_repository

    for module in (app_commands, package_available, package_installed, package_repository):
        monkeypatch.setattr(module, "open_cluster", lambda args: Client())


def test_pipe_gets_rows_only(capsys):
    assert kctrl.main(["package", "installed", "list"]) == 0
    assert capsys.readouterr().out == "s1\tsimple.example.com\t1.0.0\tReconcile failed\t\n"


def test_terminal_gets_the_frame(capsys):
    assert kctrl.main(["package", "available", "list", "--tty"]) == 0
    assert capsys.readouterr().out == (
        "Target cluster 'https://127.0.0.1:6443' (nodes: fake-node)\n\n"
        "Available summarized packages in namespace 'default'\n\n"
        "Name                Display name  \n"
        "simple.example.com  Simple  \n\n"
        "Succeeded\n"
    )


def test_get_shows_the_useful_message(capsys):
    assert kctrl.main(["package", "installed", "get", "-i", "s1", "--tty"]) == 0
    out = capsys.readouterr().out
    assert "Status                Reconcile failed  \n" in out
    assert "                        message: 'no: way'  \n" in out
    assert "Useful Error Message  why  \n" in out


def test_json_holds_tables_and_lines(capsys):
    assert kctrl.main(["package", "installed", "list", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["Tables"][0]["Rows"] == [
        {
            "name": "s1",
            "package_name": "simple.example.com",
            "package_version": "1.0.0",
            "status": "Reconcile failed",
        }
    ]
    assert document["Lines"] == ["Target cluster 'https://127.0.0.1:6443' (nodes: fake-node)", "Succeeded"]


def test_error_stands_apart_on_a_terminal(capsys):
    assert kctrl.main(["package", "installed", "kick", "-i", "none", "-y"]) == 1
    out, err = capsys.readouterr()
    assert out == "Target cluster 'https://127.0.0.1:6443' (nodes: fake-node)\n\n"
    assert err == 'kctrl: Error: packageinstalls.packaging.carvel.dev "none" not found\n'


def test_shared_namespace_is_refused(capsys):
    assert kctrl.main(["package", "install", "-i", "s2", "-p", "simple.example.com"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("kctrl: Error: Creating sensitive resources in a shared namespace (default)(hint: ")


def test_older_spelling_needs_no_leave_for_the_default_namespace(capsys):
    argv = [
        "package",
        "install",
        "s2",
        "--package-name",
        "simple.example.com",
        "--version",
        "0.0.1",
        "--dry-run",
    ]
    assert tanzu.main(argv) == 0
    out = capsys.readouterr().out
    assert out.count("---\n") == 4
    assert "      constraints: 0.0.1\n" in out
    assert "  creationTimestamp: null\n" in out


def test_older_spelling_names_the_package_as_an_argument(capsys):
    assert tanzu.main(["package", "available", "list", "simple.example.com", "--tty"]) == 0
    assert (
        "Available packages in namespace 'default'\n\nName  Version  Released at  \n"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["installed", "get"], "Expected non-empty package install name", id="install"),
        pytest.param(["install", "-i", "x"], "Expected non-empty package name", id="package"),
        pytest.param(["repository", "add", "-r", "x", "-y"], "Expected package repository url", id="url"),
        pytest.param(
            ["installed", "update", "-i", "s1"],
            "Expected either package version, values file or overlays to update the package",
            id="update",
        ),
    ],
)
def test_missing_names_are_asked_for(capsys, argv, message):
    assert kctrl.main(["package", *argv]) == 1
    assert capsys.readouterr().err == f"kctrl: Error: {message}\n"
