"""The terminal of the Carvel tools: lines, blocks and tables, for people, for pipes and as JSON.

Without a terminal (and without ``--tty``) lines vanish, tables lose their frame and cells end in tabs; blocks are
always printed. On a terminal a blank line stands between prints of different sorts. With ``--json`` everything is
collected and printed at the end. Source: recorded output of imgpkg, kbld, kapp and kctrl.
"""

from __future__ import annotations

import sys

from lapstrake.cli.flags import Arguments, Flag
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from lapstrake.cli.transfer_display import TransferDisplay
    from lapstrake.operations.transfers import Transfers

GLOBAL_FLAGS = (
    Flag("color", "bool", True, "Set color output"),
    Flag("column", "strings", None, "Filter to show only given columns"),
    Flag("debug", "bool", False, "Include debug output"),
    Flag("json", "bool", False, "Output as JSON"),
    Flag("tty", "bool", False, "Force TTY-like output"),
    Flag("yes", "bool", False, "Assume yes for any prompt", short="y"),
)


class Table:
    """Rows of text. ``content`` names what the rows are ("tags"); the count is shown with it.

    ``keys``: names of columns in JSON and for --column, by header, where they do not follow from it.
    """

    __slots__ = ("content", "fill_first", "header", "keys", "notes", "rows", "title", "transpose")

    def __init__(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        title: str = "",
        content: str = "",
        notes: Sequence[str] = (),
        transpose: bool = False,
        fill_first: bool = False,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self.keys = keys or {}
        self.header = list(header)
        self.rows = [[str(cell) for cell in row] for row in rows]
        self.title = title
        self.content = content
        self.notes = list(notes)
        self.transpose = transpose
        self.fill_first = fill_first

    def with_columns(self, wanted: Sequence[str]) -> Table:
        """Only the named columns (by header or key), in the table's order; all if none is named.

        Raises InputError for a name that no column has.
        """
        if not wanted:
            return self
        keys = {_key(name) for name in wanted}
        known = {_key(name) for name in self.header} | {self.key(name) for name in self.header}
        for name in wanted:
            if _key(name) not in known:
                raise InputError(f"Failed to find header: {name}")
        kept = [i for i, name in enumerate(self.header) if {_key(name), self.key(name)} & keys]
        return Table(
            [self.header[i] for i in kept],
            [[row[i] for i in kept] for row in self.rows],
            title=self.title,
            content=self.content,
            notes=self.notes,
            transpose=self.transpose,
            fill_first=self.fill_first,
            keys=self.keys,
        )

    def key(self, header: str) -> str:
        """The column's name in JSON."""
        return self.keys.get(header) or _key(header)


class UI:
    """Where a command prints. Make it with ``UI.of(args)``.

    ``tty``: it prints for people; ``json``: it collects all for one document; ``yes``: it need not ask.
    """

    def __init__(
        self, out: TextIO, *, tty: bool, json: bool = False, yes: bool = False, columns: Sequence[str] = ()
    ) -> None:
        self.tty = tty
        self.yes = yes
        self._out = out
        self.json = json
        self._columns = list(columns)
        self._sort = ""
        self._lines: list[str] = []
        self._blocks: list[str] = []
        self._tables: list[Table] = []
        self._display: TransferDisplay | None = None
        self._is_noted = False

    @classmethod
    def of(cls, args: Arguments, *, tty: bool = False) -> UI:
        """The interface that the global flags ask for; ``tty`` is the command's own default of --tty."""
        wanted = (
            bool(args["tty"]) if args.given("tty") else (tty or bool(args.get("tty")) or sys.stdout.isatty())
        )
        ui = cls(
            sys.stdout,
            tty=wanted,
            json=bool(args.get("json")),
            yes=bool(args.get("yes")),
            columns=args.get("column", ()),
        )
        ui._is_noted = args.is_noted
        args.on_error = ui.error
        args.on_end = ui.flush
        return ui

    @property
    def transfers(self) -> Transfers:
        """Shows at the foot of a terminal what is being moved; nothing where standard error is none."""
        from lapstrake.operations.transfers import UNWATCHED

        if self.json or not sys.stderr.isatty():
            return UNWATCHED
        if self._display is None:
            from lapstrake.cli.transfer_display import TransferDisplay

            self._display = TransferDisplay(sys.stderr)
        return self._display

    def line(self, text: str) -> None:
        """A message for people; not printed into a pipe."""
        if self.json:
            self._lines.append(text)
        elif self.tty:
            self._begin("line")
            self._out.write(text + "\n")

    def begin(self, text: str) -> None:
        """Text that need not end its line; what follows of another sort starts on a line of its own."""
        if self.json:
            self._lines.append(text)
        elif self.tty:
            self._begin("begun")
            self._out.write(text)

    def progress(self, text: str) -> None:
        """One of a run of messages that stand together, apart from other lines; not printed into a pipe."""
        if self.json:
            self._lines.append(text)
        elif self.tty:
            self._begin("progress")
            self._out.write(text + "\n")
            self._out.flush()

    def piece(self, text: str) -> None:
        """As ``progress``, for text that brings the ends of its lines; what follows of another sort ends the last one."""
        if self.json:
            self._lines.append(text)
        elif self.tty:
            self._begin("progress")
            self._out.write(text)
            self._out.flush()

    def paragraph(self, text: str) -> None:
        """A message with a blank line above and below; not printed into a pipe."""
        if self.json:
            self._lines.append(text)
        elif self.tty:
            self._begin("paragraph", always=True)
            self._out.write(text + "\n")
            self._out.flush()

    def gap(self) -> None:
        """A blank line below what was printed on a terminal, or about the flags, for an error that follows on stderr."""
        if (self.tty and self._sort) or (self._is_noted and not self.json):
            self._out.write("\n")

    def block(self, text: str) -> None:
        """The command's result, printed as it is in every case."""
        if self.json:
            self._blocks.append(text)
        else:
            self._begin("block")
            self._out.write(text)

    def table(self, table: Table) -> None:
        table = table.with_columns(self._columns)
        if self.json:
            self._tables.append(table)
        elif self.tty:
            self._begin("table", always=True)
            self._out.write(_framed(table))
        else:
            self._out.write(_bare(table))

    def succeeded(self) -> None:
        self.line("Succeeded")

    def ask(self) -> bool:
        """Ask "Continue? [yN]"; true with --yes. Not answered (no terminal): false."""
        if self.yes:
            self._sort = "ask"
            return True
        self._begin("ask", always=True)
        self._out.write("Continue? [yN]: ")
        self._out.flush()
        try:
            answer = input()
        except EOFError:
            return False
        return answer.strip().lower() in ("y", "yes")

    def error(self, text: str) -> bool:
        """Keep an error for the JSON document; false if it belongs on stderr."""
        self._clear_display()
        if self.json:
            self._lines.append(text)
        return self.json

    def flush(self) -> None:
        if not self.json:
            return
        from lapstrake.yamldoc import gojson

        document = {
            "Tables": [_as_json(table) for table in self._tables] or None,
            "Blocks": self._blocks or None,
            "Lines": self._lines or None,
        }
        self._out.write(gojson.dumps(document, indent="    ", sort_keys=False))

    def _clear_display(self) -> None:
        if self._display is not None:
            self._display.clear()

    def _begin(self, sort: str, *, always: bool = False) -> None:
        self._clear_display()
        if self.tty and self._sort and (always or sort != self._sort):
            self._out.write("\n")
        self._sort = sort


def _key(header: str) -> str:
    import re

    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def _as_json(table: Table) -> dict[str, object]:
    keys = [table.key(name) for name in table.header]
    return {
        "Content": table.content,
        "Header": dict(sorted(zip(keys, table.header, strict=True))),
        "Rows": [dict(sorted(zip(keys, row, strict=True))) for row in table.rows],
        "Notes": table.notes or None,
    }


def _shown(cell: str) -> list[str]:
    return cell.split("\n") if cell else ["-"]


def _framed(table: Table) -> str:
    parts = [table.title, ""] if table.title else []
    if table.transpose:
        for i, row in enumerate(table.rows):
            parts += (
                ["", *_aligned(_transposed(table.header, row), "  ")]
                if i
                else _aligned(_transposed(table.header, row), "  ")
            )
    else:
        rows = [[_shown(cell) for cell in row] for row in table.rows]
        if table.fill_first:
            _fill_first(rows)
        parts += _aligned([[[name] for name in table.header], *rows], "  ")
    if table.notes:
        parts += ["", *table.notes]
    if table.content:
        parts += ["", f"{len(table.rows)} {table.content}"]
    return "\n".join(parts) + "\n"


def _bare(table: Table) -> str:
    if not table.transpose:
        return "".join(
            line + "\n" for line in _aligned([[_shown(cell) for cell in row] for row in table.rows], "\t")
        )
    blocks = ["".join(f"{line}\t\n" for cell in row for line in _shown(cell)) for row in table.rows]
    return "\n".join(blocks)


def _transposed(header: Sequence[str], row: Sequence[str]) -> list[list[list[str]]]:
    return [[[name], _shown(cell)] for name, cell in zip(header, row, strict=True)]


def _fill_first(rows: list[list[list[str]]]) -> None:
    above = ""
    for row in rows:
        current = row[0][0] if row else ""
        if row and current == above and current != "-":
            row[0] = ["^"]
        above = current


def _aligned(rows: Sequence[Sequence[Sequence[str]]], separator: str) -> list[str]:
    """Rows of cells of lines, as padded text; the last column is not padded."""
    if not rows:
        return []
    count = len(rows[0])
    widths = [max((len(line) for row in rows for line in row[i]), default=0) for i in range(count)]
    widths[-1] = 0
    lines = []
    for row in rows:
        for n in range(max((len(cell) for cell in row), default=1)):
            cells = [cell[n] if n < len(cell) else "" for cell in row]
            lines.append(
                "".join(f"{text:<{width}}{separator}" for text, width in zip(cells, widths, strict=True))
            )
    return lines
