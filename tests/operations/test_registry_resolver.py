from __future__ import annotations

import json

import pytest

from lapstrake.errors import RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Platform, RawManifest
from lapstrake.oci.reference import Reference
from lapstrake.operations.registry_resolver import RegistryResolver

REFERENCE = Reference.parse("e.test/app:v1")


def entry(name: str, **platform: str) -> dict[str, object]:
    return {
        "mediaType": DOCKER_MANIFEST,
        "size": 1,
        "digest": str(Digest.of(name.encode())),
        "platform": {"os": "linux", **platform},
    }


INDEX = {"manifests": [entry("amd", architecture="amd64"), entry("arm7", architecture="arm", variant="v7")]}


class Registry:
    """Holds one index."""

    def head(self, ref: Reference) -> Descriptor:
        return self.manifest(ref).descriptor

    def manifest(self, ref: Reference) -> RawManifest:
        return RawManifest.of(DOCKER_INDEX, json.dumps(INDEX).encode())

    def tags(self, repository):
        return ["v1"]

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest:
        raise AssertionError("nothing is written")


def test_client_is_opened_with_the_first_question():
    opened = []

    def open_client() -> Registry:
        opened.append(1)
        return Registry()

    resolver = RegistryResolver(open_client)
    assert not opened
    resolver.tags(REFERENCE.repo)
    assert resolver.digest(REFERENCE).startswith("sha256:")
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("platform", "names"),
    [
        pytest.param(Platform("linux", "amd64"), ["amd"], id="exact"),
        pytest.param(Platform("linux", "arm"), ["arm7"], id="any-variant"),
        pytest.param(Platform("linux", "arm", "v6"), [], id="other-variant"),
        pytest.param(Platform("linux", "s390x"), [], id="absent"),
    ],
)
def test_index_is_searched_by_platform(platform, names):
    found = RegistryResolver(Registry).platform_digests(REFERENCE, platform)
    assert found == [str(Digest.of(name.encode())) for name in names]


def test_features_of_an_index_hold_those_wanted():
    index = {"manifests": [entry("ab") | {"platform": {"os": "windows", "os.features": ["a", "b"]}}]}

    class Windows(Registry):
        def manifest(self, ref: Reference) -> RawManifest:
            return RawManifest.of(DOCKER_INDEX, json.dumps(index).encode())

    resolver = RegistryResolver(Windows)
    assert resolver.platform_digests(REFERENCE, Platform("windows", os_features=("b",)))
    assert not resolver.platform_digests(REFERENCE, Platform("windows", os_features=("b", "c")))


class Changing(Registry):
    """Another image stands behind the tag with each request; the first ``refusals`` writes are refused."""

    def __init__(self, refusals: int = 0) -> None:
        self.requests: list[str] = []
        self._refusals = refusals

    def head(self, ref: Reference) -> Descriptor:
        self.requests.append(str(ref))
        return Descriptor(DOCKER_MANIFEST, 1, Digest.of(str(len(self.requests)).encode()))

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest:
        self.requests.append(str(ref))
        if len(self.requests) <= self._refusals:
            raise RegistryError("busy")
        return Digest.of(data)


def test_tag_whose_answers_differ_is_refused():
    with pytest.raises(RegistryError) as caught:
        RegistryResolver(Changing).digest(REFERENCE)
    assert str(caught.value).startswith(
        "Expected digest resolution to be consistent over two separate requests"
    )


IMAGE = REFERENCE.with_digest(Digest.of(b"x"))


def test_tag_is_written_again_a_second_later():
    registry, pauses = Changing(refusals=2), []
    RegistryResolver(lambda: registry, sleep=pauses.append).write_tag(IMAGE, "v2")
    assert registry.requests == ["e.test/app:v2"] * 3
    assert pauses == [1, 1]


def test_tag_is_written_five_times_at_most():
    registry = Changing(refusals=9)
    with pytest.raises(RegistryError) as caught:
        RegistryResolver(lambda: registry, sleep=lambda _: None).write_tag(IMAGE, "v2")
    assert str(caught.value) == "Writing image tag: Retried 5 times: busy"
    assert len(registry.requests) == 5


def test_empty_tag_is_latest():
    registry = Changing()
    RegistryResolver(lambda: registry).write_tag(IMAGE, "")
    assert registry.requests == ["e.test/app:latest"]
