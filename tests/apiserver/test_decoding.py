from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.builtin import definition_schema
from lapstrake.apiserver.decoding import DecodeError, decode, decode_custom, duplicate_fields, strict_text
from lapstrake.apiserver.schema import from_openapi


def read(definition: str, **members: Any) -> dict[str, Any]:
    return decode(definition_schema(definition), members).object


def test_unknown_fields_are_dropped_and_reported_in_order() -> None:
    found = decode(
        definition_schema("apps.v1.Deployment"),
        {
            "spec": {"replica": 1, "template": {"spec": {"containers": [{"name": "a", "imagee": "x"}]}}},
            "z": 1,
        },
    )
    assert found.unknown == ("spec.replica", "spec.template.spec.containers[0].imagee", "z")
    assert found.object == {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}


def test_strict_text_lists_every_field() -> None:
    assert strict_text(("dta", "metadata.lables")) == (
        'strict decoding error: unknown field "dta", unknown field "metadata.lables"'
    )


@pytest.mark.parametrize(
    ("definition", "members", "text"),
    [
        pytest.param(
            "core.v1.ConfigMap",
            {"data": {"a": 1}},
            "cannot unmarshal number into Go struct field ConfigMap.data of type string",
            id="map value",
        ),
        pytest.param(
            "core.v1.ConfigMap",
            {"data": "s"},
            "cannot unmarshal string into Go struct field ConfigMap.data of type map[string]string",
            id="map",
        ),
        pytest.param(
            "apps.v1.Deployment",
            {"spec": {"replicas": "two"}},
            "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
            id="number",
        ),
        pytest.param(
            "core.v1.ConfigMap",
            {"metadata": {"labels": {"n": 5}}},
            "cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            id="metadata",
        ),
    ],
)
def test_wrong_type_is_named(definition: str, members: dict[str, Any], text: str) -> None:
    with pytest.raises(DecodeError) as caught:
        read(definition, **members)
    assert str(caught.value) == f"json: {text}"


def test_empty_members_count_as_absent() -> None:
    assert read("core.v1.ConfigMap", data={}, immutable=False) == {"immutable": False}
    assert read("core.v1.Pod", spec={"hostNetwork": False, "nodeName": ""}) == {"spec": {}}
    assert read("apps.v1.Deployment", spec={"replicas": 0}) == {"spec": {"replicas": 0}}


def test_empty_structures_stay() -> None:
    volume = {"name": "v", "emptyDir": {}}
    assert read("core.v1.Pod", spec={"volumes": [volume]}) == {"spec": {"volumes": [volume]}}


def test_times_become_utc() -> None:
    found = read("core.v1.Event", lastTimestamp="2020-01-01T02:00:00+02:00", eventTime="2020-01-01T00:00:00Z")
    assert found == {"lastTimestamp": "2020-01-01T00:00:00Z", "eventTime": "2020-01-01T00:00:00.000000Z"}


def test_wrong_base64_is_refused() -> None:
    with pytest.raises(DecodeError, match="illegal base64 data at input byte 2"):
        read("core.v1.Secret", data={"a": "ab*d"})


def test_custom_resource_is_pruned_and_unknown_sorted() -> None:
    schema = from_openapi(
        {
            "type": "object",
            "properties": {
                "spec": {
                    "type": "object",
                    "properties": {
                        "deep": {"type": "object", "properties": {"level": {"type": "integer"}}},
                        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    },
                }
            },
        }
    )
    found = decode_custom(schema, {"spec": {"unknown": 1, "free": {"any": 1}, "deep": {"x": 2}}})
    assert found.unknown == ("spec.deep.x", "spec.unknown")
    assert found.object == {"metadata": {}, "spec": {"free": {"any": 1}, "deep": {}}}


def test_duplicate_fields_are_found() -> None:
    assert duplicate_fields('{"data":{"a":"1","a":"2"},"l":[{"b":1,"b":2}]}') == ("data.a", "l[0].b")
