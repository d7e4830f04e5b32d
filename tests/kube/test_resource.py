from __future__ import annotations

from lapstrake.kube.resource import Resource


def test_resource_reads_missing_parts_as_empty() -> None:
    resource = Resource({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
    assert (resource.group, resource.version, resource.namespace) == ("apps", "v1", "")
    assert resource.labels == {}
    assert resource.at(("spec", "template", "spec", "containers", 0, "image")) is None
    assert str(resource) == "deployment/web (apps/v1) cluster"


def test_resource_at_follows_lists() -> None:
    resource = Resource({"spec": {"ports": [{"port": 80}]}})
    assert resource.at(("spec", "ports", 0, "port")) == 80


def test_resource_condition_by_type() -> None:
    resource = Resource({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    assert (resource.condition("Ready") or {})["status"] == "True"
    assert resource.condition("Other") is None
