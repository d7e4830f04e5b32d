"""Roles of files, marks, and finding files for loads and reads."""

from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.ytt.files import File, FileTree, with_roles


def files(*paths: str) -> list[File]:
    return [File(path, b"") for path in paths]


@pytest.mark.parametrize(
    ("path", "kind", "is_library", "output"),
    [
        pytest.param("a.yml", "yaml", False, True, id="yaml"),
        pytest.param("a.lib.yaml", "yaml", True, False, id="yaml library"),
        pytest.param("a.star", "starlark", True, False, id="starlark"),
        pytest.param("a.lib.txt", "text", True, False, id="text library"),
        pytest.param("a.md", "data", False, False, id="anything else"),
        pytest.param("lib.yml", "yaml", False, True, id="a file named lib"),
    ],
)
def test_role(path: str, kind: str, is_library: bool, output: bool) -> None:
    file = File(f"d/{path}", b"")
    assert (file.kind, file.is_library, file.output) == (kind, is_library, output)


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        pytest.param("a.yml", ["a.yml"], id="path"),
        pytest.param("*.yml", ["a.yml"], id="one level"),
        pytest.param("d/*.yml", ["d/a.yml"], id="one level below"),
        pytest.param("d/**/*", ["d/a.yml", "d/e/a.yml"], id="all levels"),
        pytest.param("**/*", ["a.yml", "d/a.yml", "d/e/a.yml"], id="everything"),
    ],
)
def test_mark_pattern(pattern: str, matched: list[str]) -> None:
    everything = ["a.yml", "d/a.yml", "d/e/a.yml"]
    sources = files(*everything)
    left = [file.path for file in with_roles(sources, [f"{pattern}:exclude=true"])]
    assert left == [path for path in everything if path not in matched]


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        pytest.param("a.yml", "Expected file mark 'a.yml' to be in format path:key=value", id="form"),
        pytest.param(
            "b.yml:exclude=true",
            "Expected file mark 'b.yml:exclude=true' to match at least one file by path, but did not",
            id="match",
        ),
        pytest.param("a.yml:kind=x", "Unknown key in file mark 'a.yml:kind=x'", id="key"),
        pytest.param("a.yml:type=x", "Unknown value in file mark 'a.yml:type=x'", id="value"),
    ],
)
def test_bad_mark(mark: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        with_roles(files("a.yml"), [mark])
    assert str(caught.value) == message


def test_paths_are_relative_to_the_folder_or_from_the_root() -> None:
    tree = FileTree(files("a.star", "d/a.star", "d/e/b.star"))
    assert tree.find("a.star", "d").path == "d/a.star"
    assert tree.find("/a.star", "d").path == "a.star"
    assert tree.find("e/b.star", "d").path == "d/e/b.star"
    for path in ("../a.star", "/../a.star", "e/../../a.star"):
        with pytest.raises(InputError):
            tree.find(path, "d")


def test_a_library_is_seen_beside_the_folder_only() -> None:
    tree = FileTree(files("_ytt_lib/org/app/a.yml", "d/b.yml"))
    found = tree.library("org/app", "")
    assert [(file.path, file.name) for file in found.own()] == [("a.yml", "_ytt_lib/org/app/a.yml")]
    assert [file.path for file in tree.own()] == ["d/b.yml"]
    with pytest.raises(InputError, match="Could not find private library"):
        tree.library("org/app", "d")
    with pytest.raises(InputError, match="Expected to find library 'app', but did not find ''"):
        tree.library("app", "")


def test_a_listing_has_files_before_folders() -> None:
    tree = FileTree(files("d/z.yml", "d/a/b.yml", "d/c.yml"))
    assert tree.listing("d", "") == ["c.yml", "z.yml", "a/b.yml"]
    assert tree.listing("/d", "x")[0] == "/c.yml"
