from __future__ import annotations

import os
import time

import pytest

from lapstrake.adapters.program import run, run_program
from lapstrake.errors import InputError


def test_streams_are_heard_and_kept_apart():
    heard: list[bytes] = []
    done = run_program(["sh", "-c", "echo out; echo err >&2"], hear_output=heard.append)
    assert (done.stdout, done.stderr, b"".join(heard)) == (b"out\n", b"err\n", b"out\n")


def test_lines_are_heard_whole():
    """A password, or a character, that comes in two pieces would be taken for something else."""
    heard: list[bytes] = []
    run_program(
        ["sh", "-c", r"printf 'a:\303'; sleep 0.1; printf '\251\r1%%\nend'"], hear_output=heard.append
    )
    assert b"".join(heard) == "a:é\r1%\nend".encode()
    assert all(piece.endswith((b"\r", b"\n")) for piece in heard[:-1])


def test_line_without_end_is_passed_on(monkeypatch):
    monkeypatch.setattr("lapstrake.adapters.program._LONGEST_LINE", 10)
    heard: list[bytes] = []
    run_program(["sh", "-c", "printf 12345678901; sleep 0.1; printf x"], hear_output=heard.append)
    assert heard == [b"12345678901", b"x"]


def test_folder_and_environment(tmp_path):
    done = run_program(["sh", "-c", 'pwd; echo "$MARK"'], folder=str(tmp_path), environment={"MARK": "x"})
    assert done.stdout.decode() == f"{tmp_path}\nx\n"


def test_there_is_no_input():
    assert run_program(["cat"]).stdout == b""


@pytest.mark.parametrize(
    ("command", "folder", "message"),
    [
        pytest.param(["sh", "-c", "exit 3"], ".", "exit status 3", id="status"),
        pytest.param(["sh", "-c", "kill -9 $$"], ".", "signal: killed", id="signal"),
        pytest.param(
            ["no-such-program"],
            ".",
            'exec: "no-such-program": executable file not found in $PATH',
            id="absent",
        ),
        pytest.param(["./none"], ".", "fork/exec ./none: no such file or directory", id="absent-path"),
        pytest.param(["/etc/passwd"], ".", "fork/exec /etc/passwd: permission denied", id="no-program"),
        pytest.param(["true"], "no-folder", "chdir no-folder: no such file or directory", id="folder"),
    ],
)
def test_failure_in_words_of_go(command, folder, message):
    with pytest.raises(InputError) as caught:
        run_program(command, folder=folder)
    assert str(caught.value) == message


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError) as caught:
        run_program(["sh"], folder=str(tmp_path / "file"))
    assert str(caught.value).startswith("fork/exec /")
    assert str(caught.value).endswith("/sh: not a directory")


def test_program_reads_what_is_given_and_has_no_other_environment(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    script = 'cat; echo "[$SECRET]"; exit 4'
    done = run(["sh", "-c", script], environment={"PATH": os.environ["PATH"]}, given=b"input\n")
    assert (done.status, done.stdout) == (4, b"input\n[]\n")


def test_program_that_takes_too_long_is_ended():
    with pytest.raises(InputError, match="no answer in 0 s"):
        run(["sh", "-c", "echo begun; exec sleep 60"], environment=dict(os.environ), longest=0.05)


def test_program_that_is_ended_may_clear_up_and_is_not_waited_for_beyond_itself(tmp_path):
    """What it started in turn may hold its output open for as long as it likes."""
    script = "trap 'touch cleared; exit' TERM; sleep 30 & wait"
    begun = time.monotonic()
    with pytest.raises(InputError, match="no answer in 0 s"):
        run(["sh", "-c", script], folder=str(tmp_path), environment=dict(os.environ), longest=0.3)
    assert time.monotonic() - begun < 10
    assert (tmp_path / "cleared").exists()


def test_program_that_does_not_want_to_end_is_killed(monkeypatch):
    monkeypatch.setattr("lapstrake.adapters.program._FAREWELL", 0.1)
    begun = time.monotonic()
    with pytest.raises(InputError, match="no answer in 0 s"):
        run(["sh", "-c", "trap '' TERM; sleep 30"], environment=dict(os.environ), longest=0.3)
    assert time.monotonic() - begun < 10
