from __future__ import annotations

import pytest

from lapstrake.cli.vendir import main

CONFIG = """\
apiVersion: vendir.k14s.io/v1alpha1
kind: Config
directories:
- path: vendor
  contents:
  - path: a
    inline: {paths: {f: one}}
  - path: b
    inline: {paths: {f: two}}
"""
LOCK = """\
apiVersion: vendir.k14s.io/v1alpha1
directories:
- contents:
  - inline: {}
    path: a
  - inline: {}
    path: b
  path: vendor
kind: LockConfig
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vendir.yml").write_text(CONFIG)
    return tmp_path


def test_sync_prints_and_writes_the_lock(folder, capsys):
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == LOCK
    lock = folder / "vendir.lock.yml"
    assert lock.read_text() == LOCK
    assert lock.stat().st_mode & 0o777 == 0o600
    assert (folder / "vendor/b/f").read_text() == "two"
    assert sorted(p.name for p in folder.iterdir()) == ["vendir.lock.yml", "vendir.yml", "vendor"]


def test_unchanged_lock_is_not_written_again(folder):
    main(["sync"])
    before = (folder / "vendir.lock.yml").stat().st_mtime_ns
    main(["sync"])
    assert (folder / "vendir.lock.yml").stat().st_mtime_ns == before


def test_terminal_keeps_blank_lines(folder, capsys):
    assert main(["sync", "--tty"]) == 0
    assert capsys.readouterr().out == (
        f"Fetching: vendor + a (inline)\n\nFetching: vendor + b (inline)\n\nLock config\n\n{LOCK}\nSucceeded\n"
    )


def test_one_directory_is_merged_into_the_lock(folder, capsys):
    main(["sync"])
    (folder / "vendor/b/f").write_text("mine")
    assert main(["sync", "-d", "vendor/a"]) == 0
    assert capsys.readouterr().out.endswith(LOCK)
    assert (folder / "vendor/b/f").read_text() == "mine"


def test_local_folder_may_be_in_the_home(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    (folder / "mine").mkdir()
    (folder / "mine/g").write_text("g")
    assert main(["sync", "-d", "vendor/a=~mine"]) == 0
    assert (folder / "vendor/a/g").read_text() == "g"


def test_local_folder_leaves_no_lock(folder):
    (folder / "mine").mkdir()
    (folder / "mine/g").write_text("g")
    assert main(["sync", "-d", "vendor/a=mine"]) == 0
    assert (folder / "vendor/a/g").read_text() == "g"
    assert not (folder / "vendir.lock.yml").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(
            ["sync", "-f", "mine.yml"],
            "Reading config 'mine.yml': open mine.yml: no such file or directory",
            id="file",
        ),
        pytest.param(
            ["sync", "-l"],
            "Reading lock config 'vendir.lock.yml': open vendir.lock.yml: no such file or directory",
            id="lock",
        ),
        pytest.param(
            ["sync", "--chdir", "none"], "Running chdir: chdir none: no such file or directory", id="folder"
        ),
        pytest.param(
            ["sync", "-d", "v"], "Expected to match path 'v' once, but did not match any", id="directory"
        ),
    ],
)
def test_error_is_on_stderr(folder, capsys, argv, message):
    assert main(argv) == 1
    assert capsys.readouterr().err == f"vendir: Error: {message}\n"


def test_overrides_are_shown_before_the_lock_is_asked_for(folder, capsys):
    assert main(["sync", "-d", "vendor/a", "-l"]) == 1
    captured = capsys.readouterr()
    assert captured.out.endswith('kind: Config\nminimumRequiredVersion: ""\n\n')
    assert captured.err.startswith("vendir: Error: Reading lock config 'vendir.lock.yml': open ")


def test_lock_that_cannot_be_written_is_told(folder, capsys):
    assert main(["sync", "--lock-file", "none/lock.yml"]) == 1
    assert capsys.readouterr().err == (
        "vendir: Error: Writing lock config: open none/lock.yml: no such file or directory\n"
    )


def test_json_is_not_printed_with_an_error(folder, capsys):
    assert main(["sync", "--json", "-f", "none"]) == 1
    assert capsys.readouterr().out == ""


def test_equal_versions_are_sorted_by_build(capsys):
    assert main(["tools", "sort-semver", "-v", "1.0.0+b 1.0.0+10 1.0.0 1.0.0+9"]) == 0
    assert capsys.readouterr().out == "1.0.0\t\n1.0.0+9\t\n1.0.0+10\t\n1.0.0+b\t\n"


def stand_in(folder, monkeypatch, name: str, script: str, source: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    text = f"directories: [{{path: v, contents: [{{path: a, {source}}}]}}]\n"
    (folder / "vendir.yml").write_text(CONFIG.partition("directories")[0] + text)


def test_line_that_a_program_leaves_open_is_ended(folder, capsys, monkeypatch):
    script = '[ "$1" = init ] && mkdir .hg && echo > f; [ "$1" = log ] && printf open || true'
    stand_in(folder, monkeypatch, "hg", script, "hg: {url: u, ref: x}")
    assert main(["sync", "--tty"]) == 0
    shown = "  --> hg log -r . -T {node}\n  open--> hg log -l 1 -T {desc|firstline|strip} -r open\n  open\nLock config\n"
    assert shown in capsys.readouterr().out


def test_programs_are_heard_on_a_terminal(folder, capsys, monkeypatch):
    script = '[ "$1" = init ] && { echo said; exit 3; }'
    stand_in(folder, monkeypatch, "git", script, "git: {url: u, ref: main}")
    assert main(["sync", "--tty"]) == 1
    assert "\n\n  --> git init\n  said\n" in capsys.readouterr().out


def test_versions_are_sorted(capsys):
    assert main(["tools", "sort-semver", "-v", "1.10.0 v1.9.0 nope 1.2", "-v", "2.0.0-rc.1"]) == 0
    assert capsys.readouterr().out == "v1.9.0\t\n1.10.0\t\n"
