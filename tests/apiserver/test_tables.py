from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lapstrake.apiserver import jsonpath
from lapstrake.apiserver.ages import age, duration
from lapstrake.apiserver.tables import table

NOW = datetime(2020, 1, 1, 0, 1, 0, tzinfo=UTC)
BORN = "2020-01-01T00:00:00Z"


def cells(definition: str, **members: Any) -> list[Any]:
    metadata = {"name": "x", "creationTimestamp": BORN, **members.pop("metadata", {})}
    row: list[Any] = table(definition, [{"metadata": metadata, **members}], NOW)["rows"][0]["cells"]
    return row


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(5, "5s", id="seconds"),
        pytest.param(119, "119s", id="below two minutes"),
        pytest.param(120, "2m", id="whole minutes"),
        pytest.param(215, "3m35s", id="minutes and seconds"),
        pytest.param(26 * 60 + 7, "26m", id="minutes alone"),
        pytest.param(3 * 3600 + 300, "3h5m", id="hours and minutes"),
        pytest.param(30 * 3600, "30h", id="hours alone"),
        pytest.param(50 * 3600, "2d2h", id="days and hours"),
        pytest.param(20 * 86400, "20d", id="days alone"),
        pytest.param(800 * 86400, "2y70d", id="years and days"),
        pytest.param(-5, "<invalid>", id="in the future"),
    ],
)
def test_duration(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_age_of_nothing_is_unknown() -> None:
    assert age(None, NOW) == "<unknown>"


def test_config_map_counts_data() -> None:
    assert cells("core.v1.ConfigMap", data={"a": "1"}, binaryData={"b": ""}) == ["x", 2, "60s"]


def test_columns_carry_type_format_and_priority() -> None:
    heads = table("apps.v1.ReplicaSet", [], NOW)["columnDefinitions"]
    assert [head["name"] for head in heads if head["priority"]] == ["Containers", "Images", "Selector"]
    assert (heads[0]["format"], heads[1]["type"], heads[1]["format"]) == ("name", "integer", "")


def test_kinds_without_columns_show_their_creation() -> None:
    assert cells("rbac.v1.Role") == ["x", BORN]


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        pytest.param({"status": {"phase": "Pending"}}, "Pending", id="phase"),
        pytest.param(
            {
                "status": {
                    "phase": "Running",
                    "containerStatuses": [{"state": {"waiting": {"reason": "Oops"}}}],
                }
            },
            "Oops",
            id="waiting container",
        ),
        pytest.param(
            {
                "spec": {"initContainers": [{"name": "i"}, {"name": "j"}]},
                "status": {
                    "phase": "Pending",
                    "initContainerStatuses": [{"name": "i", "state": {"running": {}}}],
                },
            },
            "Init:0/2",
            id="init container",
        ),
        pytest.param(
            {"metadata": {"deletionTimestamp": BORN}, "status": {"phase": "Running"}},
            "Terminating",
            id="deleted",
        ),
        pytest.param(
            {
                "status": {
                    "phase": "Succeeded",
                    "containerStatuses": [{"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
                }
            },
            "Completed",
            id="done",
        ),
    ],
)
def test_pod_state(pod: dict[str, Any], text: str) -> None:
    assert cells("core.v1.Pod", **pod)[2] == text


def test_service() -> None:
    spec = {
        "type": "LoadBalancer",
        "clusterIP": "10.0.0.1",
        "ports": [{"port": 80, "nodePort": 30000, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
        "selector": {"a": "b"},
    }
    assert cells("core.v1.Service", spec=spec)[1:5] == [
        "LoadBalancer",
        "10.0.0.1",
        "<pending>",
        "80:30000/TCP,53/UDP",
    ]


def test_job_duration_and_state() -> None:
    spec = {"completions": 3, "template": {"spec": {"containers": [{"name": "a", "image": "i"}]}}}
    assert cells("batch.v1.Job", spec=spec, status={"startTime": "2020-01-01T00:00:30Z"})[1:7] == [
        "Running",
        "0/3",
        "30s",
        "60s",
        "a",
        "i",
    ]


def test_custom_columns() -> None:
    columns = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size", "description": "how big"},
        {"name": "Tags", "type": "string", "jsonPath": ".spec.tags"},
        {"name": "First", "type": "string", "jsonPath": ".spec.tags[0]", "priority": 1},
        {"name": "Missing", "type": "string", "jsonPath": ".spec.none"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]
    obj = {"metadata": {"name": "p", "creationTimestamp": BORN}, "spec": {"size": 3, "tags": ["a", "b"]}}
    made = table("", [obj], NOW, columns)
    assert made["rows"] == [{"cells": ["p", 3, '["a","b"]', "a", None, "60s"]}]
    heads = made["columnDefinitions"]
    assert [head["priority"] for head in heads] == [0, 0, 0, 1, 0, 0]
    assert heads[1]["description"] == "how big"
    assert heads[2]["description"] == "Custom resource definition column (in JSONPath format): .spec.tags"


def test_custom_kind_without_columns_shows_its_age() -> None:
    made = table("", [{"metadata": {"name": "p", "creationTimestamp": BORN}}], NOW, None)
    assert made["rows"] == [{"cells": ["p", "60s"]}]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param('.c[?(@.type=="Ready")].status', ["True"], id="filter"),
        pytest.param(".c[*].type", ["Ready", "Other"], id="wildcard"),
        pytest.param(r".labels.kv\.example\.com/x", ["1"], id="escaped dots"),
        pytest.param(".labels['kv.example.com/x']", ["1"], id="quoted"),
        pytest.param("{.c[-1].type}", ["Other"], id="braces and last"),
        pytest.param(".none.deep", [], id="missing"),
    ],
)
def test_jsonpath(path: str, found: list[Any]) -> None:
    value = {
        "c": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}],
        "labels": {"kv.example.com/x": "1"},
    }
    assert jsonpath.find(path, value) == found


def test_jsonpath_refuses_what_it_cannot_read() -> None:
    with pytest.raises(jsonpath.InvalidPath):
        jsonpath.find(".a[", {})
