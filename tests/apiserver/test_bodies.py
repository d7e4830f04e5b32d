"""Bodies that strangers may send: each is answered, none breaks the server."""

from __future__ import annotations

import pytest

from tests.apiserver.api_client import CONFIG_MAPS, Client

BODIES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"null", id="null"),
    pytest.param(b"[]", id="list"),
    pytest.param(b'"x"', id="text"),
    pytest.param(b"{", id="cut"),
    pytest.param(b"\xff\xfe", id="no-text"),
    pytest.param(b"[" * 5000, id="deep"),
    pytest.param(b"k8s\x00\xff\xff\xff", id="protobuf"),
    pytest.param(b'{"metadata": 1, "data": []}', id="types"),
]


@pytest.mark.parametrize("body", BODIES)
def test_malformed_bodies_are_refused(api: Client, body: bytes) -> None:
    for media in ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf"):
        for method, path in (
            ("POST", CONFIG_MAPS),
            ("PUT", f"{CONFIG_MAPS}/kube-root-ca.crt"),
            ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"),
        ):
            answer = api(method, path, body, {"Content-Type": media})
            assert answer.status in (200, 201, 400, 404, 409, 415, 422), answer.text
            assert "InternalError" not in answer.text


@pytest.mark.parametrize("body", BODIES)
def test_malformed_patches_are_refused(api: Client, body: bytes) -> None:
    api.create(CONFIG_MAPS, "one")
    for media in ("merge-patch+json", "json-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"):
        path = f"{CONFIG_MAPS}/one?fieldManager=m"
        answer = api("PATCH", path, body, {"Content-Type": f"application/{media}"})
        assert answer.status in (200, 400, 404, 415, 422, 500), answer.text
        assert "InternalError" not in answer.text


def test_unknown_media_type(api: Client) -> None:
    answer = api("POST", CONFIG_MAPS, b"{}", {"Content-Type": "application/x-tar"})
    assert answer.status == 415
