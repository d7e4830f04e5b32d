"""How the tools lay out the text of an error.

Source: observed output of ytt, kbld, imgpkg, vendir, kapp and kctrl.
"""

from __future__ import annotations

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())


def reason(error: OSError) -> str:
    """Why a file operation failed, as Go's messages say it."""
    return (error.strerror or str(error)).lower()


def unread(path: str, error: OSError) -> str:
    """``open PATH: REASON`` for a file that could not be read; a folder can be opened, and fails to be read."""
    return f"{'read' if isinstance(error, IsADirectoryError) else 'open'} {path}: {reason(error)}"


def tool_error(tool: str, message: str) -> str:
    """The text a tool prints on stderr for ``message``: ``TOOL: Error: ...``, without a final newline.

    In the first line each ``: `` before a capital letter, outside brackets, becomes a line break with
    two more blanks of indent. A closing bracket that nothing opened cuts the message there.
    """
    return f"{tool}: Error: {broken_at_causes(message)}" if message else f"{tool}: Error:"


def broken_at_causes(message: str) -> str:
    first, newline, rest = message.partition("\n")
    open_brackets: list[str] = []
    out: list[str] = []
    indent = 2
    i = 0
    while i < len(first):
        char = first[i]
        if char in _OPENING:
            open_brackets.append(_OPENING[char])
        elif char in _CLOSING:
            if not open_brackets or open_brackets[-1] != char:
                return "".join(out)
            open_brackets.pop()
        elif (
            char == ":"
            and not open_brackets
            and first[i + 1 : i + 2] == " "
            and first[i + 2 : i + 3].isupper()
        ):
            out.append(":\n" + " " * indent)
            indent += 2
            i += 2
            continue
        out.append(char)
        i += 1
    return "".join(out) + newline + rest
