from __future__ import annotations

from pathlib import Path

import pytest

from lapstrake.messages import tool_error, unread


@pytest.mark.parametrize(
    ("message", "text"),
    [
        pytest.param("unknown flag: --x", "t: Error: unknown flag: --x", id="small letter"),
        pytest.param("A: B: c", "t: Error: A:\n  B: c", id="a cause on a line of its own"),
        pytest.param("A: B: C", "t: Error: A:\n  B:\n    C", id="each two blanks deeper"),
        pytest.param("A (x: Y): B", "t: Error: A (x: Y):\n  B", id="brackets stay together"),
        pytest.param("A ')' B", "t: Error: A '", id="an unmatched bracket cuts"),
        pytest.param("A: B\nC: D", "t: Error: A:\n  B\nC: D", id="only the first line"),
        pytest.param("", "t: Error:", id="empty"),
    ],
)
def test_errors_are_laid_out_as_the_tools_do(message: str, text: str) -> None:
    assert tool_error("t", message) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("none", "open none: no such file or directory", id="missing"),
        pytest.param(".", "read .: is a directory", id="folder"),
    ],
)
def test_unread(path: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError) as caught, open(path, "rb"):
        pass
    assert unread(path, caught.value) == text
