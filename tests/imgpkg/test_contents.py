from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lapstrake.errors import InputError
from lapstrake.imgpkg import contents


@dataclass(frozen=True)
class Item:
    input: str
    path: str

    @property
    def source(self) -> str:
        return self.input if self.path == "." else f"{self.input}/{self.path}"


def tree(given: str, *paths: str) -> list[Item]:
    """Items below an input."""
    return [Item(given, path.rstrip("/")) for path in (".", *paths)]


BUNDLE = tree("b", ".imgpkg/", ".imgpkg/images.yml", "config.yml")


def missing_beside(items: list[Item]) -> Callable[[str], bool]:
    """Whether a path below /w is none of ``items``."""
    return lambda path: path not in {f"/w/{item.source}" for item in items}


def test_bundle_has_one_lock() -> None:
    contents.check_bundle(BUNDLE, ["b"], "/w", missing_beside(BUNDLE))


def test_bundle_may_be_of_two_inputs() -> None:
    items = [*tree("b/.imgpkg", "images.yml"), *tree("b", "x")[1:]]
    contents.check_bundle(items, ["b/.imgpkg", "b"], "/w", missing_beside(items))


def test_bundle_folder_that_is_a_file_passes() -> None:
    contents.check_bundle(tree("b", ".imgpkg"), ["b"], "/w", lambda _: False)


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
            [*BUNDLE, Item("b", "x/.imgpkg")],
            ["b"],
            "This directory contains multiple bundle definitions. Only a single instance of .imgpkg/images.yml can be "
            "provided and instead these were provided /w/b/.imgpkg, /w/b/x/.imgpkg",
            id="two, one of them a file",
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
        contents.check_bundle(items, inputs, "/w", missing_beside(items))
    assert str(caught.value) == message


def test_image_refuses_what_would_do_as_a_bundle() -> None:
    contents.check_image(tree("b", ".imgpkg/"), ["b"], "/w", lambda _: True)
    with pytest.raises(
        InputError, match=r"Images cannot be pushed with '.imgpkg' directories, consider using --bundle"
    ):
        contents.check_image(BUNDLE, ["b"], "/w", missing_beside(BUNDLE))


def test_duplicates_are_refused() -> None:
    contents.check_duplicates(tree("one", "a") + tree("two", "b"))
    with pytest.raises(InputError) as caught:
        contents.check_duplicates(tree("one", "app.yml", "b") + tree("two", "app.yml", "b"))
    assert str(caught.value) == "Found duplicate paths: one/app.yml, two/app.yml, one/b, two/b"
