from __future__ import annotations

import pytest

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations import app_control
from lapstrake.operations.cluster_access import APPS
from tests.operations.package_world import STARTED, Clock, Cluster, Notes, status


def controller(condition: str = "ReconcileSucceeded", **sections):
    def react(cluster: Cluster) -> None:
        for obj in cluster.objects.values():
            paused = bool(obj["spec"].get("paused"))
            obj["status"] = status(condition, obj["metadata"]["generation"], paused=paused, **sections)

    return react


def with_app(react) -> Cluster:
    cluster = Cluster(react)
    cluster.create(APPS, {"kind": "App", "metadata": {"name": "a", "namespace": "ns"}, "spec": {}})
    return cluster


def test_kick_pauses_and_goes_on():
    cluster = with_app(controller())
    notes = Notes()
    app_control.kick(cluster, "ns", "a", notes, Clock().wait())
    assert notes.lines[:2] == [
        "Triggering reconciliation for app 'a' in namespace 'ns'",
        "Waiting for app reconciliation for 'a'",
    ]
    assert cluster.get(APPS, "ns", "a")["spec"] == {}


def test_failed_kick_is_an_error():
    failed = {"startedAt": STARTED, "updatedAt": STARTED, "exitCode": 1, "finished": True}
    with pytest.raises(InputError) as caught:
        app_control.kick(
            with_app(controller("ReconcileFailed", deploy=failed)), "ns", "a", Notes(), Clock().wait()
        )
    assert str(caught.value).startswith("Reconciling app: ")


def test_delete_ends_when_it_is_gone():
    cluster = with_app(controller())
    notes = Notes()
    app_control.delete(cluster, "ns", "a", notes, Clock().wait(), noop=True)
    assert cluster.written[1:] == ["patch App a", "delete App a"]
    assert notes.lines[-1] == "App 'a' in namespace 'ns' deleted "
    with pytest.raises(NotFoundError):
        app_control.delete(cluster, "ns", "a", notes, Clock().wait())


def test_owner_is_named():
    owners = [{"kind": "PackageInstall", "name": "s1"}]
    assert app_control.owner_text({"metadata": {"ownerReferences": owners}}) == "PackageInstall/s1"
    assert app_control.owner_text({"metadata": {}}) == ""
