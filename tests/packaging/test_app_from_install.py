from __future__ import annotations

from lapstrake.packaging.app_from_install import (
    app_for_deletion,
    desired_app,
    manually_controlled,
    placeholder_secrets,
)

BUNDLE = "127.0.0.1:5600/my-package-bundle@sha256:fecbe96e"


def install(annotations=None, **spec):
    return {
        "metadata": {
            "name": "my-package",
            "namespace": "default",
            "uid": "7974472f",
            "annotations": annotations or {},
        },
        "spec": {"serviceAccountName": "my-package-default-sa", **spec},
    }


def package(*steps, fetch=None):
    return {
        "metadata": {"name": "my-package.my-opinionated.com.0.0.1"},
        "spec": {
            "refName": "my-package.my-opinionated.com",
            "version": "0.0.1",
            "template": {
                "spec": {
                    "deploy": [{"kapp": {}}],
                    "fetch": fetch or [{"imgpkgBundle": {"image": BUNDLE}}],
                    "template": list(steps) or [{"ytt": {"paths": ["config/"]}}, {"kbld": {"paths": ["-"]}}],
                }
            },
        },
    }


def test_app_of_the_guide():
    values = [{"secretRef": {"name": "my-package-default-values", "key": "ignored"}}]
    assert desired_app(install(values=values), package()) == {
        "apiVersion": "kappctrl.k14s.io/v1alpha1",
        "kind": "App",
        "metadata": {
            "annotations": {
                "packaging.carvel.dev/package-ref-name": "my-package.my-opinionated.com",
                "packaging.carvel.dev/package-version": "0.0.1",
            },
            "name": "my-package",
            "namespace": "default",
            "ownerReferences": [
                {
                    "apiVersion": "packaging.carvel.dev/v1alpha1",
                    "blockOwnerDeletion": True,
                    "controller": True,
                    "kind": "PackageInstall",
                    "name": "my-package",
                    "uid": "7974472f",
                }
            ],
        },
        "spec": {
            "deploy": [{"kapp": {}}],
            "fetch": [{"imgpkgBundle": {"image": BUNDLE, "secretRef": {"name": "my-package-fetch-0"}}}],
            "serviceAccountName": "my-package-default-sa",
            "syncPeriod": "10m0s",
            "template": [
                {
                    "ytt": {
                        "paths": ["config/"],
                        "valuesFrom": [{"secretRef": {"name": "my-package-default-values"}}],
                    }
                },
                {"kbld": {"paths": ["-"]}},
            ],
        },
    }


def test_app_that_agrees_is_left_alone():
    app = desired_app(install(), package())
    present = {**app, "status": {"observedGeneration": 1}}
    present["metadata"] = {**app["metadata"], "resourceVersion": "7"}
    assert desired_app(install(), package(), present) == present


def test_placeholder_secret_is_an_empty_pull_secret():
    assert placeholder_secrets(install(), package()) == [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "annotations": {"secretgen.carvel.dev/image-pull-secret": ""},
                "name": "my-package-fetch-0",
                "namespace": "default",
                "ownerReferences": [
                    {
                        "apiVersion": "packaging.carvel.dev/v1alpha1",
                        "kind": "PackageInstall",
                        "name": "my-package",
                        "uid": "7974472f",
                    }
                ],
            },
            "data": {".dockerconfigjson": "eyJhdXRocyI6e319"},
            "type": "kubernetes.io/dockerconfigjson",
        }
    ]


def test_named_fetch_secret_needs_no_placeholder():
    named = install({"ext.packaging.carvel.dev/fetch-0-secret-name": "mine"})
    assert placeholder_secrets(named, package()) == []
    assert desired_app(named, package())["spec"]["fetch"][0]["imgpkgBundle"]["secretRef"] == {"name": "mine"}


def test_overlay_secrets_come_in_the_order_of_their_suffixes():
    key = "ext.packaging.carvel.dev/ytt-paths-from-secret-name"
    app = desired_app(install({f"{key}.b": "second", f"{key}.a": "first", key: "zeroth"}), package())
    assert app["spec"]["template"][0]["ytt"]["inline"] == {
        "pathsFrom": [{"secretRef": {"name": name}} for name in ("zeroth", "first", "second")]
    }


def test_values_as_overlays_are_inline_paths():
    with_overlays = install(
        {"ext.packaging.carvel.dev/ytt-data-values-overlays": ""}, values=[{"secretRef": {"name": "v"}}]
    )
    assert desired_app(with_overlays, package())["spec"]["template"][0]["ytt"] == {
        "paths": ["config/"],
        "inline": {"pathsFrom": [{"secretRef": {"name": "v"}}]},
    }


def test_helm_annotations_reach_the_first_helm_step():
    prefix = "ext.packaging.carvel.dev/helm-template"
    app = desired_app(
        install(
            {f"{prefix}-values-from-secret-name": "hv", f"{prefix}-name": "n", f"{prefix}-namespace": "ns"},
            values=[{"secretRef": {"name": "v"}}],
        ),
        package({"helmTemplate": {}}, {"ytt": {}}),
    )
    assert app["spec"]["template"] == [
        {
            "helmTemplate": {
                "name": "n",
                "namespace": "ns",
                "valuesFrom": [{"secretRef": {"name": "v"}}, {"secretRef": {"name": "hv"}}],
            }
        },
        {"ytt": {}},
    ]


def test_install_settings_replace_those_of_the_package():
    app = desired_app(install(syncPeriod="45s", paused=True, defaultNamespace="d"), package())
    assert app["spec"]["syncPeriod"] == "45s"
    assert app["spec"]["paused"] is True
    assert app["spec"]["defaultNamespace"] == "d"
    assert "canceled" not in app["spec"]


def test_deletion_brings_the_deleting_fields_into_line():
    app = {"metadata": {}, "spec": {"serviceAccountName": "old", "paused": True, "fetch": []}}
    assert app_for_deletion(install(noopDelete=True), app)["spec"] == {
        "serviceAccountName": "my-package-default-sa",
        "noopDelete": True,
        "fetch": [],
    }


def test_manually_controlled_app_says_so():
    assert manually_controlled(
        {"metadata": {"annotations": {"ext.packaging.carvel.dev/manually-controlled": ""}}}
    )
    assert not manually_controlled({"metadata": {}})
