from __future__ import annotations

import pytest

from lapstrake.errors import NotFoundError
from lapstrake.operations.cluster_access import APPS, INSTALLS, PACKAGES, SECRETS
from lapstrake.operations.install_crds import install_crds
from lapstrake.operations.reconcile_install import InstallPorts, reconcile_install
from lapstrake.packaging import app_status

FINALIZER = "finalizers.packageinstall.packaging.carvel.dev/delete"
REF = "simple.example.com"


@pytest.fixture
def scene(cluster, namespace):
    return Scene(cluster, namespace)


class Scene:
    def __init__(self, cluster, namespace):
        self.cluster = cluster
        self.namespace = namespace

    def package(self, version, fetch=None):
        obj = {
            "apiVersion": "data.packaging.carvel.dev/v1alpha1",
            "kind": "Package",
            "metadata": {"name": f"{REF}.{version}", "namespace": self.namespace},
            "spec": {
                "refName": REF,
                "version": version,
                "template": {
                    "spec": {
                        "fetch": [fetch or {"inline": {"paths": {"a.yml": "a: 1\n"}}}],
                        "template": [{"ytt": {}}],
                        "deploy": [{"kapp": {}}],
                    }
                },
            },
        }
        self.cluster.create(PACKAGES, obj, self.namespace)

    def install(self, constraints="<2.0.0", **spec):
        obj = {
            "apiVersion": "packaging.carvel.dev/v1alpha1",
            "kind": "PackageInstall",
            "metadata": {"name": "one", "namespace": self.namespace},
            "spec": {
                "packageRef": {"refName": REF, "versionSelection": {"constraints": constraints}},
                "serviceAccountName": "sa",
                **spec,
            },
        }
        self.cluster.create(INSTALLS, obj, self.namespace)
        return self.reconcile()

    def reconcile(self):
        reconcile_install(
            self.cluster.get(INSTALLS, self.namespace, "one"), InstallPorts(self.cluster, "0.53.0")
        )
        return self.cluster.get(INSTALLS, self.namespace, "one")

    def app(self):
        return self.cluster.get(APPS, self.namespace, "one")

    def set_app(self, change):
        app = self.app()
        status = change({**(app.get("status") or {}), "observedGeneration": app["metadata"]["generation"]})
        self.cluster.replace_status(APPS, {**app, "status": status})

    def patch(self, body):
        self.cluster.patch(INSTALLS, self.namespace, "one", body, "application/merge-patch+json")


def test_definitions_can_be_installed_again(cluster):
    install_crds(cluster)


def test_install_makes_an_app_and_follows_it(scene):
    scene.package("1.0.0")
    scene.package("1.1.0")
    install = scene.install()
    assert install["metadata"]["finalizers"] == [FINALIZER]
    assert install["status"] == {
        "conditions": [{"status": "True", "type": "Reconciling"}],
        "friendlyDescription": "Reconciling",
        "lastAttemptedVersion": "1.1.0",
        "observedGeneration": 1,
        "version": "1.1.0",
    }
    assert scene.app()["metadata"]["annotations"]["packaging.carvel.dev/package-version"] == "1.1.0"
    scene.set_app(app_status.succeeded)
    before = scene.reconcile()
    assert before["status"]["friendlyDescription"] == "Reconcile succeeded"
    assert scene.reconcile()["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert scene.app()["metadata"]["generation"] == 1


def test_install_without_a_fitting_version(scene):
    scene.package("1.0.0")
    install = scene.install(">=9.0.0")
    assert install["status"]["friendlyDescription"] == (
        "Reconcile failed: Expected to find at least one version, but did not (details: a..."
    )
    with pytest.raises(NotFoundError):
        scene.app()


def test_install_in_an_empty_namespace(scene):
    install = scene.install()
    assert install["status"]["conditions"][0]["message"] == f"Package {REF} not found"


def test_install_refuses_to_go_back(scene):
    scene.package("1.0.0")
    scene.package("1.1.0")
    scene.install()
    scene.patch({"spec": {"packageRef": {"versionSelection": {"constraints": "1.0.0"}}}})
    install = scene.reconcile()
    assert install["status"]["version"] == "1.0.0"
    assert install["status"]["lastAttemptedVersion"] == "1.1.0"
    assert install["status"]["usefulErrorMessage"].startswith("Stopped installing matched version '1.0.0'")
    scene.patch({"metadata": {"annotations": {"packaging.carvel.dev/downgradable": ""}}})
    scene.reconcile()
    assert scene.app()["metadata"]["annotations"]["packaging.carvel.dev/package-version"] == "1.0.0"


def test_install_brings_placeholder_secrets(scene):
    scene.package("1.0.0", {"imgpkgBundle": {"image": "registry.example/x@sha256:1"}})
    scene.install()
    secret = scene.cluster.get(SECRETS, scene.namespace, "one-fetch-0")
    assert secret["data"] == {".dockerconfigjson": "eyJhdXRocyI6e319"}
    assert scene.app()["spec"]["fetch"][0]["imgpkgBundle"]["secretRef"] == {"name": "one-fetch-0"}


def test_pause_reaches_the_app_and_keeps_the_condition(scene):
    scene.package("1.0.0")
    scene.install()
    scene.set_app(app_status.succeeded)
    scene.reconcile()
    scene.patch({"spec": {"paused": True}})
    install = scene.reconcile()
    assert scene.app()["spec"]["paused"] is True
    assert install["status"]["friendlyDescription"] == "Reconcile succeeded"
    assert install["status"]["observedGeneration"] == 2


def test_deletion_waits_for_the_app(scene):
    scene.package("1.0.0")
    scene.install()
    app = scene.app()
    scene.cluster.patch(
        APPS,
        scene.namespace,
        "one",
        {"metadata": {"finalizers": ["x.example/y"]}},
        "application/merge-patch+json",
    )
    scene.patch({"spec": {"noopDelete": True}})
    scene.cluster.delete(INSTALLS, scene.namespace, "one")
    install = scene.reconcile()
    assert install["status"]["friendlyDescription"] == "Deleting"
    app = scene.app()
    assert app["spec"]["noopDelete"] is True
    assert app["metadata"]["deletionTimestamp"]
    scene.cluster.patch(
        APPS, scene.namespace, "one", {"metadata": {"finalizers": []}}, "application/merge-patch+json"
    )
    with pytest.raises(NotFoundError):
        scene.reconcile()
