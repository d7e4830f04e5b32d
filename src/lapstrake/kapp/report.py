"""What kapp prints: the table of changes, differences, progress lines. Exactly as recorded.

Everything printed is a ``Printed``: its text ends with a line break and can simply be written out; ``sort`` says what
it is (a terminal puts blank lines between sorts), and a table carries its cells for those who lay it out themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lapstrake.kapp.app import seconds_of
from lapstrake.kapp.changes import NOOP, Change, sums
from lapstrake.kapp.compare import lines, rendered
from lapstrake.kapp.paths import Path, occurrences, with_value
from lapstrake.kapp.waits import Progress
from lapstrake.kube.resource import Resource

_INFORMATION_WIDTH = 35
_CHANGES_HEADER = ("Namespace", "Name", "Kind", "Age", "Op", "Op st.", "Wait to", "Rs", "Ri")

Dump = Callable[[Any], str]


class Printed(str):
    """A piece of output. ``sort``: line, progress, block or table."""

    sort: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def __new__(
        cls,
        text: str,
        sort: str,
        *,
        header: Sequence[str] = (),
        rows: Sequence[Sequence[str]] = (),
        notes: Sequence[str] = (),
    ) -> Printed:
        self = super().__new__(cls, text)
        self.sort = sort
        self.header = tuple(header)
        self.rows = tuple(tuple(row) for row in rows)
        self.notes = tuple(notes)
        return self


def line(text: str) -> Printed:
    return Printed(text + "\n", "line")


def block(text: str) -> Printed:
    return Printed(text, "block")


def target(server: str, nodes: Sequence[str] | None) -> Printed:
    """``nodes`` None: we may not know them."""
    shown = ""
    if nodes:
        shown = f" (nodes: {nodes[0]})" if len(nodes) == 1 else f" (nodes: {nodes[0]}, {len(nodes) - 1}+)"
    return line(f"Target cluster '{server}'{shown}")


def age(created_at: str, now: float) -> str:
    """``3s``, ``12m``, ``5h``, ``2d``; empty if there is no time."""
    created = seconds_of(created_at)
    if created is None:
        return ""
    seconds = max(0, int(now - created))
    for size, unit in ((31536000, "y"), (86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def by_place(resource: Resource) -> tuple[bool, str, str, str]:
    """Order of tables: cluster-wide first, then by namespace, name and kind."""
    return (bool(resource.namespace), resource.namespace, resource.name, resource.kind)


def changes_table(changes: Sequence[Change], now: float) -> Printed:
    rows = [_row(change, now) for change in sorted(changes, key=lambda c: by_place(c.resource))]
    notes = sums(changes)
    shown = [
        tuple(cell or "-" for cell in (("^" if i and row[0] == rows[i - 1][0] else row[0]), *row[1:]))
        for i, row in enumerate(rows)
    ]
    text = "Changes\n\n" + aligned([_CHANGES_HEADER, *shown]) + "\n" + "".join(note + "\n" for note in notes)
    return Printed(text, "table", header=_CHANGES_HEADER, rows=rows, notes=notes)


def _row(change: Change, now: float) -> tuple[str, ...]:
    resource, state = change.resource, change.state
    existing = Resource(change.existing) if change.existing is not None else None
    return (
        resource.namespace or "(cluster)",
        shown_name(resource),
        resource.kind,
        age(existing.created_at, now) if existing else "",
        "" if change.op == NOOP else change.op,
        change.shown_strategy,
        "" if change.wait == NOOP else change.wait,
        state.state if state else "",
        wrapped(state.message) if state else "",
    )


def shown_name(resource: Resource) -> str:
    return resource.name or f"{resource.metadata.get('generateName', '')}*"


def wrapped(text: str, width: int = _INFORMATION_WIDTH) -> str:
    """Long information takes several lines, broken at blanks."""
    out = []
    for paragraph in text.split("\n"):
        current = ""
        for word in paragraph.split(" "):
            if current and len(current) + 1 + len(word) > width:
                out.append(current)
                current = word
            else:
                current = f"{current} {word}" if current else word
        out.append(current)
    return "\n".join(out)


def aligned(rows: Sequence[Sequence[str]], gap: str = "  ") -> str:
    """Columns padded to the longest line of a cell, each followed by ``gap``; the last one is not padded."""
    cells = [[cell.split("\n") for cell in row] for row in rows]
    widths = [max(len(part) for row in cells for part in row[i]) for i in range(len(rows[0]))]
    widths[-1] = 0
    out = []
    for row in cells:
        for n in range(max(len(cell) for cell in row)):
            parts = [cell[n] if n < len(cell) else "" for cell in row]
            out.append("".join(f"{part:<{width}}{gap}" for part, width in zip(parts, widths, strict=True)))
    return "".join(text + "\n" for text in out)


class Masks:
    """Secret values in differences, numbered by distinct value over all that is shown."""

    def __init__(self, rules: Sequence[tuple[Callable[[Resource], bool], Path]]) -> None:
        self._rules = rules
        self._numbers: dict[str, int] = {}

    def applied(self, obj: dict[str, Any] | None) -> dict[str, Any] | None:
        if obj is None:
            return None
        resource, result = Resource(obj), obj
        for matches, path in self._rules:
            if not matches(resource):
                continue
            for exact, found in occurrences(obj, path):
                if isinstance(found, dict):
                    for key in sorted(found):
                        result = with_value(result, (*exact, key), self._mask(found[key]))
                else:
                    result = with_value(result, exact, self._mask(found))
        return result

    def _mask(self, value: Any) -> str:
        number = self._numbers.setdefault(repr(value), len(self._numbers) + 1)
        return f"<-- value not shown (#{number})"


def difference(
    change: Change, masks: Masks | None, dump: Dump, *, context: int = 2, numbers: bool = True
) -> str:
    """The text of one change with ``-c``; ``dump`` writes YAML."""
    left = masks.applied(change.left) if masks else change.left
    right = masks.applied(change.right) if masks else change.right
    found = lines(dump(left) if left else "", dump(right) if right else "")
    if left and right and not any(one.left is None or one.right is None for one in found):
        return f"@@ {change.op} {change} @@\n"
    return f"@@ {change.op} {change} @@\n" + rendered(found, context=context, numbers=numbers)


def changes_yaml(change: Change, dump: Dump) -> str:
    """The text of one change with ``--diff-changes-yaml``: the resource as it is to be."""
    text = f"---\n# {change.op}: {change}\n"
    if change.right is None:
        return text + "\n"
    metadata = {k: v for k, v in change.right["metadata"].items() if k != "managedFields"}
    return text + dump({**change.right, "metadata": metadata}) + "\n"


def clock_text(hour: int, minute: int, second: int) -> str:
    """``6:53:38AM``."""
    return f"{(hour + 11) % 12 + 1}:{minute:02d}:{second:02d}{'AM' if hour < 12 else 'PM'}"


def progress(stamp: str, text: str) -> Printed:
    """A progress line; further lines of a message have no stamp."""
    return Printed(f"{stamp}: {text}\n", "progress")


def waiting_lines(change: Change, state: Progress) -> list[str]:
    """The lines that tell how far one change is."""
    found = [f"{state.state}: {change.wait} {change}"]
    if state.message:
        found.append(f" ^ {state.message}")
    return found


def child_lines(child: Resource, state: Progress) -> list[str]:
    found = [f" L {state.state}: waiting on {child}"]
    if state.message:
        found.append(f"    ^ {state.message}")
    return found


def server_says(reason: str, message: str) -> str:
    """How an error of the API server is passed on."""
    return f"API server says: {message} (reason: {reason})"


def duration(seconds: float) -> str:
    """As Go prints it: ``8s``, ``15m0s``, ``1h0m0s``."""
    whole = f"{seconds:g}"
    if seconds < 60:
        return f"{whole}s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + f"{minutes}m{rest:g}s"
