"""Deletion, finalizers, owners and namespaces."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.api_client import CONFIG_MAPS, Client

MERGE = {"Content-Type": "application/merge-patch+json"}
STOP = "example.com/stop"


def owned_by(owner: dict[str, Any], **more: Any) -> dict[str, Any]:
    meta = owner["metadata"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": meta["name"], "uid": meta["uid"], **more}
    return {"ownerReferences": [reference]}


def test_deletion_at_once_answers_with_success(api: Client) -> None:
    made = api.create(CONFIG_MAPS, "one")
    answer = api("DELETE", f"{CONFIG_MAPS}/one")
    assert answer.json["status"] == "Success"
    assert answer.json["details"] == {"name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert api("GET", f"{CONFIG_MAPS}/one").status == 404


def test_finalizer_keeps_the_object(api: Client) -> None:
    api.create(CONFIG_MAPS, "one", metadata={"finalizers": [STOP]})
    marked = api("DELETE", f"{CONFIG_MAPS}/one").json
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 0
    again = api("POST", CONFIG_MAPS, {"metadata": {"name": "one"}})
    assert again.json["message"] == 'object is being deleted: configmaps "one" already exists'
    last = api("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"finalizers": None}}, MERGE)
    assert last.status == 200
    assert api("GET", f"{CONFIG_MAPS}/one").status == 404


@pytest.mark.parametrize("precondition", [{"uid": "other"}, {"resourceVersion": "1"}])
def test_precondition_protects(api: Client, precondition: dict[str, str]) -> None:
    api.create(CONFIG_MAPS, "one")
    answer = api("DELETE", f"{CONFIG_MAPS}/one", {"preconditions": precondition})
    assert answer.status == 409
    assert answer.json["message"].startswith('Operation cannot be fulfilled on ConfigMap "one": the ')


def test_dry_run_deletes_nothing(api: Client) -> None:
    api.create(CONFIG_MAPS, "one")
    assert api("DELETE", f"{CONFIG_MAPS}/one?dryRun=All").status == 200
    assert api("GET", f"{CONFIG_MAPS}/one").status == 200


def test_delete_collection_by_selector(api: Client) -> None:
    for name in ("a", "b"):
        api.create(CONFIG_MAPS, name, metadata={"labels": {"g": name}})
    answer = api("DELETE", f"{CONFIG_MAPS}?labelSelector=g=a")
    assert [item["metadata"]["name"] for item in answer.json["items"]] == ["a"]
    assert api("GET", f"{CONFIG_MAPS}/a").status == 404
    assert api("GET", f"{CONFIG_MAPS}/b").status == 200


def test_dependents_go_with_their_owner(api: Client) -> None:
    owner = api.create(CONFIG_MAPS, "owner")
    api.create(CONFIG_MAPS, "child", metadata=owned_by(owner))
    api("DELETE", f"{CONFIG_MAPS}/owner")
    api.until(f"{CONFIG_MAPS}/child", lambda answer: answer.status == 404)


def test_dependent_of_nobody_goes(api: Client) -> None:
    api.create(CONFIG_MAPS, "lost", metadata=owned_by({"metadata": {"name": "never", "uid": "u"}}))
    api.until(f"{CONFIG_MAPS}/lost", lambda answer: answer.status == 404)


def test_dependent_stays_while_an_owner_lives(api: Client) -> None:
    first, second = api.create(CONFIG_MAPS, "first"), api.create(CONFIG_MAPS, "second")
    references = owned_by(first)["ownerReferences"] + owned_by(second)["ownerReferences"]
    api.create(CONFIG_MAPS, "child", metadata={"ownerReferences": references})
    api("DELETE", f"{CONFIG_MAPS}/first")
    left = api.until(
        f"{CONFIG_MAPS}/child", lambda answer: len(answer.json["metadata"]["ownerReferences"]) == 1
    )
    assert left.json["metadata"]["ownerReferences"][0]["name"] == "second"


def test_foreground_owner_waits_for_those_that_block(api: Client) -> None:
    owner = api.create(CONFIG_MAPS, "owner")
    child = {**owned_by(owner, blockOwnerDeletion=True), "finalizers": [STOP]}
    api.create(CONFIG_MAPS, "child", metadata=child)
    marked = api("DELETE", f"{CONFIG_MAPS}/owner?propagationPolicy=Foreground").json
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    api.until(f"{CONFIG_MAPS}/child", lambda answer: "deletionTimestamp" in answer.json["metadata"])
    assert api("GET", f"{CONFIG_MAPS}/owner").status == 200
    api("PATCH", f"{CONFIG_MAPS}/child", {"metadata": {"finalizers": None}}, MERGE)
    api.until(f"{CONFIG_MAPS}/owner", lambda answer: answer.status == 404)


def test_orphans_lose_the_reference(api: Client) -> None:
    owner = api.create(CONFIG_MAPS, "owner")
    api.create(CONFIG_MAPS, "child", metadata=owned_by(owner))
    api("DELETE", f"{CONFIG_MAPS}/owner?propagationPolicy=Orphan")
    api.until(f"{CONFIG_MAPS}/owner", lambda answer: answer.status == 404)
    assert "ownerReferences" not in api("GET", f"{CONFIG_MAPS}/child").json["metadata"]


def test_namespace_is_filled(api: Client) -> None:
    made = api("POST", "/api/v1/namespaces", {"metadata": {"name": "new"}}).json
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "new"}
    assert made["status"] == {"phase": "Active"}
    for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
        api.until(f"/api/v1/namespaces/new/{path}", lambda answer: answer.status == 200)
    api("DELETE", "/api/v1/namespaces/new/serviceaccounts/default")
    api.until("/api/v1/namespaces/new/serviceaccounts/default", lambda answer: answer.status == 200)


def test_namespace_goes_when_it_is_empty(api: Client) -> None:
    api("POST", "/api/v1/namespaces", {"metadata": {"name": "old"}})
    inside = "/api/v1/namespaces/old/configmaps"
    api.create(inside, "held", metadata={"finalizers": [STOP]})
    api("DELETE", "/api/v1/namespaces/old")
    refused = api("POST", inside, {"metadata": {"name": "late"}})
    assert refused.status == 403
    assert refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    api.until(
        "/api/v1/namespaces/old", lambda answer: "example.com/stop in 1 resource instances" in answer.text
    )
    api("PATCH", f"{inside}/held", {"metadata": {"finalizers": None}}, MERGE)
    api.until("/api/v1/namespaces/old", lambda answer: answer.status == 404)


def test_pod_on_a_node_has_its_grace(api: Client) -> None:
    pods = "/api/v1/namespaces/default/pods"
    spec = {"containers": [{"name": "c", "image": "i"}], "nodeName": "far"}
    api.create(pods, "bound", spec=spec)
    marked = api("DELETE", f"{pods}/bound").json
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    shorter = api("DELETE", f"{pods}/bound?gracePeriodSeconds=3").json
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 3
    api("DELETE", f"{pods}/bound?gracePeriodSeconds=0")
    assert api("GET", f"{pods}/bound").status == 404
