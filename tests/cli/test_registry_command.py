"""``lapstrake registry`` as a program: accounts, TLS, limits, and what it says when it cannot."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from urllib3.util import make_headers

from lapstrake.cli.lapstrake import main


def add_user(monkeypatch: pytest.MonkeyPatch, users: Path, *words: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO("wonderland\n"))
    return main(["registry", "add-user", f"--users={users}", "--password-stdin", *words])


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[list[str]]:
    """The lines that it prints at its start; one for the address, and one for the authority if it made one."""
    program = "import sys; from lapstrake.cli.lapstrake import main; sys.exit(main(sys.argv[1:]))"
    storage = f"--storage={folder / 'content'}"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "registry", "serve", "--port=0", storage, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "XDG_STATE_HOME": str(folder)},
    )
    with process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline()]
            if "--tls-self-signed" in words:
                lines.append(process.stdout.readline())
            yield [line.split()[1] for line in lines]
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_registry_is_open_and_plain_unless_told(tmp_path: Path) -> None:
    with serving(tmp_path) as (host,), urllib3.PoolManager() as pool:
        assert host.startswith("127.0.0.1:")
        assert pool.request("GET", f"http://{host}/v2/").status == 200
    assert not (tmp_path / "content" / "tls").exists()


def test_own_certificate_is_trusted_by_its_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    assert add_user(monkeypatch, users, "alice") == 0
    words = ("--auth=token", f"--users={users}", "--tls-self-signed")
    authorities = []
    for _ in range(2):
        with serving(tmp_path, *words) as (host, authority):
            with urllib3.PoolManager(ca_certs=authority) as pool:
                url = f"https://{host.replace('127.0.0.1', 'localhost')}"
                answer = pool.request("GET", f"{url}/v2/")
                assert answer.headers["WWW-Authenticate"].startswith(f'Bearer realm="{url}/token"')
                login = make_headers(basic_auth="alice:wonderland")
                token = pool.request("GET", f"{url}/token", headers=login).json()["token"]
                bearer = {"Authorization": f"Bearer {token}"}
                assert pool.request("GET", f"{url}/v2/", headers=bearer).status == 200
            authorities.append(Path(authority).read_bytes())
    assert authorities[0] == authorities[1], "clients need not be told anew after a restart"


def test_certificate_of_ones_own_is_used(tmp_path: Path) -> None:
    from lapstrake.embedded import pki

    own = pki.ensure_certificates(tmp_path / "pki", "own", ["127.0.0.1"])
    words = (f"--tls-cert={own.certificate_file}", f"--tls-key={own.key_file}")
    with serving(tmp_path, *words) as (host,), urllib3.PoolManager(ca_certs=str(own.ca_file)) as pool:
        assert pool.request("GET", f"https://{host}/v2/").status == 200


def test_limits_are_heeded(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-blob-size=1Ki") as (host,), urllib3.PoolManager() as pool:
        place = pool.request("POST", f"http://{host}/v2/a/blobs/uploads/").headers["Location"]
        assert pool.request("PATCH", f"http://{host}{place}", body=bytes(1025)).status == 413


def test_accounts_are_added_changed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    users = tmp_path / "users"
    add_user(monkeypatch, users, "alice")
    add_user(monkeypatch, users, "bob", "--read-only")
    add_user(monkeypatch, users, "alice")
    assert [line.partition("$")[0] for line in users.read_text().splitlines()] == ["bob:", "alice:"]
    assert users.read_text().splitlines()[0].endswith(":read-only")
    assert main(["registry", "remove-user", "bob", f"--users={users}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"added alice in {users}",
        f"added bob in {users}",
        f"changed alice in {users}",
        f"removed bob from {users}",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["serve", "--auth=ldap"], "--auth must be none, basic or token, but was 'ldap'"),
        (
            ["serve", "--auth=basic"],
            "--auth=basic needs --users; make the file with 'lapstrake registry add-user NAME --users FILE'",
        ),
        (
            ["serve", "--anonymous-pull"],
            "--anonymous-pull has no meaning without --auth=basic or --auth=token",
        ),
        (["serve", "--users=x"], "--users has no meaning without --auth=basic or --auth=token"),
        (
            ["serve", "--auth=basic", "--users=/nowhere/users", "--port=0"],
            "Reading the accounts in '/nowhere/users': No such file or directory",
        ),
        (["serve", "--tls-cert=x"], "--tls-cert and --tls-key go together"),
        (
            ["serve", "--tls-cert=x", "--tls-key=y", "--tls-self-signed"],
            "--tls-self-signed makes its own certificate: leave --tls-cert and --tls-key out",
        ),
        (
            ["serve", "--tls-cert=/nowhere/c", "--tls-key=/nowhere/k", "--port=0"],
            "The certificate '/nowhere/c' and its key '/nowhere/k' cannot be used: No such file or directory",
        ),
        (
            ["serve", "--max-total-size=lots"],
            "--max-total-size must be a size like 500Mi or 20G, but was 'lots'",
        ),
        (["serve", "--port=70000"], "--port must be a number from 0 to 65535, but was 70000"),
        (["add-user", "alice"], "--users must name the file of the accounts"),
        (
            ["add-user", "a:b", "--users=u", "--password-stdin"],
            "'a:b' is no name for an account, which has up to 128 characters without spaces and colons",
        ),
        (["remove-user", "alice", "--users=/nowhere/u"], "'alice' has no account in /nowhere/u"),
    ],
)
def test_what_cannot_be_is_said_clearly(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO("wonderland\n"))
    assert main(["registry", *words]) == 1
    shown = capsys.readouterr().err
    assert " ".join(shown.split()) == " ".join(f"lapstrake: Error: {message}".split())


def test_password_is_asked_for_on_a_terminal_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["registry", "add-user", "alice", f"--users={tmp_path / 'users'}"]) == 1
    assert "use --password-stdin" in capsys.readouterr().err
    assert main(["registry", "add-user", "alice", f"--users={tmp_path / 'users'}", "--password-stdin"]) == 1
    assert "The password is empty" in capsys.readouterr().err
