"""Scripts that let shells complete the commands and flags of a tool.

A script holds the whole tree, so that nothing of ours runs while somebody types. What is no command and no flag is
completed as the name of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lapstrake.cli.flags import Command, Flag, flags_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command line can be: the names of the commands so far, and what may follow them."""

    path: str
    commands: tuple[Command, ...]
    flags: tuple[Flag, ...]

    def choices(self) -> Iterator[tuple[str, str]]:
        """The words that may follow, with what they mean."""
        for command in self.commands:
            yield command.name, command.summary.splitlines()[0]
        for flag in self.flags:
            yield f"--{flag.name}", flag.help.splitlines()[0] if flag.help else ""
            if flag.short:
                yield f"-{flag.short}", flag.help.splitlines()[0] if flag.help else ""

    def takers(self) -> list[str]:
        """The flags whose next word is their value."""
        names = [f"--{flag.name}" for flag in self.flags if flag.kind != "bool"]
        return names + [f"-{flag.short}" for flag in self.flags if flag.short and flag.kind != "bool"]


def script(tool: str, root: Command, shell: str, *, descriptions: bool = True) -> str:
    """The script for ``shell``: bash, zsh, fish or powershell; bash shows no descriptions in any case."""
    places = list(_places(tool, [root]))
    steps = list(_steps(tool, [root]))
    if shell == "bash":
        return _bash(tool, places, steps)
    if shell == "zsh":
        return _zsh(tool, places, steps, descriptions)
    if shell == "fish":
        return _fish(tool, places, steps, descriptions)
    return _powershell(tool, places, steps, descriptions)


def _places(tool: str, path: list[Command]) -> Iterator[Place]:
    command = path[-1]
    listed = (child for child in command.children if not child.deprecated)
    children = tuple(sorted(listed, key=lambda child: child.name))
    flags = tuple(sorted((f for f in flags_of(path) if not f.hidden), key=lambda flag: flag.name))
    yield Place(" ".join([tool, *(c.name for c in path[1:])]), children, flags)
    for child in children:
        yield from _places(tool, [*path, child])


def _steps(tool: str, path: list[Command]) -> Iterator[tuple[str, str]]:
    """(path and a word, the path that this leads to), aliases too."""
    before = " ".join([tool, *(c.name for c in path[1:])])
    for child in path[-1].children:
        for name in (child.name, *child.aliases):
            yield f"{before} {name}", f"{before} {child.name}"
        yield from _steps(tool, [*path, child])


def _shell_name(tool: str) -> str:
    return tool.replace("-", "_")


def _bash(tool: str, places: Sequence[Place], steps: Sequence[tuple[str, str]]) -> str:
    name = f"_{_shell_name(tool)}_words"
    lines = [
        f"# Completes {tool} in bash; to load it: source <({tool} completion bash)",
        f"{name}() {{",
        f'    local place="{tool}" commands="" flags="" takers="" at',
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
        "    COMPREPLY=()",
        "    for ((at = 1; at < COMP_CWORD; at++)); do",
        '        case "$place ${COMP_WORDS[at]}" in',
        *(f'            "{given}") place="{reached}" ;;' for given, reached in steps),
        "        esac",
        "    done",
        '    case "$place" in',
    ]
    for place in places:
        flags = [word for word, _ in place.choices() if word.startswith("-")]
        lines += [
            f'        "{place.path}")',
            f'            commands="{" ".join(command.name for command in place.commands)}"',
            f'            flags="{" ".join(flags)}"',
            f'            takers="{" ".join(place.takers())}"',
            "            ;;",
        ]
    lines += [
        "    esac",
        "    # Nothing found here means the name of a file, which bash completes by itself.",
        '    if [[ $before == "=" || $word == "=" || " $takers " == *" $before "* ]]; then',
        "        return",
        "    elif [[ $word == -* ]]; then",
        '        COMPREPLY=($(compgen -W "$flags" -- "$word"))',
        "    else",
        '        COMPREPLY=($(compgen -W "$commands" -- "$word"))',
        "    fi",
        "}",
        f"complete -o default -F {name} {tool}",
    ]
    return "\n".join(lines) + "\n"


