"""Command lines as pflag and cobra read them, from tables.

Rules kept from pflag: ``--name=value`` and ``--name value``; ``-n value``, ``-nvalue``, ``-n=value``; short
switches may be joined (``-yn default``); a switch never eats the next word; flags and arguments may be mixed;
``--`` ends the flags; nothing is abbreviated.
"""

from __future__ import annotations

import sys

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.messages import tool_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_SHOWN_KIND = {
    "bool": "",
    "strings": "strings",
    "array": "stringArray",
    "int": "int",
    "float": "float32",
    "duration": "duration",
    "string": "string",
}
_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "F", "false", "FALSE", "False"))
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Flag:
    """One flag: ``kind`` is string, bool, int, float, duration (seconds as float), strings or array."""

    __slots__ = ("default", "help", "hidden", "kind", "name", "short")

    def __init__(
        self,
        name: str,
        kind: str = "string",
        default: Any = None,
        help: str = "",
        *,
        short: str = "",
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default = default if default is not None else _empty(kind)
        self.help = help
        self.short = short
        self.hidden = hidden


class Command:
    """A command of a tree. ``arguments`` bounds the number of positional arguments (None: any number)."""

    __slots__ = ("aliases", "arguments", "children", "example", "flags", "name", "run", "summary")

    def __init__(
        self,
        name: str,
        summary: str,
        *,
        flags: Sequence[Flag] = (),
        run: Callable[[Arguments], int] | None = None,
        children: Sequence[Command] = (),
        aliases: Sequence[str] = (),
        arguments: tuple[int, int | None] = (0, 0),
        example: str = "",
    ) -> None:
        self.name = name
        self.summary = summary
        self.flags = tuple(flags)
        self.run = run
        self.children = tuple(children)
        self.aliases = tuple(aliases)
        self.arguments = arguments
        self.example = example


class Arguments:
    """What was given: ``args["flag"]``, ``args.given("flag")``, ``args.positional``."""

    __slots__ = ("_given", "_values", "on_end", "on_error", "path", "positional")

    def __init__(self, values: dict[str, Any], given: set[str], positional: list[str], path: str) -> None:
        self._values = values
        self._given = given
        self.positional = positional
        self.path = path
        # A user interface that collects its output (as JSON) takes the error and the end of the run from here.
        self.on_error: Callable[[str], bool] | None = None
        self.on_end: Callable[[], None] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def given(self, name: str) -> bool:
        return name in self._given


class UsageError(InputError):
    """A wrong flag or argument."""


def execute(tool: str, root: Command, argv: Sequence[str]) -> int:
    """Parse ``argv`` for the tree under ``root``, run the command, print errors as ``tool`` does."""
    args: Arguments | None = None
    if list(argv) == ["--version"] and any(child.name == "version" for child in root.children):
        argv = ["version"]
    try:
        command, path, words = _descend(root, list(argv), tool)
        flags = _all_flags(root, path)
        if _asks_help(words, flags):
            sys.stdout.write(help_text(tool, path))
            return 0
        args = parse(flags, words, " ".join([tool, *(c.name for c in path[1:])]))
        _check_positional(command, args)
        if command.run is None:
            sys.stdout.write(help_text(tool, path))
            raise UsageError("Invalid command - see available commands/subcommands above")
        status = command.run(args)
    except LapstrakeError as error:
        text = tool_error(tool, str(error))
        if args is None or args.on_error is None or not args.on_error(text):
            sys.stdout.flush()
            sys.stderr.write(text + "\n")
        status = error.exit_code
    if args is not None and args.on_end is not None:
        args.on_end()
    return status


def parse(flags: Sequence[Flag], words: Sequence[str], path: str = "") -> Arguments:
    """Read ``words`` against ``flags``; UsageError names what is wrong, in pflag's words."""
    by_name = {flag.name: flag for flag in flags}
    by_short = {flag.short: flag for flag in flags if flag.short}
    values: dict[str, Any] = {
        f.name: list(f.default) if f.kind in ("strings", "array") else f.default for f in flags
    }
    given: set[str] = set()
    positional: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            positional += queue
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            flag = by_name.get(name)
            if flag is None or not name:
                raise UsageError(f"unknown flag: --{name}")
            if not equals:
                value = _next_value(flag, queue, f"--{name}")
            _store(flag, value, values, given)
        elif word.startswith("-") and word != "-":
            _short_flags(word[1:], by_short, queue, values, given)
        else:
            positional.append(word)
    return Arguments(values, given, positional, path)


def _short_flags(
    letters: str, by_short: dict[str, Flag], queue: list[str], values: dict[str, Any], given: set[str]
) -> None:
    rest = letters
    while rest:
        flag = by_short.get(rest[0])
        if flag is None:
            raise UsageError(f"unknown shorthand flag: {rest[0]!r} in -{letters}")
        rest = rest[1:]
        if rest.startswith("="):
            _store(flag, rest[1:], values, given)
            return
        if flag.kind == "bool":
            _store(flag, "true", values, given)
        else:
            _store(flag, rest or _next_value(flag, queue, f"{flag.short!r} in -{letters}"), values, given)
            return


def _next_value(flag: Flag, queue: list[str], shown: str) -> str:
    if flag.kind == "bool":
        return "true"
    if not queue:
        raise UsageError(f"flag needs an argument: {shown}")
    return queue.pop(0)


def _store(flag: Flag, text: str, values: dict[str, Any], given: set[str]) -> None:
    value = _value(flag, text)
    if flag.kind in ("strings", "array") and flag.name in given:
        values[flag.name] += value
    else:
        values[flag.name] = value
    given.add(flag.name)


def _value(flag: Flag, text: str) -> Any:
    shown = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
    if flag.kind == "string":
        return text
    if flag.kind == "array":
        return [text]
    if flag.kind == "strings":
        return _comma_separated(text)
    if flag.kind == "bool":
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise UsageError(
            f'invalid argument "{text}" for "{shown}" flag: strconv.ParseBool: parsing "{text}": invalid syntax'
        )
    if flag.kind == "duration":
        return duration(text, shown)
    try:
        return int(text) if flag.kind == "int" else float(text)
    except ValueError:
        function = "ParseInt" if flag.kind == "int" else "ParseFloat"
        raise UsageError(
            f'invalid argument "{text}" for "{shown}" flag: strconv.{function}: parsing "{text}": invalid syntax'
        ) from None


def duration(text: str, shown: str) -> float:
    """Seconds of a Go duration such as ``1h30m`` or ``250ms``."""
    import re

    sign = -1.0 if text.startswith("-") else 1.0
    body = text.lstrip("+-")
    if body == "0":
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        problem = "missing unit in duration" if body.replace(".", "").isdigit() else "invalid duration"
        raise UsageError(f'invalid argument "{text}" for "{shown}" flag: time: {problem} "{text}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


def _comma_separated(text: str) -> list[str]:
    if not text:
        return []
    if '"' not in text:
        return text.split(",")
    import csv

    return next(csv.reader([text]))


def _empty(kind: str) -> Any:
    return {"bool": False, "int": 0, "float": 0.0, "duration": 0.0, "strings": (), "array": ()}.get(kind, "")


def _descend(root: Command, words: list[str], tool: str) -> tuple[Command, list[Command], list[str]]:
    """Find the command that ``words`` name; flags may stand between the names."""
    command, path = root, [root]
    rest: list[str] = []
    while command.children:
        index = _first_argument(words, _all_flags(root, path))
        if index is None:
            break
        child = next(
            (c for c in command.children if words[index] == c.name or words[index] in c.aliases), None
        )
        if child is None:
            if command.run is None:
                sys.stdout.write(help_text(tool, path))
                raise UsageError("Invalid command - see available commands/subcommands above")
            break
        rest += words[:index]
        words = words[index + 1 :]
        command = child
        path.append(child)
    return command, path, rest + words


def _first_argument(words: Sequence[str], flags: Sequence[Flag]) -> int | None:
    takes_value = {f"--{f.name}" for f in flags if f.kind != "bool"} | {
        f"-{f.short}" for f in flags if f.short and f.kind != "bool"
    }
    skip = False
    for index, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            return None
        elif word.startswith("-") and word != "-":
            skip = word in takes_value
        else:
            return index
    return None


def _all_flags(root: Command, path: Sequence[Command]) -> list[Flag]:
    """The flags of the last command and the global ones of the root (a nearer flag hides a farther one)."""
    flags: dict[str, Flag] = {}
    for command in (path[-1], root):
        for flag in command.flags:
            flags.setdefault(flag.name, flag)
    return list(flags.values())


def _asks_help(words: Sequence[str], flags: Sequence[Flag]) -> bool:
    if any(f.short == "h" for f in flags):
        return "--help" in words
    before_end = words[: list(words).index("--")] if "--" in words else words
    return "--help" in before_end or "-h" in before_end


def _check_positional(command: Command, args: Arguments) -> None:
    least, most = command.arguments
    count = len(args.positional)
    if most == 0 and count:
        extra = " ".join(args.positional)
        raise UsageError(f"command '{args.path}' does not accept extra arguments '{extra}'")
    if count < least or (most is not None and count > most):
        wanted = (
            f"{least} arg(s)"
            if most == least
            else f"at least {least} arg(s)"
            if most is None
            else f"between {least} and {most} arg(s)"
        )
        raise UsageError(f"accepts {wanted}, received {count}")


def help_text(tool: str, path: Sequence[Command]) -> str:
    """The help page of the last command of ``path``, in cobra's layout."""
    command = path[-1]
    full = " ".join([tool, *(c.name for c in path[1:])])
    lines = [command.summary, "", "Usage:"]
    if command.run is not None or not command.children:
        lines.append(f"  {full} [flags]")
    if command.children:
        lines.append(f"  {full} [command]")
    if command.aliases:
        lines += ["", "Aliases:", "  " + ", ".join((command.name, *command.aliases))]
    if command.example:
        lines += ["", "Examples:", *("  " + line for line in command.example.splitlines())]
    if command.children:
        width = max(len(child.name) for child in command.children)
        lines += [
            "",
            "Available Commands:",
            *(f"  {c.name:<{width}} {c.summary.splitlines()[0]}" for c in command.children),
        ]
    lines += ["", "Flags:", *_flag_lines(command.flags if command.flags or len(path) > 1 else (), full)]
    if len(path) > 1 and path[0].flags:
        lines += ["", "Global Flags:", *_flag_lines(path[0].flags, "")]
    if command.children:
        lines += ["", f'Use "{full} [command] --help" for more information about a command.']
    return "\n".join(lines) + "\n"


def _flag_lines(flags: Sequence[Flag], full: str) -> list[str]:
    shown = [flag for flag in flags if not flag.hidden]
    if full:
        shown.append(Flag("help", "bool", False, f"help for {full.rsplit(' ', 1)[-1]}", short="h"))
    left = []
    for flag in sorted(shown, key=lambda f: f.name):
        short = f"-{flag.short}, " if flag.short else "    "
        left.append((f"  {short}--{flag.name} {_SHOWN_KIND[flag.kind]}".rstrip(), flag))
    width = max(len(text) for text, _ in left)
    return [f"{text:<{width}}   {flag.help}{_shown_default(flag)}" for text, flag in left]


def _shown_default(flag: Flag) -> str:
    if not flag.default:
        return ""
    if flag.kind == "string":
        return f' (default "{flag.default}")'
    if flag.kind == "bool":
        return " (default true)"
    if flag.kind in ("strings", "array"):
        return f" (default [{','.join(flag.default)}])"
    if flag.kind == "duration":
        return f" (default {shown_duration(flag.default)})"
    return f" (default {flag.default})"


def shown_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: ``30s``, ``15m0s``, ``1h0m0s``, ``500ms``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:g}ms"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{rest:g}s"
    if hours or minutes:
        text = f"{minutes:g}m{text}"
    return f"{hours:g}h{text}" if hours else text
