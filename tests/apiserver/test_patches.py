from __future__ import annotations

import json
from typing import Any

import pytest

from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from lapstrake.apiserver.status import ApiError

LIVE = {"data": {"a": "1", "b": "2"}, "list": [1, 2]}


def patched(*operations: dict[str, Any]) -> dict[str, Any]:
    return apply_patch(JSON_PATCH, LIVE, json.dumps(operations).encode(), None)


def refusal(content_type: str, body: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        apply_patch(content_type, LIVE, body, None)
    return caught.value


def test_json_patch_operations() -> None:
    found = patched(
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "9"},
        {"op": "add", "path": "/notes", "value": {}},
        {"op": "add", "path": "/notes/kv.example.com~1note", "value": "s"},
        {"op": "remove", "path": "/data/b"},
        {"op": "copy", "from": "/data/a", "path": "/data/copy"},
        {"op": "move", "from": "/data/a", "path": "/data/moved"},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "add", "path": "/list/0", "value": 0},
    )
    assert found == {
        "data": {"copy": "9", "moved": "9"},
        "notes": {"kv.example.com/note": "s"},
        "list": [0, 1, 2, 3],
    }
    assert LIVE["list"] == [1, 2]


def test_json_patch_replace_adds_a_missing_member() -> None:
    assert patched({"op": "replace", "path": "/data/c", "value": "3"})["data"]["c"] == "3"


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param({"op": "test", "path": "/data/a", "value": "2"}, id="test"),
        pytest.param({"op": "remove", "path": "/data/none"}, id="remove"),
        pytest.param({"op": "add", "path": "/none/deep", "value": "x"}, id="add below nothing"),
        pytest.param({"op": "jump", "path": "/data"}, id="unknown"),
        pytest.param({"op": "remove", "path": "/list/2"}, id="index"),
    ],
)
def test_json_patch_refuses(operation: dict[str, Any]) -> None:
    error = refusal(JSON_PATCH, json.dumps([operation]).encode())
    assert (error.code, error.reason) == (422, "Invalid")
    assert str(error) == "the server rejected our request due to an error in our request"


def test_json_patch_must_be_a_list() -> None:
    assert str(refusal(JSON_PATCH, b'{"op":"x"}')) == (
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
    )


def test_merge_patch() -> None:
    found = apply_patch(MERGE_PATCH, LIVE, b'{"data":{"a":null,"n":{"x":null,"y":1}},"list":[3]}', None)
    assert found == {"data": {"b": "2", "n": {"y": 1}}, "list": [3]}


def test_merge_patch_cut_short() -> None:
    error = refusal(MERGE_PATCH, b'{"data":')
    assert (error.code, str(error)) == (400, "error decoding patch: unexpected end of JSON input")


def test_strategic_merge_needs_a_schema() -> None:
    assert refusal(STRATEGIC_PATCH, b"{}").code == 415
    schema = definition_schema("core.v1.ConfigMap")
    assert apply_patch(STRATEGIC_PATCH, LIVE, b'{"data":{"a":null}}', schema)["data"] == {"b": "2"}
