"""The layout of schema errors: each with its place, what was found, what is expected, and hints."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lapstrake.position import Position

CALCULATED = "Data value calculated"
"""The source of a position whose text is a whole value (several lines) that was computed for a library."""


class Violation:
    """One thing that is wrong: ``lines`` are shown, ``title`` stands before them if it is not empty."""

    __slots__ = ("expected", "found", "hints", "lines", "title")

    def __init__(
        self, lines: Sequence[Position], found: str, expected: str, hints: Sequence[str] = (), title: str = ""
    ) -> None:
        self.lines = lines
        self.found = found
        self.expected = expected
        self.hints = hints
        self.title = title


class SchemaError(InputError):
    """Violations under one headline."""

    def __init__(self, headline: str, violations: Sequence[Violation]) -> None:
        self.headline = headline
        self.violations = violations
        place = violations[0].lines[0] if violations else None
        super().__init__(report(headline, violations), position=place)


def report(headline: str, violations: Sequence[Violation]) -> str:
    """The text of all violations; the column of line numbers is as wide as the longest needs."""
    numbers = [len(str(line.line)) for violation in violations for line in violation.lines if line.line]
    width = max(numbers, default=1)
    blocks = [_block(violation, width) for violation in violations]
    return f"\n{headline}\n{'=' * len(headline)}\n\n" + "".join(blocks)


def _block(violation: Violation, width: int) -> str:
    margin = " " * (width + 3)
    out = [violation.title] if violation.title else []
    first = violation.lines[0]
    out.append(f"{first.source}:")
    if first.source == CALCULATED:
        out.append(f"{margin}#")
        out += [f"{margin}# {line}" for line in first.text.rstrip("\n").split("\n")]
        out.append(f"{margin}#")
    else:
        out.append(f"{margin}|")
        for line in violation.lines:
            number = str(line.line) if line.line else "?"
            out.append(f"  {number.rjust(width)} | {line.text}")
        out.append(f"{margin}|")
    out.append("")
    out.append(f"{margin}= found: {violation.found}" if violation.found else "")
    out.append(f"{margin}= expected: {violation.expected}" if violation.expected else "")
    out += [f"{margin}= hint: {hint}" for hint in violation.hints]
    return "\n".join(out) + "\n\n"
