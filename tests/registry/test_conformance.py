"""The areas of the OCI distribution specification, asked of our registry and of Debian's docker-registry 2.8.

Where docker-registry does something else, as the specification lets it or because it is older than 1.1, the
test says so by ``registry.is_ours``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from lapstrake.oci.digest import Digest
from lapstrake.registry.server import serve
from tests.registries import debian_registry

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
ARTIFACT = "application/vnd.example.sbom"
NOWHERE = "sha256:" + "0" * 64
BLOB = bytes(range(256)) * 40


@dataclass(frozen=True, slots=True)
class Registry:
    url: str
    is_ours: bool
    pool: urllib3.PoolManager

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        url = (
            path if path.startswith("http") else self.url + (path if path.startswith("/") else f"/v2/{path}")
        )
        return self.pool.request(
            method, url, body=body, headers=dict(headers or {}), redirect=False, retries=False
        )

    def begin(self, name: str) -> str:
        answer = self("POST", f"{name}/blobs/uploads/")
        assert answer.status == 202
        return answer.headers["Location"]

    def push_blob(self, name: str, data: bytes, algorithm: str = "sha256") -> str:
        digest = str(Digest.of(data, algorithm))
        octets = {"Content-Type": "application/octet-stream"}
        answer = self("PUT", with_digest(self.begin(name), digest), data, octets)
        assert answer.status == 201, answer.data
        return digest

    def push_manifest(self, name: str, reference: str, value: object, media_type: str = IMAGE) -> str:
        data = json.dumps(value).encode()
        answer = self("PUT", f"{name}/manifests/{reference}", data, {"Content-Type": media_type})
        assert answer.status == 201, answer.data
        return answer.headers["Docker-Content-Digest"]

    def push_image(self, name: str, tag: str, layer: bytes = BLOB) -> str:
        self.push_blob(name, b"{}")
        self.push_blob(name, layer)
        return self.push_manifest(name, tag, image(layer))


def with_digest(location: str, digest: str) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def described(data: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(data), "digest": str(Digest.of(data))}


def image(layer: bytes = BLOB, **more: object) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": described(b"{}", CONFIG),
        "layers": [described(layer, LAYER)],
        **more,
    }


def code(answer: urllib3.BaseHTTPResponse) -> str:
    return str(answer.json()["errors"][0]["code"])


@pytest.fixture(params=["ours", "debian"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with urllib3.PoolManager() as pool:
        if request.param == "ours":
            with serve("127.0.0.1", 0, str(tmp_path), sweep_seconds=3600) as running:
                yield Registry(running.url, True, pool)
        else:
            with debian_registry(tmp_path) as host:
                yield Registry(f"http://{host}", False, pool)


@pytest.fixture
def ours(registry: Registry) -> Registry:
    """For what only 1.1 has."""
    if not registry.is_ours:
        pytest.skip("docker-registry 2.8 is older than version 1.1 of the specification")
    return registry


# Pull


def test_base_answers(registry: Registry) -> None:
    answer = registry("GET", "")
    assert answer.status == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_blob_comes_back_whole(registry: Registry) -> None:
    digest = registry.push_blob("a/b", BLOB)
    got, head = registry("GET", f"a/b/blobs/{digest}"), registry("HEAD", f"a/b/blobs/{digest}")
    assert (got.status, got.data, head.status, head.data) == (200, BLOB, 200, b"")
    for answer in (got, head):
        assert answer.headers["Content-Length"] == str(len(BLOB))
        assert answer.headers["Docker-Content-Digest"] == digest
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["ETag"].strip('"') == digest


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        pytest.param("bytes=0-0", 0, 1, id="first byte"),
        pytest.param("bytes=256-511", 256, 512, id="middle"),
        pytest.param("bytes=10000-", 10000, 10240, id="from there on"),
        pytest.param("bytes=10000-99999", 10000, 10240, id="beyond the end"),
        pytest.param("bytes=-16", 10224, 10240, id="the last bytes"),
        pytest.param("bytes=-99999", 0, 10240, id="more than there are"),
    ],
)
def test_part_of_a_blob(registry: Registry, wanted: str, start: int, end: int) -> None:
    digest = registry.push_blob("a/b", BLOB)
    answer = registry("GET", f"a/b/blobs/{digest}", headers={"Range": wanted})
    assert (answer.status, answer.data) == (206, BLOB[start:end])
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/10240"


@pytest.mark.parametrize("wanted", ["bytes=10240-", "bytes=20000-20001", "bytes=5-2", "lines=1-2", "bytes=x"])
def test_part_that_is_not_there(registry: Registry, wanted: str) -> None:
    digest = registry.push_blob("a/b", BLOB)
    # By HEAD, since docker-registry announces the length of the whole blob and sends something shorter.
    assert registry("HEAD", f"a/b/blobs/{digest}", headers={"Range": wanted}).status == 416
    if registry.is_ours:
        answer = registry("GET", f"a/b/blobs/{digest}", headers={"Range": wanted})
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */10240")


def test_known_content_is_not_sent_again(registry: Registry) -> None:
    blob, manifest = registry.push_blob("a/b", BLOB), registry.push_image("a/b", "v1")
    for path in (f"blobs/{blob}", f"manifests/{manifest}", "manifests/v1"):
        etag = registry("GET", f"a/b/{path}", headers={"Accept": IMAGE}).headers["ETag"]
        answer = registry("GET", f"a/b/{path}", headers={"Accept": IMAGE, "If-None-Match": etag})
        assert (answer.status, answer.data) == (304, b""), path
        other = {"Accept": IMAGE, "If-None-Match": '"other"'}
        assert registry("GET", f"a/b/{path}", headers=other).status == 200


def test_what_is_not_there(registry: Registry) -> None:
    registry.push_image("a/b", "v1")
    for method in ("GET", "HEAD"):
        assert registry(method, f"a/b/blobs/{NOWHERE}").status == 404
        assert registry(method, f"a/b/manifests/{NOWHERE}").status == 404
        assert registry(method, "a/b/manifests/v2").status == 404
    assert code(registry("GET", f"a/b/blobs/{NOWHERE}")) == "BLOB_UNKNOWN"
    assert code(registry("GET", "a/b/manifests/v2")) == "MANIFEST_UNKNOWN"


def test_manifest_by_tag_and_digest(registry: Registry) -> None:
    digest = registry.push_image("a/b", "v1")
    for reference in ("v1", digest):
        got = registry("GET", f"a/b/manifests/{reference}", headers={"Accept": IMAGE})
        head = registry("HEAD", f"a/b/manifests/{reference}", headers={"Accept": IMAGE})
        assert (got.status, got.json()) == (200, image())
        assert head.headers["Content-Length"] == str(len(got.data))
        for answer in (got, head):
            assert answer.headers["Content-Type"] == IMAGE
            assert answer.headers["Docker-Content-Digest"] == digest


# Push


def test_upload_in_one_put(registry: Registry) -> None:
    answer = registry("PUT", with_digest(registry.begin("a/b"), str(Digest.of(BLOB))), BLOB)
    assert answer.status == 201
    assert answer.headers["Location"].endswith(f"/v2/a/b/blobs/{Digest.of(BLOB)}")


def test_upload_in_one_post(registry: Registry) -> None:
    digest = Digest.of(BLOB)
    answer = registry("POST", f"a/b/blobs/uploads/?digest={digest}", BLOB)
    if registry.is_ours:
        assert answer.status == 201
    else:  # the specification lets a registry go on with a PUT
        assert answer.status == 202
        assert registry("PUT", with_digest(answer.headers["Location"], str(digest)), BLOB).status == 201
    assert registry("GET", f"a/b/blobs/{digest}").data == BLOB


def test_upload_in_chunks(registry: Registry) -> None:
    place = registry.begin("a/b")
    for start in (0, 4096, 8192):
        chunk = BLOB[start : start + 4096]
        headers = {
            "Content-Range": f"{start}-{start + len(chunk) - 1}",
            "Content-Type": "application/octet-stream",
        }
        answer = registry("PATCH", place, chunk, headers)
        assert (answer.status, answer.headers["Range"]) == (202, f"0-{start + len(chunk) - 1}")
        place = answer.headers["Location"]
        status = registry("GET", place)
        assert (status.status, status.headers["Range"]) == (204, f"0-{start + len(chunk) - 1}")
    assert registry("PUT", with_digest(place, str(Digest.of(BLOB)))).status == 201
    assert registry("GET", f"a/b/blobs/{Digest.of(BLOB)}").data == BLOB


def test_last_chunk_comes_with_the_put(registry: Registry) -> None:
    answer = registry("PATCH", registry.begin("a/b"), BLOB[:100])
    done = registry("PUT", with_digest(answer.headers["Location"], str(Digest.of(BLOB))), BLOB[100:])
    assert done.status == 201
    assert registry("GET", f"a/b/blobs/{Digest.of(BLOB)}").data == BLOB


def test_streamed_upload(registry: Registry) -> None:
    place = registry.begin("a/b")
    url = place if place.startswith("http") else registry.url + place
    pieces = iter([BLOB[:7], BLOB[7:5000], BLOB[5000:]])
    answer = registry.pool.request("PATCH", url, body=pieces, chunked=True, retries=False)
    assert answer.status == 202
    assert registry("PUT", with_digest(answer.headers["Location"], str(Digest.of(BLOB)))).status == 201


@pytest.mark.parametrize("wanted", ["0-4", "3-4", "9-10"])
def test_chunk_out_of_order_is_refused(registry: Registry, wanted: str) -> None:
    begun = registry("PATCH", registry.begin("a/b"), BLOB[:5], {"Content-Range": "0-4"})
    answer = registry("PATCH", begun.headers["Location"], BLOB[:5], {"Content-Range": wanted})
    if registry.is_ours:
        assert (answer.status, answer.headers["Range"]) == (416, "0-4")
        assert answer.headers["Location"] == begun.headers["Location"]
        assert registry("GET", answer.headers["Location"]).headers["Range"] == "0-4"
    else:  # takes it as if it were the next one
        assert answer.status == 202


def test_upload_that_has_not_begun_tells_its_range(registry: Registry) -> None:
    begun = registry("POST", "a/b/blobs/uploads/")
    assert begun.headers["Range"] == "0-0"
    assert begun.headers["Docker-Upload-UUID"] in begun.headers["Location"]


def test_upload_is_given_up(registry: Registry) -> None:
    place = registry.begin("a/b")
    assert registry("DELETE", place).status == 204
    assert registry("GET", place).status == 404


def test_upload_with_a_wrong_digest(registry: Registry) -> None:
    answer = registry("PUT", with_digest(registry.begin("a/b"), NOWHERE), BLOB)
    assert (answer.status, code(answer)) == (400, "DIGEST_INVALID")
    assert registry("GET", f"a/b/blobs/{NOWHERE}").status == 404
    assert registry("GET", f"a/b/blobs/{Digest.of(BLOB)}").status == 404


@pytest.mark.parametrize(
    "size", [0, 1, 1 << 16, (1 << 20) + 1, (3 << 20) - 1], ids=lambda size: f"{size} bytes"
)
def test_blob_of_any_size(registry: Registry, size: int) -> None:
    data = bytes(size)
    digest = registry.push_blob("a/b", data)
    answer = registry("GET", f"a/b/blobs/{digest}")
    assert (answer.status, len(answer.data)) == (200, size)
    assert Digest.of(answer.data) == Digest.parse(digest)


def test_mount_from_another_repository(registry: Registry) -> None:
    digest = registry.push_blob("a/b", BLOB)
    answer = registry("POST", f"c/d/blobs/uploads/?mount={digest}&from=a/b")
    assert answer.status == 201
    assert answer.headers["Location"].endswith(f"/v2/c/d/blobs/{digest}")
    assert registry("GET", f"c/d/blobs/{digest}").data == BLOB


def test_mount_from_anywhere(registry: Registry) -> None:
    digest = registry.push_blob("a/b", BLOB)
    answer = registry("POST", f"c/d/blobs/uploads/?mount={digest}")
    assert answer.status == (201 if registry.is_ours else 202)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(f"mount={NOWHERE}&from=a/b", id="not in it"),
        pytest.param(f"mount={Digest.of(BLOB)}&from=c/d", id="no such repository"),
        pytest.param(f"mount={NOWHERE}", id="nowhere"),
    ],
)
def test_mount_of_what_is_not_there_begins_an_upload(registry: Registry, query: str) -> None:
    registry.push_blob("a/b", BLOB)
    answer = registry("POST", f"e/f/blobs/uploads/?{query}")
    assert answer.status == 202
    digest = str(Digest.of(BLOB))
    assert registry("PUT", with_digest(answer.headers["Location"], digest), BLOB).status == 201


@pytest.mark.parametrize(
    ("media_type", "value"),
    [
        pytest.param(IMAGE, image(), id="OCI image"),
        pytest.param(DOCKER_IMAGE, image(mediaType=DOCKER_IMAGE), id="Docker image"),
        pytest.param(IMAGE, image(config=described(b"{}", EMPTY), artifactType=ARTIFACT), id="artifact"),
    ],
)
def test_manifests_of_several_kinds(registry: Registry, media_type: str, value: dict[str, object]) -> None:
    registry.push_blob("a/b", b"{}")
    registry.push_blob("a/b", BLOB)
    digest = registry.push_manifest("a/b", "v1", value, media_type)
    answer = registry("GET", f"a/b/manifests/{digest}", headers={"Accept": media_type})
    assert (answer.json(), answer.headers["Content-Type"]) == (value, media_type)


@pytest.mark.parametrize("media_type", [INDEX, DOCKER_INDEX])
def test_index_of_images(registry: Registry, media_type: str) -> None:
    child = registry.push_image("a/b", "child")
    platform = {"architecture": "amd64", "os": "linux"}
    manifests = [{"mediaType": IMAGE, "size": 1, "digest": child, "platform": platform}]
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    digest = registry.push_manifest("a/b", "multi", index, media_type)
    answer = registry("GET", f"a/b/manifests/{digest}", headers={"Accept": media_type})
    assert answer.json() == index


def test_manifest_by_its_digest(registry: Registry) -> None:
    registry.push_blob("a/b", b"{}")
    registry.push_blob("a/b", BLOB)
    data = json.dumps(image()).encode()
    answer = registry("PUT", f"a/b/manifests/{Digest.of(data)}", data, {"Content-Type": IMAGE})
    assert answer.status == 201
    assert answer.headers["Location"].endswith(f"/v2/a/b/manifests/{Digest.of(data)}")
    wrong = registry("PUT", f"a/b/manifests/{NOWHERE}", data, {"Content-Type": IMAGE})
    assert (wrong.status, code(wrong)) == (400, "DIGEST_INVALID")


def test_manifest_whose_blobs_are_missing(registry: Registry) -> None:
    registry.push_blob("a/b", b"{}")
    data = json.dumps(image()).encode()
    answer = registry("PUT", "a/b/manifests/v1", data, {"Content-Type": IMAGE})
    assert (answer.status, code(answer)) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        pytest.param({"schemaVersion": 2, "mediaType": IMAGE, "layers": []}, IMAGE, id="no config"),
        pytest.param(image(), "application/json", id="no manifest's type"),
        pytest.param(image(), INDEX, id="image as an index"),
        pytest.param(image(mediaType=DOCKER_IMAGE), IMAGE, id="another type than it says"),
        pytest.param(image(manifests=[]), IMAGE, id="image and index in one"),
    ],
)
def test_manifest_that_is_none(registry: Registry, value: object, media_type: str) -> None:
    registry.push_blob("a/b", b"{}")
    registry.push_blob("a/b", BLOB)
    answer = registry("PUT", "a/b/manifests/v1", json.dumps(value).encode(), {"Content-Type": media_type})
    if registry.is_ours:
        assert (answer.status, code(answer)) == (400, "MANIFEST_INVALID")
    else:
        assert answer.status in (400, 500)


# Content discovery


def test_tags_in_order_and_pages(registry: Registry) -> None:
    for tag in ("b", "a", "d", "c", "B"):
        registry.push_image("a/b", tag)
    listed = registry("GET", "a/b/tags/list").json()
    if not registry.is_ours:  # in no order, and not in pages
        assert sorted(listed["tags"]) == ["B", "a", "b", "c", "d"]
        return
    assert listed == {"name": "a/b", "tags": ["B", "a", "b", "c", "d"]}
    first = registry("GET", "a/b/tags/list?n=2")
    assert first.json()["tags"] == ["B", "a"]
    path, _, relation = first.headers["Link"].partition("; ")
    assert relation == 'rel="next"'
    second = registry("GET", path.strip("<>"))
    assert second.json()["tags"] == ["b", "c"]
    third = registry("GET", second.headers["Link"].partition(";")[0].strip("<>"))
    assert (third.json()["tags"], "Link" in third.headers) == (["d"], False)
    assert registry("GET", "a/b/tags/list?last=c").json()["tags"] == ["d"]
    assert registry("GET", "a/b/tags/list?last=c&n=5").json()["tags"] == ["d"]


def test_catalog_in_pages(registry: Registry) -> None:
    for name in ("c", "a/b", "b"):
        registry.push_image(name, "v1")
    assert registry("GET", "_catalog").json() == {"repositories": ["a/b", "b", "c"]}
    first = registry("GET", "_catalog?n=2")
    assert first.json() == {"repositories": ["a/b", "b"]}
    last = registry("GET", first.headers["Link"].partition(";")[0].strip("<>"))
    assert (last.json(), "Link" in last.headers) == ({"repositories": ["c"]}, False)


def test_tags_of_an_unknown_repository(registry: Registry) -> None:
    answer = registry("GET", "a/b/tags/list")
    assert (answer.status, code(answer)) == (404, "NAME_UNKNOWN")


# Content management


def test_deletion_of_a_manifest(registry: Registry) -> None:
    digest = registry.push_image("a/b", "v1")
    assert registry("DELETE", f"a/b/manifests/{digest}").status == 202
    assert registry("GET", f"a/b/manifests/{digest}").status == 404
    assert registry("GET", "a/b/manifests/v1").status == 404
    assert registry("DELETE", f"a/b/manifests/{digest}").status == 404


def test_deletion_of_a_tag(registry: Registry) -> None:
    digest = registry.push_image("a/b", "v1")
    answer = registry("DELETE", "a/b/manifests/v1")
    if registry.is_ours:
        assert answer.status == 202
        assert registry("GET", "a/b/manifests/v1").status == 404
        assert registry("DELETE", "a/b/manifests/v1").status == 404
    else:  # the specification lets a registry refuse
        assert answer.status == 400
    assert registry("GET", f"a/b/manifests/{digest}", headers={"Accept": IMAGE}).status == 200


def test_deletion_of_a_blob(registry: Registry) -> None:
    digest = registry.push_blob("a/b", BLOB)
    registry.push_blob("c/d", BLOB)
    assert registry("DELETE", f"a/b/blobs/{digest}").status == 202
    assert registry("GET", f"a/b/blobs/{digest}").status == 404
    assert registry("DELETE", f"a/b/blobs/{digest}").status == 404
    assert registry("GET", f"c/d/blobs/{digest}").data == BLOB


def test_methods_that_are_none(registry: Registry) -> None:
    answer = registry("PUT", f"a/b/blobs/{NOWHERE}", b"")
    assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD")
    assert answer.data == b"Method not allowed\n"
    moved = registry("GET", "/v2")
    assert (moved.status, moved.headers["Location"]) == (301, "/v2/")


# Both digests


def test_blob_by_sha512(registry: Registry) -> None:
    digest = f"sha512:{hashlib.sha512(BLOB).hexdigest()}"
    answer = registry("PUT", with_digest(registry.begin("a/b"), digest), BLOB)
    if not registry.is_ours:  # takes some, and calls them by their sha256
        assert answer.headers.get("Docker-Content-Digest") in (None, str(Digest.of(BLOB)))
        return
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert registry("GET", f"a/b/blobs/{digest}").data == BLOB
    assert registry("HEAD", f"a/b/blobs/{digest}").headers["Docker-Content-Digest"] == digest
    assert registry("POST", f"c/d/blobs/uploads/?mount={digest}&from=a/b").status == 201


@pytest.mark.parametrize("query", ["", "?digest-algorithm=sha512"])
def test_chunks_that_end_in_sha512(ours: Registry, query: str) -> None:
    place = ours("POST", f"a/b/blobs/uploads/{query}").headers["Location"]
    ours("PATCH", place, BLOB[:100])
    digest = str(Digest.of(BLOB, "sha512"))
    assert ours("PUT", with_digest(place, digest), BLOB[100:]).status == 201
    assert ours("GET", f"a/b/blobs/{digest}").data == BLOB


def test_algorithm_that_was_announced_need_not_be_the_last_word(ours: Registry) -> None:
    place = ours("POST", "a/b/blobs/uploads/?digest-algorithm=sha512").headers["Location"]
    ours("PATCH", place, BLOB[:100])
    assert ours("PUT", with_digest(place, str(Digest.of(BLOB))), BLOB[100:]).status == 201
    refused = ours("POST", "a/b/blobs/uploads/?digest-algorithm=md5")
    assert (refused.status, code(refused)) == (400, "DIGEST_INVALID")


def test_wrong_sha512(ours: Registry) -> None:
    wrong = "sha512:" + "0" * 128
    answer = ours("PUT", with_digest(ours.begin("a/b"), wrong), BLOB)
    assert (answer.status, code(answer)) == (400, "DIGEST_INVALID")


def test_manifest_by_sha512(ours: Registry) -> None:
    ours.push_blob("a/b", b"{}")
    layer = ours.push_blob("a/b", BLOB, "sha512")
    layers = [{"mediaType": LAYER, "size": len(BLOB), "digest": layer}]
    data = json.dumps(image(layers=layers)).encode()
    digest = str(Digest.of(data, "sha512"))
    answer = ours("PUT", f"a/b/manifests/{digest}", data, {"Content-Type": IMAGE})
    assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
    assert ours("GET", f"a/b/manifests/{digest}").data == data
    assert ours("GET", f"a/b/manifests/{Digest.of(data)}").status == 404
    assert ours("DELETE", f"a/b/manifests/{digest}").status == 202


# Referrers


def sbom(registry: Registry, subject: str, reference: str = "", **more: object) -> tuple[str, bytes]:
    """An artifact that refers to ``subject``: its digest and its bytes."""
    registry.push_blob("a/b", b"{}")
    value = image(
        b"{}",
        config=described(b"{}", EMPTY),
        subject={"mediaType": IMAGE, "size": 1, "digest": subject},
        **more,
    )
    data = json.dumps(value).encode()
    answer = registry("PUT", f"a/b/manifests/{reference or Digest.of(data)}", data, {"Content-Type": IMAGE})
    assert (answer.status, answer.headers.get("OCI-Subject")) == (201, subject if registry.is_ours else None)
    return str(Digest.of(data)), data


def test_referrers_are_listed(registry: Registry) -> None:
    subject = registry.push_image("a/b", "v1")
    digest, data = sbom(registry, subject, artifactType=ARTIFACT, annotations={"made.by": "us"})
    answer = registry("GET", f"a/b/referrers/{subject}")
    if not registry.is_ours:
        assert answer.status == 404
        return
    assert (answer.status, answer.headers["Content-Type"]) == (200, INDEX)
    assert answer.json() == {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [
            {
                "mediaType": IMAGE,
                "digest": digest,
                "size": len(data),
                "artifactType": ARTIFACT,
                "annotations": {"made.by": "us"},
            }
        ],
    }


def test_type_of_an_artifact_without_one_is_its_configs(ours: Registry) -> None:
    sbom(ours, NOWHERE)
    (descriptor,) = ours("GET", f"a/b/referrers/{NOWHERE}").json()["manifests"]
    assert (descriptor["artifactType"], "annotations" in descriptor) == (EMPTY, False)


def test_referrers_of_what_is_not_there(ours: Registry) -> None:
    answer = ours("GET", f"no/such/referrers/{NOWHERE}")
    assert (answer.status, answer.json()["manifests"]) == (200, [])
    digest, _ = sbom(ours, NOWHERE)
    assert [d["digest"] for d in ours("GET", f"a/b/referrers/{NOWHERE}").json()["manifests"]] == [digest]


def test_referrers_by_type(ours: Registry) -> None:
    digest, _ = sbom(ours, NOWHERE, artifactType=ARTIFACT)
    sbom(ours, NOWHERE, artifactType="application/vnd.example.signature")
    answer = ours("GET", f"a/b/referrers/{NOWHERE}?artifactType={ARTIFACT}")
    assert [descriptor["digest"] for descriptor in answer.json()["manifests"]] == [digest]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    everything = ours("GET", f"a/b/referrers/{NOWHERE}")
    assert (len(everything.json()["manifests"]), "OCI-Filters-Applied" in everything.headers) == (2, False)


def test_index_may_refer(ours: Registry) -> None:
    child = ours.push_image("a/b", "child")
    subject = {"mediaType": IMAGE, "size": 1, "digest": NOWHERE}
    manifests = [{"mediaType": IMAGE, "size": 1, "digest": child}]
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": manifests,
        "subject": subject,
        "artifactType": "x/y",
    }
    digest = ours.push_manifest("a/b", "multi", index, INDEX)
    (descriptor,) = ours("GET", f"a/b/referrers/{NOWHERE}").json()["manifests"]
    assert (descriptor["digest"], descriptor["mediaType"], descriptor["artifactType"]) == (
        digest,
        INDEX,
        "x/y",
    )


def test_deleted_referrer_is_listed_no_more(ours: Registry) -> None:
    digest, _ = sbom(ours, NOWHERE)
    assert ours("DELETE", f"a/b/manifests/{digest}").status == 202
    assert ours("GET", f"a/b/referrers/{NOWHERE}").json()["manifests"] == []


def test_many_referrers_come_in_pages(ours: Registry) -> None:
    digests = {sbom(ours, NOWHERE, annotations={"text": str(n) * 1_200_000})[0] for n in range(4)}
    found, path = [], f"a/b/referrers/{NOWHERE}"
    for _ in range(3):
        answer = ours("GET", path)
        assert len(answer.data) < 4 << 20
        found += [descriptor["digest"] for descriptor in answer.json()["manifests"]]
        if "Link" not in answer.headers:
            break
        path = answer.headers["Link"].partition(";")[0].strip("<>")
    assert found == sorted(digests)


@pytest.mark.parametrize("subject", ["x", {"digest": "sha256:12"}, {}, []], ids=str)
def test_subject_that_is_none(ours: Registry, subject: object) -> None:
    ours.push_blob("a/b", b"{}")
    data = json.dumps(image(b"{}", subject=subject)).encode()
    answer = ours("PUT", "a/b/manifests/v1", data, {"Content-Type": IMAGE})
    assert (answer.status, code(answer)) == (400, "MANIFEST_INVALID")


def test_referrers_of_nonsense(ours: Registry) -> None:
    answer = ours("GET", "a/b/referrers/nonsense")
    assert (answer.status, code(answer)) == (400, "DIGEST_INVALID")
