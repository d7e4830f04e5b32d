from __future__ import annotations

import pytest

from lapstrake.errors import InputError, NotFoundError
from lapstrake.operations.cluster_access import INSTALLS, SECRETS
from lapstrake.operations.package_delete import delete
from lapstrake.operations.package_install import InstallRequest, install
from lapstrake.operations.package_objects import CREATED_TYPES, InstallNames
from lapstrake.operations.package_update import UpdateRequest, kick, update
from tests.operations.package_world import EPOCH, Clock, Cluster, Notes, reconciling

NAMES = InstallNames("s1", "ns")


@pytest.fixture
def cluster() -> Cluster:
    """With an installation that has values."""
    made = Cluster(reconciling())
    request = InstallRequest("s1", "ns", "simple.example.com", "1.0.0", values="a: 1\n")
    install(made, request, Notes(), Clock().wait())
    made.written.clear()
    return made


def updated(cluster: Cluster, **changes: object) -> list[str]:
    notes = Notes()
    update(cluster, UpdateRequest("s1", "ns", **changes), notes, Clock().wait())  # type: ignore[arg-type]
    end = notes.lines.index("Waiting for PackageInstall reconciliation for 's1'")
    return notes.lines[:end]


def test_version_is_changed(cluster):
    assert updated(cluster, version="1.1.0") == ["Updating package install for 's1' in namespace 'ns'"]
    spec = cluster.get(INSTALLS, "ns", "s1")["spec"]
    assert spec["packageRef"]["versionSelection"]["constraints"] == "1.1.0"


def test_values_are_changed_while_paused(cluster):
    assert updated(cluster, values="a: 2\n") == [
        "Pausing reconciliation for package installation 's1' in namespace 'ns'",
        "Updating secret 's1-ns-values'",
        "Resuming reconciliation for package installation 's1' in namespace 'ns'",
    ]
    assert cluster.written == [
        "patch PackageInstall s1",
        "replace Secret s1-ns-values",
        "patch PackageInstall s1",
    ]
    assert cluster.get(SECRETS, "ns", "s1-ns-values")["stringData"] == {"values.yaml": "a: 2\n"}
    assert "paused" not in cluster.get(INSTALLS, "ns", "s1")["spec"]


def test_values_are_dropped_last(cluster):
    assert updated(cluster, drop_values=True) == [
        "Deleting values secret 's1-ns-values'",
        "Removing values secret reference from package install 's1' in namespace 'ns'",
        "Updating package install for 's1' in namespace 'ns'",
    ]
    assert cluster.written == ["patch PackageInstall s1", "delete Secret s1-ns-values"]
    obj = cluster.get(INSTALLS, "ns", "s1")
    assert "values" not in obj["spec"]
    assert "packaging.carvel.dev/package-Secret" not in obj["metadata"]["annotations"]


def test_values_come_back(cluster):
    updated(cluster, drop_values=True)
    assert updated(cluster, values="a: 3\n")[0] == "Creating secret 's1-ns-values'"
    assert cluster.get(INSTALLS, "ns", "s1")["spec"]["values"] == [{"secretRef": {"name": "s1-ns-values"}}]


def test_overlays_are_added_and_dropped(cluster):
    assert updated(cluster, overlays=[("o.yml", "x")])[0] == "Creating overlay secrets"
    assert cluster.get(SECRETS, "ns", "s1-ns-overlays")["stringData"] == {"0000-o.yml": "x"}
    assert updated(cluster, drop_overlays=True)[0] == "Dropping overlay secrets"
    with pytest.raises(NotFoundError):
        cluster.get(SECRETS, "ns", "s1-ns-overlays")


def test_nothing_to_update_is_refused(cluster):
    with pytest.raises(InputError) as caught:
        updated(cluster)
    assert (
        str(caught.value) == "Expected either package version, values file or overlays to update the package"
    )


def test_kick_pauses_and_goes_on(cluster):
    notes = Notes()
    kick(cluster, "ns", "s1", notes, Clock().wait())
    assert notes.lines[:3] == [
        "Pausing reconciliation for package installation 's1' in namespace 'ns'",
        "Starting reconciliation for package install 's1' in namespace 'ns'",
        "Waiting for PackageInstall reconciliation for 's1'",
    ]


def test_app_that_cannot_be_paused_is_not_waited_for(cluster):
    def see_only(cluster):
        install = cluster.objects["PackageInstall", "ns", "s1"]
        install["status"] = {
            "observedGeneration": install["metadata"]["generation"],
            "conditions": [{"type": "ReconcileFailed", "status": "True"}],
            "usefulErrorMessage": "no version",
        }

    cluster.react = see_only
    clock = Clock()
    with pytest.raises(InputError) as caught:
        kick(cluster, "ns", "s1", Notes(), clock.wait())
    assert "Reconciling: no version" in str(caught.value)
    assert clock.time == EPOCH


def test_delete_removes_what_was_made(cluster):
    notes = Notes()
    delete(cluster, NAMES, notes, Clock().wait())
    assert notes.lines == [
        "Deleting package install 's1' from namespace 'ns'",
        "Waiting for deletion of package install 's1' from namespace 'ns'",
        "App 's1' in namespace 'ns' deleted ",
        "packageinstall/s1 (packaging.carvel.dev/v1alpha1) namespace: ns: DeletionSucceeded",
        "Deleting 'ClusterRoleBinding': s1-ns-cluster-rolebinding",
        "Deleting 'ClusterRole': s1-ns-cluster-role",
        "Deleting 'Secret': s1-ns-values",
        "Deleting 'ServiceAccount': s1-ns-sa",
    ]
    assert not [o for rt in CREATED_TYPES for o in cluster.list(rt).items]


def test_noop_delete_says_so_first(cluster):
    notes = Notes()
    delete(cluster, NAMES, notes, Clock().wait(), noop=True)
    assert notes.lines[1] == "Ignoring associated resources for package install 's1' in namespace 'ns'"
    assert cluster.written[:2] == ["patch PackageInstall s1", "delete PackageInstall s1"]


def test_delete_of_nothing_cleans_up(cluster):
    cluster.delete(INSTALLS, "ns", "s1")
    notes = Notes()
    delete(cluster, NAMES, notes, Clock().wait())
    assert (
        notes.lines[0]
        == "Could not find package install 's1' in namespace 'ns'. Cleaning up created resources."
    )
    assert "Deleting 'ServiceAccount': s1-ns-sa" in notes.lines


def test_foreign_object_of_the_same_name_stays(cluster):
    secret = cluster.objects["Secret", "ns", "s1-ns-values"]
    secret["metadata"]["annotations"] = {}
    delete(cluster, NAMES, Notes(), Clock().wait())
    assert cluster.get(SECRETS, "ns", "s1-ns-values")
