"""The programs' entry points: nothing is imported before the tool is known."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

TOOLS = ("ytt", "kbld", "imgpkg", "vendir", "kapp", "kctrl", "tanzu")


def run(tool: str, argv: Sequence[str]) -> int:
    """Run ``tool`` with its arguments (without its own name); gives the exit status."""
    if tool == "ytt":
        from lapstrake.cli.ytt import main
    elif tool == "kbld":
        from lapstrake.cli.kbld import main
    elif tool == "imgpkg":
        from lapstrake.cli.imgpkg import main
    elif tool == "vendir":
        from lapstrake.cli.vendir import main
    elif tool == "kapp":
        from lapstrake.cli.kapp import main
    elif tool == "kctrl":
        from lapstrake.cli.kctrl import main
    elif tool == "tanzu":
        from lapstrake.cli.tanzu import main
    else:
        from lapstrake.cli.lapstrake import main
    return guarded(main, argv)


def guarded(main: object, argv: Sequence[str]) -> int:
    """Ctrl-C and a closed pipe end a program quietly, as they do with the originals."""
    try:
        status = main(argv)  # type: ignore[operator]
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return int(status)


def leave(status: int) -> NoReturn:
    """End the process at once: freeing a large document tree node by node takes longer than printing it."""
    import os

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = status or 1
    os._exit(status)


def lapstrake() -> int:
    argv = sys.argv[1:]
    if argv and argv[0] == "ytt":
        template(argv[1:])
    if argv and argv[0] in TOOLS:
        return run(argv[0], argv[1:])
    return run("lapstrake", argv)


def ytt() -> NoReturn:
    """The ytt program: everything between its first line and its last is kept short."""
    template(sys.argv[1:])


def template(argv: Sequence[str]) -> NoReturn:
    from lapstrake.cli.ytt_start import load_parser_alone

    load_parser_alone()
    leave(run("ytt", argv))


def kbld() -> int:
    return run("kbld", sys.argv[1:])


def imgpkg() -> int:
    return run("imgpkg", sys.argv[1:])


def vendir() -> int:
    return run("vendir", sys.argv[1:])


def kapp() -> int:
    return run("kapp", sys.argv[1:])


def kctrl() -> int:
    return run("kctrl", sys.argv[1:])


def tanzu() -> int:
    return run("tanzu", sys.argv[1:])
