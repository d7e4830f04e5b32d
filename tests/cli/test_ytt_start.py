"""The ytt program's quick start: the same results with fewer modules."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "import sys; from lapstrake.cli.main import ytt; sys.argv[0] = 'ytt'; ytt()"


def performed(program: str, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], input=text, capture_output=True, text=True, check=False
    )


def test_output_is_complete_though_the_process_leaves_at_once(tmp_path: Path) -> None:
    text = "".join(f"key-{number}: {number}\n" for number in range(50_000))
    (tmp_path / "a.yml").write_text(text)
    done = performed(PROGRAM, "-f", str(tmp_path / "a.yml"))
    assert (done.stdout, done.stderr, done.returncode) == (text, "", 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: \x01b\n", "control characters are not allowed", id="reader"),
        pytest.param("a: '\n", "line 2: found unexpected end of stream", id="scanner"),
        pytest.param("a: [1 2:\n- b\n", "did not find expected node content", id="parser"),
    ],
)
def test_every_kind_of_bad_yaml_is_still_refused(text: str, reason: str) -> None:
    done = performed(PROGRAM, "-f", "-", text=text)
    assert done.returncode == 1
    assert done.stderr.startswith("ytt: Error: Unmarshaling YAML template 'stdin.yml': yaml: ")
    assert reason in done.stderr


def test_the_parser_comes_without_the_rest_of_its_package() -> None:
    done = performed(
        "import sys; from lapstrake.cli.ytt_start import load_parser_alone; load_parser_alone();"
        "import lapstrake.yamldoc.parser; print(*sys.modules)"
    )
    modules = set(done.stdout.split())
    assert "yaml._yaml" in modules
    assert not modules & {"yaml.constructor", "yaml.resolver", "yaml.loader", "datetime"}


def test_a_package_that_is_already_there_is_left_alone() -> None:
    done = performed(
        "import yaml; from lapstrake.cli.ytt_start import load_parser_alone; load_parser_alone();"
        "import lapstrake.yamldoc.parser; print(yaml.safe_load('[1]'))"
    )
    assert done.stdout == "[1]\n"


def test_a_package_of_another_make_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml" / "__init__.py").write_text("mine = True\n")
    done = performed(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from lapstrake.cli.ytt_start import load_parser_alone; load_parser_alone();"
        "import yaml; print(yaml.mine)"
    )
    assert done.stdout == "True\n"
