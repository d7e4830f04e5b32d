from __future__ import annotations

import pytest

from lapstrake.apiserver.protobuf import MAGIC, ProtobufError, decode


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (2**64 - 1))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def envelope(api_version: str, kind: str, raw: bytes) -> bytes:
    head = field(1, api_version) + field(2, kind)
    return MAGIC + field(1, head) + field(2, raw) + field(3, "") + field(4, "")


def metadata(name: str) -> bytes:
    return field(1, field(1, name))


def test_configmap() -> None:
    raw = (
        metadata("a") + field(2, field(1, "x") + field(2, "1")) + field(3, field(1, "b") + field(2, b"\xff"))
    )
    assert decode(envelope("v1", "ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"x": "1"},
        "binaryData": {"b": "/w=="},
    }


def test_inlined_messages_join_the_object_around_them() -> None:
    volume = field(1, "v") + field(2, field(2, b""))
    raw = metadata("p") + field(2, field(1, volume))
    assert decode(envelope("v1", "Pod", raw))["spec"] == {"volumes": [{"name": "v", "emptyDir": {}}]}


def test_special_types() -> None:
    target = field(1, 1) + field(3, "http")
    port = field(3, 80) + field(4, target)
    service = decode(envelope("v1", "Service", field(2, field(1, port))))
    assert service["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]
    hard = field(1, field(1, "cpu") + field(2, field(1, "500m")))
    assert decode(envelope("v1", "ResourceQuota", field(2, hard)))["spec"] == {"hard": {"cpu": "500m"}}


def test_times_and_negative_numbers() -> None:
    raw = field(1, field(8, field(1, 1577836800))) + field(2, -5)
    found = decode(envelope("scheduling.k8s.io/v1", "PriorityClass", raw))
    assert found["metadata"] == {"creationTimestamp": "2020-01-01T00:00:00Z"}
    assert found["value"] == -5


def test_lists_of_strings_in_maps() -> None:
    info = field(1, "u") + field(4, field(1, "scopes") + field(2, field(1, "a") + field(1, "b")))
    raw = field(3, field(2, info))
    found = decode(envelope("authentication.k8s.io/v1", "TokenReview", raw))
    assert found["status"]["user"] == {"username": "u", "extra": {"scopes": ["a", "b"]}}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="no prefix"),
        pytest.param(MAGIC + b"\x0a\xff", id="cut short"),
        pytest.param(envelope("v1", "Spaceship", b""), id="unknown kind"),
        pytest.param(MAGIC + b"\x0b", id="group"),
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(ProtobufError):
        decode(body)