def _zsh(tool: str, places: Sequence[Place], steps: Sequence[tuple[str, str]], descriptions: bool) -> str:
    name = f"_{_shell_name(tool)}"
    lines = [
        f"#compdef {tool}",
        f"# Completes {tool} in zsh.",
        f"{name}() {{",
        f'    local place="{tool}" at',
        "    local -a choices takers",
        "    for ((at = 2; at < CURRENT; at++)); do",
        '        case "$place ${words[at]}" in',
        *(f'            ("{given}") place="{reached}" ;;' for given, reached in steps),
        "        esac",
        "    done",
        '    case "$place" in',
    ]
    for place in places:
        lines += [f'        ("{place.path}")', "            choices=("]
        for word, meaning in place.choices():
            escaped = word.replace(":", "\\:")
            entry = f"{escaped}:{meaning}" if descriptions and meaning else escaped
            lines.append(f"                {_single_quoted(entry)}")
        lines += ["            )", f"            takers=({' '.join(place.takers())})", "            ;;"]
    lines += [
        "    esac",
        "    if (( ${takers[(Ie)${words[CURRENT-1]}]} )); then",
        "        _files",
        "    else",
        "        _describe 'word' choices || _files",
        "    fi",
        "}",
        f'if [ "$funcstack[1]" = "{name}" ]; then',
        f'    {name} "$@"',
        "else",
        f"    compdef {name} {tool}",
        "fi",
    ]
    return "\n".join(lines) + "\n"


def _fish(tool: str, places: Sequence[Place], steps: Sequence[tuple[str, str]], descriptions: bool) -> str:
    name = f"__{_shell_name(tool)}_at"
    lines = [
        f"# Completes {tool} in fish.",
        f"function {name} --description 'Whether the commands typed so far are these'",
        f"    set --local place {_single_quoted(tool)}",
        "    for word in (commandline --tokenize --cut-at-cursor --current-process)[2..-1]",
        '        switch "$place $word"',
    ]
    for given, reached in steps:
        lines += [
            f"            case {_single_quoted(given)}",
            f"                set place {_single_quoted(reached)}",
        ]
    lines += ["        end", "    end", '    test "$place" = "$argv[1]"', "end"]
    for place in places:
        condition = _single_quoted(f'{name} "{place.path}"')
        for command in place.commands:
            meaning = (
                f" --description {_single_quoted(command.summary.splitlines()[0])}" if descriptions else ""
            )
            lines.append(
                f"complete --command {tool} --condition {condition} --arguments {command.name}{meaning}"
            )
        for flag in place.flags:
            short = f" --short-option {flag.short}" if flag.short else ""
            value = "" if flag.kind == "bool" else " --require-parameter"
            meaning = f" --description {_single_quoted(flag.help)}" if descriptions and flag.help else ""
            lines.append(
                f"complete --command {tool} --condition {condition} --long-option {flag.name}{short}{value}{meaning}"
            )
    return "\n".join(lines) + "\n"


def _powershell(
    tool: str, places: Sequence[Place], steps: Sequence[tuple[str, str]], descriptions: bool
) -> str:
    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    lines = [
        f"# Completes {tool} in PowerShell.",
        f"Register-ArgumentCompleter -Native -CommandName {quoted(tool)} -ScriptBlock {{",
        "    param($word, $line, $cursor)",
        "    $steps = @{",
        *(f"        {quoted(given)} = {quoted(reached)}" for given, reached in steps),
        "    }",
        "    $choices = @{",
    ]
    for place in places:
        lines.append(f"        {quoted(place.path)} = @(")
        for choice, meaning in place.choices():
            shown = meaning if descriptions and meaning else choice
            lines.append(f"            ,@({quoted(choice)}, {quoted(shown)})")
        lines.append("        )")
    lines += [
        "    }",
        f"    $place = {quoted(tool)}",
        "    foreach ($element in ($line.CommandElements | Select-Object -Skip 1)) {",
        "        if ($element.Extent.EndOffset -ge $cursor) { break }",
        '        $next = "$place $($element.Extent.Text)"',
        "        if ($steps.ContainsKey($next)) { $place = $steps[$next] }",
        "    }",
        "    $choices[$place] | Where-Object { $_[0].StartsWith($word) } | ForEach-Object {",
        "        [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])",
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _single_quoted(text: str) -> str:
    """For zsh and fish alike."""
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"
