from __future__ import annotations

import pytest

from lapstrake.cli.flags import Arguments, Command, Flag, UsageError, duration, execute, parse, shown_duration

FLAGS = (
    Flag("file", "array", help="File", short="f"),
    Flag("yes", "bool", False, short="y"),
    Flag("app", "string", short="a"),
    Flag("changes", "bool", True),
    Flag("label", "strings"),
    Flag("retry", "int", 5),
    Flag("wait", "duration", 30.0),
)


@pytest.mark.parametrize(
    ("words", "values", "positional"),
    [
        pytest.param(["-fa"], {"file": ["a"]}, [], id="value glued to a short flag"),
        pytest.param(["-f=a.yml"], {"file": ["a.yml"]}, [], id="equals after a short flag"),
        pytest.param(["-f", "-"], {"file": ["-"]}, [], id="a dash is a value"),
        pytest.param(["-ya", "app"], {"yes": True, "app": "app"}, [], id="switch and value joined"),
        pytest.param(["-y=false"], {"yes": False}, [], id="switch with a value"),
        pytest.param(
            ["--changes", "false"], {"changes": True}, ["false"], id="a switch never eats the next word"
        ),
        pytest.param(["x", "--app", "a", "y"], {"app": "a"}, ["x", "y"], id="flags after arguments"),
        pytest.param(["--", "-y"], {"yes": False}, ["-y"], id="end of flags"),
        pytest.param(
            ["--label=a,b", "--label", "c"], {"label": ["a", "b", "c"]}, [], id="comma separated and repeated"
        ),
        pytest.param(["--label", '"a,b",c'], {"label": ["a,b", "c"]}, [], id="quoted commas"),
        pytest.param(["-f", "a,b"], {"file": ["a,b"]}, [], id="an array is not split"),
        pytest.param(
            ["--retry", "0", "--wait=1m30s"], {"retry": 0, "wait": 90.0}, [], id="numbers and durations"
        ),
        pytest.param(["--app="], {"app": ""}, [], id="empty value"),
    ],
)
def test_parse_follows_pflag(words: list[str], values: dict[str, object], positional: list[str]) -> None:
    args = parse(FLAGS, words)
    assert {name: args[name] for name in values} == values
    assert args.positional == positional


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--nope"], "unknown flag: --nope"),
        (["--nope=1"], "unknown flag: --nope"),
        (["-yz"], "unknown shorthand flag: 'z' in -yz"),
        (["--app"], "flag needs an argument: --app"),
        (["-ya"], "flag needs an argument: 'a' in -ya"),
        (
            ["--yes=maybe"],
            'invalid argument "maybe" for "-y, --yes" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            ["--retry", "x"],
            'invalid argument "x" for "--retry" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (["--wait", "5"], 'invalid argument "5" for "--wait" flag: time: missing unit in duration "5"'),
    ],
)
def test_parse_names_what_is_wrong(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(FLAGS, words)
    assert str(caught.value) == message


def test_given_tells_a_default_from_a_value() -> None:
    args = parse(FLAGS, ["--retry", "5"])
    assert args.given("retry")
    assert not args.given("wait")


def tree(seen: list[Arguments]) -> Command:
    def run(args: Arguments) -> int:
        seen.append(args)
        return 0

    get = Command("get", "Get a thing", flags=(Flag("name", short="n"),), run=run)
    return Command(
        "tool",
        "A tool",
        flags=(Flag("yes", "bool", False, short="y"),),
        children=[Command("thing", "Things", children=[get], aliases=["t"])],
    )


@pytest.mark.parametrize(
    "argv", [["thing", "get", "-n", "x"], ["-y", "t", "get", "-nx"], ["thing", "-n", "x", "get"]]
)
def test_execute_finds_the_command_among_the_flags(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Arguments] = []
    status = execute("tool", tree(seen), argv)
    if argv[1] == "-n":  # the value of an unknown flag reads as the command's name, as it does in cobra
        assert status == 1
    else:
        assert (status, seen[0]["name"]) == (0, "x")


def test_execute_prints_an_error_as_the_tools_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing", "get", "extra"]) == 1
    assert (
        capsys.readouterr().err
        == "tool: Error: command 'tool thing get' does not accept extra arguments 'extra'\n"
    )


def test_execute_shows_the_commands_when_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing"]) == 1
    captured = capsys.readouterr()
    assert "Available Commands:\n  get Get a thing\n" in captured.out
    assert captured.err == "tool: Error: Invalid command - see available commands/subcommands above\n"


def test_execute_shows_help_with_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing", "get", "--help"]) == 0
    out = capsys.readouterr().out
    assert "-n, --name string" in out
    assert "Global Flags:\n  -y, --yes" in out


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("1h2m", 3720.0), ("250ms", 0.25), ("0", 0.0), ("-5s", -5.0), ("1.5m", 90.0)],
)
def test_duration_reads_go_syntax(text: str, seconds: float) -> None:
    assert duration(text, "--x") == seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(30.0, "30s"), (900.0, "15m0s"), (3600.0, "1h0m0s"), (0.5, "500ms")]
)
def test_shown_duration_prints_go_syntax(seconds: float, text: str) -> None:
    assert shown_duration(seconds) == text
