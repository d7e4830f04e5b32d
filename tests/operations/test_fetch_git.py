from __future__ import annotations

import shutil
import subprocess

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.fetch_git import fetch_git
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import Contents, References

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """A repository with two commits, the first tagged v1.0.0, the second v1.1.0-rc.1."""
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "A U Thor")
        monkeypatch.setenv(f"{name}_EMAIL", "a@example.test")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "origin"
    folder.mkdir()

    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=folder, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for text, message, tag in (("1", "first", "v1.0.0"), ("2", "second\n\nmore", "v1.1.0-rc.1")):
        (folder / "f").write_text(text)
        git("add", "f")
        git("commit", "-q", "-m", message)
        git("tag", tag)
    return folder


def fetched(tmp_path, references=None, **source):
    (tmp_path / "scratch").mkdir(exist_ok=True)
    request = FetchRequest(
        Contents("a", "git", source),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=references or References(),
    )
    return fetch_git(request)


def test_branch_is_checked_out(tmp_path, origin):
    entry = fetched(tmp_path, url=f"file://{origin}", ref="origin/main")
    assert (tmp_path / "into/f").read_text() == "2"
    assert entry["commitTitle"] == "second..."
    assert entry["tags"] == ["v1.1.0-rc.1"]


def test_highest_version_is_selected(tmp_path, origin):
    entry = fetched(tmp_path, url=f"file://{origin}", refSelection={"semver": {}})
    assert (tmp_path / "into/f").read_text() == "1"
    assert entry["tags"] == ["v1.0.0"]


def test_shallow_clone_names_the_depth(tmp_path, origin):
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, url=f"file://{origin}", ref="origin/none", depth=1)
    assert str(caught.value).startswith(
        "Fetching git repository: Git [fetch origin none --depth 1]: exit status 128 (stderr: "
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({"ref": "main"}, "Expected non-empty URL", id="url"),
        pytest.param(
            {"url": "--upload-pack=x", "ref": "main"},
            "Expected URL and ref to not begin with '-'",
            id="option",
        ),
        pytest.param(
            {"url": "http://e.test/r", "ref": "main", "secretRef": {"name": "s"}},
            "Username/password authentication is only supported for https remotes",
            id="password-over-http",
        ),
        pytest.param(
            {"url": "https://e.test/r", "ref": "main", "secretRef": {"name": "odd"}},
            "Unknown secret field 'colour' in secret 'odd'",
            id="secret",
        ),
    ],
)
def test_bad_source_is_refused(tmp_path, source, message):
    secrets = {"s": {"username": b"me", "password": b"x"}, "odd": {"colour": b"red"}}
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, References(secrets), **source)
    assert str(caught.value) == f"Fetching git repository: {message}"
