"""kbld's package, unpackage and relocate against a real registry."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.adapters.image_tar import TarFileReader, write_tar
from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import InputError, RegistryError
from lapstrake.imgpkg.archive import MANIFEST
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_INDEX, go_json
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.push import PushRequest, push
from lapstrake.operations.relocate_images import (
    Move,
    lock_of_moved,
    package_images,
    read_by_digest,
    relocate_images,
    unpackage_images,
    with_moved,
)
from lapstrake.operations.template import SourceFile
from lapstrake.registry.server import serve


class Harbour:
    """A registry with an image at ``app`` and an index of it at ``index``; what was told is in ``lines``."""

    def __init__(self, host: str, client: RegistryClient, folder: Path) -> None:
        self.client = client
        self.lines: list[str] = []
        self.tar = str(folder / "images.tar")
        self.target = Repository(host, "copies")
        (folder / "x").write_text("x")
        image = push(
            client, PushRequest(Reference.parse(f"{host}/app:v1"), [str(folder / "x")], is_bundle=False)
        )
        assert image.digest
        self.image = f"{host}/app:v1@{image.digest}"
        found = client.manifest(image)
        entry = {"mediaType": found.media_type, "size": len(found.data), "digest": str(found.digest)}
        data = go_json({"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [entry]})
        index = Reference.parse(f"{host}/app@{Digest.of(data)}")
        client.put_manifest(index, DOCKER_INDEX, data)
        self.index = str(index)

    def move(self, command: str) -> Move:
        return Move(command, self.lines.append, 1, sleep=lambda _: None)

    def configuration(self, *images: str):
        return self.given(*images)[0]

    def given(self, *images: str, text: str = ""):
        """The configuration and its images; ``text`` stands in front of the resources."""
        text += "".join(f"---\nkind: X\nimage: {image}\n" for image in images)
        return read_by_digest([SourceFile("a.yml", text.encode())])

    def copied(self, image: str) -> str:
        return f"{self.target}@{image.partition('@')[2]}"


@pytest.fixture
def harbour(tmp_path: Path) -> Iterator[Harbour]:
    with (
        serve("127.0.0.1", 0, str(tmp_path / "store"), sweep_seconds=3600) as registry,
        RegistryClient(RegistryOptions(environment={}, retry_count=1)) as client,
    ):
        yield Harbour(registry.host, client, tmp_path)


def test_images_travel_by_tar(harbour):
    configuration, images = harbour.given(harbour.image, harbour.index)
    package_images(harbour.client, images, harbour.tar, harbour.move("package"))
    moved = unpackage_images(harbour.client, harbour.tar, harbour.target, harbour.move("unpackage"))
    assert moved == {image: harbour.copied(image) for image in (harbour.image, harbour.index)}
    printed = with_moved(configuration, moved).printed
    assert printed == "".join(
        f"---\nimage: {harbour.copied(i)}\nkind: X\n" for i in (harbour.image, harbour.index)
    )
    tags = sorted(f"kbld-{i.partition('@')[2].replace(':', '-')}" for i in (harbour.image, harbour.index))
    assert sorted(harbour.client.tags(harbour.target)) == tags


def test_images_are_relocated(harbour):
    moved = relocate_images(harbour.client, [harbour.index], harbour.target, harbour.move("relocate"))
    assert moved == {harbour.index: harbour.copied(harbour.index)}
    assert harbour.lines == [
        "relocate | exporting 1 images...",
        f"relocate | will export {harbour.index}",
        "relocate | exported 1 images",
        "relocate | importing 1 images...",
        f"relocate | importing {harbour.index} -> {harbour.copied(harbour.index)}...",
        "relocate | imported 1 images",
    ]


def test_tar_tells_references_but_no_tags(harbour):
    package_images(harbour.client, [harbour.image], harbour.tar, harbour.move("package"))
    with TarFileReader(harbour.tar) as tar:
        (entry,) = json.loads(b"".join(tar.chunks(MANIFEST)))
    assert entry["Image"]["Refs"] == [harbour.image]
    assert list(entry["Image"]) == ["Refs", "Layers", "Config", "Manifest"]


def test_tar_of_nothing(harbour):
    package_images(harbour.client, [], harbour.tar, harbour.move("package"))
    with TarFileReader(harbour.tar) as tar:
        assert b"".join(tar.chunks(MANIFEST)) == b"null"
    assert unpackage_images(harbour.client, harbour.tar, harbour.target, harbour.move("unpackage")) == {}


def test_tar_may_leave_out_what_is_empty(harbour):
    package_images(harbour.client, [harbour.image], harbour.tar, harbour.move("package"))
    with tarfile.open(harbour.tar) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}
    (entry,) = json.loads(files[MANIFEST])
    del entry["ImageIndex"]
    files[MANIFEST] = json.dumps([entry]).encode()
    with tarfile.open(harbour.tar, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    moved = unpackage_images(harbour.client, harbour.tar, harbour.target, harbour.move("unpackage"))
    assert moved == {harbour.image: harbour.copied(harbour.image)}


def test_lock_names_the_copies(harbour):
    configuration = harbour.configuration(harbour.image)
    lock = lock_of_moved(configuration, {harbour.image: "e.test/copy@sha256:00"})
    assert f"- image: {harbour.image}\n  newImage: e.test/copy@sha256:00\n  preresolved: true\n" in lock


LOCK = """
apiVersion: kbld.k14s.io/v1alpha1
kind: Config
overrides:
- {{imageRepo: repo, newImage: "{image}", preresolved: true}}
- {{image: asked, newImage: asked-for}}
"""


def test_images_of_a_lock_travel_too(harbour):
    configuration, images = harbour.given(text=LOCK.format(image=harbour.image))
    assert images == [harbour.image]
    lock = lock_of_moved(configuration, {harbour.image: "e.test/copy@sha256:00"})
    assert lock.endswith(
        "overrides:\n"
        "- imageRepo: repo\n  newImage: e.test/copy@sha256:00\n  preresolved: true\n"
        f"- image: {harbour.image}\n  newImage: e.test/copy@sha256:00\n  preresolved: true\n"
    )


def test_image_of_a_lock_that_was_not_moved_is_an_error(harbour):
    configuration, _ = harbour.given(text=LOCK.format(image=harbour.image))
    with pytest.raises(InputError) as caught:
        lock_of_moved(configuration, {})
    assert str(caught.value) == f"Expected to find imported image for '{harbour.image}'"


def test_image_of_a_lock_must_be_given_by_digest(harbour):
    with pytest.raises(InputError) as caught:
        harbour.given(text=LOCK.format(image="e.test/app"))
    assert str(caught.value) == "Expected image 'e.test/app' to be in digest form (i.e. image@digest)"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "file manifest.json not found in tar", id="no-manifest"),
        pytest.param({"manifest.json": b"["}, "unexpected end of JSON input", id="broken"),
        pytest.param(
            {"manifest.json": b"{}"},
            "json: cannot unmarshal object into Go value of type []imagedesc.ImageOrImageIndexDescriptor",
            id="no-list",
        ),
    ],
)
def test_tar_that_is_none_of_ours(harbour, files, message):
    members = [(name, len(data), lambda data=data: [data]) for name, data in files.items()]
    list(write_tar(harbour.tar, members, keep_unfinished=False))
    with pytest.raises(InputError) as caught:
        unpackage_images(harbour.client, harbour.tar, harbour.target, harbour.move("unpackage"))
    assert str(caught.value) == message


def test_layer_that_is_not_in_the_tar(harbour):
    package_images(harbour.client, [harbour.image], harbour.tar, harbour.move("package"))
    with TarFileReader(harbour.tar) as tar:
        manifest = b"".join(tar.chunks(MANIFEST))
    # From another registry, so that the target's cannot help.
    manifest = manifest.replace(harbour.target.registry.encode(), b"e.test")
    list(write_tar(harbour.tar, [(MANIFEST, len(manifest), lambda: [manifest])], keep_unfinished=False))
    layer = json.loads(manifest)[0]["Image"]["Layers"][0]["Digest"].replace(":", "-")
    with pytest.raises(RegistryError) as caught:
        unpackage_images(harbour.client, harbour.tar, harbour.target, harbour.move("unpackage"))
    image = harbour.image.replace(harbour.target.registry, "e.test")
    assert str(caught.value) == (
        f"Importing image {image}: Importing image as {harbour.copied(image)}: "
        f"Writing image: Retried 5 times: file {layer}.tar.gz not found in tar"
    )


def test_image_that_was_not_moved_is_an_error(harbour):
    with pytest.raises(InputError) as caught:
        with_moved(harbour.configuration(harbour.image), {})
    assert str(caught.value) == f"\n- Expected to find image for '{harbour.image}'"


def test_image_must_be_given_by_digest(harbour):
    with pytest.raises(InputError) as caught:
        harbour.configuration("e.test/app:v1")
    assert str(caught.value) == "Expected image 'e.test/app:v1' to be in digest form (i.e. image@digest)"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("app", "strict validation requires the registry to be explicitly defined", id="host"),
        pytest.param(
            "index.docker.io/app",
            "strict validation requires the full repository path (missing 'library')",
            id="library",
        ),
        pytest.param(
            "localhost/app",
            "strict validation requires the registry to be explicitly defined",
            id="localhost",
        ),
        pytest.param(
            "app:v1",
            "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: app:v1",
            id="tag",
        ),
    ],
)
def test_reference_must_be_complete(harbour, name, message):
    image = f"{name}@sha256:{'ab' * 32}"
    with pytest.raises(InputError) as caught:
        package_images(harbour.client, [image], harbour.tar, harbour.move("package"))
    assert str(caught.value) == message
    assert harbour.lines[-1] == "package | exported 1 images"


def test_image_that_is_gone(harbour):
    gone = harbour.image.partition("@")[0].replace(":v1", "") + "@sha256:" + "ab" * 32
    with pytest.raises(RegistryError) as caught:
        relocate_images(harbour.client, [gone], harbour.target, harbour.move("relocate"))
    assert str(caught.value).startswith(f"Collecting packaging metadata: Working with {gone}: Encountered an")


def test_registry_that_is_not_there(harbour):
    image = f"127.0.0.1:1/app@sha256:{'ab' * 32}"
    with pytest.raises(RegistryError) as caught:
        relocate_images(harbour.client, [image], harbour.target, harbour.move("relocate"))
    assert str(caught.value).startswith(f"Collecting packaging metadata: Working with {image}: ")
    assert "Docker Registry v1" not in str(caught.value)


@pytest.mark.parametrize("what", ["image", "index"])
def test_write_is_tried_five_times(harbour, what):
    image, named = getattr(harbour, what), {"image": "image", "index": "image index"}[what]

    class Refusing:
        """The registry, with a refusal for every manifest."""

        tried = 0

        def __getattr__(self, name: str):
            return getattr(harbour.client, name)

        def put_manifest(self, *_: object) -> Digest:
            self.tried += 1
            raise RegistryError("busy")

    registry = Refusing()
    with pytest.raises(RegistryError) as caught:
        relocate_images(registry, [image], harbour.target, harbour.move("relocate"))
    assert str(caught.value) == (
        f"Importing image {image}: Importing {named} as {harbour.copied(image)}: "
        f"Writing {named}: Retried 5 times: busy"
    )
    assert registry.tried == 5
