from __future__ import annotations

import subprocess

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.source_origins import source_origins, without_user


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with one commit that holds the folder ``src``."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "x").write_text("x")
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@e.test", "commit", "-qm", "first")
    return tmp_path


def git(folder, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_folder_outside_of_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert source_origins(str(tmp_path)) == ({"local": {"path": str(tmp_path)}},)


def test_clean_commit_with_tag_and_remote(repository):
    git(repository, "remote", "add", "origin", "https://user:pw@e.test/r.git")
    git(repository, "tag", "v1")
    assert source_origins(str(repository / "src"))[1] == {
        "git": {
            "remoteURL": "https://_redacted_@e.test/r.git",
            "sha": git(repository, "rev-parse", "HEAD"),
            "dirty": False,
            "tags": ["v1"],
        }
    }


def test_file_that_is_not_committed(repository):
    (repository / "new").touch()
    found = source_origins(str(repository / "src"))[1]["git"]
    assert (found["dirty"], found["remoteURL"], "tags" in found) == (True, "<unknown>", False)


def test_repository_without_commits(tmp_path):
    git(tmp_path, "init", "-q")
    assert source_origins(str(tmp_path))[1]["git"]["sha"] == "<no commits>"


def test_damaged_repository(repository):
    for path in (repository / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(InputError) as caught:
        source_origins(str(repository / "src"))
    assert str(caught.value) == (
        f"Getting details from git for directory '{repository / 'src'}': Checking status: exit status 128"
    )


def test_branch_without_commits_beside_another(repository):
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/new\n")
    with pytest.raises(InputError) as caught:
        source_origins(str(repository / "src"))
    assert str(caught.value).startswith(
        f"Getting details from git for directory '{repository / 'src'}': Checking HEAD commit: exit status 128 "
        "(stderr 'fatal: ambiguous argument 'HEAD'"
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("git@e.test:r.git", "git@e.test:r.git", id="ssh"),
        pytest.param("ssh://git:pw@e.test/r", "ssh://_redacted_@e.test/r", id="scheme"),
        pytest.param("user:pw@e.test:r", "_redacted_@e.test:r", id="no-scheme"),
        pytest.param("/srv/r.git", "/srv/r.git", id="path"),
    ],
)
def test_no_name_or_password_is_shown(url, shown):
    assert without_user(url) == shown
