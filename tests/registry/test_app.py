"""The registry over HTTP. The expected answers are those of Debian's docker-registry 2.8."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import urllib3

from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_MANIFEST, manifest_of
from lapstrake.registry.server import RunningRegistry, serve
from tests.registry.conftest import Clock

ZEROS = "sha256:" + "0" * 64
BLOB = b"content of a blob"
DIGEST = str(Digest.of(BLOB))


class Client:
    def __init__(self, url: str) -> None:
        self._url = url
        self.pool = urllib3.PoolManager()

    def __call__(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = (
            path if path.startswith("http") else self._url + (path if path.startswith("/") else f"/v2/{path}")
        )
        return self.pool.request(method, url, body=body, headers=named, redirect=False, retries=False)

    def push_blob(self, repository: str, data: bytes) -> str:
        begun = self("POST", f"{repository}/blobs/uploads/")
        done = self("PUT", f"{begun.headers['Location']}?digest={Digest.of(data)}", data)
        assert done.status == 201
        return done.headers["Docker-Content-Digest"]

    def push(self, repository: str, tag: str) -> str:
        self.push_blob(repository, b"{}")
        answer = self(
            "PUT", f"{repository}/manifests/{tag}", manifest_of(b"{}", []).data, Content_Type=DOCKER_MANIFEST
        )
        assert answer.status == 201
        return answer.headers["Docker-Content-Digest"]


@pytest.fixture
def client(registry: RunningRegistry) -> Iterator[Client]:
    client = Client(registry.url)
    yield client
    client.pool.clear()


def error(response: urllib3.BaseHTTPResponse) -> dict[str, object]:
    (found,) = response.json()["errors"]
    return dict(found)


def test_base_says_which_api(client: Client) -> None:
    answer = client("GET", "")
    assert (answer.status, answer.data) == (200, b"{}")
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_unknown_manifest_has_the_recorded_texts(client: Client) -> None:
    by_tag, by_digest = client("GET", "a/b/manifests/x"), client("GET", f"a/b/manifests/{ZEROS}")
    assert (
        by_tag.data
        == b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"x"}}]}\n'
    )
    assert error(by_digest)["detail"] == {"Name": "a/b", "Revision": ZEROS}
    assert {by_tag.status, by_digest.status, client("HEAD", "a/b/manifests/x").status} == {404}


def test_unknown_repository_and_blob_and_address(client: Client) -> None:
    assert error(client("GET", "a/b/tags/list")) == {
        "code": "NAME_UNKNOWN",
        "message": "repository name not known to registry",
        "detail": {"name": "a/b"},
    }
    assert error(client("GET", f"a/b/blobs/{ZEROS}"))["detail"] == ZEROS
    assert client("GET", "nothing").data == b"404 page not found\n"


def test_blob_in_pieces(client: Client) -> None:
    begun = client("POST", "a/b/blobs/uploads/")
    assert (begun.status, begun.headers["Range"]) == (202, "0-0")
    place = begun.headers["Location"]
    first = client("PATCH", place, BLOB[:5], Content_Range="0-4")
    assert (first.status, first.headers["Range"]) == (202, "0-4")
    assert client("PATCH", place, BLOB, Content_Range="9-20").status == 416
    assert client("GET", place).headers["Range"] == "0-4"
    done = client("PUT", f"{place}?digest={DIGEST}", BLOB[5:])
    assert (done.status, done.headers["Location"]) == (201, f"/v2/a/b/blobs/{DIGEST}")
    assert client("GET", f"a/b/blobs/{DIGEST}").data == BLOB


def test_blob_without_a_length(client: Client) -> None:
    place = client("POST", "a/b/blobs/uploads/").headers["Location"]
    url = client._url + place
    answer = client.pool.request("PATCH", url, body=iter([BLOB[:3], BLOB[3:]]), chunked=True, retries=False)
    assert answer.status == 202
    assert client("PUT", f"{place}?digest={DIGEST}").status == 201


def test_blob_in_one_request(client: Client) -> None:
    assert client("POST", f"a/b/blobs/uploads/?digest={DIGEST}", BLOB).status == 201


def test_part_of_a_blob(client: Client) -> None:
    client.push_blob("a/b", BLOB)
    part = client("GET", f"a/b/blobs/{DIGEST}", Range="bytes=8-9")
    assert (part.status, part.data, part.headers["Content-Range"]) == (206, b"of", f"bytes 8-9/{len(BLOB)}")
    assert client("GET", f"a/b/blobs/{DIGEST}", Range="bytes=-4").data == b"blob"
    assert client("GET", f"a/b/blobs/{DIGEST}", Range="bytes=99-").status == 416


def test_wrong_digest_ends_an_upload(client: Client) -> None:
    place = client("POST", "a/b/blobs/uploads/").headers["Location"]
    assert error(client("PUT", place, BLOB))["detail"] == "digest missing"
    assert error(client("PUT", f"{place}?digest=foo"))["detail"] == "digest parsing failed"
    refused = client("PUT", f"{place}?digest={ZEROS}")
    assert (refused.status, error(refused)["detail"]) == (400, {"Digest": ZEROS, "Reason": {}})
    assert error(client("GET", place))["code"] == "BLOB_UPLOAD_UNKNOWN"


def test_upload_belongs_to_its_repository(client: Client) -> None:
    place = client("POST", "a/b/blobs/uploads/").headers["Location"].replace("/a/b/", "/c/d/")
    assert error(client("PUT", f"{place}?digest={DIGEST}", BLOB))["code"] == "BLOB_UPLOAD_UNKNOWN"


def test_upload_can_be_given_up(client: Client) -> None:
    place = client("POST", "a/b/blobs/uploads/").headers["Location"]
    assert client("DELETE", place).status == 204
    assert client("DELETE", place).status == 404


def test_blob_is_mounted_if_it_is_there(client: Client) -> None:
    client.push_blob("a/b", BLOB)
    assert client("POST", f"c/d/blobs/uploads/?mount={DIGEST}&from=a/b").status == 201
    assert client("GET", f"c/d/blobs/{DIGEST}").data == BLOB
    assert client("POST", f"c/d/blobs/uploads/?mount={ZEROS}&from=a/b").status == 202


def test_manifest_comes_back_as_it_was(client: Client) -> None:
    digest = client.push("a/b", "v1")
    answer = client("GET", "a/b/manifests/v1")
    assert answer.data == manifest_of(b"{}", []).data
    assert answer.headers["Content-Type"] == DOCKER_MANIFEST
    assert answer.headers["Docker-Content-Digest"] == digest
    head = client("HEAD", f"a/b/manifests/{digest}")
    assert (head.status, head.headers["Content-Length"], head.data) == (200, str(len(answer.data)), b"")


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        pytest.param(b"{}", DOCKER_MANIFEST, "MANIFEST_INVALID", id="nothing in it"),
        pytest.param(b"nonsense", DOCKER_MANIFEST, "MANIFEST_INVALID", id="no JSON"),
        pytest.param(manifest_of(b"{}", []).data, "text/plain", "MANIFEST_INVALID", id="unknown type"),
        pytest.param(
            manifest_of(b"[]", []).data, DOCKER_MANIFEST, "MANIFEST_BLOB_UNKNOWN", id="blob missing"
        ),
    ],
)
def test_manifest_that_is_none(client: Client, body: bytes, media_type: str, code: str) -> None:
    client.push_blob("a/b", b"{}")
    answer = client("PUT", "a/b/manifests/v1", body, Content_Type=media_type)
    assert (answer.status, error(answer)["code"]) == (400, code)


def test_manifest_that_is_too_large(client: Client) -> None:
    answer = client("PUT", "a/b/manifests/v1", bytes(5 << 20), Content_Type=DOCKER_MANIFEST)
    assert (answer.status, error(answer)["code"]) == (413, "SIZE_INVALID")


def test_tags_in_pages(client: Client) -> None:
    for tag in ("v2", "v1", "v3"):
        client.push("a/b", tag)
    first = client("GET", "a/b/tags/list?n=2")
    assert first.json() == {"name": "a/b", "tags": ["v1", "v2"]}
    assert first.headers["Link"] == '</v2/a/b/tags/list?last=v2&n=2>; rel="next"'
    last = client("GET", "/v2/a/b/tags/list?last=v2&n=2")
    assert last.json()["tags"] == ["v3"]
    assert "Link" not in last.headers


def test_catalog_lists_repositories(client: Client) -> None:
    client.push("b", "v1")
    client.push("a/c", "v1")
    assert client("GET", "_catalog").json() == {"repositories": ["a/c", "b"]}
    assert client("GET", "_catalog?n=1").headers["Link"] == '</v2/_catalog?last=a%2Fc&n=1>; rel="next"'


def test_deleted_manifest_is_gone_with_its_tags(client: Client) -> None:
    digest = client.push("a/b", "v1")
    assert client("DELETE", f"a/b/manifests/{digest}").status == 202
    assert client("GET", "a/b/tags/list").data == b'{"name":"a/b","tags":null}\n'
    assert (
        json.loads(client("DELETE", f"a/b/manifests/{digest}").data)["errors"][0]["code"]
        == "MANIFEST_UNKNOWN"
    )


def test_deleted_blob_is_gone(client: Client) -> None:
    client.push_blob("a/b", BLOB)
    assert client("DELETE", f"a/b/blobs/{DIGEST}").status == 202
    assert client("DELETE", f"a/b/blobs/{DIGEST}").status == 404


@pytest.mark.parametrize("name", ["A", "a/%2e%2e/b", "a//b", "_a", "a" * 256])
def test_name_that_is_none(client: Client, name: str) -> None:
    assert error(client("POST", f"{name}/blobs/uploads/"))["code"] == "NAME_INVALID"


def test_tag_ends_by_the_clock(client: Client, clock: Clock) -> None:
    digest = client.push("a/b", "1d")
    clock.now += 86400
    answer = client("GET", f"a/b/manifests/{digest}")
    assert error(answer)["detail"] == {"Name": "a/b", "Revision": digest}
    assert client.push("a/b", "1d") == digest


def test_idle_upload_is_given_up(client: Client, clock: Clock, registry: RunningRegistry) -> None:
    place = client("POST", "a/b/blobs/uploads/").headers["Location"]
    clock.now += 3601
    registry.sweep()
    assert client("GET", place).status == 404


def test_pages_of_other_sites_are_refused(client: Client, registry: RunningRegistry) -> None:
    assert error(client("POST", "a/b/blobs/uploads/", Origin="http://evil.test"))["code"] == "DENIED"
    assert client("POST", "a/b/blobs/uploads/", Origin=registry.url).status == 202


def test_address_in_use_is_an_error(
    registry: RunningRegistry, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from lapstrake.errors import InputError

    with pytest.raises(InputError, match=f"listen tcp 127.0.0.1:{registry.port}: address already in use"):
        serve("127.0.0.1", registry.port, str(tmp_path_factory.mktemp("other")))
