"""Custom resource definitions and their instances."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.api_client import Client

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CUPS = "/apis/example.com/v1/namespaces/default/cups"
MERGE = {"Content-Type": "application/merge-patch+json"}


def definition(**version: Any) -> dict[str, Any]:
    spec = {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}}
    status = {"type": "object", "properties": {"full": {"type": "boolean"}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}}
    served = {"name": "v1", "served": True, "storage": True, "schema": schema, **version}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "cups.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "cups", "kind": "Cup"},
            "versions": [served],
        },
    }


@pytest.fixture
def cups(api: Client) -> Client:
    assert api("POST", DEFINITIONS, definition(subresources={"status": {}})).status == 201
    return api


def test_kind_is_served_at_once(cups: Client) -> None:
    found = cups("GET", f"{DEFINITIONS}/cups.example.com").json
    conditions = {condition["type"]: condition["status"] for condition in found["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    assert found["status"]["acceptedNames"]["listKind"] == "CupList"
    assert found["status"]["storedVersions"] == ["v1"]
    resources = cups("GET", "/apis/example.com/v1").json["resources"]
    assert [resource["name"] for resource in resources] == ["cups", "cups/status"]


def test_instance_is_pruned_and_defaulted(cups: Client) -> None:
    made = cups.create(CUPS, "one", spec={"extra": 1})
    assert made["spec"] == {"size": 3}
    assert made["metadata"]["generation"] == 1


def test_instance_is_checked(cups: Client) -> None:
    answer = cups("POST", CUPS, {"metadata": {"name": "one"}, "spec": {"size": "big"}})
    assert answer.status == 422
    assert answer.json["details"]["causes"][0]["field"] == "spec.size"


def test_status_is_apart(cups: Client) -> None:
    cups.create(CUPS, "one", spec={"size": 1}, status={"full": True})
    shown = cups("PATCH", f"{CUPS}/one/status", {"status": {"full": False}, "spec": {"size": 9}}, MERGE).json
    assert shown["status"] == {"full": False}
    assert shown["spec"] == {"size": 1}
    changed = cups("PATCH", f"{CUPS}/one", {"status": {"full": True}, "spec": {"size": 2}}, MERGE).json
    assert changed["status"] == {"full": False}
    assert changed["metadata"]["generation"] == 2


def test_put_needs_a_version(cups: Client) -> None:
    cups.create(CUPS, "one")
    body = {"apiVersion": "example.com/v1", "kind": "Cup", "metadata": {"name": "one"}}
    answer = cups("PUT", f"{CUPS}/one", body)
    assert answer.status == 422
    assert answer.json["message"].endswith("Invalid value: 0: must be specified for an update")


def test_strategic_merge_is_not_for_custom_kinds(cups: Client) -> None:
    cups.create(CUPS, "one")
    answer = cups("PATCH", f"{CUPS}/one", {}, {"Content-Type": "application/strategic-merge-patch+json"})
    assert answer.status == 415


def test_deletion_removes_instances_and_kind(cups: Client) -> None:
    cups.create(CUPS, "free")
    cups.create(CUPS, "held", metadata={"finalizers": ["example.com/stop"]})
    cups("DELETE", f"{DEFINITIONS}/cups.example.com")
    cups.until(f"{CUPS}/free", lambda answer: answer.status == 404)
    cups.until(f"{DEFINITIONS}/cups.example.com", lambda answer: "InstanceDeletionInProgress" in answer.text)
    late = cups("POST", CUPS, {"metadata": {"name": "late"}})
    assert late.status == 403
    cups("PATCH", f"{CUPS}/held", {"metadata": {"finalizers": None}}, MERGE)
    cups.until(f"{DEFINITIONS}/cups.example.com", lambda answer: answer.status == 404)
    gone = cups("GET", CUPS)
    assert (gone.status, gone.text) == (404, "404 page not found\n")


def test_versions_share_their_storage(api: Client) -> None:
    body = definition(additionalPrinterColumns=[])
    second = {**body["spec"]["versions"][0], "name": "v1beta1", "storage": False, "deprecated": True}
    body["spec"]["versions"].append(second)
    assert api("POST", DEFINITIONS, body).status == 201
    api.create(CUPS, "one", spec={"size": 1})
    old = api("GET", CUPS.replace("/v1/", "/v1beta1/") + "/one")
    assert old.json["apiVersion"] == "example.com/v1beta1"
    assert old.json["spec"] == {"size": 1}
    assert old.headers["warning"] == '299 - "example.com/v1beta1 Cup is deprecated"'
    group = api("GET", "/apis/example.com").json
    assert [version["version"] for version in group["versions"]] == ["v1", "v1beta1"]
