"""Endpoints and slices of a Service follow its Pods."""

from __future__ import annotations

from typing import Any

from tests.apiserver.api_client import Client

CORE = "/api/v1/namespaces/default"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
MERGE = {"Content-Type": "application/merge-patch+json"}
LABELS = {"app": "web"}


def ports() -> list[dict[str, Any]]:
    return [{"name": "http", "port": 80, "targetPort": "named"}]


def test_service_without_pods_has_empty_ones(api: Client) -> None:
    api.create(
        f"{CORE}/services",
        "web",
        metadata={"labels": {"mine": "1"}},
        spec={"selector": LABELS, "ports": ports()},
    )
    found = api.until(f"{CORE}/endpoints/web", lambda answer: answer.status == 200).json
    assert found["metadata"]["labels"]["mine"] == "1"
    assert "subsets" not in found
    slices = api.until(SLICES, lambda answer: '"endpoints":null' in answer.text).json["items"]
    assert slices[0]["metadata"]["ownerReferences"][0]["name"] == "web"


def test_ready_pod_shows_in_both(api: Client) -> None:
    container = {"name": "c", "image": "i", "ports": [{"name": "named", "containerPort": 8080}]}
    api.create(f"{CORE}/pods", "p", metadata={"labels": LABELS}, spec={"containers": [container]})
    api.create(f"{CORE}/services", "web", spec={"selector": LABELS, "ports": ports()})
    status = {"podIP": "10.1.2.3", "conditions": [{"type": "Ready", "status": "True"}]}
    api("PATCH", f"{CORE}/pods/p/status", {"status": status}, MERGE)
    found = api.until(f"{CORE}/endpoints/web", lambda answer: "10.1.2.3" in answer.text).json
    assert found["subsets"][0]["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    slices = api.until(SLICES, lambda answer: "10.1.2.3" in answer.text).json["items"]
    assert slices[0]["endpoints"][0]["conditions"]["ready"] is True
    api("DELETE", f"{CORE}/pods/p")
    api.until(f"{CORE}/endpoints/web", lambda answer: "10.1.2.3" not in answer.text)


def test_they_go_with_their_service(api: Client) -> None:
    api.create(f"{CORE}/services", "web", spec={"selector": LABELS, "ports": ports()})
    api.until(SLICES, lambda answer: bool(answer.json["items"]))
    api("DELETE", f"{CORE}/services/web")
    api.until(f"{CORE}/endpoints/web", lambda answer: answer.status == 404)
    api.until(SLICES, lambda answer: not answer.json["items"])
