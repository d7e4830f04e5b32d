"""The commands that every tool has beside its own: help, and completion where the original has it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from lapstrake.cli.flags import Arguments, Command, Flag, UsageError

_SHELLS = ("bash", "fish", "powershell", "zsh")
# In what form the originals have completion: the shell as an argument, or as a command with flags of its own.
_SHELL_AS_ARGUMENT = frozenset(("imgpkg", "ytt"))
_SHELL_AS_COMMAND = frozenset(("kapp", "kctrl", "vendir"))
_HELP_LONG = (
    "Shows what a command of the tool does, and its flags.\nGive the names of the command after help."
)
_LOADING = """Prints a script that lets a shell complete the commands and flags of {tool}.

bash (for this shell, or for all later ones):

  source <({tool} completion bash)
  {tool} completion bash > /etc/bash_completion.d/{tool}

zsh (once; compinit has to run in .zshrc):

  {tool} completion zsh > "${{fpath[1]}}/_{tool}"

fish:

  {tool} completion fish > ~/.config/fish/completions/{tool}.fish

powershell (put the line into your profile to keep it):

  {tool} completion powershell | Out-String | Invoke-Expression"""


def with_standard_commands(tool: str, root: Command) -> Command:
    """``root`` with the commands that it lacks; a tool without commands gets none."""
    names = {child.name for child in root.children}
    if not names or "help" in names:
        return root
    children = list(root.children)
    whole: list[Command] = []  # filled below, once the tree is complete
    if tool in _SHELL_AS_ARGUMENT:
        children.append(_completion_by_argument(tool, whole))
    elif tool in _SHELL_AS_COMMAND:
        children.append(_completion_by_command(tool, whole))
    children.append(_help(tool, whole))
    whole.append(
        Command(
            root.name,
            root.summary,
            flags=root.flags,
            run=root.run,
            children=children,
            aliases=root.aliases,
            arguments=root.arguments,
            example=root.example,
            long=root.long,
            usage=root.usage,
            bare=root.bare,
        )
    )
    return whole[0]


def _help(tool: str, whole: Sequence[Command]) -> Command:
    def run(args: Arguments) -> int:
        from lapstrake.cli.help_page import help_text

        path = [whole[0]]
        for name in args.positional:
            child = next((c for c in path[-1].children if name == c.name or name in c.aliases), None)
            if child is None:
                break
            path.append(child)
        sys.stdout.write(help_text(tool, path))
        return 0

    return Command(
        "help",
        "Help about any command",
        run=run,
        arguments=(0, None),
        long=_HELP_LONG,
        usage="[command] [flags]",
    )


def _completion_by_argument(tool: str, whole: Sequence[Command]) -> Command:
    def run(args: Arguments) -> int:
        shell = args.positional[0]
        if shell not in _SHELLS:
            raise UsageError(f'invalid argument "{shell}" for "{tool} completion"')
        return _print(tool, whole[0], shell)

    return Command(
        "completion",
        "Generate completion script",
        run=run,
        arguments=(1, 1),
        long=_LOADING.format(tool=tool),
        usage="[bash|zsh|fish|powershell]",
    )


def _completion_by_command(tool: str, whole: Sequence[Command]) -> Command:
    def of(shell: str) -> Callable[[Arguments], int]:
        def run(args: Arguments) -> int:
            if args.positional:
                raise UsageError(f'unknown command "{args.positional[0]}" for "{args.path}"')
            return _print(tool, whole[0], shell, descriptions=not args["no-descriptions"])

        return run

    flag = Flag("no-descriptions", "bool", False, "disable completion descriptions")
    return Command(
        "completion",
        "Generate the autocompletion script for the specified shell",
        long=_LOADING.format(tool=tool),
        bare="page",
        children=[
            Command(
                shell,
                f"Generate the autocompletion script for {shell}",
                flags=(flag,),
                run=of(shell),
                arguments=(0, None),
                usage="",
            )
            for shell in _SHELLS
        ],
    )


def _print(tool: str, root: Command, shell: str, *, descriptions: bool = True) -> int:
    from lapstrake.cli.completion_scripts import script

    sys.stdout.write(script(tool, root, shell, descriptions=descriptions))
    return 0
