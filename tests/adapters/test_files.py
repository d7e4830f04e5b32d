from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lapstrake.adapters import files
from lapstrake.errors import InputError
from lapstrake.oci.layer import Kind, LayerFile, Stream


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def layer_file(path: str, content: bytes = b"x", mode: int = 0o600, kind: Kind = "file") -> LayerFile:
    return LayerFile(path, mode, 1000, len(content), lambda: iter([content]), kind)


def packed(folder: str) -> list[tuple[str, bytes]]:
    return [
        (entry.path, b"".join(entry.data.pieces()))
        for entry in files.entries(files.walk([folder]))
        if isinstance(entry.data, Stream)
    ]


def test_walk_goes_depth_first_in_byte_order(tmp_path: Path) -> None:
    for name in ("z.txt", "a/deep/f", "B", ".git/HEAD"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = files.walk([str(tmp_path)], [".git"])
    assert [(item.kind, item.path) for item in found if not item.excluded] == [
        ("folder", "."),
        ("file", "B"),
        ("folder", "a"),
        ("folder", "a/deep"),
        ("file", "a/deep/f"),
        ("file", "z.txt"),
    ]


@pytest.mark.parametrize("given", ["d", "d/", "./d", "d/../d/."])
def test_walk_names_places_in_their_shortest_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    assert [item.source for item in files.walk([given])] == [given, "d/file"]


def test_walk_of_a_file_has_its_base_name(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("hello")
    ((path, content),) = packed(str(tmp_path / "f.txt"))
    assert (path, content) == ("f.txt", b"hello")


def test_walk_takes_names_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff")
    (tmp_path / name).write_text("")
    assert [item.path for item in files.walk([str(tmp_path)])] == [".", name]


def test_walk_follows_a_link_to_a_file_only(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for name in ("folder", "file", "nothing"):
        (tmp_path / f"to-{name}").symlink_to(name)
    ((item),) = files.walk([str(tmp_path / "to-file")])
    assert (item.path, item.kind) == ("to-file", "file")
    ((item),) = files.walk([str(tmp_path / "to-folder")])
    assert item.kind == "other"
    with pytest.raises(InputError, match="to be a regular file"):
        list(files.entries([item]))
    found = files.walk([str(tmp_path / "to-nothing")])
    with pytest.raises(InputError, match=r"^stat .*to-nothing: no such file or directory"):
        list(files.entries(found))


def test_walk_marks_what_is_excluded(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link").symlink_to("nowhere")
    (tmp_path / "file").write_text("")
    assert {item.path for item in files.walk([str(tmp_path)], ["."]) if not item.excluded} == set()
    found = files.walk([str(tmp_path)], ["sub", "file"])
    assert {item.path: item.excluded for item in found} == {
        ".": False,
        "file": True,
        "sub": True,
        "sub/link": True,
    }
    assert [entry.path for entry in files.entries(found)] == ["."]


def test_walk_does_not_exclude_a_link_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match="to be a regular file"):
        list(files.entries(files.walk([str(tmp_path)], ["link"])))


def test_missing_is_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    told = {
        name: files.is_missing(str(tmp_path / name)) for name in ("file", "file/below", "dangling", "other")
    }
    assert told == {"file": False, "file/below": False, "dangling": True, "other": True}


def test_walk_of_nothing_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        files.walk(["nowhere-at-all"])
    assert str(caught.value) == "lstat nowhere-at-all: no such file or directory"


def test_entries_refuse_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(InputError) as caught:
        list(files.entries(files.walk([str(tmp_path)])))
    assert str(caught.value) == (
        f"Adding file '{tmp_path}' to tar: Expected file '{tmp_path}/link' to be a regular file"
    )


def test_write_atomically_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "lock.yml"
    files.write_atomically(str(path), b"first")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"first", 0o600)
    path.chmod(0o644)
    files.write_atomically(str(path), b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o644)
    assert os.listdir(tmp_path) == ["lock.yml"]


def test_write_atomically_keeps_links(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "lock.yml").symlink_to("deep/lock.yml")
    files.write_atomically(str(tmp_path / "lock.yml"), b"new")
    assert (tmp_path / "lock.yml").is_symlink()
    assert (tmp_path / "deep/lock.yml").read_bytes() == b"new"
    assert os.listdir(tmp_path / "deep") == ["lock.yml"]


def test_write_atomically_writes_to_what_is_no_file(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        files.write_atomically(f"/dev/fd/{writing}", b"new")
        assert os.read(reading, 10) == b"new"
    finally:
        os.close(reading)
        os.close(writing)
    with open(tmp_path / "output", "w+b") as output:
        files.write_atomically(f"/dev/fd/{output.fileno()}", b"new")
        assert output.read() == b"new"


def test_write_atomically_over_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        files.write_atomically(str(tmp_path), b"new")
    assert str(caught.value) == f"open {tmp_path}: is a directory"
    assert os.listdir(tmp_path) == []


def test_write_atomically_into_nowhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "none" / "lock.yml"
    with pytest.raises(InputError) as caught:
        files.write_atomically(str(path), b"new")
    assert str(caught.value) == f"open {path}: no such file or directory"


@pytest.mark.parametrize("before", ["folder", "file", "nothing"])
def test_new_folder_takes_the_place_of_what_was_there(tmp_path: Path, before: str) -> None:
    place = tmp_path / "out"
    if before == "folder":
        (place / "deep").mkdir(parents=True)
    elif before == "file":
        place.write_text("old")
    with files.new_folder(f"{place}/") as folder:
        Path(folder, "new").write_text("1")
    assert [path.name for path in place.iterdir()] == ["new"]
    assert place.stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["out"]


def test_new_folder_that_is_not_filled_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("kept")
    with suppress(InputError), files.new_folder(str(tmp_path / "out")) as folder:
        Path(folder, "new").write_text("1")
        raise InputError("half way")
    assert (tmp_path / "out" / "old").read_text() == "kept"
    assert os.listdir(tmp_path) == ["out"]


def test_new_folder_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    with files.new_folder(str(tmp_path / "link")):
        pass
    assert (tmp_path / "kept" / "file").exists()
    assert not (tmp_path / "link").is_symlink()


def test_new_folder_where_none_can_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(InputError, match=r"Removing output directory: unlinkat .*/file/out: not a directory"),
        files.new_folder(f"{tmp_path}/file/out"),
    ):
        pass


@pytest.mark.parametrize(
    ("mode", "written"),
    [
        pytest.param(0o600, 0o644, id="owner's rights for all"),
        pytest.param(0o700, 0o755, id="owner may run"),
        pytest.param(0o640, 0o640, id="as it is"),
        pytest.param(0o666, 0o644, id="as it is, less the umask"),
        pytest.param(0o070, 0o050, id="nothing for the owner"),
        pytest.param(0o4755, 0o755, id="no setuid"),
    ],
)
def test_extract_gives_modes(tmp_path: Path, mode: int, written: int) -> None:
    files.extract([layer_file("a/f", mode=mode)], str(tmp_path))
    status = (tmp_path / "a" / "f").stat()
    assert (status.st_mode & 0o7777, status.st_mtime) == (written, 1000)


def test_extract_writes_over_what_is_there(tmp_path: Path) -> None:
    files.extract([layer_file("f", b"longer"), layer_file("f", b"new")], str(tmp_path))
    assert (tmp_path / "f").read_bytes() == b"new"


def test_extract_replaces_a_link_and_does_not_follow_it(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "f").symlink_to(tmp_path / "outside")
    files.extract([layer_file("f", b"new")], str(folder))
    assert (tmp_path / "outside").read_text() == "kept"
    assert (folder / "f").read_bytes() == b"new"


def test_extract_does_not_go_through_a_linked_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "sub").symlink_to(tmp_path / "outside")
    files.extract([layer_file("sub/f", b"new")], str(folder))
    assert list((tmp_path / "outside").iterdir()) == []
    assert not (folder / "sub").is_symlink()
    assert (folder / "sub" / "f").read_bytes() == b"new"


def test_extract_lets_a_file_take_the_place_of_a_folder(tmp_path: Path) -> None:
    files.extract([layer_file("p/q"), layer_file("p")], str(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["p"]


def test_extract_does_not_make_a_folder_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        files.extract([layer_file("a/p"), layer_file("a/p/q/r")], str(tmp_path))
    assert str(caught.value) == f"mkdir {tmp_path}/a/p: not a directory"


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        pytest.param("folder", ["a", "a/p", "a/p/q"], id="folder"),
        pytest.param("other", ["a"], id="link"),
        pytest.param("whiteout", ["a"], id="whiteout"),
    ],
)
def test_extract_of_what_is_no_file_over_a_folder(tmp_path: Path, kind: Kind, left: list[str]) -> None:
    files.extract([layer_file("a/p/q"), layer_file("a/p", kind=kind)], str(tmp_path))
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == left


@pytest.mark.parametrize("kind", ["folder", "other", "whiteout"])
def test_extract_of_what_is_no_file_takes_a_file_away(tmp_path: Path, kind: Kind) -> None:
    files.extract([layer_file("p"), layer_file("p", kind=kind)], str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_extract_of_a_whiteout_leaves_other_places_alone(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "f").write_text("kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    files.extract([layer_file(name, kind="whiteout") for name in ("link/f", "none/f")], str(folder))
    assert (tmp_path / "outside" / "f").read_text() == "kept"
    assert [path.name for path in folder.iterdir()] == ["link"]


def test_new_folder_speaks_of_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match=f"^open {tmp_path}/out/f: broken$"),
        files.new_folder(str(tmp_path / "out")) as folder,
    ):
        raise InputError(f"open {folder}/f: broken")


@pytest.mark.skipif(files.folds_case(__file__), reason="this file system takes both names for one")
def test_extract_keeps_names_apart_that_differ_in_case(tmp_path: Path) -> None:
    files.extract([layer_file("xt_mark.h", b"1"), layer_file("xt_MARK.h", b"2")], str(tmp_path))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"xt_mark.h": b"1", "xt_MARK.h": b"2"}


def test_extract_refuses_names_that_the_file_system_cannot_tell_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "folds_case", lambda _: True)
    with pytest.raises(InputError, match="Expected 'a/F' and 'a/f' to be two files"):
        files.extract([layer_file("a/f", b"1"), layer_file("a/F", b"2")], str(tmp_path))
    assert (tmp_path / "a" / "f").read_bytes() == b"1"


def test_read_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        files.read_file(str(tmp_path / "l.yml"))
    path = tmp_path / "l.yml"
    assert str(caught.value) == f"Reading path {path}: open {path}: no such file or directory"


def test_new_folder_that_cannot_take_its_place_leaves_the_former(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    rename = os.rename

    def interrupted(source: str, target: str) -> None:
        if target == str(tmp_path / "out") and not source.endswith(".former"):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr("os.rename", interrupted)
    with pytest.raises(KeyboardInterrupt), files.new_folder(str(tmp_path / "out")):
        pass
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["out", "out/old"]


def test_write_atomically_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_atomically(str(tmp_path / "lock.yml"), b"new")
    assert os.listdir(tmp_path) == []
