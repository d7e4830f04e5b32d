from __future__ import annotations

from typing import Any

import pytest

from lapstrake.kapp.labels import association, identity, is_own, labeled, record_annotations
from lapstrake.kube.resource import Resource


def config_map(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "ks-deploy-new", **metadata},
    }


def test_association_as_recorded() -> None:
    assert association(Resource(config_map())) == "v1.6c784749301ba38f231d922de2b1c7e5"


def test_association_of_versions_is_one() -> None:
    metadata = {"namespace": "ks-versioned", "annotations": {"kapp.k14s.io/versioned": ""}}
    found = {association(Resource(config_map(**metadata, name=f"conf-ver-{n}"))) for n in (1, 2)}
    assert found == {"v1.5d644e2b1134b41852588793ab68fa04"}


def test_identity_as_recorded() -> None:
    assert identity(Resource(config_map())) == "v1;ks-deploy-new//ConfigMap/settings;v1"


def test_labels_of_a_workload() -> None:
    given = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "n"},
        "spec": {
            "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
        },
    }
    found = Resource(labeled(given, "123"))
    both = {"kapp.k14s.io/app": "123", "kapp.k14s.io/association": association(found)}
    assert found.labels == both
    assert found.at(("spec", "template", "metadata", "labels")) == {"app": "db", **both}
    assert found.at(("spec", "volumeClaimTemplates", 0, "metadata", "labels")) == both
    assert found.at(("spec", "selector", "matchLabels")) == {"app": "db", "kapp.k14s.io/app": "123"}
    assert "labels" not in given["metadata"]


@pytest.mark.parametrize(
    ("selector", "annotations", "expected"),
    [
        pytest.param({"a": "b"}, {}, {"a": "b", "kapp.k14s.io/app": "123"}, id="scoped"),
        pytest.param({"a": "b"}, {"kapp.k14s.io/disable-label-scoping": ""}, {"a": "b"}, id="disabled"),
        pytest.param(None, {}, None, id="no-selector"),
    ],
)
def test_selector_of_a_service(selector: Any, annotations: dict[str, str], expected: Any) -> None:
    spec = {} if selector is None else {"selector": selector}
    given = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "annotations": annotations},
        "spec": spec,
    }
    assert labeled(given, "123")["spec"].get("selector") == expected


def test_inherited_labels_do_not_make_own() -> None:
    own = labeled(config_map(), "123")
    assert is_own(Resource(own))
    generated = {**own, "kind": "Pod"}
    assert not is_own(Resource(generated))


def test_large_original_is_not_recorded() -> None:
    given = {**config_map(), "data": {"blob": "x" * 262144}}
    assert list(record_annotations(given, Resource(given), "md5")) == ["kapp.k14s.io/identity"]
