"""Push, pull, copy, describe and tags against a real registry."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lapstrake.adapters.image_tar import TarFileReader
from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import InputError, RegistryError
from lapstrake.imgpkg.description import as_yaml
from lapstrake.imgpkg.locks import BundleLock, ImagesLock
from lapstrake.imgpkg.parcels import Parcel
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_FOREIGN_LAYER,
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    RawManifest,
    go_json,
)
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.copy import (
    CopyOptions,
    RegistrySource,
    TarSource,
    bundle_parcels,
    copy_to_repository,
    copy_to_tar,
    image_parcels,
    lock_of_copy,
    lock_parcels,
)
from lapstrake.operations.describe import describe
from lapstrake.operations.pull import pull_bundle, pull_image
from lapstrake.operations.push import PushRequest, push
from lapstrake.operations.registry_images import RegistryImages
from lapstrake.operations.registry_login import RegistryLogin
from lapstrake.operations.tags import list_tags, resolve
from lapstrake.registry.server import serve
from tests.registries import ALICE, debian_registry

HEAD = "---\napiVersion: imgpkg.carvel.dev/v1alpha1\n"
EMPTY_LOCK = f"{HEAD}kind: ImagesLock\n"


class House:
    """A registry, a client of it and a folder to work in."""

    def __init__(self, host: str, client: RegistryClient, folder: Path) -> None:
        self.host = host
        self.client = client
        self.folder = folder

    def ref(self, name: str) -> Reference:
        return Reference.parse(f"{self.host}/{name}")

    def repo(self, name: str) -> Repository:
        return Repository.parse(f"{self.host}/{name}")

    def files(self, name: str, **contents: str) -> str:
        """A folder with files; a double underscore in a name stands for a slash, "lock" for the images lock."""
        for path, text in contents.items():
            target = (
                self.folder / name / (".imgpkg/images.yml" if path == "lock" else path.replace("__", "/"))
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return str(self.folder / name)

    def push_image(self, name: str, **contents: str) -> Reference:
        folder = self.files(f"in/{name.replace(':', '_')}", **contents)
        return push(self.client, PushRequest(self.ref(name), [folder], is_bundle=False))

    def push_bundle(self, name: str, *images: Reference) -> Reference:
        """A bundle whose lock names ``images`` at another registry, where nobody can find them."""
        lines = "".join(f"- image: gone.test/team/app@{image.digest}\n" for image in images)
        lock = f"{HEAD}kind: ImagesLock\nimages:\n{lines}" if lines else EMPTY_LOCK
        folder = self.files(f"in/{name.replace(':', '_')}", lock=lock, config="a: 1\n")
        return push(self.client, PushRequest(self.ref(name), [folder], is_bundle=True))

    def tree(self, name: str) -> dict[str, str]:
        root = self.folder / name
        return {p.relative_to(root).as_posix(): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with (
        serve("127.0.0.1", 0, str(tmp_path / "registry"), sweep_seconds=3600) as running,
        RegistryClient(RegistryOptions(environment={}, retry_count=1)) as client,
    ):
        yield House(running.host, client, tmp_path)


def test_push_tags_twice(house: House) -> None:
    pushed = house.push_image("app:v1", a="1")
    assert pushed.digest
    names = [tag.name for tag in list_tags(house.client, house.repo("app"), internal=True)]
    assert names == [f"{pushed.digest.tag_prefix}.imgpkg", "v1"]
    assert [tag.digest for tag in list_tags(house.client, house.repo("app"), digests=True)] == [pushed.digest]
    assert resolve(house.client, house.ref("app:v1")) == pushed


def test_push_gives_the_recorded_digest(house: House) -> None:
    """As imgpkg did for no files at all (vector imgpkg/push/no-files)."""
    pushed = push(house.client, PushRequest(house.ref("none"), [], is_bundle=False))
    assert str(pushed.digest) == "sha256:12798cbf035884be93b90ba6f2c6148aafe6b8cd64b58ceefcf46ca7327c5296"


def test_push_reports_files(house: House) -> None:
    folder = house.files("in", a="1", sub__b="2")
    lines: list[str] = []
    push(house.client, PushRequest(house.ref("app"), [folder], is_bundle=False), lines.append)
    assert lines == ["dir: .", "file: a", "dir: sub", "file: sub/b"]


def test_push_to_nobody_says_what_it_was_writing(house: House) -> None:
    reference = Reference.parse("127.0.0.1:1/app")
    with pytest.raises(RegistryError, match=r"^Writing '127.0.0.1:1/app:latest': Error while preparing"):
        push(house.client, PushRequest(reference, [], is_bundle=False))


def test_pull_image_writes_its_files(house: House) -> None:
    pushed = house.push_image("app:v1", a="1", sub__b="2")
    house.files("out", old="gone")
    lines: list[str] = []
    assert (
        pull_image(house.client, house.ref("app:v1"), str(house.folder / "out"), report=lines.append)
        == pushed
    )
    assert house.tree("out") == {"a": "1", "sub/b": "2"}
    assert lines[0] == f"Pulling image '{pushed}'"


def test_pull_makes_the_parents_of_folders_too(house: House) -> None:
    (house.folder / "in/parent/empty").mkdir(parents=True)
    push(house.client, PushRequest(house.ref("app"), [str(house.folder / "in")], is_bundle=False))
    pull_image(house.client, house.ref("app"), str(house.folder / "out"))
    assert [p.relative_to(house.folder / "out").as_posix() for p in (house.folder / "out").rglob("*")] == [
        "parent"
    ]


def test_pull_leaves_the_folder_alone_if_there_is_no_image(house: House) -> None:
    house.files("out", old="kept")
    with pytest.raises(RegistryError, match=r"^Fetching image: GET .*MANIFEST_UNKNOWN"):
        pull_image(house.client, house.ref("app:v1"), str(house.folder / "out"))
    assert house.tree("out") == {"old": "kept"}


def test_pull_tells_bundles_from_images(house: House) -> None:
    house.push_image("image", a="1")
    house.push_bundle("bundle")
    out = str(house.folder / "out")
    with pytest.raises(InputError, match="Expected bundle image but found plain image"):
        pull_bundle(house.client, house.ref("image"), out)
    with pytest.raises(InputError, match=r"^The provided image is not a bundle$"):
        RegistryImages(RegistryLogin(), {}).pull_bundle(str(house.ref("image")), out, recursive=False)
    with pytest.raises(InputError, match="Expected bundle flag when pulling a bundle"):
        pull_image(house.client, house.ref("bundle"), out)
    pull_image(house.client, house.ref("bundle"), out, check_bundle=False)
    assert house.tree("out")[".imgpkg/images.yml"] == EMPTY_LOCK


def test_pull_of_what_is_neither_image_nor_index(house: House) -> None:
    pushed = house.push_image("app:v1", a="1")
    data = house.client.manifest(pushed).data

    class Other:
        """A registry that calls every manifest by another media type."""

        def manifest(self, ref: Reference) -> RawManifest:
            return RawManifest.of("application/octet-stream", data)

    out = str(house.folder / "out")
    with pytest.raises(InputError, match=r"^Unable to pull non-images"):
        pull_image(Other(), pushed, out)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^Expected bundle image but found plain image"):
        pull_bundle(Other(), pushed, out)  # type: ignore[arg-type]


def test_pull_bundle_leaves_a_lock_of_images_that_are_elsewhere(house: House) -> None:
    image = house.push_image("other", a="1")
    house.push_bundle("bundle", image)
    pulled = pull_bundle(house.client, house.ref("bundle"), str(house.folder / "out"))
    assert not pulled.relocated
    assert f"gone.test/team/app@{image.digest}" in house.tree("out")[".imgpkg/images.yml"]


def test_pull_bundle_rewrites_the_lock_if_its_repository_has_the_images(house: House) -> None:
    image = house.push_image("all:a", a="1")
    bundle = house.push_bundle("all:b", image)
    pulled = pull_bundle(house.client, house.ref("all:b"), str(house.folder / "out"))
    assert (pulled.reference, pulled.relocated) == (bundle, True)
    lock = house.tree("out")[".imgpkg/images.yml"]
    assert lock == f"{HEAD}images:\n- image: {house.host}/all@{image.digest}\nkind: ImagesLock\n"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("other.yml", "Expected to find image-locations.yml in location image", id="missing"),
        pytest.param(
            "image-locations.yml",
            "Validating apiVersion: Unknown version (known: imgpkg.carvel.dev/v1alpha1)",
            id="empty",
        ),
    ],
)
def test_pull_bundle_reads_where_its_images_are(house: House, name: str, message: str) -> None:
    bundle = house.push_bundle("all:v1")
    assert bundle.digest
    house.push_image(f"all:{bundle.digest.tag_prefix}.image-locations.imgpkg", **{name: ""})
    lines: list[str] = []
    with pytest.raises(InputError) as caught:
        pull_bundle(house.client, house.ref("all:v1"), str(house.folder / "out"), report=lines.append)
    assert str(caught.value) == f"Reading fetched location image: {message}"
    assert not any("Locating" in line for line in lines)


def test_pull_bundle_with_nested_ones(house: House) -> None:
    image = house.push_image("all:a", a="1")
    nested = house.push_bundle("all:n", image)
    house.push_bundle("all:outer", nested, image)
    lines: list[str] = []
    out = str(house.folder / "out")
    pull_bundle(house.client, house.ref("all:outer"), out, recursive=True, report=lines.append)
    assert nested.digest
    folder = f".imgpkg/bundles/{nested.digest.tag_prefix}"
    assert house.tree("out")[f"{folder}/config"] == "a: 1\n"
    assert f"{house.host}/all@{image.digest}" in house.tree("out")[f"{folder}/.imgpkg/images.yml"]
    assert f"  Pulling nested bundle '{nested}'" in lines


def test_pull_tells_how_deep_bundles_are_nested(house: House) -> None:
    image = house.push_image("all:a", a="1")
    inner = house.push_bundle("all:inner", image)
    middle = house.push_bundle("all:middle", inner)
    house.push_bundle("all:outer", middle, inner)
    lines: list[str] = []
    pull_bundle(
        house.client, house.ref("all:outer"), str(house.folder / "out"), recursive=True, report=lines.append
    )
    assert [line for line in lines if "Extracting" not in line][1:-2] == [
        "\nNested bundles",
        f"  Pulling nested bundle '{middle}'",
        f"    Pulling nested bundle '{inner}'",
        f"  Pulling nested bundle 'gone.test/team/app@{inner.digest}'",
        "  Skipped, already downloaded",
    ]


def copied(house: House, name: str, target: str, options: CopyOptions | None = None) -> None:
    options = options or CopyOptions()
    parcels = bundle_parcels(house.client, house.ref(name), options)
    copy_to_repository(house.client, parcels, RegistrySource(house.client), house.repo(target), options)


def test_copy_of_a_bundle_brings_its_images(house: House) -> None:
    image = house.push_image("all:a", a="1")
    nested = house.push_bundle("all:n", image)
    outer = house.push_bundle("all:outer", nested)
    copied(house, "all:outer", "copy")
    assert [tag.name for tag in list_tags(house.client, house.repo("copy"))] == ["outer"]
    out = str(house.folder / "out")
    pulled = pull_bundle(house.client, house.ref("copy:outer"), out, recursive=True)
    assert (pulled.reference.digest, pulled.relocated) == (outer.digest, True)
    assert image.digest
    assert house.client.head(house.repo("copy").with_digest(image.digest)).digest == image.digest
    # What was copied can be copied on, though the registry its lock names does not exist.
    copied(house, "copy:outer", "second")
    assert pull_bundle(house.client, house.ref("second:outer"), out).reference.digest == outer.digest


def test_copy_says_which_image_is_nowhere(house: House) -> None:
    image = house.push_image("other", a="1")
    house.push_bundle("bundle", image)
    with pytest.raises(RegistryError, match=r"^Reading Images from Bundle: Checking image existence: "):
        bundle_parcels(house.client, house.ref("bundle"), CopyOptions())


def test_copy_through_a_tar(house: House) -> None:
    image = house.push_image("all:a", a="1")
    bundle = house.push_bundle("all:v1", image)
    path = str(house.folder / "b.tar")
    options = CopyOptions()
    parcels = bundle_parcels(house.client, house.ref("all:v1"), options)
    copy_to_tar(parcels, RegistrySource(house.client), path, options)
    with TarFileReader(path) as tar:
        source = TarSource(tar)
        assert source.parcels() == parcels
        copy_to_repository(house.client, source.parcels(), source, house.repo("copy"), options)
    lock = lock_of_copy(parcels, house.repo("copy"), None)
    assert bundle.digest
    assert lock == BundleLock(house.repo("copy").with_digest(bundle.digest), "v1")
    assert pull_bundle(house.client, house.ref("copy:v1"), str(house.folder / "out")).relocated


def test_copy_of_bundles_without_a_root_tells_nobody_where_images_are(house: House) -> None:
    image = house.push_image("all:a", a="1")
    house.push_bundle("all:v1", image)
    parcels = [
        replace(parcel, is_root=False)
        for parcel in bundle_parcels(house.client, house.ref("all:v1"), CopyOptions())
    ]
    target = house.repo("copy")
    copy_to_repository(house.client, parcels, RegistrySource(house.client), target, CopyOptions())
    internal = [tag.name for tag in list_tags(house.client, target, internal=True)]
    assert not [name for name in internal if "image-locations" in name]
    with pytest.raises(InputError, match=r"^Unable to determine correct root bundle to use for lock-output"):
        lock_of_copy(parcels, target, None)


def test_copy_of_a_root_that_is_no_bundle_is_refused(house: House) -> None:
    house.push_image("all:a", a="1")
    (parcel,) = image_parcels(house.client, house.ref("all:a"), CopyOptions())
    source = RegistrySource(house.client)
    with pytest.raises(InputError, match=r"^Not a Bundle$"):
        copy_to_repository(
            house.client, [replace(parcel, is_root=True)], source, house.repo("copy"), CopyOptions()
        )


@pytest.mark.parametrize(("media_type", "kind"), [(DOCKER_MANIFEST, "image"), (DOCKER_INDEX, "index")])
def test_copy_of_an_index_without_its_images_is_refused(house: House, media_type: str, kind: str) -> None:
    digest = Digest.of(b"gone")
    member = {"mediaType": media_type, "size": 4, "digest": str(digest)}
    index = RawManifest.of(DOCKER_INDEX, json.dumps({"manifests": [member]}).encode())
    parcels = [Parcel(house.repo("all"), index)]
    with pytest.raises(InputError, match=rf"^Expected to find {kind} '{digest}' by digest$"):
        copy_to_repository(
            house.client, parcels, RegistrySource(house.client), house.repo("copy"), CopyOptions()
        )


def test_copy_of_a_tar_lists_images_by_where_they_were(house: House) -> None:
    """And each once, whatever their digests, and however often the tar names them."""
    pushed = [house.push_image(name, a=name) for name in ("one", "two", "three")]
    references = sorted(pushed, key=str)
    parcels = [image_parcels(house.client, image, CopyOptions())[0] for image in [*pushed[::-1], pushed[0]]]
    written = lock_of_copy(parcels, house.repo("copy"), None)
    assert isinstance(written, ImagesLock)
    assert [i.reference.digest for i in written.images] == [image.digest for image in references]


def test_copy_to_a_tar_resumes(house: House) -> None:
    house.push_image("app:v1", a="1")
    path = str(house.folder / "a.tar")
    options = CopyOptions()
    parcels = image_parcels(house.client, house.ref("app:v1"), options)
    copy_to_tar(parcels, RegistrySource(house.client), path, options)
    lines: list[str] = []

    class Nowhere:
        def chunks(self, parcel: object, layer: object) -> list[bytes]:
            raise AssertionError("the layer was there")

    before = Path(path).read_bytes()
    copy_to_tar(parcels, Nowhere(), path, options, resume=True, report=lines.append)
    assert Path(path).read_bytes() == before
    assert lines[0] == "copy | Going to reuse 1 layers from the tar already in disk"


def test_copy_to_a_tar_writes_no_layers_where_no_file_can_be(house: House) -> None:
    house.push_image("all:a", a="1")
    parcels = image_parcels(house.client, house.ref("all:a"), CopyOptions())
    lines: list[str] = []
    for name, reason in (("none/x.tar", "no such file or directory"), ("", "is a directory")):
        path = str(house.folder / name)
        with pytest.raises(InputError, match=rf"^Creating file '{path}': open {path}: {reason}$"):
            copy_to_tar(parcels, RegistrySource(house.client), path, CopyOptions(), report=lines.append)
    assert lines == []


def test_copy_to_a_tar_does_not_resume_with_damaged_layers(house: House) -> None:
    house.push_image("app:v1", a="1")
    path = house.folder / "a.tar"
    options = CopyOptions()
    parcels = image_parcels(house.client, house.ref("app:v1"), options)
    source = RegistrySource(house.client)
    copy_to_tar(parcels, source, str(path), options)
    right = path.read_bytes()
    with tarfile.open(path) as members:
        start = next(member.offset_data for member in members if member.name.endswith(".tar.gz"))
    path.write_bytes(right[:start] + bytes([right[start] ^ 1]) + right[start + 1 :])
    copy_to_tar(parcels, source, str(path), options, resume=True)
    assert path.read_bytes() == right


def test_copy_by_an_images_lock_keeps_order_and_notes(house: House) -> None:
    one, two = house.push_image("one", a="1"), house.push_image("two", a="2")
    text = f"{HEAD}kind: ImagesLock\nimages:\n- image: {two}\n  annotations: {{my: note}}\n- image: {one}\n"
    lock = ImagesLock.parse(text.encode())
    options = CopyOptions()
    parcels = lock_parcels(house.client, lock, options)
    copy_to_repository(house.client, parcels, RegistrySource(house.client), house.repo("copy"), options)
    written = lock_of_copy(parcels, house.repo("copy"), lock)
    assert isinstance(written, ImagesLock)
    assert [(i.reference.digest, dict(i.annotations)) for i in written.images] == [
        (two.digest, {"my": "note"}),
        (one.digest, {}),
    ]


@pytest.mark.parametrize(
    ("tag_of_lock", "known_by"),
    [pytest.param(None, "team-app", id="by name"), pytest.param("v1", "all", id="by lock file")],
)
def test_copy_by_a_lock_file_knows_images_by_where_they_are(
    house: House, tag_of_lock: str | None, known_by: str
) -> None:
    image = house.push_image("all:a", a="1")
    house.push_bundle("all:v1", image)
    options = CopyOptions(repository_tags=True)
    parcels = bundle_parcels(house.client, house.ref("all:v1"), options, tag=tag_of_lock)
    copy_to_repository(house.client, parcels, RegistrySource(house.client), house.repo("copy"), options)
    tags = [tag.name for tag in list_tags(house.client, house.repo("copy"), internal=True)]
    assert image.digest
    assert any(tag.endswith(f"{known_by}-{image.digest.tag_prefix}.imgpkg") for tag in tags)


def test_copy_refuses_the_wrong_kind(house: House) -> None:
    bundle = house.push_bundle("bundle")
    with pytest.raises(InputError, match="Expected bundle flag when copying a bundle"):
        image_parcels(house.client, house.ref("bundle"), CopyOptions())
    lock = ImagesLock.parse(f"{HEAD}kind: ImagesLock\nimages:\n- image: {bundle}\n".encode())
    with pytest.raises(InputError, match="Unable to copy bundles using an Images Lock file"):
        lock_parcels(house.client, lock, CopyOptions())


def test_copy_brings_signatures_if_asked(house: House) -> None:
    image = house.push_image("app:v1", a="1")
    assert image.digest
    signature = f"{image.digest.tag_prefix}.sig"
    house.push_image(f"app:{signature}", a="signed")
    for target, options, expected in (
        ("without", CopyOptions(), ["v1"]),
        ("with", CopyOptions(signatures=True), [signature, "v1"]),
    ):
        parcels = image_parcels(house.client, house.ref("app:v1"), options)
        copy_to_repository(house.client, parcels, RegistrySource(house.client), house.repo(target), options)
        assert [tag.name for tag in list_tags(house.client, house.repo(target))] == expected
        lock = lock_of_copy(parcels, house.repo(target), None)
        assert isinstance(lock, ImagesLock)
        assert len(lock.images) == len(expected)


def test_describe_tells_internal_images_from_others(house: House) -> None:
    image = house.push_image("all:a", a="1")
    house.push_bundle("all:v1", image)
    copied(house, "all:v1", "copy")
    described = describe(house.client, house.ref("copy:v1"))
    assert sorted(found.kind for found in described.images) == ["Image", "Internal"]
    assert f"origin: gone.test/team/app@{image.digest}" in "".join(as_yaml(described))


def test_describe_refuses_images(house: House) -> None:
    house.push_image("image", a="1")
    with pytest.raises(
        InputError, match=f"Only bundles can be described, and {house.host}/image is not a bundle"
    ):
        describe(house.client, house.ref("image"))


def test_describe_shows_the_layers_of_an_index_for_linux_on_amd64(house: House) -> None:
    images = [house.push_image(f"all:{name}", a=name) for name in ("arm64", "amd64")]
    described = [
        {
            "mediaType": DOCKER_MANIFEST,
            "size": house.client.head(image).size,
            "digest": str(image.digest),
            "platform": {"os": "linux", "architecture": name},
        }
        for image, name in zip(images, ("arm64", "amd64"), strict=True)
    ]
    index = go_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": described})
    digest = house.client.put_manifest(house.ref("all:index"), OCI_INDEX, index)
    house.push_bundle("all:b", house.repo("all").with_digest(digest), images[0])
    shown = {image.digest: image.layers for image in describe(house.client, house.ref("all:b")).images}
    layers = [tuple(layer.digest for layer in house.client.manifest(i).image().layers) for i in images]
    assert shown == {digest: layers[1], images[0].digest: layers[0]}


def test_describe_shows_the_signature_of_the_bundle_itself(house: House) -> None:
    bundle = house.push_bundle("all:b")
    assert bundle.digest
    signature = house.push_image(f"all:{bundle.digest.tag_prefix}.sig", sig="signed")
    (image,) = describe(house.client, house.ref("all:b")).images
    assert (image.kind, image.digest) == ("Signature", signature.digest)


def test_describe_shows_the_signature_of_a_nested_bundle_with_both_bundles(house: House) -> None:
    bundle = house.push_bundle("all:b")
    assert bundle.digest
    signature = house.push_image(f"all:{bundle.digest.tag_prefix}.sig", sig="signed")
    house.push_bundle("all:outer", bundle)
    outer = describe(house.client, house.ref("all:outer"))
    for images in (outer.images, outer.bundles[0].images):
        assert [(image.kind, image.digest) for image in images] == [("Signature", signature.digest)]


def test_copy_says_which_layers_stay_behind_by_their_new_place(house: House) -> None:
    pushed = house.push_image("app:v1", a="1")
    manifest = json.loads(house.client.manifest(pushed).data)
    manifest["layers"][0]["mediaType"] = DOCKER_FOREIGN_LAYER
    digest = house.client.put_manifest(house.ref("app:v2"), DOCKER_MANIFEST, go_json(manifest))
    parcels = image_parcels(house.client, house.ref("app:v2"), CopyOptions())
    for options, told in (
        (CopyOptions(), [f"copy |  - Image: {house.host}/new@{digest}", "copy |    Layers:"]),
        (CopyOptions(non_distributable=True), []),
    ):
        lines: list[str] = []
        source = RegistrySource(house.client)
        copy_to_repository(house.client, parcels, source, house.repo("new"), options, lines.append)
        assert lines[3:5] == told
    ordinary = image_parcels(house.client, house.ref("app:v1"), CopyOptions())
    copy_to_repository(house.client, ordinary, source, house.repo("new"), options, lines.append)
    assert "no images contained a non-distributable layer" in lines[-1]


def test_push_that_is_not_allowed_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with (
        debian_registry(tmp_path, htpasswd=ALICE) as host,
        RegistryClient(RegistryOptions(environment={})) as client,
    ):
        reference = Reference.parse(f"{host}/team/app:v1")
        with pytest.raises(RegistryError) as caught:
            push(client, PushRequest(reference, [str(tmp_path / "a")], is_bundle=False))
        assert str(caught.value) == (
            f"Writing '{reference}': Writing image: HEAD http://{host}/v2/team/app/manifests/v1: "
            "unexpected status code 401 Unauthorized (HEAD responses have no body, use GET for details)"
        )
