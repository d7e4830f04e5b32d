"""The ytt command: files, outputs, and what a plain run imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lapstrake.cli.ytt import main
from tests.web import Answer, web_server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_directory_is_read_in_the_order_of_its_paths(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in ("d/sub-x/a.yml", "d/sub/a.yml", "d/.git/b.yml"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"id: {path}\n")
    assert main(["-f", "d"]) == 0
    assert capfd.readouterr().out == "id: d/.git/b.yml\n---\nid: d/sub-x/a.yml\n---\nid: d/sub/a.yml\n"


def test_output_files_keep_their_paths(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yml").write_text("a: #@ 1 + 1\n")
    assert main(["-f", "x/y.yml=a.yml", "--output-files", "out"]) == 0
    assert capfd.readouterr().out == "creating: out/x/y.yml\n"
    assert (folder / "out/x/y.yml").read_text() == "a: 2\n"


def test_output_stays_below_its_directory(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yml").write_text("a: 1\n")
    assert main(["-f", "../y.yml=a.yml", "--output-files", "out"]) == 1
    assert not (folder.parent / "y.yml").exists()
    assert capfd.readouterr().err.startswith("ytt: Error: Expected output path '../y.yml' to stay inside")


def test_a_symbolic_link_is_refused_unless_allowed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "in").mkdir()
    (folder / "real.yml").write_text("a: 1\n")
    (folder / "in/link.yml").symlink_to("../real.yml")
    assert main(["-f", "in"]) == 1
    assert (
        "Expected symlink file 'in/link.yml' -> 'real.yml' to be allowed, but was not"
        in capfd.readouterr().err
    )
    assert main(["-f", "in", "--allow-symlink-destination", "real.yml"]) == 0
    assert main(["-f", "in", "--dangerous-allow-all-symlink-destinations"]) == 0
    assert capfd.readouterr().out == "a: 1\n" * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["-f", "gone.yml"],
            "Checking file 'gone.yml': lstat gone.yml: no such file or directory",
            id="file",
        ),
        pytest.param(["--nope"], "unknown flag: --nope", id="flag"),
        pytest.param(["a.yml"], "command 'ytt' does not accept extra arguments 'a.yml'", id="argument"),
        pytest.param(["-o", "toml"], "Unknown output type 'toml'", id="output"),
        pytest.param(["-v", "x"], "Extracting data value from KV:\n  Expected format key=value", id="value"),
    ],
)
def test_refusal(folder: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert main(arguments) == 1
    assert capfd.readouterr().err == f"ytt: Error: {message}\n"


def test_json_has_no_separators(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yml").write_text("b: <\na: [1]\n---\n- x\n")
    assert main(["-f", "a.yml", "-o", "json"]) == 0
    assert capfd.readouterr().out == '{"a":[1],"b":"\\u003c"}["x"]'


def test_a_plain_run_imports_little(folder: Path) -> None:
    (folder / "a.yml").write_text("a: 1\n")
    program = (
        "import sys; from lapstrake.cli.ytt import main; main(['-f', 'a.yml']);"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder
    )
    assert done.stdout == "a: 1\n"
    modules = set(done.stderr.split())
    heavy = {
        "ast",
        "typing",
        "dataclasses",
        "inspect",
        "pathlib",
        "logging",
        "subprocess",
        "json",
        "tempfile",
        "ssl",
    }
    assert not modules & heavy
    assert not {name for name in modules if name.startswith(("lapstrake.starlark", "lapstrake.ytt.template"))}


def test_a_file_may_be_a_url(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with web_server() as web:
        web.answers["/a.yml"] = Answer(b"a: #@ 1 + 1\n")
        assert main(["-f", f"{web.url}/a.yml"]) == 0
        assert capfd.readouterr().out == "a: 2\n"
        assert main(["-f", f"{web.url}/b.yml"]) == 1
        expected = f"Requesting URL '{web.url}/b.yml': Expected response status to be 2xx, but was 404"
        assert expected in " ".join(capfd.readouterr().err.split())


def test_a_url_that_does_not_answer(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-f", "http://me:secret@127.0.0.1:1/a.yml"]) == 1
    error = capfd.readouterr().err
    assert "dial tcp 127.0.0.1:1: connect: connection refused" in error
    assert "secret" not in error
