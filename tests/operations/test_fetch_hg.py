from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.fetch_hg import fetch_hg
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import Contents, References

pytestmark = pytest.mark.skipif(shutil.which("hg") is None, reason="hg is not installed")


def hg(folder: Path, *args: str) -> str:
    done = subprocess.run(["hg", *args], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def fetched(tmp_path: Path, secrets=None, **source: object) -> dict[str, str]:
    (tmp_path / "scratch").mkdir()
    request = FetchRequest(
        Contents("a", "hg", source),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=References(secrets or {}),
    )
    return dict(fetch_hg(request))


def test_revision_is_checked_out(tmp_path):
    origin = tmp_path / "origin"
    origin.mkdir()
    hg(origin, "init")
    for text in ("one", "two"):
        (origin / "f").write_text(text)
        hg(origin, "commit", "-qAm", f"{text}\nmore", "-u", "me", "-d", "0 0")
    sha = hg(origin, "log", "-r", "0", "-T", "{node}")
    assert fetched(tmp_path, url=str(origin), ref="0") == {"sha": sha, "changeSetTitle": "one"}
    assert (tmp_path / "into/f").read_text() == "one"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({}, "Expected non-empty URL", id="url"),
        pytest.param({"url": "/x", "ref": "--config=a=b"}, "Expected ref to not begin with '-'", id="option"),
        pytest.param(
            {"url": "/x\n[hooks]\nupdate = touch /tmp/x", "ref": "0"},
            "Expected URL, username and password to have no control characters",
            id="settings-in-the-url",
        ),
        pytest.param(
            {"url": "http://e.test/x", "ref": "0", "secretRef": {"name": "s"}},
            "Username/password authentication is only supported for https remotes",
            id="password-over-http",
        ),
        pytest.param(
            {"url": "https://e.test/x", "ref": "0", "secretRef": {"name": "odd"}},
            "Unknown secret field 'colour' in secret 'odd'",
            id="secret",
        ),
    ],
)
def test_bad_source_is_refused(tmp_path, source, message):
    secrets = {"s": {"username": b"me", "password": b"x"}, "odd": {"colour": b"red"}}
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, secrets, **source)
    assert str(caught.value) == f"Fetching hg repository: {message}"
