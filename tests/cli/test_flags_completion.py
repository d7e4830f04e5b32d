from __future__ import annotations

import shutil
import subprocess

import pytest

from lapstrake.cli.flags import Command, Flag, execute

OUT_FLAG = Flag("output", "string", "", "Where it goes (it's a folder)", short="o")


def tree() -> Command:
    get = Command(
        "get", "Get a thing", flags=(OUT_FLAG, Flag("former", hidden=True)), aliases=["g"], run=lambda args: 0
    )
    put = Command("put", "Put a thing", run=lambda args: 0)
    return Command(
        "tool",
        "A tool",
        flags=(Flag("yes", "bool", False, "Do not ask", short="y"),),
        children=[
            Command("thing", "Things", children=[put, get]),
            Command("think", "Think", run=lambda args: 0),
        ],
    )


def script(capsys: pytest.CaptureFixture[str], *words: str, tool: str = "imgpkg") -> str:
    assert execute(tool, tree(), ["completion", *words]) == 0
    return capsys.readouterr().out


def completed(bash: str, line: str) -> list[str]:
    """What bash offers for the last word of ``line``, asked as bash itself asks."""
    words = line.split(" ")
    program = f"""{bash}
COMP_WORDS=({" ".join(repr(word) for word in words)})
COMP_CWORD={len(words) - 1}
read -ra registered <<<"$(complete -p imgpkg)"
"${{registered[-2]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    run = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=10, check=True)
    assert run.stderr == ""
    return run.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("imgpkg thi", ["thing", "think"], id="command"),
        pytest.param("imgpkg c", ["completion"], id="standard command"),
        pytest.param("imgpkg -y thing ", ["get", "put"], id="all commands below another"),
        pytest.param("imgpkg thing get --o", ["--output"], id="flag, not the hidden one"),
        pytest.param("imgpkg thing g --y", ["--yes"], id="global flag behind an alias"),
        pytest.param("imgpkg thing get -o th", [], id="value is a file"),
        pytest.param("imgpkg thing get x", [], id="argument is a file"),
        pytest.param("imgpkg help th", [], id="nothing known"),
    ],
)
def test_bash_completes(line: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert completed(script(capsys, "bash"), line) == words


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        pytest.param("zsh", ["#compdef imgpkg", "'--output:Where it goes (it'\\''s a folder)'"], id="zsh"),
        pytest.param(
            "fish",
            [
                "--arguments get --description 'Get a thing'",
                "--long-option output --short-option o --require-parameter",
            ],
            id="fish",
        ),
        pytest.param(
            "powershell",
            ["-Native -CommandName 'imgpkg'", ",@('--output', 'Where it goes (it''s a folder)')"],
            id="powershell",
        ),
    ],
)
def test_other_shells_get_commands_flags_and_what_they_mean(
    shell: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    text = script(capsys, shell)
    assert [line for line in lines if line not in text] == []
    assert "former" not in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_descriptions_can_be_left_out(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Get a thing" not in script(capsys, shell, "--no-descriptions", tool="vendir")


@pytest.mark.parametrize(
    ("tool", "words", "message"),
    [
        pytest.param("imgpkg", [], "accepts 1 arg(s), received 0", id="no shell"),
        pytest.param("imgpkg", ["nu"], 'invalid argument "nu" for "imgpkg completion"', id="unknown shell"),
        pytest.param("imgpkg", ["bash", "zsh"], "accepts 1 arg(s), received 2", id="two shells"),
        pytest.param(
            "vendir", ["bash", "x"], 'unknown command "x" for "vendir completion bash"', id="too much"
        ),
        pytest.param(
            "kbld", ["bash"], "command 'kbld' does not accept extra arguments 'completion'", id="none at all"
        ),
    ],
)
def test_completion_refuses(
    tool: str, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(tool, tree(), ["completion", *words]) == 1
    assert capsys.readouterr().err == f"{tool}: Error: {message}\n"


def test_completion_alone_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    out = script(capsys, tool="vendir")
    assert out.startswith("Prints a script")
    assert "\n  bash        Generate the autocompletion script for bash\n" in out
