"""skopeo and our registry and imgpkg: what one wrote, the other reads, byte for byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import RegistryError
from lapstrake.oci.manifest import OCI_INDEX, Descriptor, RawManifest, go_json
from lapstrake.oci.reference import Reference
from lapstrake.operations.copy import CopyOptions, RegistrySource, copy_to_repository, image_parcels
from lapstrake.operations.pull import pull_image
from lapstrake.operations.push import PushRequest, push
from lapstrake.registry.server import serve

pytestmark = pytest.mark.skipif(shutil.which("skopeo") is None, reason="no skopeo here")

_INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


class House:
    """A registry of ours, a client of it, skopeo and a folder to work in."""

    def __init__(self, host: str, client: RegistryClient, folder: Path) -> None:
        self.host = host
        self.client = client
        self.folder = folder

    def ref(self, name: str) -> Reference:
        return Reference.parse(f"{self.host}/{name}")

    def docker(self, name: str) -> str:
        return f"docker://{self.host}/{name}"

    def push(self, name: str, **contents: str) -> Reference:
        folder = self.folder / "in" / name.replace(":", "-")
        folder.mkdir(parents=True)
        for path, text in contents.items():
            (folder / path).write_text(text)
        return push(self.client, PushRequest(self.ref(name), [str(folder)], is_bundle=False))

    def pull(self, name: str) -> dict[str, str]:
        out = self.folder / "out"
        pull_image(self.client, self.ref(name), str(out))
        return {
            path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()
        }

    def manifest(self, name: str) -> RawManifest:
        return self.client.manifest(self.ref(name))

    def skopeo(self, *words: str) -> str:
        own = {
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "REGISTRY_AUTH_FILE": "/nonexistent",
        }
        run = subprocess.run(
            ["skopeo", "--insecure-policy", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | own,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def copy(self, source: str, target: str, *flags: str) -> None:
        self.skopeo("copy", *flags, *_INSECURE, source, target)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with (
        serve("127.0.0.1", 0, str(tmp_path / "registry"), sweep_seconds=3600) as running,
        RegistryClient(RegistryOptions(environment={})) as client,
    ):
        yield House(running.host, client, tmp_path)


def index_of(house: House, name: str, *images: Reference) -> RawManifest:
    """An index with ``images``, each for an architecture of its own, in the repository they are in."""
    entries = []
    for number, image in enumerate(images):
        found: Descriptor = house.client.head(image)
        platform = {"os": "linux", "architecture": ("amd64", "arm64")[number]}
        entries.append(
            {
                "mediaType": found.media_type,
                "size": found.size,
                "digest": str(found.digest),
                "platform": platform,
            }
        )
    data = go_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    house.client.put_manifest(house.ref(name), OCI_INDEX, data)
    return house.manifest(name)


def test_skopeo_copies_between_repositories_and_keeps_the_digest(house: House) -> None:
    pushed = house.push("app:v1", a="1", b="2")
    house.copy(house.docker("app:v1"), house.docker("team/copy:v2"))
    assert house.manifest("team/copy:v2") == house.client.manifest(pushed)
    assert house.pull("team/copy:v2") == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("place", "flags", "same"),
    [
        pytest.param("dir", (), True, id="folder"),
        pytest.param("oci", (), False, id="OCI layout, which has its own type of manifest"),
        pytest.param("dir", ("--dest-compress",), True, id="folder, compressed already"),
    ],
)
def test_skopeo_takes_an_image_out_and_brings_it_back(
    house: House, place: str, flags: tuple[str, ...], same: bool
) -> None:
    pushed = house.push("app:v1", a="1")
    outside = f"{place}:{house.folder / 'outside'}"
    house.copy(house.docker("app:v1"), outside, *flags)
    house.copy(outside, house.docker("back:v1"))
    back = house.manifest("back:v1")
    assert (back.digest == pushed.digest) is same
    layers = [layer.digest for layer in back.image().layers]
    assert layers == [layer.digest for layer in house.client.manifest(pushed).image().layers]
    assert house.pull("back:v1") == {"a": "1"}


@pytest.mark.parametrize("place", ["oci", "dir"])
def test_skopeo_copies_an_index_with_all_its_images(house: House, place: str) -> None:
    images = (house.push("multi:amd64", a="amd"), house.push("multi:arm64", a="arm"))
    index = index_of(house, "multi:all", *images)
    outside = f"{place}:{house.folder / 'outside'}"
    house.copy(house.docker("multi:all"), outside, "--all", "--preserve-digests")
    house.copy(outside, house.docker("back:all"), "--all", "--preserve-digests")
    assert house.manifest("back:all") == index
    for image, text in zip(images, ("amd", "arm"), strict=True):
        assert house.pull(f"back@{image.digest}") == {"a": text}


def test_skopeo_copies_the_index_that_imgpkg_copied(house: House) -> None:
    images = (house.push("multi:amd64", a="amd"), house.push("multi:arm64", a="arm"))
    index = index_of(house, "multi:all", *images)
    options = CopyOptions()
    parcels = image_parcels(house.client, house.ref("multi:all"), options)
    target = house.ref("copied").repo
    copy_to_repository(house.client, parcels, RegistrySource(house.client), target, options)
    house.copy(house.docker("copied:all"), house.docker("again:all"), "--all")
    assert house.manifest("again:all") == index


def test_imgpkg_copies_what_skopeo_brought(house: House) -> None:
    house.push("app:v1", a="1")
    layout = f"oci:{house.folder / 'layout'}"
    house.copy(house.docker("app:v1"), layout)
    house.copy(layout, house.docker("oci:v1"))
    options = CopyOptions()
    parcels = image_parcels(house.client, house.ref("oci:v1"), options)
    target = house.ref("copied").repo
    copy_to_repository(house.client, parcels, RegistrySource(house.client), target, options)
    assert house.manifest("copied:v1") == house.manifest("oci:v1")
    assert house.pull("copied:v1") == {"a": "1"}


def test_skopeo_lists_the_tags_that_imgpkg_wrote(house: House) -> None:
    pushed = house.push("app:v1", a="1")
    house.push("app:v2", a="2")
    assert pushed.digest
    tags = json.loads(house.skopeo("list-tags", "--tls-verify=false", house.docker("app")))["Tags"]
    assert {"v1", "v2", f"{pushed.digest.tag_prefix}.imgpkg"} <= set(tags)
    assert len(tags) == 4


def test_skopeo_inspects_what_imgpkg_pushed(house: House) -> None:
    pushed = house.push("app:v1", a="1")
    raw = house.skopeo("inspect", "--tls-verify=false", "--raw", house.docker("app:v1"))
    assert raw.encode() == house.client.manifest(pushed).data
    shown = json.loads(house.skopeo("inspect", "--tls-verify=false", house.docker("app:v1")))
    assert (shown["Digest"], len(shown["Layers"])) == (str(pushed.digest), 1)


@pytest.mark.parametrize("gone", [pytest.param("v1", id="tag"), pytest.param("", id="digest")])
def test_skopeo_deletes(house: House, gone: str) -> None:
    pushed = house.push("app:v1", a="1")
    house.push("app:kept", a="2")
    name = f"app:{gone}" if gone else f"app@{pushed.digest}"
    house.skopeo("delete", "--tls-verify=false", house.docker(name))
    with pytest.raises(RegistryError):
        house.manifest("app:v1")
    assert house.pull("app:kept") == {"a": "2"}


def test_skopeo_hears_why_an_image_is_not_there(house: House) -> None:
    with pytest.raises(AssertionError, match=r"(manifest|name) unknown"):
        house.skopeo("inspect", "--tls-verify=false", house.docker("app:none"))
