"""What the README shows as Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_python_of_the_readme_runs(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})


def test_readme_names_every_program() -> None:
    text = (ROOT / "README.md").read_text()
    scripts = re.findall(
        r"^(\w+) = \"lapstrake\.cli\.main", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert scripts
    assert [name for name in scripts if f"`{name}" not in text] == []
