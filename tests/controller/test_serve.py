"""The whole controller on an embedded API server."""

from __future__ import annotations

import base64
import time

import pytest

from lapstrake.controller.serve import Controller
from lapstrake.errors import ConflictError, NotFoundError
from lapstrake.kube.types import ResourceType
from lapstrake.operations.cluster_access import (
    APPS,
    CONFIG_MAPS,
    INSTALLS,
    PACKAGES,
    REPOSITORIES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from lapstrake.packaging import data_api
from lapstrake.yamldoc import plain

BINDINGS = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", False)
MERGE = "application/merge-patch+json"
PATIENCE = 20


@pytest.fixture(scope="module")
def controlled(cluster):
    controller = Controller(cluster)
    controller.start()
    yield cluster
    began = time.monotonic()
    controller.stop()
    assert time.monotonic() - began < 1


@pytest.fixture
def scene(controlled, namespace):
    """A namespace with a service account that may do everything."""
    account = {"name": "sa", "namespace": namespace}
    controlled.create(
        SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}, namespace
    )
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": namespace},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", **account}],
    }
    controlled.create(BINDINGS, binding)
    return Scene(controlled, namespace)


class Scene:
    def __init__(self, cluster, namespace):
        self.cluster = cluster
        self.namespace = namespace

    def create(self, rt, name, spec):
        metadata = {"name": name, "namespace": self.namespace}
        obj = {"apiVersion": rt.api_version, "kind": rt.kind, "metadata": metadata, "spec": spec}
        return self.cluster.create(rt, obj, self.namespace)

    def app(self, name, *objects, template=None, **spec):
        return self.create(APPS, name, {"serviceAccountName": "sa", **app_spec(objects, template), **spec})

    def package(self, ref_name, version, *objects, template=None):
        spec = {
            "refName": ref_name,
            "version": version,
            "template": {"spec": app_spec(objects, template)},
        }
        return self.create(PACKAGES, f"{ref_name}.{version}", spec)

    def install(self, name, ref_name, constraints=">=0.0.1"):
        return self.create(INSTALLS, name, self.install_object(name, ref_name, constraints)["spec"])

    def install_object(self, name, ref_name, constraints=">=0.0.1"):
        reference = {"refName": ref_name, "versionSelection": {"constraints": constraints}}
        return {
            "apiVersion": "packaging.carvel.dev/v1alpha1",
            "kind": "PackageInstall",
            "metadata": {"name": name},
            "spec": {"serviceAccountName": "sa", "packageRef": reference},
        }

    def files(self, rt, name, contents):
        if rt is SECRETS:
            contents = {key: base64.b64encode(text.encode()).decode() for key, text in contents.items()}
        metadata = {"name": name, "namespace": self.namespace}
        obj = {"apiVersion": "v1", "kind": rt.kind, "metadata": metadata, "data": contents}
        try:
            self.cluster.create(rt, obj, self.namespace)
        except ConflictError:
            self.cluster.patch(rt, self.namespace, name, {"data": contents}, MERGE)

    def get(self, rt, name):
        return self.cluster.get(rt, self.namespace, name)

    def patch(self, rt, name, body):
        return self.cluster.patch(rt, self.namespace, name, body, MERGE)

    def until(self, rt, name, test):
        """The object as soon as ``test`` holds for it."""
        deadline = time.monotonic() + PATIENCE
        obj = None
        while time.monotonic() < deadline:
            try:
                obj = self.get(rt, name)
            except NotFoundError:
                obj = None
            if obj is not None and test(obj):
                return obj
            time.sleep(0.02)
        raise AssertionError(f"{name} never came so far: {(obj or {}).get('status')}")

    def until_described(self, rt, name, description):
        def described(obj):
            status = obj.get("status") or {}
            observed = status.get("observedGeneration") == obj["metadata"]["generation"]
            return observed and str(status.get("friendlyDescription", "")).startswith(description)

        return self.until(rt, name, described)

    def until_gone(self, rt, name):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                obj = self.get(rt, name)
            except NotFoundError:
                return
            time.sleep(0.02)
        raise AssertionError(f"{name} is still there: {obj.get('status')}")


