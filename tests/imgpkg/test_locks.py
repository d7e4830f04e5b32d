from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.imgpkg.locks import BundleLock, ImageLocation, ImageLocations, ImagesLock, LockedImage
from lapstrake.oci.reference import Reference

DIGEST = "sha256:" + "0" * 64
HEAD = "apiVersion: imgpkg.carvel.dev/v1alpha1\n"


def test_images_lock_completes_names_and_drops_tags() -> None:
    text = f"{HEAD}kind: ImagesLock\nimages:\n- image: nginx:1@{DIGEST}\n  annotations: {{z: '1', a: x}}\n"
    (image,) = ImagesLock.parse(text.encode()).images
    assert str(image.reference) == f"index.docker.io/library/nginx@{DIGEST}"
    assert image.annotations == {"z": "1", "a": "x"}


def test_images_lock_is_written_sorted() -> None:
    lock = ImagesLock((LockedImage(Reference.parse(f"h.test/aa@{DIGEST}"), {"z": "1", "a": "x"}),))
    images = f'images:\n- annotations:\n    a: x\n    z: "1"\n  image: h.test/aa@{DIGEST}\n'
    assert lock.to_yaml().decode() == f"---\n{HEAD}{images}kind: ImagesLock\n"


def test_images_lock_without_images_has_no_key() -> None:
    assert ImagesLock(()).to_yaml().decode() == f"---\n{HEAD}kind: ImagesLock\n"


def test_bundle_lock_round_trip() -> None:
    lock = BundleLock(Reference.parse(f"h.test/aa@{DIGEST}"), "1.2.0")
    assert lock.to_yaml().decode() == (
        f"---\n{HEAD}bundle:\n  image: h.test/aa@{DIGEST}\n  tag: 1.2.0\nkind: BundleLock\n"
    )
    assert BundleLock.parse(lock.to_yaml()) == lock


def test_locations_are_sorted_and_may_be_none() -> None:
    two = ImageLocations((ImageLocation("b", True), ImageLocation("a", False)))
    assert two.to_yaml().decode() == (
        f"---\n{HEAD}images:\n- image: a\n  isBundle: false\n- image: b\n  isBundle: true\nkind: ImageLocations\n"
    )
    assert ImageLocations.parse(two.to_yaml()).images == (two.images[1], two.images[0])
    assert ImageLocations(()).to_yaml().decode() == f"---\n{HEAD}images: null\nkind: ImageLocations\n"


