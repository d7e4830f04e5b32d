from __future__ import annotations

import pytest

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations import package_repository as repositories
from lapstrake.operations.cluster_access import REPOSITORIES
from lapstrake.operations.package_repository import RepositoryRequest
from tests.operations.package_world import STARTED, Clock, Cluster, Notes, status

REQUEST = RepositoryRequest("five", "ns", "host/five:1.0.0")


def controller(condition: str = "ReconcileSucceeded", **sections):
    def react(cluster: Cluster) -> None:
        for (kind, _, _), obj in cluster.objects.items():
            if kind == "PackageRepository":
                paused = bool(obj["spec"].get("paused"))
                obj["status"] = status(condition, obj["metadata"]["generation"], paused=paused, **sections)

    return react


def test_add_creates_and_waits():
    notes = Notes()
    repositories.add(Cluster(controller()), REQUEST, notes, Clock().wait())
    assert notes.lines[:4] == [
        "Creating package repository resource 'five' in namespace 'ns'",
        "Waiting for package repository to be added",
        "Waiting for package repository reconciliation for 'five'",
        "Fetch started ",
    ]


def test_adding_again_only_tells_the_state():
    cluster = Cluster(controller())
    repositories.add(cluster, REQUEST, Notes(), Clock().wait())
    notes = Notes()
    repositories.add(cluster, REQUEST, notes, Clock().wait())
    assert notes.lines[0] == "Fetch started "
    assert cluster.written == ["create PackageRepository five"]


def test_adding_another_url_updates():
    cluster = Cluster(controller())
    repositories.add(cluster, REQUEST, Notes(), Clock().wait())
    notes = Notes()
    repositories.add(cluster, RepositoryRequest("five", "ns", "host/five:2.0.0"), notes, Clock().wait())
    assert notes.lines[0] == "Updating package repository resource 'five' in namespace 'ns'"
    assert repositories.source_text(cluster.get(REPOSITORIES, "ns", "five")) == "(imgpkg) host/five:2.0.0"


def test_failed_repository_is_an_error():
    failed = {"startedAt": STARTED, "updatedAt": STARTED, "exitCode": 1, "stderr": "vendir: Error: x"}
    with pytest.raises(InputError) as caught:
        repositories.add(
            Cluster(controller("ReconcileFailed", fetch=failed)), REQUEST, Notes(), Clock().wait()
        )
    assert str(caught.value) == "Reconciling repository: Fetch failed"


def test_kick_pauses_and_goes_on():
    cluster = Cluster(controller())
    repositories.add(cluster, REQUEST, Notes(), Clock().wait())
    repositories.kick(cluster, "ns", "five", Notes(), Clock().wait())
    assert cluster.written[1:] == ["patch PackageRepository five"] * 2
    assert "paused" not in cluster.get(REPOSITORIES, "ns", "five")["spec"]


def test_delete_waits_until_it_is_gone():
    cluster = Cluster(controller())
    repositories.add(cluster, REQUEST, Notes(), Clock().wait())
    notes = Notes()
    repositories.delete(cluster, "ns", "five", notes, Clock().wait())
    assert notes.lines == [
        "Waiting for package repository reconciliation for 'five'",
        "packagerepository/five (packaging.carvel.dev/v1alpha1) namespace: ns: DeletionSucceeded",
    ]
    with pytest.raises(NotFoundError):
        repositories.delete(cluster, "ns", "five", notes, Clock().wait())


@pytest.mark.parametrize(
    ("fetch", "text"),
    [
        pytest.param({"imgpkgBundle": {"image": "a"}}, "(imgpkg) a", id="bundle"),
        pytest.param({"image": {"url": "a"}}, "(image) a", id="image"),
        pytest.param({"inline": {"paths": {}}}, "(unknown)", id="inline"),
    ],
)
def test_source_is_shown(fetch, text):
    assert repositories.source_text({"spec": {"fetch": fetch}}) == text
