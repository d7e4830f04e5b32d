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
    return guarded(tool, main, argv)


def guarded(tool: str, main: object, argv: Sequence[str]) -> int:
    """A closed pipe ends a program quietly, as it does with the originals; a full disk with an error."""
    try:
        status = main(argv)  # type: ignore[operator]
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()
        return 141
    except OSError as error:
        return _failed_for_want_of_room(tool, error)
    return int(status)


def _failed_for_want_of_room(tool: str, error: OSError) -> int:
    """What the machine has none of may be missing at any place; any other error that was not expected is a defect."""
    import errno

    from lapstrake.messages import reason, tool_error

    machine = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)
    if error.errno not in machine:
        raise error
    sys.stderr.write(tool_error(tool, f"{error.filename or 'Writing output'}: {reason(error)}") + "\n")
    _write_nowhere()
    return 1


def _write_nowhere() -> None:
    """Say nothing more at the end of what standard output cannot take."""
    import os

    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def program(tool: str, argv: Sequence[str]) -> int:
    """Run ``tool`` as the program that this process is: Ctrl-C and SIGTERM end it tidily and at once."""
    _open_what_is_closed()
    try:
        if tool != "ytt":  # it leaves nothing to tidy up, and starts sooner without
            from lapstrake.cli.endings import end_by_exception

            end_by_exception()
        return run(tool, argv)
    except KeyboardInterrupt as interrupt:
        # Threads that still wait for a connection are left behind: nobody waits for them.
        leave(getattr(interrupt, "status", 130))


def _open_what_is_closed() -> None:
    """Streams that were closed before we began lead nowhere, lest a file of ours take the place of one."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            import os

            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", closefd=False))  # noqa: SIM115


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
        return program(argv[0], argv[1:])
    return program("lapstrake", argv)


def ytt() -> NoReturn:
    """The ytt program: everything between its first line and its last is kept short."""
    template(sys.argv[1:])


def template(argv: Sequence[str]) -> NoReturn:
    from lapstrake.cli.ytt_start import load_parser_alone

    load_parser_alone()
    leave(program("ytt", argv))


def kbld() -> int:
    return program("kbld", sys.argv[1:])


def imgpkg() -> int:
    return program("imgpkg", sys.argv[1:])


def vendir() -> int:
    return program("vendir", sys.argv[1:])


def kapp() -> int:
    return program("kapp", sys.argv[1:])


def kctrl() -> int:
    return program("kctrl", sys.argv[1:])


def tanzu() -> int:
    return program("tanzu", sys.argv[1:])
