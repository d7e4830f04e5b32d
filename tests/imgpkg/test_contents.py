from __future__ import annotations

from dataclasses import dataclass

import pytest

from lapstrake.errors import InputError
from lapstrake.imgpkg import contents


@dataclass(frozen=True)
class Item:
    input: str
    path: str
    kind: str = "file"

    @property
    def source(self) -> str:
        return self.input if self.path == "." else f"{self.input}/{self.path}"


def tree(given: str, *paths: str) -> list[Item]:
    """Items below an input; a path that ends in a slash is a folder."""
    return [Item(given, ".", "folder")] + [
        Item(given, path.rstrip("/"), "folder" if path.endswith("/") else "file") for path in paths
    ]


BUNDLE = tree("b", ".imgpkg/", ".imgpkg/images.yml", "config.yml")


def test_bundle_has_one_lock() -> None:
    contents.check_bundle(BUNDLE, ["b"], "/w")


@pytest.mark.parametrize(
    ("items", "inputs", "message"),
    [
        pytest.param(
            tree("b", "x"),
            ["b"],
            "This directory is not a bundle. It is missing .imgpkg/images.yml",
            id="none",
        ),
        pytest.param(
            [], [], "This directory is not a bundle. It is missing .imgpkg/images.yml", id="nothing at all"
        ),
        pytest.param(
            BUNDLE + tree("c", ".imgpkg/"),
            ["b", "c"],
            "This directory contains multiple bundle definitions. Only a single instance of .imgpkg/images.yml can be "
            "provided and instead these were provided /w/b/.imgpkg, /w/c/.imgpkg",
            id="two",
        ),
        pytest.param(
            tree("b/.imgpkg", "images.yml"),
            ["b/.imgpkg"],
            "Expected '.imgpkg' directory, to be a direct child of one of: b/.imgpkg; was /w/b/.imgpkg",
            id="the folder itself",
        ),
        pytest.param(
            tree("b", ".imgpkg/", ".imgpkg/bundle.yml"),
            ["b"],
            "The bundle expected .imgpkg/images.yml to exist, but it wasn't found in the path /w/b/.imgpkg/images.yml",
            id="no lock",
        ),
    ],
)
def test_bundle_refuses(items: list[Item], inputs: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        contents.check_bundle(items, inputs, "/w")
    assert str(caught.value) == message


def test_image_refuses_what_would_do_as_a_bundle() -> None:
    contents.check_image(tree("b", ".imgpkg/"), ["b"], "/w")
    with pytest.raises(
        InputError, match=r"Images cannot be pushed with '.imgpkg' directories, consider using --bundle"
    ):
        contents.check_image(BUNDLE, ["b"], "/w")


def test_duplicates_are_refused() -> None:
    contents.check_duplicates(tree("one", "a") + tree("two", "b"))
    with pytest.raises(InputError) as caught:
        contents.check_duplicates(tree("one", "app.yml", "b") + tree("two", "app.yml", "b"))
    assert str(caught.value) == "Found duplicate paths: one/app.yml, two/app.yml, one/b, two/b"
