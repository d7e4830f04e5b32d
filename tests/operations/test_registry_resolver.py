from __future__ import annotations

import json

import pytest

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

    def blob_bytes(self, repository, digest):
        raise AssertionError("no configuration is needed")


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
