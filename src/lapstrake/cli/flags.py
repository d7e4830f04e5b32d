"""Command lines as pflag and cobra read them, from tables.

Rules kept from pflag: ``--name=value`` and ``--name value``; ``-n value``, ``-nvalue``, ``-n=value``; short
switches may be joined (``-yn default``); a switch never eats the next word; flags and arguments may be mixed;
``--`` ends the flags; nothing is abbreviated.
"""

from __future__ import annotations

import sys

from lapstrake.cli.flag_values import UsageError, read_value
from lapstrake.errors import LapstrakeError
from lapstrake.messages import tool_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["Arguments", "Command", "Flag", "UsageError", "execute", "flags_of", "parse"]

_REPEATED = ("strings", "array", "map")


class Flag:
    """One flag: ``kind`` is string, bool, int, float, duration (seconds as float), strings, array or map.

    ``deprecated`` says what to use instead; such a flag works, and is not shown. ``sets`` names the flag whose value
    it sets, if that is another: a list begins anew with the first use of either name.
    """

    __slots__ = ("default", "deprecated", "help", "hidden", "kind", "name", "sets", "short")

    def __init__(
        self,
        name: str,
        kind: str = "string",
        default: Any = None,
        help: str = "",
        *,
        short: str = "",
        hidden: bool = False,
        deprecated: str = "",
        sets: str = "",
    ) -> None:
        self.name = name
        self.sets = sets or name
        self.kind = kind
        self.default = default if default is not None else _empty(kind)
        self.help = help
        self.short = short
        self.hidden = hidden or bool(deprecated)
        self.deprecated = deprecated


class Command:
    """A command of a tree. ``arguments`` bounds the number of positional arguments (None: any number).

    ``long`` stands for the summary on the command's own help page, ``usage`` follows its name there. ``bare`` is
    what a command without ``run`` does: "names" tells the names of its children, "help" shows the page before it
    fails, "page" shows it and is content. The commands below a root take its ``flags`` too, but not its ``own_flags``.
    ``deprecated`` says what to use instead of a command, which is then not listed.
    """

    __slots__ = (
        "aliases",
        "arguments",
        "bare",
        "children",
        "deprecated",
        "example",
        "flags",
        "long",
        "name",
        "own_flags",
        "run",
        "summary",
        "usage",
    )

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
        long: str = "",
        usage: str = "[flags]",
        bare: str = "",
        own_flags: Sequence[Flag] = (),
        deprecated: str = "",
    ) -> None:
        self.name = name
        self.summary = summary
        self.flags = tuple(flags)
        self.run = run
        self.children = tuple(children)
        self.aliases = tuple(aliases)
        self.arguments = arguments
        self.example = example
        self.long = long
        self.usage = usage
        self.bare = bare
        self.own_flags = tuple(own_flags)
        self.deprecated = deprecated


class Arguments:
    """What was given: ``args["flag"]``, ``args.given("flag")``, ``args.positional``.

    ``is_noted``: something about the flags has been printed already.
    """

    __slots__ = ("_given", "_values", "is_noted", "on_end", "on_error", "path", "positional")

    def __init__(self, values: dict[str, Any], given: set[str], positional: list[str], path: str) -> None:
        self._values = values
        self._given = given
        self.positional = positional
        self.path = path
        self.is_noted = False
        # A user interface that collects its output (as JSON) takes the error and the end of the run from here.
        self.on_error: Callable[[str], bool] | None = None
        self.on_end: Callable[[], None] | None = None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def given(self, name: str) -> bool:
        return name in self._given


def execute(tool: str, root: Command, argv: Sequence[str]) -> int:
    """Parse ``argv`` for the tree under ``root``, run the command, print errors as ``tool`` does.

    Every tree of commands also has ``help``, ``--help``, ``--version`` if it has a command of that name, and
    ``completion`` where the original has it.
    """
    args: Arguments | None = None
    try:
        root = _with_standard_commands(tool, root, argv)
        command, path, words = _descend(root, list(argv))
        args = parse(flags_of(path), words, " ".join([tool, *(c.name for c in path[1:])]))
        _tell_deprecated(path, args)
        if args["help"] is True:
            return _show_help(tool, path)
        if command is root and args.get("version") is True:
            return _show_version(tool, root)
        _check_positional(command, args)
        if command.deprecated:
            sys.stderr.write(f"Warning: {deprecation(command)}\n")
            sys.stderr.flush()
        status = command.run(args) if command.run is not None else _nothing_to_run(tool, path)
    except LapstrakeError as error:
        text = tool_error(tool, str(error))
        if args is not None and args.is_noted and args.on_error is None:
            sys.stdout.write("\n")
        if args is None or args.on_error is None or not args.on_error(text):
            sys.stdout.flush()
            sys.stderr.write(text + "\n")
        status = error.exit_code
    if args is not None and args.on_end is not None:
        args.on_end()
    return status


def _with_standard_commands(tool: str, root: Command, argv: Sequence[str]) -> Command:
    """They are put together only where they are asked for: most runs do without."""
    index = _first_argument(argv, flags_of([root]))
    if index is None or argv[index] not in ("help", "completion"):
        return root
    from lapstrake.cli.standard_commands import with_standard_commands

    return with_standard_commands(tool, root)


