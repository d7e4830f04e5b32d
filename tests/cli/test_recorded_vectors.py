"""kbld and vendir against the recorded runs of the original tools, where those are at hand.

Runs in this process, so only cases of one tool that need no registry, no web server and no other program take part.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from lapstrake.cli import kbld, vendir

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
MAINS = {"kbld": kbld.main, "vendir": vendir.main}


def cases() -> list[object]:
    found = [path.parent for tool in MAINS for path in sorted((VECTORS / tool).rglob("case.yaml"))]
    usable = [case for case in found if _is_usable(_spec(case))]
    if not usable:
        reason = "the recorded vectors are not beside the repository"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")]
    return [pytest.param(case, id=str(case.relative_to(VECTORS))) for case in usable]


def _spec(case: Path) -> dict[str, object]:
    return yaml.safe_load((case / "case.yaml").read_text())


def _is_usable(spec: dict[str, object]) -> bool:
    steps = spec.get("steps") or [spec]
    alone = all("tool" not in step for step in steps)
    return alone and not {"http", "templated", "mask", "env"} & spec.keys()


@pytest.mark.parametrize("case", cases())
def test_run_is_as_recorded(case, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "w"
    shutil.copytree(case / "in", folder, symlinks=True) if (case / "in").is_dir() else folder.mkdir()
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    spec = _spec(case)
    for number, step in enumerate(spec.get("steps") or [spec], 1):
        monkeypatch.chdir(folder)  # a step may have gone elsewhere
        _play(case, step, f".{number}" if "steps" in spec else "", monkeypatch, capsys)
    for path in (case / "out").rglob("*") if (case / "out").is_dir() else ():
        if path.is_file():
            assert (folder / path.relative_to(case / "out")).read_text() == path.read_text(), path


def _play(case, step, suffix, monkeypatch, capsys):
    given = Path(step["stdin"]).read_bytes() if step.get("stdin") else b""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    status = MAINS[case.relative_to(VECTORS).parts[0]]([str(arg) for arg in step["args"]])
    out, err = capsys.readouterr()
    assert status == step.get("exit", 0), err
    assert out == (case / f"stdout{suffix}").read_text()
    if status:
        assert err.replace(os.getcwd(), "/WORKDIR") == (case / f"stderr{suffix}").read_text()
