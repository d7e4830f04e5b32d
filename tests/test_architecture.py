"""The rules of the house that no single room can check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_imports_go_down_only() -> None:
    # in a process of its own, since it switches off the loggers that are there
    check = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def loaded(code: str) -> set[str]:
    """The modules in memory after ``code`` ran in a fresh interpreter."""
    script = f"import sys\n{code}\nprint('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.rpartition("\n\n")[2].split() or done.stdout.split())


HEAVY = {
    "asyncio",
    "ssl",
    "urllib3",
    "starlette",
    "uvicorn",
    "cryptography",
    "orjson",
    "logging",
    "subprocess",
    "inspect",
    "tempfile",
}


@pytest.mark.parametrize("tool", ["lapstrake", "ytt"])
def test_version_imports_nothing_heavy(tool: str) -> None:
    modules = loaded(f"from lapstrake.cli.main import run\nrun({tool!r}, ['version'])")
    assert not modules & (HEAVY | {"yaml", "dataclasses", "typing", "pathlib"})


def test_plain_render_stays_light(tmp_path: Path) -> None:
    file = tmp_path / "plain.yml"
    file.write_text("a: 1\n")
    modules = loaded(f"from lapstrake.cli.main import run\nrun('ytt', ['-f', {str(file)!r}])")
    assert not modules & (HEAVY | {"lapstrake.starlark", "dataclasses", "pathlib"})


def test_ytt_library_brings_no_client_server_or_command_line() -> None:
    modules = loaded("import lapstrake.ytt")
    assert not {
        name for name in modules if name.startswith(("urllib3", "starlette", "uvicorn", "lapstrake.cli"))
    }
