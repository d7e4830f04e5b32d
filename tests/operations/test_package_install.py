from __future__ import annotations

import pytest

from lapstrake.errors import InputError, TimedOutError
from lapstrake.operations.cluster_access import INSTALLS, SECRETS
from lapstrake.operations.package_install import (
    InstallRequest,
    existing_install,
    install,
    install_objects,
    values_of,
)
from tests.operations.package_world import Clock, Cluster, Notes, install_object, reconciling

REQUEST = InstallRequest("s1", "ns", "simple.example.com", "1.0.0", values="color: green\n")


def test_objects_are_those_of_the_original():
    kinds = [(o["kind"], o["metadata"]["name"]) for o in install_objects(REQUEST)]
    assert kinds == [
        ("ServiceAccount", "s1-ns-sa"),
        ("ClusterRole", "s1-ns-cluster-role"),
        ("ClusterRoleBinding", "s1-ns-cluster-rolebinding"),
        ("Secret", "s1-ns-values"),
        ("PackageInstall", "s1"),
    ]
    made = install_objects(REQUEST)[-1]
    assert made["spec"]["serviceAccountName"] == "s1-ns-sa"
    assert made["spec"]["values"] == [{"secretRef": {"name": "s1-ns-values"}}]
    assert made["spec"]["packageRef"]["versionSelection"] == {"constraints": "1.0.0", "prereleases": {}}
    assert made["metadata"]["annotations"]["packaging.carvel.dev/package-Secret"] == "s1-ns-values"
    assert (
        made["metadata"]["annotations"]["tkg.tanzu.vmware.com/tanzu-package-ClusterRole"]
        == "s1-ns-cluster-role"
    )


def test_given_service_account_needs_no_rights_of_its_own():
    request = InstallRequest("s1", "ns", "p.q.r", service_account="mine")
    (only,) = install_objects(request)
    assert only["spec"]["serviceAccountName"] == "mine"
    assert only["spec"]["packageRef"]["versionSelection"]["constraints"] == ">= 0.0.0"
    assert "annotations" not in only["metadata"]


def test_overlays_keep_their_order():
    request = InstallRequest("s1", "ns", "p.q.r", overlays=[("z.yml", "1"), ("a.yml", "2")])
    secret, made = install_objects(request)[-2:]
    assert secret["stringData"] == {"0000-z.yml": "1", "0001-a.yml": "2"}
    key = "ext.packaging.carvel.dev/ytt-paths-from-secret-name.kctrl-ytt-overlays"
    assert made["metadata"]["annotations"][key] == "s1-ns-overlays"


def test_install_tells_its_steps():
    notes = Notes()
    install(Cluster(reconciling()), REQUEST, notes, Clock().wait())
    assert notes.lines == [
        "Creating service account 's1-ns-sa'",
        "Creating cluster admin role 's1-ns-cluster-role'",
        "Creating cluster role binding 's1-ns-cluster-rolebinding'",
        "Creating secret 's1-ns-values'",
        "Creating package install resource",
        "Waiting for PackageInstall reconciliation for 's1'",
        "Fetch started ",
        "Fetching ",
        "  lock",
        "  ",
        "Fetch succeeded ",
        "Template succeeded ",
        "Deploy started ",
        "Deploying ",
        "  done",
        "Deploy succeeded ",
    ]


def test_failure_names_both_reasons():
    failed = {"exitCode": 1, "stderr": "kapp: Error: No", "error": "Deploying: Error", "finished": True}
    notes = Notes()
    with pytest.raises(InputError) as caught:
        install(Cluster(reconciling("ReconcileFailed", deploy=failed)), REQUEST, notes, Clock().wait())
    what = "packageinstall/s1 (packaging.carvel.dev/v1alpha1) namespace: ns"
    assert str(caught.value) == f"{what}: Reconciling: kapp: Error: No. Reconcile failed: why"
    assert notes.lines[-5:] == [
        "Deploy failed ",
        "  kapp: Error: No",
        "  Deploying: Error",
        "Error tailing app: Reconciling app: Deploy failed\n",
        f"{what}: ReconcileFailed",
    ]


def test_failure_before_there_is_an_app():
    def refuse(cluster: Cluster) -> None:
        for key, obj in cluster.objects.items():
            if key[0] == "PackageInstall":
                obj["status"] = {
                    "observedGeneration": obj["metadata"]["generation"],
                    "conditions": [{"type": "ReconcileFailed", "status": "True"}],
                    "friendlyDescription": "Reconcile failed: Expected to find",
                }

    notes = Notes()
    with pytest.raises(InputError) as caught:
        install(Cluster(refuse), REQUEST, notes, Clock().wait())
    assert str(caught.value).endswith("Reconciling: . Reconcile failed: Expected to find")
    assert notes.lines[-1] == "Waiting for PackageInstall reconciliation for 's1'"


def test_waiting_ends():
    with pytest.raises(TimedOutError) as caught:
        install(Cluster(), REQUEST, Notes(), Clock().wait(timeout=60.0))
    assert str(caught.value).endswith("namespace: ns: timed out waiting for the condition")


def test_not_waiting_only_creates():
    cluster = Cluster()
    install(cluster, REQUEST, Notes(), Clock().wait(enabled=False))
    assert cluster.get(INSTALLS, "ns", "s1")["spec"]["serviceAccountName"] == "s1-ns-sa"


def test_left_over_secret_is_replaced():
    cluster = Cluster()
    cluster.create(SECRETS, install_objects(InstallRequest("s1", "ns", "p.q.r", values="old"))[3])
    install(cluster, REQUEST, Notes(), Clock().wait(enabled=False))
    assert cluster.get(SECRETS, "ns", "s1-ns-values")["stringData"] == {"values.yaml": "color: green\n"}


def test_absent_service_account_is_refused():
    request = InstallRequest("s1", "ns", "p.q.r", service_account="none")
    with pytest.raises(InputError) as caught:
        install(Cluster(), request, Notes(), Clock().wait())
    assert (
        str(caught.value)
        == "Finding service account 'none' in namespace 'ns': serviceaccounts \"none\" not found"
    )


def test_name_in_use_by_another_package_is_refused():
    cluster = Cluster()
    cluster.create(INSTALLS, install_object())
    with pytest.raises(InputError) as caught:
        existing_install(cluster, InstallRequest("s1", "ns", "other.example.com"))
    assert (
        str(caught.value) == "Installed package 's1' is already associated with package 'simple.example.com'"
    )


def test_values_are_those_of_the_secrets():
    cluster = Cluster()
    obj = install_object(values=[{"secretRef": {"name": "v"}}])
    secret = {
        "kind": "Secret",
        "metadata": {"name": "v", "namespace": "ns"},
        "data": {"values.yaml": "YTogMQo="},
    }
    cluster.create(SECRETS, secret)
    assert values_of(cluster, obj) == "a: 1\n"