def _show_help(tool: str, path: Sequence[Command]) -> int:
    from lapstrake.cli.help_page import show

    show(tool, path)
    return 0


def _show_version(tool: str, root: Command) -> int:
    terminal = ["--tty"] if any(flag.name == "tty" for flag in root.flags) else []
    return execute(tool, root, ["version", *terminal])


def _nothing_to_run(tool: str, path: Sequence[Command]) -> int:
    """For a command that is only a way to others."""
    from lapstrake.cli.help_page import help_text, listed, show

    command = path[-1]
    bare = command.bare or ("help" if len(path) == 1 else "names")
    if bare == "page":
        show(tool, path)
        return 0
    if bare == "names":
        names = ", ".join(child.name for child in listed(tool, path))
        raise UsageError(f"Use one of available subcommands: {names}")
    sys.stdout.write(help_text(tool, path) + "\n")
    raise UsageError("Invalid command - see available commands/subcommands above")


def deprecation(command: Command) -> str:
    return f'Command "{command.name}" is deprecated, {command.deprecated}'


def _tell_deprecated(path: Sequence[Command], args: Arguments) -> None:
    for flag in path[-1].flags:
        if flag.deprecated and args.given(flag.name):
            sys.stdout.write(f"Flag --{flag.name} has been deprecated, {flag.deprecated}\n")
            args.is_noted = True


def parse(flags: Sequence[Flag], words: Sequence[str], path: str = "") -> Arguments:
    """Read ``words`` against ``flags``; UsageError names what is wrong, in pflag's words."""
    by_name = {flag.name: flag for flag in flags}
    by_short = {flag.short: flag for flag in flags if flag.short}
    values: dict[str, Any] = {f.name: _own(f.default) for f in flags}
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
            if not name or name.startswith("-"):
                raise UsageError(f"bad flag syntax: {word}")
            if flag is None:
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
            raise UsageError(f"unknown shorthand flag: {rest[0]!r} in -{rest}")
        rest = rest[1:]
        if rest.startswith("=") and len(rest) > 1:
            _store(flag, rest[1:], values, given)
            return
        if flag.kind == "bool":
            _store(flag, "true", values, given)
        else:
            _store(flag, rest or _next_value(flag, queue, f"{flag.short!r} in -{flag.short}"), values, given)
            return


def _next_value(flag: Flag, queue: list[str], shown: str) -> str:
    if flag.kind == "bool":
        return "true"
    if not queue:
        raise UsageError(f"flag needs an argument: {shown}")
    return queue.pop(0)


def _store(flag: Flag, text: str, values: dict[str, Any], given: set[str]) -> None:
    shown = f"-{flag.short}, --{flag.name}" if flag.short else f"--{flag.name}"
    value = read_value(flag.kind, text, shown)
    if flag.kind == "map" and flag.name in given:
        values[flag.sets] |= value
    elif flag.kind in _REPEATED and flag.name in given:
        values[flag.sets] += value
    else:
        values[flag.sets] = value
    given.add(flag.name)


def _own(default: Any) -> Any:
    """A default that may be changed."""
    if isinstance(default, dict):
        return dict(default)
    return list(default) if isinstance(default, tuple | list) else default


def _empty(kind: str) -> Any:
    return {
        "bool": False,
        "int": 0,
        "float": 0.0,
        "duration": 0.0,
        "strings": (),
        "array": (),
        "map": {},
    }.get(kind, "")


def _descend(root: Command, words: list[str]) -> tuple[Command, list[Command], list[str]]:
    """Find the command that ``words`` name; flags may stand between the names."""
    command, path = root, [root]
    rest: list[str] = []
    while command.children:
        index = _first_argument(words, flags_of(path))
        if index is None:
            break
        child = next(
            (c for c in command.children if words[index] == c.name or words[index] in c.aliases), None
        )
        if child is None:
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


def flags_of(path: Sequence[Command]) -> list[Flag]:
    """The flags that the last command of ``path`` takes: its own, the global ones of the root, and those for help.

    A nearer flag hides a farther one.
    """
    root = path[0]
    flags = {flag.name: flag for flag in (*root.flags, *path[-1].flags, *path[-1].own_flags)}
    shorts = {flag.short for flag in flags.values()}
    name = path[-1].name
    flags.setdefault(
        "help", Flag("help", "bool", False, f"help for {name}", short="" if "h" in shorts else "h")
    )
    if path[-1] is root and any(child.name == "version" for child in root.children):
        short = "" if "v" in shorts else "v"
        flags.setdefault("version", Flag("version", "bool", False, f"version for {name}", short=short))
    return list(flags.values())


def _check_positional(command: Command, args: Arguments) -> None:
    least, most = command.arguments
    count = len(args.positional)
    if most == 0 and count:
        raise UsageError(f"command '{args.path}' does not accept extra arguments '{args.positional[0]}'")
    if count < least or (most is not None and count > most):
        wanted = (
            f"{least} arg(s)"
            if most == least
            else f"at least {least} arg(s)"
            if most is None
            else f"between {least} and {most} arg(s)"
        )
        raise UsageError(f"accepts {wanted}, received {count}")