JSON = "error unmarshaling JSON: while decoding JSON: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: [", None, id="no YAML"),
        pytest.param(
            "bundle: {}\napiVersion: x",
            f'Unmarshaling images lock: {JSON}json: unknown field "bundle"',
            id="key",
        ),
        pytest.param(
            "kind: ImagesLock",
            "Validating images lock: Validating apiVersion: Unknown version (known: imgpkg.carvel.dev/v1alpha1)",
            id="version",
        ),
        pytest.param(
            f"{HEAD}kind: BundleLock",
            "Validating images lock: Validating kind: Unknown kind (known: ImagesLock)",
            id="kind",
        ),
        pytest.param(
            f"{HEAD}kind: ImagesLock\nimages: [{{image: host.test/repo:v1}}]",
            "Validating images lock: Expected ref to be in digest form, got 'host.test/repo:v1'",
            id="tag",
        ),
        pytest.param(
            f"{HEAD}kind: ImagesLock\nimages: [{{name: x}}]",
            f'Unmarshaling images lock: {JSON}json: unknown field "name"',
            id="key of an image",
        ),
        pytest.param(f"{HEAD}kind: ImagesLock\nimages: 1", None, id="images are no list"),
        pytest.param("[]", None, id="a list"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_images_lock_refuses(text: str, message: str | None) -> None:
    with pytest.raises(InputError) as caught:
        ImagesLock.parse(text.encode())
    if message:
        assert str(caught.value) == message


def test_bundle_lock_refuses_an_images_lock() -> None:
    with pytest.raises(InputError) as caught:
        BundleLock.parse(f"{HEAD}kind: ImagesLock\nimages: []\n".encode())
    assert str(caught.value) == f'Unmarshaling bundle lock: {JSON}json: unknown field "images"'


def test_keys_match_in_either_case() -> None:
    text = f"APIVERSION: imgpkg.carvel.dev/v1alpha1\nKind: ImagesLock\nIMAGES:\n- Image: a.test/bb@{DIGEST}\n"
    assert str(ImagesLock.parse(text.encode()).images[0].reference) == f"a.test/bb@{DIGEST}"


def test_numbers_and_switches_are_taken_as_texts() -> None:
    text = f"{HEAD}kind: ImagesLock\nimages:\n- image: a.test/bb@{DIGEST}\n  annotations: {{a: yes, b: 1.0, c: null, d: 7}}\n"
    assert ImagesLock.parse(text.encode()).images[0].annotations == {"a": "true", "b": "1", "c": "", "d": "7"}
    text = f"{HEAD}kind: BundleLock\nbundle: {{image: a.test/bb@{DIGEST}, tag: 1.10}}\n"
    assert BundleLock.parse(text.encode()).tag == "1.1"


_DECODING = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("- a", f"{_DECODING} array into Go value of type lockconfig.ImagesLock", id="list"),
        pytest.param("a", f"{_DECODING} string into Go value of type lockconfig.ImagesLock", id="text"),
        pytest.param(
            "images: x",
            f"{_DECODING} string into Go struct field ImagesLock.images of type []lockconfig.ImageRef",
            id="text for images",
        ),
        pytest.param(
            "images: [{annotations: {z: [1]}}]",
            f"{_DECODING} array into Go struct field ImageRef.images.annotations of type string",
            id="list as annotation",
        ),
        pytest.param(
            "images: [{image: [1]}]",
            f"{_DECODING} array into Go struct field ImageRef.images.image of type string",
            id="list as image",
        ),
        pytest.param(
            "apiVersion: 1\nimages: x",
            f"{_DECODING} number into Go struct field ImagesLock.LockVersion.apiVersion of type string",
            id="number as version",
        ),
        pytest.param(
            "kind: [ImagesLock]",
            f"{_DECODING} array into Go struct field ImagesLock.LockVersion.kind of type string",
            id="list as kind",
        ),
        pytest.param(
            "kind: a\nimages: []\nkind: b",
            'error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key "kind" already set in map',
            id="key twice",
        ),
        pytest.param(
            "images:\n- image: a\n  image: b",
            'error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key "image" already set in map',
            id="key twice further in",
        ),
    ],
)
def test_images_lock_says_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ImagesLock.parse(text.encode())
    assert str(caught.value) == f"Unmarshaling images lock: {message}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param(
            "bundle: []", "BundleLock.bundle of type lockconfig.BundleRef", id="list for the bundle"
        ),
        pytest.param("bundle: {image: []}", "BundleRef.bundle.image of type string", id="list as image"),
    ],
)
def test_bundle_lock_says_what_does_not_fit(text: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        BundleLock.parse(text.encode())
    wanted = f"array into Go struct field {field}"
    assert str(caught.value) == f"Unmarshaling bundle lock: {_DECODING} {wanted}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "", "Validating apiVersion: Unknown version (known: imgpkg.carvel.dev/v1alpha1)", id="nothing"
        ),
        pytest.param(f"{HEAD}kind: x", "Validating kind: Unknown kind (known: ImageLocations)", id="kind"),
        pytest.param(
            "images: x",
            f"Unmarshaling image locations config: {_DECODING} string into Go struct field "
            "ImageLocationsConfig.images of type []bundle.ImageLocation",
            id="text for images",
        ),
        pytest.param(
            "images: [{isBundle: x}]",
            f"Unmarshaling image locations config: {_DECODING} string into Go struct field "
            "ImageLocation.images.isBundle of type bool",
            id="text for a switch",
        ),
    ],
)
def test_locations_say_what_does_not_fit(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        ImageLocations.parse(text.encode())
    assert str(caught.value) == message


def test_locations_may_have_other_keys() -> None:
    text = f"{HEAD}kind: ImageLocations\nmore: 1\nimages: [{{image: a, isBundle: true, more: 1}}]"
    assert ImageLocations.parse(text.encode()).images == (ImageLocation("a", True),)
