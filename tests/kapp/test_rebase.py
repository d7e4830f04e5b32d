from __future__ import annotations

from typing import Any

import pytest

from lapstrake.kapp.rebase import rebased


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec}


def test_metadata_comes_from_the_cluster_but_labels_and_annotations() -> None:
    new = {"metadata": {"name": "a", "labels": {"l": "new"}}, "data": {}}
    existing = {
        "metadata": {
            "name": "a",
            "uid": "u",
            "resourceVersion": "3",
            "labels": {"l": "old"},
            "annotations": {"x": "y"},
            "finalizers": ["f"],
        },
        "status": {"phase": "x"},
    }
    assert rebased(new, existing) == {
        "metadata": {
            "name": "a",
            "uid": "u",
            "resourceVersion": "3",
            "labels": {"l": "new"},
            "finalizers": ["f"],
        },
        "data": {},
    }


@pytest.mark.parametrize(
    ("new", "existing", "expected"),
    [
        pytest.param(
            service(ports=[{"port": 80}]),
            service(clusterIP="10.0.0.1", ports=[{"port": 80, "nodePort": 30000}]),
            {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]},
            id="address-kept",
        ),
        pytest.param(
            service(type="NodePort", ports=[{"port": 80}, {"port": 81}]),
            service(ports=[{"port": 80, "nodePort": 30000}]),
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}, {"port": 81}]},
            id="node-port-kept",
        ),
        pytest.param(
            service(type="ExternalName", externalName="x"),
            service(clusterIP="10.0.0.1"),
            {"type": "ExternalName", "externalName": "x"},
            id="external-name",
        ),
    ],
)
def test_service(new: dict[str, Any], existing: dict[str, Any], expected: dict[str, Any]) -> None:
    assert rebased(new, existing)["spec"] == expected


def test_bundle_of_a_webhook_is_kept_where_none_is_given() -> None:
    def hook(**config: str) -> dict[str, Any]:
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "h"},
            "webhooks": [{"name": "w", "clientConfig": dict(config)}],
        }

    found = rebased(hook(url="https://x.test"), hook(caBundle="abc"))
    assert found["webhooks"][0]["clientConfig"] == {"url": "https://x.test", "caBundle": "abc"}
    assert rebased(hook(caBundle="new"), hook(caBundle="abc"))["webhooks"][0]["clientConfig"] == {
        "caBundle": "new"
    }
