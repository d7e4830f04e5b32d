"""Objects over HTTP: create, read, replace, patch, list."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.api_client import CONFIG_MAPS, Client


def test_created_object_has_its_metadata(api: Client) -> None:
    made = api.create(CONFIG_MAPS, "one", data={"k": "1"})
    assert made["kind"] == "ConfigMap"
    assert made["metadata"]["namespace"] == "default"
    assert {"uid", "resourceVersion", "creationTimestamp"} <= made["metadata"].keys()
    assert "generation" not in made["metadata"]
    assert api("GET", f"{CONFIG_MAPS}/one").json == made


def test_second_create_is_refused(api: Client) -> None:
    api.create(CONFIG_MAPS, "one")
    answer = api("POST", CONFIG_MAPS, {"metadata": {"name": "one"}})
    assert answer.status == 409
    assert answer.json["reason"] == "AlreadyExists"
    assert answer.json["message"] == 'configmaps "one" already exists'


def test_generated_name(api: Client) -> None:
    made = api("POST", CONFIG_MAPS, {"metadata": {"generateName": "part-"}}).json
    assert made["metadata"]["name"].startswith("part-")
    assert len(made["metadata"]["name"]) == len("part-") + 5


def test_create_in_a_missing_namespace(api: Client) -> None:
    answer = api("POST", "/api/v1/namespaces/none/configmaps", {"metadata": {"name": "one"}})
    assert answer.status == 404
    assert answer.json["message"] == 'namespaces "none" not found'


def test_replace_with_an_old_version_is_refused(api: Client) -> None:
    made = api.create(CONFIG_MAPS, "one", data={"k": "1"})
    fresh = api("PUT", f"{CONFIG_MAPS}/one", {**made, "data": {"k": "2"}})
    assert fresh.status == 200
    stale = api("PUT", f"{CONFIG_MAPS}/one", {**made, "data": {"k": "3"}})
    assert stale.status == 409
    assert stale.json["reason"] == "Conflict"


def test_replace_without_change_keeps_the_version(api: Client) -> None:
    made = api.create(CONFIG_MAPS, "one", data={"k": "1"})
    again = api("PUT", f"{CONFIG_MAPS}/one", made).json
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


def test_client_cannot_write_system_fields(api: Client) -> None:
    made = api.create(
        CONFIG_MAPS, "one", metadata={"uid": "mine", "creationTimestamp": "2001-01-01T00:00:00Z"}
    )
    assert made["metadata"]["uid"] != "mine"
    patch = {"metadata": {"uid": None, "creationTimestamp": "2001-01-01T00:00:00Z", "labels": {"a": "b"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    after = api("PATCH", f"{CONFIG_MAPS}/one", patch, headers).json
    assert after["metadata"]["uid"] == made["metadata"]["uid"]
    assert after["metadata"]["creationTimestamp"] == made["metadata"]["creationTimestamp"]
    assert after["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize(
    ("media", "patch", "data"),
    [
        pytest.param("merge-patch", {"data": {"a": None, "b": "2"}}, {"b": "2"}, id="merge"),
        pytest.param(
            "json-patch", [{"op": "add", "path": "/data/c", "value": "3"}], {"a": "1", "c": "3"}, id="json"
        ),
        pytest.param("strategic-merge-patch", {"data": {"a": "9"}}, {"a": "9"}, id="strategic"),
    ],
)
def test_patch(api: Client, media: str, patch: Any, data: dict[str, str]) -> None:
    api.create(CONFIG_MAPS, "one", data={"a": "1"})
    answer = api("PATCH", f"{CONFIG_MAPS}/one", patch, {"Content-Type": f"application/{media}+json"})
    assert answer.status == 200
    assert answer.json["data"] == data


def test_apply_creates_then_conflicts(api: Client) -> None:
    headers = {"Content-Type": "application/apply-patch+yaml"}
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"k": "1"}}
    path = f"{CONFIG_MAPS}/one?fieldManager="
    assert api("PATCH", path + "first", wanted, headers).status == 201
    assert api("PATCH", path + "first", wanted, headers).status == 200
    refused = api("PATCH", path + "second", {**wanted, "data": {"k": "2"}}, headers)
    assert refused.status == 409
    assert refused.json["message"] == 'Apply failed with 1 conflict: conflict with "first": .data.k'
    forced = api("PATCH", path + "second&force=true", {**wanted, "data": {"k": "2"}}, headers)
    assert forced.json["data"] == {"k": "2"}


def test_dry_run_stores_nothing(api: Client) -> None:
    answer = api("POST", f"{CONFIG_MAPS}?dryRun=All", {"metadata": {"name": "one"}})
    assert answer.status == 201
    assert "resourceVersion" not in answer.json["metadata"]
    assert api("GET", f"{CONFIG_MAPS}/one").status == 404


def test_unknown_field_strict_and_warned(api: Client) -> None:
    body = {"metadata": {"name": "one"}, "dat": {}}
    strict = api("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body)
    assert strict.status == 400
    assert strict.json["message"].endswith('strict decoding error: unknown field "dat"')
    warned = api("POST", CONFIG_MAPS, body)
    assert warned.headers["warning"] == '299 - "unknown field \\"dat\\""'
    assert "dat" not in warned.json


def test_list_pages(api: Client) -> None:
    for number in range(5):
        api.create(CONFIG_MAPS, f"n{number}", metadata={"labels": {"page": "1"}})
    first = api("GET", f"{CONFIG_MAPS}?labelSelector=page&limit=2").json
    assert [item["metadata"]["name"] for item in first["items"]] == ["n0", "n1"]
    assert "kind" not in first["items"][0]
    token = first["metadata"]["continue"]
    rest = api("GET", f"{CONFIG_MAPS}?labelSelector=page&continue={token}").json
    assert [item["metadata"]["name"] for item in rest["items"]] == ["n2", "n3", "n4"]
    assert "continue" not in rest["metadata"]


def test_list_counts_what_remains(api: Client) -> None:
    for number in range(4):
        api.create("/api/v1/namespaces/default/secrets", f"n{number}")
    first = api("GET", "/api/v1/namespaces/default/secrets?limit=1").json
    assert first["metadata"]["remainingItemCount"] == 3


def test_table(api: Client) -> None:
    api.create(CONFIG_MAPS, "one", data={"k": "1"})
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = api("GET", f"{CONFIG_MAPS}/one", headers=accept).json
    assert table["kind"] == "Table"
    assert table["rows"][0]["cells"][:2] == ["one", 1]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def test_yaml_in_and_out(api: Client) -> None:
    body = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  k: '1'\n"
    made = api("POST", CONFIG_MAPS, body, {"Content-Type": "application/yaml"})
    assert made.status == 201
    shown = api("GET", f"{CONFIG_MAPS}/one", headers={"Accept": "application/yaml"})
    assert shown.headers["content-type"] == "application/yaml"
    assert 'data:\n  k: "1"\nkind: ConfigMap\n' in shown.text


def test_generation_counts_changes_of_the_spec(api: Client) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    api.create(path, "web", spec={"selector": {"matchLabels": labels}, "template": pod})
    headers = {"Content-Type": "application/merge-patch+json"}
    labelled = api("PATCH", f"{path}/web", {"metadata": {"labels": {"x": "y"}}}, headers).json
    assert labelled["metadata"]["generation"] == 1
    scaled = api("PATCH", f"{path}/web/scale", {"spec": {"replicas": 3}}, headers).json
    assert scaled["kind"] == "Scale"
    reported = api(
        "PATCH", f"{path}/web/status", {"status": {"replicas": 3}, "spec": {"replicas": 9}}, headers
    ).json
    assert reported["metadata"]["generation"] == 2
    assert reported["spec"]["replicas"] == 3
    assert reported["status"]["replicas"] == 3


def test_too_large_body_is_refused(api: Client) -> None:
    answer = api("POST", CONFIG_MAPS, b" " * (3 * 1024 * 1024 + 1))
    assert answer.status == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", f"{CONFIG_MAPS}/one", id="post-name"),
        pytest.param("PUT", CONFIG_MAPS, id="put-collection"),
        pytest.param("DELETE", "/api/v1/services", id="delete-services"),
    ],
)
def test_methods_that_do_not_exist(api: Client, method: str, path: str) -> None:
    assert api(method, path, {}).status == 405
