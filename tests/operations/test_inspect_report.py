from __future__ import annotations

from lapstrake.kapp.app import App, Change
from lapstrake.kapp.waits import ongoing, succeeded
from lapstrake.kube.resource import Resource
from lapstrake.operations.inspect_app import Inspected
from lapstrake.operations.inspect_report import app_row, resources_table

NOW = 1795416820.0 + 5


def inspected(name: str, depth: int = 0) -> Inspected:
    metadata = {"name": name, "namespace": "n", "creationTimestamp": "2026-11-23T06:53:40Z"}
    resource = Resource({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
    state = ongoing("Waiting on finalizers: example.com/hold") if name == "stuck" else succeeded()
    return Inspected(resource, own=not depth, state=state, depth=depth)


def test_table_as_recorded() -> None:
    assert str(resources_table([inspected("a"), inspected("stuck")], "app", NOW)) == (
        "Resources in app 'app'\n\n"
        "Namespace  Name   Kind  Owner  Rs       Ri                      Age  \n"
        "n          a      Pod   kapp   ok       -                       5s  \n"
        "^          stuck  Pod   kapp   ongoing  Waiting on finalizers:  5s  \n"
        "                                        example.com/hold          \n"
        "\n"
        "Rs: Reconcile state\n"
        "Ri: Reconcile information\n"
        "\n"
        "2 resources\n"
    )


def test_tree_repeats_namespaces() -> None:
    text = str(resources_table([inspected("a"), inspected("b", 1), inspected("c", 2)], "app", NOW))
    assert "n           L b" in text
    assert "n           L.. c" in text


def test_app_that_never_changed_has_an_empty_row() -> None:
    assert app_row(App("x", "n", "1"), NOW) == ("x", "", "", "")


def test_row_of_an_app() -> None:
    change = Change("2026-11-23T06:53:40Z", successful=False, namespaces=("(cluster)", "n"))
    assert app_row(App("x", "n", "1", last_change=change), NOW) == ("x", "(cluster),n", "false", "5s")
