"""kapp's operations against our own API server, over HTTP."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import ClusterAccess
from lapstrake.apiserver.serve import ApiServer
from lapstrake.apiserver.store import Store
from lapstrake.errors import InputError, LapstrakeError, NotFoundError, TimedOutError
from lapstrake.kapp.app import app_of
from lapstrake.kube.types import ResourceType
from lapstrake.operations import app_records
from lapstrake.operations.apply_changes import WaitError
from lapstrake.operations.delete_app import DeleteOptions, delete_app
from lapstrake.operations.deploy import DeployOptions, deploy
from lapstrake.operations.inspect_app import InspectOptions, inspect_app
from lapstrake.operations.kapp_run import CONFIG_MAPS, ApplyOptions, Canceled, DiffOptions, Hooks, Stopped

NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", False)
JOBS = ResourceType("batch", "v1", "Job", "jobs", True)
Object = dict[str, Any]


_HOURS = itertools.count(1)


class Clock:
    """Time passes only while somebody sleeps. Each begins at another hour: apps are told apart by their birth."""

    def __init__(self) -> None:
        self.now = 1_795_416_818_000_000_000 + next(_HOURS) * 3_600_000_000_000

    def now_ns(self) -> int:
        self.now += 1000
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


class Kapp:
    """One app in a namespace of its own."""

    def __init__(self, cluster: ClusterClient, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.clock = Clock()
        self.printed: list[str] = []

    def deploy(self, *resources: Object, hooks: Hooks | None = None, **options: Any) -> str:
        self.printed = []
        found = {"app": "shop", "app_namespace": self.namespace, "show_target": False, **options}
        deploy(self.cluster, resources, DeployOptions(**found), self.printed.append, self.clock, hooks=hooks)
        return self.text()

    def delete(self, **options: Any) -> str:
        self.printed = []
        found = DeleteOptions("shop", self.namespace, show_target=False, **options)
        delete_app(self.cluster, found, self.printed.append, self.clock)
        return self.text()

    def text(self) -> str:
        return re.sub(r"(?m)^\d+:\d\d:\d\d[AP]M: ", "", "".join(self.printed)).replace(self.namespace, "NS")

    def get(self, name: str) -> Object:
        return self.cluster.get(CONFIG_MAPS, self.namespace, name)


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterClient]:
    store = Store()
    server = ApiServer(store)
    server.start()
    client = ClusterClient(ClusterAccess(server.url), user_agent="kapp/test")
    yield client
    client.close()
    server.stop()
    store.close()


@pytest.fixture
def kapp(cluster: ClusterClient) -> Kapp:
    made = cluster.create(
        NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "kapp-"}}
    )
    return Kapp(cluster, made["metadata"]["name"])


def config_map(name: str, value: str = "1", **annotations: str) -> Object:
    found = {f"kapp.k14s.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    metadata = {"name": name, **({"annotations": found} if found else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}}


def test_deploy_prints_as_recorded(kapp: Kapp) -> None:
    assert kapp.deploy(config_map("a")) == (
        "Changes\n\nNamespace  Name  Kind       Age  Op      Op st.  Wait to    Rs  Ri  \n".replace(
            "Namespace  ", "Namespace".ljust(len(kapp.namespace)) + "  "
        )
        + "NS  a     ConfigMap  -    create  -       reconcile  -   -  \n\n"
        "Op:      1 create, 0 delete, 0 update, 0 noop, 0 exists\n"
        "Wait to: 1 reconcile, 0 delete, 0 noop\n"
        "---- applying 1 changes [0/1 done] ----\n"
        "create configmap/a (v1) namespace: NS\n"
        "---- waiting on 1 changes [0/1 done] ----\n"
        "ok: reconcile configmap/a (v1) namespace: NS\n"
        "---- applying complete [1/1 done] ----\n"
        "---- waiting complete [1/1 done] ----\n"
    )


def test_deploy_again_changes_nothing(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"))
    assert "0 create, 0 delete, 0 update, 0 noop" in kapp.deploy(config_map("a"))
    app = app_records.existing(kapp.cluster, kapp.namespace, "shop")
    assert len(app_records.changes(kapp.cluster, app)) == 1


def test_deploy_updates_and_deletes(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"), config_map("b"))
    printed = kapp.deploy(config_map("a", "2"), config_map("c"))
    assert "Op:      1 create, 1 delete, 1 update" in printed
    assert kapp.get("a")["data"] == {"v": "2"}
    with pytest.raises(NotFoundError):
        kapp.get("b")


def test_record_of_an_app(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"))
    app = app_of(kapp.get("shop"))
    assert app.group_kinds == (("", "ConfigMap"),)
    assert (app.last_change.successful, app.last_change.namespaces) == (True, (kapp.namespace,))
    assert app.last_change.description == (
        "update: Op: 1 create, 0 delete, 0 update, 0 noop, 0 exists / Wait to: 1 reconcile, 0 delete, 0 noop"
    )
    assert kapp.get("a")["metadata"]["labels"]["kapp.k14s.io/app"] == app.label_value


def test_drift_is_undone(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"))
    kapp.cluster.patch(CONFIG_MAPS, kapp.namespace, "a", {"data": {"x": "y"}}, "application/merge-patch+json")
    assert "1 update" in kapp.deploy(config_map("a"))
    assert kapp.get("a")["data"] == {"v": "1"}


def test_diff_run_only_shows(kapp: Kapp) -> None:
    printed = kapp.deploy(config_map("a"), diff=DiffOptions(run=True, changes=True))
    assert printed.startswith("@@ create configmap/a (v1) namespace: NS @@\n      0 + apiVersion: v1\n")
    with pytest.raises(NotFoundError):
        kapp.get("a")


def test_nothing_happens_unless_confirmed(kapp: Kapp) -> None:
    with pytest.raises(Stopped):
        kapp.deploy(config_map("a"), hooks=Hooks(confirm=lambda: False))
    with pytest.raises(NotFoundError):
        kapp.get("a")


def test_versions_are_created_and_dropped(kapp: Kapp) -> None:
    for value in ("1", "2", "2", "3", "4"):
        kapp.deploy(config_map("conf", value, versioned="", num_versions="2"))
    names = [o["metadata"]["name"] for o in kapp.cluster.list(CONFIG_MAPS, kapp.namespace).items]
    assert [name for name in names if name.startswith("conf")] == ["conf-ver-2", "conf-ver-3", "conf-ver-4"]


def test_references_follow_versions(kapp: Kapp) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "p"},
        "template": {"spec": {"containers": [{"name": "c", "image": "x"}]}},
    }
    explicit = config_map("ref", versioned_explicit_ref="{apiVersion: v1, kind: ConfigMap, name: conf}")
    kapp.deploy(config_map("conf", versioned=""), explicit, pod)
    annotation = kapp.get("ref")["metadata"]["annotations"]["kapp.k14s.io/versioned-explicit-ref"]
    assert annotation == "apiVersion: v1\nkind: ConfigMap\nname: conf-ver-1\n"


def test_resource_of_another_app(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"))
    with pytest.raises(InputError) as caught:
        kapp.deploy(config_map("a"), app="other")
    label = app_of(kapp.get("shop")).label_value
    assert str(caught.value) == (
        "Ownership errors:\n"
        f"- Resource 'configmap/a (v1) namespace: {kapp.namespace}' is already associated with a different app "
        f"'shop' namespace: {kapp.namespace} (label 'kapp.k14s.io/app={label}')"
    )
    kapp.deploy(config_map("a"), app="other", override_ownership=True)
    assert inspect_app(kapp.cluster, InspectOptions("shop", kapp.namespace), 0) == []


def test_resource_of_nobody_is_taken_over(kapp: Kapp) -> None:
    kapp.cluster.create(CONFIG_MAPS, config_map("a", "0"), kapp.namespace)
    assert "update configmap/a" in kapp.deploy(config_map("a"))


def test_app_cannot_hold_its_own_record(kapp: Kapp) -> None:
    with pytest.raises(InputError, match=r"has a disallowed label 'kapp.k14s.io/is-app'"):
        kapp.deploy(config_map("shop"))


def test_empty_set_is_refused(kapp: Kapp) -> None:
    with pytest.raises(InputError, match=r"^Trying to apply empty set of resources"):
        kapp.deploy()


def test_unknown_kind_is_refused_and_crd_makes_it_known(kapp: Kapp) -> None:
    gizmo = {"apiVersion": "x.test/v1", "kind": "Gizmo", "metadata": {"name": "g"}}
    with pytest.raises(InputError, match=r"^Expected to find kind 'x.test/v1/Gizmo', but did not:"):
        kapp.deploy(gizmo)
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gizmos.x.test"},
        "spec": {
            "group": "x.test",
            "scope": "Namespaced",
            "names": {"kind": "Gizmo", "plural": "gizmos", "singular": "gizmo", "listKind": "GizmoList"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    assert "ok: reconcile gizmo/g (x.test/v1) namespace: NS" in kapp.deploy(gizmo, crd)
    printed = kapp.delete()
    assert printed.index("ok: delete gizmo/g") < printed.index(
        "delete customresourcedefinition/gizmos.x.test"
    )


def test_failed_job_fails_the_deploy(kapp: Kapp) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
        },
    }
    clock = kapp.clock

    def fail(seconds: float) -> None:
        Clock.sleep(clock, seconds)
        status = {"conditions": [{"type": "Failed", "status": "True", "reason": "Why", "message": "no"}]}
        found = kapp.cluster.get(JOBS, kapp.namespace, "j")
        kapp.cluster.replace_status(JOBS, {**found, "status": status})

    clock.sleep = fail  # type: ignore[method-assign]
    with pytest.raises(WaitError) as caught:
        kapp.deploy(job)
    assert str(caught.value) == (
        f"waiting on reconcile job/j (batch/v1) namespace: {kapp.namespace}: "
        "Finished unsuccessfully (Failed with reason Why: no)"
    )
    assert kapp.text().endswith(
        "fail: reconcile job/j (batch/v1) namespace: NS\n ^ Failed with reason Why: no\n"
    )
    assert app_of(kapp.get("shop")).last_change.successful is False


def test_deletion_waits_for_finalizers(kapp: Kapp) -> None:
    held = config_map("held")
    held["metadata"]["finalizers"] = ["x.test/hold"]
    kapp.deploy(held)
    with pytest.raises(TimedOutError) as caught:
        kapp.delete(apply=ApplyOptions(wait_timeout=8))
    assert str(caught.value) == (
        f"Timed out waiting after 8s for resources: [configmap/held (v1) namespace: {kapp.namespace}]"
    )
    assert (
        "ongoing: delete configmap/held (v1) namespace: NS\n ^ Waiting on finalizers: x.test/hold\n"
        in kapp.text()
    )


def test_missing_external_resource_times_out(kapp: Kapp) -> None:
    with pytest.raises(TimedOutError) as caught:
        kapp.deploy(config_map("there", exists=""), apply=ApplyOptions(apply_timeout=5))
    assert str(caught.value) == (
        f"Timed out waiting after 5s: Last error: exists configmap/there (v1) namespace: {kapp.namespace}: "
        "External resource doesn't exists"
    )
    assert kapp.text().count("Retryable error") == 1


def test_unknown_update_strategy(kapp: Kapp) -> None:
    kapp.deploy(config_map("a", update_strategy="whenever"))
    with pytest.raises(LapstrakeError, match=r"^Unknown update strategy: whenever$"):
        kapp.deploy(config_map("a", "2", update_strategy="whenever"))


def test_orphan_stays_behind(kapp: Kapp) -> None:
    kapp.deploy(config_map("a", delete_strategy="orphan"))
    kapp.delete()
    labels = kapp.get("a")["metadata"]["labels"]
    assert labels["kapp.k14s.io/orphaned"] == ""
    assert "kapp.k14s.io/app" not in labels


def test_delete_forgets_the_app(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"))
    kapp.delete()
    assert [
        o["metadata"]["name"]
        for o in kapp.cluster.list(CONFIG_MAPS, kapp.namespace, "kapp.k14s.io/is-app-change").items
    ] == []
    assert kapp.delete() == "App 'shop' (namespace: NS) does not exist\n"


def test_former_name_is_adopted(kapp: Kapp) -> None:
    kapp.deploy(config_map("a"), app="shop-ctrl")
    assert "0 create, 0 delete, 0 update" in kapp.deploy(config_map("a"), previous_apps=("shop-ctrl",))
    with pytest.raises(NotFoundError):
        kapp.get("shop-ctrl")


def test_cancelled_run_stops(kapp: Kapp) -> None:
    with pytest.raises(Canceled):
        kapp.deploy(config_map("a"), hooks=Hooks(cancelled=lambda: True))
    assert app_of(kapp.get("shop")).last_change.successful is False
