from __future__ import annotations

import pytest

from lapstrake.cli.flag_values import duration, shown_duration
from lapstrake.cli.flags import Arguments, Command, Flag, UsageError, execute, parse
from lapstrake.cli.help_page import help_text

FLAGS = (
    Flag("file", "array", help="File", short="f"),
    Flag("yes", "bool", False, short="y"),
    Flag("app", "string", short="a"),
    Flag("changes", "bool", True),
    Flag("label", "strings"),
    Flag("retry", "int", 5),
    Flag("wait", "duration", 30.0),
    Flag("mark", "map", short="m"),
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
        pytest.param(["--retry", "0x10"], {"retry": 16}, [], id="hexadecimal"),
        pytest.param(["--retry=010"], {"retry": 8}, [], id="octal"),
        pytest.param(
            ["-m", "a=1,b=2", "--mark", "a=3"], {"mark": {"a": "3", "b": "2"}}, [], id="pairs are merged"
        ),
        pytest.param(["-m", '"a=1,2",b=='], {"mark": {"a": "1,2", "b": "="}}, [], id="quoted pairs"),
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
        (["-yz"], "unknown shorthand flag: 'z' in -z"),
        (["-yzy"], "unknown shorthand flag: 'z' in -zy"),
        (["--app"], "flag needs an argument: --app"),
        (["-ya"], "flag needs an argument: 'a' in -a"),
        (
            ["--yes=maybe"],
            'invalid argument "maybe" for "-y, --yes" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            ["--retry", "x"],
            'invalid argument "x" for "--retry" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            ["--retry", "1e99"],
            'invalid argument "1e99" for "--retry" flag: strconv.ParseInt: parsing "1e99": invalid syntax',
        ),
        (["-m", "a"], 'invalid argument "a" for "-m, --mark" flag: a must be formatted as key=value'),
        (
            ["-m", "a=b,c=d,e"],
            'invalid argument "a=b,c=d,e" for "-m, --mark" flag: e must be formatted as key=value',
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


def test_execute_names_the_commands_when_one_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing"]) == 1
    assert capsys.readouterr().err == "tool: Error: Use one of available subcommands: get\n"


def test_execute_shows_the_tree_when_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), []) == 1
    captured = capsys.readouterr()
    assert "Available Commands:\n  help        Help about any command\n  thing       Things\n" in captured.out
    assert captured.err == "tool: Error: Invalid command - see available commands/subcommands above\n"


def test_execute_refuses_a_command_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing", "got", "more"]) == 1
    assert (
        capsys.readouterr().err == "tool: Error: command 'tool thing' does not accept extra arguments 'got'\n"
    )


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(["thing", "get", "--help"], id="flag"),
        pytest.param(["thing", "get", "extra", "-h"], id="short flag"),
        pytest.param(["help", "thing", "get"], id="command"),
        pytest.param(["help", "t", "get", "more"], id="command with an alias and too much"),
    ],
)
def test_help_shows_a_command_with_the_defaults(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), argv) == 0
    out = capsys.readouterr().out
    assert out.startswith("Get a thing\n\nUsage:\n  tool thing get [flags]\n")
    assert "\nFlags:\n  -h, --help          help for get\n  -n, --name string   \n" in out
    assert "Global Flags:\n  -y, --yes" in out


def test_help_of_a_tool_with_a_terminal_ends_as_its_commands_do(capsys: pytest.CaptureFixture[str]) -> None:
    root = Command("tool", "A tool", flags=(Flag("tty", "bool"),), run=lambda args: 0, example="tool --tty")
    assert execute("tool", root, ["--help"]) == 0
    out = capsys.readouterr().out
    assert "\nExamples:\n\n  tool --tty\n" in out
    assert out.endswith("\n\nSucceeded\n")


def test_help_comes_after_the_flags_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute("tool", tree([]), ["thing", "get", "--help", "--nope"]) == 1
    assert capsys.readouterr().err == "tool: Error: unknown flag: --nope\n"


def test_deprecated_flag_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    flags = (Flag("old", deprecated="use '--new' instead"), Flag("new"))
    root = Command("tool", "A tool", flags=flags, run=lambda args: 0)
    assert execute("tool", root, ["--old", "x"]) == 0
    assert capsys.readouterr().out == "Flag --old has been deprecated, use '--new' instead\n"
    assert execute("tool", root, ["--help"]) == 0
    assert "--old" not in capsys.readouterr().out
    assert execute("tool", root, ["--old", "x", "much"]) == 1
    assert capsys.readouterr().out == "Flag --old has been deprecated, use '--new' instead\n\n"


@pytest.mark.parametrize(
    ("words", "value"),
    [
        pytest.param(["--old", "a"], ["a"], id="former name"),
        pytest.param(["--new", "a", "--old", "b"], ["b"], id="the former name begins anew"),
        pytest.param(["--old", "a", "--new", "b", "--old", "c"], ["b", "c"], id="later uses add"),
    ],
)
def test_two_flags_can_set_one_value(words: list[str], value: list[str]) -> None:
    flags = (Flag("new", "strings"), Flag("old", "strings", sets="new"))
    assert parse(flags, words)["new"] == value


@pytest.mark.parametrize("word", ["--version", "-v"])
def test_version_is_a_flag_of_the_root_too(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    def run(args: Arguments) -> int:
        print("tool version 1")
        return 0

    root = Command("tool", "A tool", children=[Command("version", "Print version", run=run)])
    assert execute("tool", root, [word]) == 0
    assert capsys.readouterr().out == "tool version 1\n"
    assert execute("tool", root, ["version", word]) == 1


def test_parse_bounds_integers() -> None:
    assert parse(FLAGS, ["--retry", str(2**63 - 1)])["retry"] == 2**63 - 1
    with pytest.raises(UsageError, match='parsing "9223372036854775808": value out of range'):
        parse(FLAGS, ["--retry", str(2**63)])


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


def test_own_flags_of_a_root_are_unknown_to_what_is_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    below = Command("below", "Below", run=lambda args: 0)
    root = Command(
        "tool",
        "Tool",
        own_flags=(Flag("near", "bool", False, "near"),),
        run=lambda args: int(args["near"]),
        children=(below,),
    )
    assert execute("tool", root, ["--near"]) == 1
    assert execute("tool", root, ["below", "--near"]) == 1
    assert capsys.readouterr().err == "tool: Error: unknown flag: --near\n"
    assert "--near" in help_text("tool", [root])
    assert "--near" not in help_text("tool", [root, below])


def test_deprecated_commands_warn_and_are_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    old = Command("old", "Old", run=lambda args: 0, deprecated="use new")
    root = Command("tool", "Tool", children=(old, Command("new", "New", run=lambda args: 0)))
    assert execute("tool", root, ["old"]) == 0
    assert capsys.readouterr().err == 'Warning: Command "old" is deprecated, use new\n'
    assert help_text("tool", [root, old]).startswith('\nCommand "old" is deprecated, use new\n\nOld\n')
    assert "  old " not in help_text("tool", [root])
