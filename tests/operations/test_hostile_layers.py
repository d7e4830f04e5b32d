"""Layers made by strangers, pulled from a real registry: nothing is written outside, nothing is left half done."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import LapstrakeError
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import Limits
from lapstrake.oci.manifest import DOCKER_LAYER, Descriptor, ImageConfig, manifest_of
from lapstrake.oci.reference import Reference
from lapstrake.operations.pull import pull_image
from lapstrake.registry.server import serve


class House:
    def __init__(self, host: str, client: RegistryClient, folder: Path) -> None:
        self.reference = Reference.parse(f"{host}/stranger/image")
        self.client = client
        self.folder = folder
        self.out = folder / "deep" / "out"

    def push(self, *layers: bytes, claimed: int | None = None) -> None:
        """An image of ``layers``; ``claimed`` is the size the manifest gives them, if not their own."""
        repo = self.reference.repo
        descriptors = []
        for layer in layers:
            self.client.push_blob(repo, Digest.of(layer), layer)
            descriptors.append(Descriptor(DOCKER_LAYER, claimed or len(layer), Digest.of(layer)))
        config = ImageConfig(tuple(d.digest for d in descriptors)).to_bytes()
        self.client.push_blob(repo, Digest.of(config), config)
        manifest = manifest_of(config, descriptors)
        self.client.put_manifest(self.reference, manifest.media_type, manifest.data)

    def pull(self) -> dict[str, bytes]:
        pull_image(self.client, self.reference, str(self.out))
        return {
            p.relative_to(self.out).as_posix(): p.read_bytes() for p in self.out.rglob("*") if p.is_file()
        }

    def outside(self) -> list[str]:
        """What stands around the output folder."""
        around = [
            p.relative_to(self.folder) for p in self.folder.rglob("*") if self.out not in (p, *p.parents)
        ]
        return sorted(str(path) for path in around if path.parts[0] != "registry")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with (
        serve("127.0.0.1", 0, str(tmp_path / "registry"), sweep_seconds=3600) as running,
        RegistryClient(RegistryOptions(environment={}, retry_count=2), sleep=lambda _: None) as client,
    ):
        yield House(running.host, client, tmp_path)


def layer(*members: tuple[str, bytes], change: Callable[[tarfile.TarInfo], None] = lambda _: None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def special(kind: bytes, name: str, target: str = "") -> bytes:
    """A layer with one special entry, then a file of that name and one below it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        tar.addfile(info)
        for path in (f"{name}/below", "plain"):
            file = tarfile.TarInfo(path)
            file.size = 1
            tar.addfile(file, io.BytesIO(b"1"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../evil", id="one up"),
        pytest.param("a/../../evil", id="up through a folder"),
        pytest.param("/../evil", id="absolute and up"),
        pytest.param("a/b/../../../../../../evil", id="far up"),
    ],
)
def test_names_that_lead_outside_are_refused(house: House, name: str) -> None:
    house.push(layer(("good", b"1"), (name, b"evil")))
    with pytest.raises(LapstrakeError, match="leads outside of the folder"):
        house.pull()
    assert not house.out.exists()
    assert house.outside() == ["deep"]


def test_absolute_names_stay_below_the_folder(house: House) -> None:
    house.push(layer(("/etc/evil", b"1"), ("//twice", b"2")))
    assert house.pull() == {"etc/evil": b"1", "twice": b"2"}


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(tarfile.SYMTYPE, id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, id="hard link"),
        pytest.param(tarfile.CHRTYPE, id="device"),
        pytest.param(tarfile.FIFOTYPE, id="pipe"),
    ],
)
def test_links_and_devices_are_not_made_and_not_gone_through(house: House, kind: bytes) -> None:
    (house.folder / "target").mkdir()
    house.push(special(kind, "door", str(house.folder / "target")))
    assert house.pull() == {"door/below": b"1", "plain": b"1"}
    assert house.outside() == ["deep", "target"]


def test_a_later_layer_does_not_write_through_a_link_of_an_earlier_one(house: House) -> None:
    (house.folder / "target").mkdir()
    house.push(layer(("door/below", b"2")), special(tarfile.SYMTYPE, "door", str(house.folder / "target")))
    house.pull()
    assert list((house.folder / "target").iterdir()) == []


def test_a_layer_that_breaks_off_leaves_the_former_folder(house: House) -> None:
    house.out.mkdir(parents=True)
    (house.out / "former").write_text("kept")
    house.push(layer(("a", bytes(300_000)), ("b", b"1"))[:-40])
    with pytest.raises(LapstrakeError, match="unexpected EOF"):
        house.pull()
    assert [p.name for p in house.out.iterdir()] == ["former"]
    assert house.outside() == ["deep"]


def test_a_layer_with_other_content_than_its_digest_is_refused(house: House) -> None:
    """Also where what stands in its place is a whole tar, and what follows that gives it the right size."""
    honest = layer(("a", random.Random(1).randbytes(3 << 20)))
    evil = layer(("a", b"evil"))
    house.push(honest)
    digest = Digest.of(honest)
    stored = house.folder / "registry" / "blobs" / digest.hex[:2] / digest.hex
    stored.write_bytes(evil + bytes(len(honest) - len(evil)))
    with pytest.raises(LapstrakeError, match="error verifying sha256 checksum"):
        house.pull()
    assert not house.out.exists()


def test_a_layer_of_another_size_than_told_is_refused(house: House) -> None:
    house.push(layer(("a", b"1")), claimed=10)
    with pytest.raises(LapstrakeError, match="does not match expected size 10"):
        house.pull()
    assert not house.out.exists()


def test_a_bomb_ends_where_the_disk_is_not_full_yet(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limits, "of_layer", lambda size: Limits(total_bytes=200 * size))
    house.push(layer(("zeros", bytes(32 << 20))))
    with pytest.raises(LapstrakeError, match="it unpacks to more than is allowed"):
        house.pull()
    assert house.outside() == ["deep"]


def test_a_layer_of_zeros_is_a_bomb_and_one_of_text_is_none() -> None:
    assert Limits.of_layer(10 << 20).total_bytes == 2000 << 20
    assert Limits.of_layer(100).total_bytes == 1 << 30
    assert Limits.of_layer(1 << 40).total_bytes == 64 << 30


def test_names_that_are_too_long_for_the_file_system(house: House) -> None:
    house.push(layer(("x" * 300, b"1")))
    with pytest.raises(LapstrakeError, match="file name too long"):
        house.pull()
    assert not house.out.exists()


def test_setuid_is_dropped(house: House) -> None:
    def give_setuid(info: tarfile.TarInfo) -> None:
        info.mode = 0o6755

    house.push(layer(("tool", b"1"), change=give_setuid))
    house.pull()
    assert (house.out / "tool").stat().st_mode & 0o7777 == 0o755
