"""What README and docs show as Python runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_python_of_a_page_runs(block: str) -> None:
    exec(compile(block, "page", "exec"), {})


def test_readme_names_every_program() -> None:
    text = (ROOT / "README.md").read_text()
    scripts = re.findall(
        r"^(\w+) = \"lapstrake\.cli\.main", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert scripts
    assert [name for name in scripts if f"`{name}" not in text] == []
