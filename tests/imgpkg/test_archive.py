from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lapstrake.errors import InputError
from lapstrake.imgpkg import archive
from lapstrake.imgpkg.naming import ROOT_LABEL
from lapstrake.imgpkg.parcels import Parcel
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_LAYER, OCI_INDEX, Descriptor, ImageConfig, RawManifest, manifest_of
from lapstrake.oci.reference import Repository

REPO = Repository("h.test", "team/app")
LAYER = Descriptor(DOCKER_LAYER, 3, Digest.of(b"abc"))


def image(tag: str = "", *, label: str = "é", is_root: bool = False) -> Parcel:
    config = ImageConfig((Digest.of(b"tar"),), {"l": label}).to_bytes()
    return Parcel(REPO, manifest_of(config, [LAYER]), config, (), tag, "o.test/app@sha256:1", is_root)


def index() -> Parcel:
    children = tuple(replace(image(label=label), original="") for label in "12")
    described = [{"digest": str(c.digest), "size": 1, "mediaType": "m"} for c in children]
    data = json.dumps({"manifests": described}).encode()
    return Parcel(REPO, RawManifest.of(OCI_INDEX, data), b"", children, "multi", "o.test/app@sha256:2")


@pytest.mark.parametrize(
    "parcel", [image("v1", is_root=True), image(), index()], ids=["root", "image", "index"]
)
def test_archive_reads_what_it_wrote(parcel: Parcel) -> None:
    assert archive.read(archive.written([parcel])) == [parcel]


def test_archive_tells_of_an_indexs_images_what_it_tells_of_the_index() -> None:
    (entry,) = json.loads(archive.written([index()]))
    images = entry["ImageIndex"]["Images"]
    assert {(image["Tag"], image["OrigRef"]) for image in images} == {("multi", "o.test/app@sha256:2")}


def test_archive_is_sorted_by_digest() -> None:
    parcels = [image(label=label) for label in "abcdef"]
    written = json.loads(archive.written(parcels))
    digests = [entry["Image"]["Manifest"]["Digest"] for entry in written]
    assert digests == sorted(digests)
    assert digests != [str(parcel.digest) for parcel in parcels]


def test_archive_knows_no_content_of_what_is_no_layer() -> None:
    config = ImageConfig((Digest.of(b"tar"),)).to_bytes()
    signature = Descriptor("application/vnd.dev.cosign.simplesigning.v1+json", 3, Digest.of(b"abc"))
    parcels = [Parcel(REPO, manifest_of(config, layers), config) for layers in ([signature], [])]
    written = json.loads(archive.written(parcels))
    assert sorted(
        str(entry["Image"]["Layers"] and entry["Image"]["Layers"][0]["DiffID"]) for entry in written
    ) == [
        "",
        "None",
    ]


def test_archive_has_imgpkgs_keys_in_order() -> None:
    (entry,) = json.loads(archive.written([image("v1", is_root=True)]))
    assert list(entry) == ["ImageIndex", "Image"]
    assert list(entry["Image"]) == ["Refs", "Layers", "Config", "Manifest", "Tag", "OrigRef", "Labels"]
    assert entry["Image"]["Labels"] == {ROOT_LABEL: ""}
    assert list(entry["Image"]["Layers"][0]) == ["MediaType", "Digest", "DiffID", "Size"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: image["Manifest"].update(Raw="{}"), id="another manifest"),
        pytest.param(lambda image: image["Config"].update(Raw="{}"), id="another configuration"),
        pytest.param(lambda image: image.update(Refs=[]), id="no reference"),
        pytest.param(lambda image: image.update(Refs=["A B"]), id="no such reference"),
        pytest.param(lambda image: image.pop("Manifest"), id="no manifest"),
    ],
)
def test_archive_refuses_what_does_not_fit(change: object) -> None:
    entries = json.loads(archive.written([image()]))
    change(entries[0]["Image"])  # type: ignore[operator]
    with pytest.raises(InputError):
        archive.read(json.dumps(entries).encode())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "unexpected end of JSON input", id="nothing"),
        pytest.param(b"hello", "invalid character 'h' looking for beginning of value", id="no JSON"),
        pytest.param(b"[] x", "invalid character 'x' after top-level value", id="more than JSON"),
        pytest.param(
            b"{}",
            "json: cannot unmarshal object into Go value of type []imagedesc.ImageOrImageIndexDescriptor",
            id="no list",
        ),
        pytest.param(
            b"[1]",
            "json: cannot unmarshal number into Go value of type imagedesc.ImageOrImageIndexDescriptor",
            id="no image",
        ),
        pytest.param(b"[" * 100_000, "exceeded max depth", id="deep"),
        pytest.param(
            b"[{}]", "Reading manifest.json: Expected an image or an index", id="neither image nor index"
        ),
        pytest.param(b"[null]", "Reading manifest.json: Expected an image or an index", id="null"),
        pytest.param(
            b'[{"Image": []}]',
            "json: cannot unmarshal array into Go struct field ImageOrImageIndexDescriptor.Image of type "
            "imagedesc.ImageDescriptor",
            id="an image that is a list",
        ),
        pytest.param(
            b'[{"ImageIndex": "x"}]',
            "json: cannot unmarshal string into Go struct field ImageOrImageIndexDescriptor.ImageIndex of type "
            "imagedesc.ImageIndexDescriptor",
            id="an index that is text",
        ),
    ],
)
def test_archive_refuses_nonsense(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        archive.read(data)
    assert str(caught.value) == message


def test_archive_may_hold_nothing() -> None:
    assert archive.read(b"null") == archive.read(b"[]") == []


@pytest.mark.parametrize("media_type", ["a\r\nX: y", "\u2603", ""])
def test_media_type_that_could_be_no_header_is_refused(media_type: str) -> None:
    (entry,) = json.loads(archive.written([image()]))
    entry["Image"]["Manifest"]["MediaType"] = media_type
    data = json.dumps([entry]).encode()
    if media_type:
        with pytest.raises(InputError, match="Expected a media type, found"):
            archive.read(data)
    else:
        archive.read(data)


def test_half_characters_are_replaced() -> None:
    (entry,) = json.loads(archive.written([image()]))
    entry["Image"]["Tag"] = "a\ud800b"
    (parcel,) = archive.read(json.dumps([entry]).encode())
    assert parcel.tag == "a\ufffdb"
