from __future__ import annotations

import os

import pytest

from lapstrake.adapters import file_tree
from lapstrake.errors import InputError


def test_files_are_listed_with_links_and_without_folders(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "f").write_text("f")
    (tmp_path / "a").symlink_to("b", target_is_directory=True)
    assert file_tree.files_below(str(tmp_path)) == ["a", "b/c/f"]
    assert file_tree.files_below(str(tmp_path / "none")) == []


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/../x"])
def test_path_may_not_leave_its_folder(path):
    with pytest.raises(InputError) as caught:
        file_tree.inner_path("/folder", path)
    assert str(caught.value) == f"Invalid path: {path}"


def test_absolute_path_is_taken_as_relative():
    assert file_tree.inner_path("/folder", "/etc/passwd") == "/folder/etc/passwd"


def test_private_folders_are_made_all_the_way(tmp_path):
    file_tree.write_file(str(tmp_path), "a/b/f", b"x")
    assert os.stat(tmp_path / "a").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / "a/b/f").st_mode & 0o777 == 0o600


def test_pruning_removes_empty_folders(tmp_path):
    for name in ("keep/f", "drop/deep/g"):
        file_tree.write_file(str(tmp_path), name, b"x")
    file_tree.keep_only(str(tmp_path), {"keep/f"})
    assert sorted(os.listdir(tmp_path)) == ["keep"]


def test_absent_source_is_named(tmp_path):
    with pytest.raises(InputError) as caught:
        file_tree.copy_tree("nowhere", str(tmp_path / "x"))
    assert str(caught.value) == "lstat nowhere: no such file or directory"


def test_dangling_link_is_refused(tmp_path):
    (tmp_path / "bad").symlink_to("none")
    with pytest.raises(InputError) as caught:
        file_tree.refuse_links_out(str(tmp_path))
    assert str(caught.value).startswith("Unable to resolve symlink: lstat ")
