"""The help pages of commands, laid out as cobra does it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lapstrake.cli.flag_values import SHOWN_KIND, shown_duration
from lapstrake.cli.flags import Command, Flag, deprecation, flags_of

_NAME_COLUMN = 11  # characters, at least


def show(tool: str, path: Sequence[Command]) -> None:
    """Print the page of the last command of ``path``; tools with a terminal of their own end it as they end all."""
    sys.stdout.write(help_text(tool, path))
    if any(flag.name == "tty" for flag in path[0].flags):
        sys.stdout.write("\nSucceeded\n")


def help_text(tool: str, path: Sequence[Command]) -> str:
    """The page of the last command of ``path``."""
    command, children = path[-1], listed(tool, path)
    full = " ".join([tool, *(c.name for c in path[1:])])
    lines = ["", deprecation(command), ""] if command.deprecated else []
    lines += [command.long or command.summary, "", "Usage:"]
    if command.bare != "page":
        lines.append(f"  {full} {command.usage}".rstrip())
    if children:
        lines.append(f"  {full} [command]")
    if command.aliases:
        lines += ["", "Aliases:", "  " + ", ".join((command.name, *command.aliases))]
    if command.example:
        lines += ["", "Examples:", "", *(f"  {line}".rstrip() for line in command.example.splitlines())]
    if children:
        width = max(_NAME_COLUMN, *(len(child.name) for child in children))
        lines += ["", "Available Commands:"]
        lines += [f"  {c.name:<{width}} {c.summary.splitlines()[0]}" for c in children]
    root_flags = {flag.name for flag in path[0].flags} if len(path) > 1 else set()
    own = {flag.name for flag in (*command.flags, *command.own_flags)}
    lines += [
        "",
        "Flags:",
        *_flag_lines([f for f in flags_of(path) if f.name in own or f.name not in root_flags]),
    ]
    if root_flags:
        lines += ["", "Global Flags:", *_flag_lines(path[0].flags)]
    if children:
        lines += ["", f'Use "{full} [command] --help" for more information about a command.']
    return "\n".join(lines) + "\n"


def listed(tool: str, path: Sequence[Command]) -> list[Command]:
    """The children of the last command of ``path``, sorted by name; those of the root with the standard ones."""
    command = path[-1]
    if len(path) == 1:
        from lapstrake.cli.standard_commands import with_standard_commands

        command = with_standard_commands(tool, command)
    return sorted((c for c in command.children if not c.deprecated), key=lambda child: child.name)


def _flag_lines(flags: Sequence[Flag]) -> list[str]:
    left = []
    for flag in sorted((flag for flag in flags if not flag.hidden), key=lambda flag: flag.name):
        short = f"-{flag.short}, " if flag.short else "    "
        left.append((f"  {short}--{flag.name} {SHOWN_KIND[flag.kind]}".rstrip(), flag))
    width = max((len(text) for text, _ in left), default=0)
    return [f"{text:<{width}}   {flag.help}{_shown_default(flag)}" for text, flag in left]


def _shown_default(flag: Flag) -> str:
    if flag.kind == "map":
        return f" (default [{','.join(f'{key}={value}' for key, value in flag.default.items())}])"
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
