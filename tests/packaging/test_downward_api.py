from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.packaging.downward_api import Surroundings, values

APP = {"metadata": {"name": "downward", "namespace": "ns", "uid": "63db", "annotations": {"a/b": "c"}}}
AROUND = Surroundings(lambda: "1.36.2", "0.53.0", lambda: ["v1", "apps/v1"])


def test_names_with_dots_build_nested_values():
    items = [
        {"name": "app.name", "fieldPath": "metadata.name"},
        {"name": "app.ns", "fieldPath": "metadata.namespace"},
        {"name": "app.uid", "fieldPath": "metadata.uid"},
        {"name": "app.labels", "fieldPath": "metadata.labels"},
        {"name": "app.one", "fieldPath": "metadata.annotations['a/b']"},
        {"name": "app.k8s", "kubernetesVersion": {}},
        {"name": "app.fixed", "kubernetesVersion": {"version": "1.20.0"}},
        {"name": "app.kc", "kappControllerVersion": {}},
        {"name": "apis", "kubernetesAPIs": {}},
    ]
    assert values(APP, items, AROUND) == {
        "app": {
            "name": "downward",
            "ns": "ns",
            "uid": "63db",
            "labels": {},
            "one": "c",
            "k8s": "1.36.2",
            "fixed": "1.20.0",
            "kc": "0.53.0",
        },
        "apis": ["v1", "apps/v1"],
    }


def test_other_paths_are_refused():
    with pytest.raises(InputError, match=r"^spec is not found$"):
        values(APP, [{"name": "x", "fieldPath": "spec.paused"}], AROUND)
