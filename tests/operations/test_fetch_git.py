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


def fetched(tmp_path, references=None, output=lambda text: None, **source):
    (tmp_path / "scratch").mkdir(exist_ok=True)
    request = FetchRequest(
        Contents("a", "git", source),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=references or References(),
        output=output,
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


@pytest.fixture
def keys(tmp_path, monkeypatch):
    """Two public keys, "own" and "other"; git signs with the first."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    usual = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    exported = {}
    for name in ("own", "other"):
        address = f"{name}@example.test"
        subprocess.run(
            [*usual, "--quick-gen-key", address, "ed25519", "sign", "never"], check=True, capture_output=True
        )
        done = subprocess.run(["gpg", "--armor", "--export", address], check=True, capture_output=True)
        exported[name] = done.stdout
    yield exported
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)


UNKNOWN = "openpgp: signature made by unknown entity"


def verified(tmp_path, origin, key: bytes, ref: str) -> str:
    """What was told meanwhile."""
    shutil.rmtree(tmp_path / "into", ignore_errors=True)
    shutil.rmtree(tmp_path / "scratch", ignore_errors=True)
    verification = {"publicKeysSecretRef": {"name": "keys"}}
    references = References({"keys": {"key": key}})
    told: list[str] = []
    source = {"url": f"file://{origin}", "ref": ref, "verification": verification}
    fetched(tmp_path, references, told.append, **source)
    return "".join(told)


def test_signatures_are_checked_before_anything_is_checked_out(tmp_path, origin, keys):
    def git(*args: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.signingkey=own@example.test", *args],
            cwd=origin,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    (origin / "f").write_text("3")
    git("commit", "-qaS", "-m", "signed, with a ß")
    git("tag", "-s", "signed", "-m", "signed tag")
    git("tag", "-a", "plain", "-m", "plain tag")
    forged = git("cat-file", "tag", "signed").replace("signed tag", "forged tag") + "\n"
    made = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin"],
        cwd=origin,
        input=forged,
        check=True,
        capture_output=True,
        text=True,
    )
    git("update-ref", "refs/tags/forged", made.stdout.strip())

    for ref in ("signed", git("rev-parse", "HEAD")):
        told = verified(tmp_path, origin, keys["own"], ref)
        assert "--> git fetch origin\n" in told
        assert "cat-file" not in told
        assert (tmp_path / "into/f").read_text() == "3"
    for ref, key, message in (
        (
            "signed",
            keys["other"],
            f"Checking signature: {UNKNOWN} (hint: provided public key does not match signature)",
        ),
        ("forged", keys["own"], "Checking signature: openpgp: invalid signature: hash tag doesn't match"),
        (
            "plain",
            keys["own"],
            "Expected to find tag signature: Expected to find section 'PGP SIGNATURE', but did not",
        ),
        (
            git("rev-parse", "v1.0.0"),
            keys["own"],
            "Expected to find commit signature: Expected to find section 'PGP SIGNATURE', but did not",
        ),
        ("signed", b"junk", "Reading armored key ring: Expected to find armored block, but did not"),
    ):
        with pytest.raises(InputError) as caught:
            verified(tmp_path, origin, key, ref)
        assert str(caught.value) == f"Fetching git repository: {message}"
        assert not (tmp_path / "into/f").exists()


def test_damaged_key_is_told_before_the_signature_is_looked_for(tmp_path, origin, keys):
    damaged = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n"
    for key, index in ((damaged, 1), (keys["own"] + damaged, 2)):
        with pytest.raises(InputError) as caught:
            verified(tmp_path, origin, key, "none")
        assert str(caught.value) == (
            f"Fetching git repository: Reading armored key ring: Reading armored key [idx={index}]: unexpected EOF"
        )


@pytest.mark.parametrize("ref", ["--help", "origin/--upload-pack=touch"])
def test_ref_may_be_no_option(tmp_path, ref):
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, url="https://e.test/r", ref=ref)
    assert str(caught.value) == "Fetching git repository: Expected URL and ref to not begin with '-'"


def test_submodules_may_not_read_files_of_this_machine(tmp_path, origin):
    inner = tmp_path / "inner"
    subprocess.run(["git", "clone", "-q", str(origin), str(inner)], check=True, capture_output=True)
    add = ["git", "-c", "protocol.file.allow=always", "submodule", "add", f"file://{inner}", "sub"]
    subprocess.run(add, cwd=origin, check=True, capture_output=True)
    subprocess.run(["git", "commit", "-qm", "sub"], cwd=origin, check=True, capture_output=True)
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, url=f"file://{origin}", ref="origin/main")
    assert "transport 'file' not allowed" in str(caught.value)
    shutil.rmtree(tmp_path / "into")
    fetched(tmp_path, url=f"file://{origin}", ref="origin/main", skipInitSubmodules=True)
    assert list((tmp_path / "into/sub").iterdir()) == []


def test_password_stays_out_of_what_is_fetched(tmp_path, monkeypatch):
    told: list[str] = []
    secrets = {"s": {"username": b"me", "password": b"hunter2"}}
    (tmp_path / "scratch").mkdir()
    source = {
        "url": "https://127.0.0.1:1/r",
        "ref": "main",
        "secretRef": {"name": "s"},
        "forceHTTPBasicAuth": True,
    }
    request = FetchRequest(
        Contents("a", "git", source),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=References(secrets),
        output=told.append,
    )
    with pytest.raises(InputError) as caught:
        fetch_git(request)
    settings = (tmp_path / "into/.git/config").read_text()
    encoded = "bWU6aHVudGVyMg"
    for text in (str(caught.value), settings, "".join(told)):
        assert "hunter2" not in text
        assert encoded not in text