def app_spec(objects, template=None):
    """Each object (or text) in a file of its own."""
    paths = {
        f"config-{index}.yml": obj if isinstance(obj, str) else plain.dump(obj)
        for index, obj in enumerate(objects)
    }
    return {
        "fetch": [{"inline": {"paths": paths}}],
        "template": template or [{"ytt": {}}],
        "deploy": [{"kapp": {}}],
    }


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def definition(kind):
    plural = kind.lower() + "s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.late.example"},
        "spec": {
            "group": "late.example",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }


def custom(kind, name):
    return {"apiVersion": "late.example/v1", "kind": kind, "metadata": {"name": name}}


def test_small_install_is_quick(scene):
    scene.package("small.example.com", "1.0.0", config_map("small"))
    began = time.monotonic()
    scene.install("small", "small.example.com")
    scene.until_described(INSTALLS, "small", "Reconcile succeeded")
    assert time.monotonic() - began < 5  # the aim is below 2; shared machines are slow
    assert scene.get(CONFIG_MAPS, "small")


def test_kind_that_comes_late_is_not_waited_for_by_the_clock(scene):
    app = scene.app("uses", custom("Late", "x"), syncPeriod="1h")
    failed = scene.until_described(APPS, "uses", "Reconcile failed")
    assert "Expected to find kind 'late.example/v1/Late'" in failed["status"]["usefulErrorMessage"]
    # Many failures: the next try by the clock is far away.
    status = {**failed["status"], "consecutiveReconcileFailures": 12}
    scene.cluster.replace_status(APPS, {**scene.get(APPS, "uses"), "status": status})
    rt = scene.cluster.resource_type("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    time.sleep(0.1)
    scene.cluster.create(rt, definition("Late"))
    scene.until_described(APPS, "uses", "Reconcile succeeded")
    assert app["metadata"]["generation"] == 1


def test_parent_of_installs_succeeds_soon_after_its_children(scene):
    scene.package("crds.example.com", "1.0.0", definition("Child"))
    scene.package("config.example.com", "1.0.0", custom("Child", "x"))
    children = [scene.install_object(name, f"{name}.example.com") for name in ("config", "crds")]
    scene.package("all.example.com", "1.0.0", *children)
    began = time.monotonic()
    scene.install("all", "all.example.com")
    scene.until_described(INSTALLS, "all", "Reconcile succeeded")
    assert time.monotonic() - began < 15
    scene.cluster.delete(INSTALLS, scene.namespace, "all")
    scene.until_gone(INSTALLS, "all")
    scene.until_gone(INSTALLS, "config")


def test_changed_secret_runs_the_app_again(scene):
    scene.files(SECRETS, "values", {"v.yml": "color: one\n"})
    template = (
        "#@ load('@ytt:data','data')\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: painted}\n"
        "data:\n  color: #@ data.values.color\n"
    )
    schema = "#@data/values-schema\n---\ncolor: none\n"
    scene.app(
        "painted", schema, template, template=[{"ytt": {"valuesFrom": [{"secretRef": {"name": "values"}}]}}]
    )
    scene.until_described(APPS, "painted", "Reconcile succeeded")
    scene.files(SECRETS, "values", {"v.yml": "color: two\n"})
    scene.until(CONFIG_MAPS, "painted", lambda obj: obj["data"]["color"] == "two")


def test_missing_secret_that_appears_is_used_at_once(scene):
    scene.app(
        "waits", config_map("waits"), template=[{"ytt": {"valuesFrom": [{"secretRef": {"name": "s"}}]}}]
    )
    failed = scene.until_described(APPS, "waits", "Reconcile failed")
    assert failed["status"]["usefulErrorMessage"] == 'Preparing template values: secrets "s" not found'
    status = {**failed["status"], "consecutiveReconcileFailures": 12}
    scene.cluster.replace_status(APPS, {**scene.get(APPS, "waits"), "status": status})
    scene.files(SECRETS, "s", {"note.txt": ""})
    scene.until(APPS, "waits", lambda obj: "secrets" not in obj["status"].get("usefulErrorMessage", ""))


def test_new_version_and_new_content_roll_out(scene):
    scene.package("roll.example.com", "1.0.0", config_map("roll", v="one"))
    scene.install("roll", "roll.example.com", "<2.0.0")
    scene.until_described(INSTALLS, "roll", "Reconcile succeeded")
    scene.package("roll.example.com", "1.1.0", config_map("roll", v="two"))
    scene.until(INSTALLS, "roll", lambda obj: obj["status"].get("version") == "1.1.0")
    scene.until(CONFIG_MAPS, "roll", lambda obj: obj["data"]["v"] == "two")
    changed = {"spec": {"template": {"spec": app_spec([config_map("roll", v="three")])}}}
    scene.patch(PACKAGES, "roll.example.com.1.1.0", changed)
    scene.until(CONFIG_MAPS, "roll", lambda obj: obj["data"]["v"] == "three")


def test_paused_install_changes_nothing_until_it_goes_on(scene):
    scene.package("hold.example.com", "1.0.0", config_map("hold", v="one"))
    scene.install("hold", "hold.example.com")
    scene.until_described(INSTALLS, "hold", "Reconcile succeeded")
    scene.patch(INSTALLS, "hold", {"spec": {"paused": True}})
    scene.until_described(APPS, "hold", "Canceled/paused")
    scene.patch(INSTALLS, "hold", {"spec": {"paused": False}})
    scene.until_described(APPS, "hold", "Reconcile succeeded")
    app = scene.get(APPS, "hold")
    assert app["status"]["consecutiveReconcileSuccesses"] == 2


def test_canceled_app_stops_a_waiting_deployment(scene):
    child = scene.install_object("never", "never.example.com")
    child["spec"]["paused"] = True
    scene.app("slow", child)
    scene.until(APPS, "slow", lambda obj: "template" in (obj.get("status") or {}))
    scene.patch(APPS, "slow", {"spec": {"canceled": True}})
    scene.until_described(APPS, "slow", "Canceled/paused")


def test_deletion_removes_what_was_deployed(scene):
    scene.app("gone", config_map("gone"))
    scene.until_described(APPS, "gone", "Reconcile succeeded")
    scene.cluster.delete(APPS, scene.namespace, "gone")
    scene.until_gone(APPS, "gone")
    scene.until_gone(CONFIG_MAPS, "gone")
    scene.until_gone(CONFIG_MAPS, "gone.app")


def test_noop_deletion_leaves_everything(scene):
    scene.app("kept", config_map("kept"), noopDelete=True)
    scene.until_described(APPS, "kept", "Reconcile succeeded")
    scene.cluster.delete(APPS, scene.namespace, "kept")
    scene.until_gone(APPS, "kept")
    assert scene.get(CONFIG_MAPS, "kept")
    assert scene.get(CONFIG_MAPS, "kept.app")


def repository_package(version, note="x"):
    return {
        "apiVersion": "data.packaging.carvel.dev/v1alpha1",
        "kind": "Package",
        "metadata": {"name": f"repo.example.com.{version}", "namespace": "elsewhere"},
        "spec": {
            "refName": "repo.example.com",
            "version": version,
            "releaseNotes": note,
            "template": {"spec": app_spec([config_map("repo")])},
        },
    }


def repository_spec(*objects):
    return {
        "fetch": {
            "inline": {"paths": {"packages/all.yml": "".join(f"---\n{plain.dump(obj)}" for obj in objects)}}
        }
    }


def test_repository_brings_and_removes_packages(scene):
    spec = repository_spec(repository_package("1.0.0"), config_map("not-a-package"))
    scene.create(REPOSITORIES, "repo", spec)
    repository = scene.until_described(REPOSITORIES, "repo", "Reconcile succeeded")
    assert "kapp" not in repository["status"]["deploy"]
    package = scene.get(PACKAGES, "repo.example.com.1.0.0")
    assert package["metadata"]["annotations"]["packaging.carvel.dev/package-repository-ref"] == (
        f"{scene.namespace}/repo"
    )
    scene.patch(REPOSITORIES, "repo", {"spec": repository_spec(repository_package("1.1.0"))})
    scene.until_gone(PACKAGES, "repo.example.com.1.0.0")
    scene.cluster.delete(REPOSITORIES, scene.namespace, "repo")
    scene.until_gone(REPOSITORIES, "repo")
    scene.until_gone(PACKAGES, "repo.example.com.1.1.0")


def test_repository_without_changes_does_nothing(scene):
    scene.create(REPOSITORIES, "same", repository_spec(repository_package("3.0.0")))
    scene.until_described(REPOSITORIES, "same", "Reconcile succeeded")
    scene.patch(REPOSITORIES, "same", {"spec": {"syncPeriod": "1h"}})
    again = scene.until_described(REPOSITORIES, "same", "Reconcile succeeded")
    again = scene.until(
        REPOSITORIES, "same", lambda obj: obj["status"].get("consecutiveReconcileSuccesses") == 2
    )
    assert "Op:      0 create, 0 delete, 0 update, 0 noop, 0 exists" in again["status"]["deploy"]["stdout"]


def test_second_repository_leaves_identical_packages_with_the_first(scene):
    scene.create(REPOSITORIES, "first", repository_spec(repository_package("2.0.0")))
    scene.until_described(REPOSITORIES, "first", "Reconcile succeeded")
    scene.create(REPOSITORIES, "second", repository_spec(repository_package("2.0.0")))
    scene.until_described(REPOSITORIES, "second", "Reconcile succeeded")
    package = scene.get(PACKAGES, "repo.example.com.2.0.0")
    assert package["metadata"]["annotations"]["packaging.carvel.dev/package-repository-ref"].endswith(
        "/first"
    )
    scene.create(REPOSITORIES, "third", repository_spec(repository_package("2.0.0", "other")))
    third = scene.until_described(REPOSITORIES, "third", "Reconcile failed")
    assert "Package/repo.example.com.2.0.0 is already present" in third["status"]["usefulErrorMessage"]


def test_repository_brings_packages_that_are_global_already(scene):
    package = repository_package("4.0.0+global.1")
    scene.cluster.create(
        PACKAGES, {**package, "metadata": {"name": package["metadata"]["name"]}}, data_api.GLOBAL_NAMESPACE
    )
    scene.create(REPOSITORIES, "own", repository_spec(package))
    repository = scene.until_described(REPOSITORIES, "own", "Reconcile succeeded")
    printed = repository["status"]["deploy"]["stdout"]
    assert printed.startswith(f"Target cluster '{scene.cluster.server}'\nChanges\n")
    assert "Op:      1 create, 0 delete, 0 update, 0 noop, 0 exists" in printed
    annotations = scene.get(PACKAGES, package["metadata"]["name"])["metadata"]["annotations"]
    assert annotations["packaging.carvel.dev/package-repository-ref"] == f"{scene.namespace}/own"


def test_repository_with_a_bad_package_tells_what_the_server_says(scene):
    package = {**repository_package("5.0.0"), "metadata": {"name": "wrong-name"}}
    scene.create(REPOSITORIES, "broken", repository_spec(package))
    failed = scene.until_described(REPOSITORIES, "broken", "Reconcile failed")
    subject = f"package/wrong-name (data.packaging.carvel.dev/v1alpha1) namespace: {scene.namespace}"
    # As recorded in kctrl/01-repository.
    assert failed["status"]["usefulErrorMessage"].rstrip("\n") == (
        f"kapp: Error: create {subject}:\n"
        f"  Creating resource {subject}:\n"
        '    API server says:  "wrong-name" is invalid: metadata.name:\n'
        "      Invalid value: \"wrong-name\": must be <spec.refName> + '.' + <spec.version> (reason: Invalid)"
    )


def test_repository_without_packages_is_refused(scene):
    scene.create(REPOSITORIES, "empty", {"fetch": {"inline": {"paths": {"a.yml": "a: 1\n"}}}})
    failed = scene.until_described(REPOSITORIES, "empty", "Reconcile failed")
    assert failed["status"]["usefulErrorMessage"] == (
        "Invalid package repository content: must contain 'packages/' directory but did not"
    )
