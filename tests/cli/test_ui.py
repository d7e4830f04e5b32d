from __future__ import annotations

import io
import json

from lapstrake.cli.ui import UI, Table

TAGS = Table(["Name"], [["latest"], ["v1"]], title="Tags", content="tags")


def terminal() -> tuple[UI, io.StringIO]:
    out = io.StringIO()
    return UI(out, tty=True), out


def test_terminal_frames_a_table() -> None:
    ui, out = terminal()
    ui.table(TAGS)
    ui.succeeded()
    assert out.getvalue() == "Tags\n\nName  \nlatest  \nv1  \n\n2 tags\n\nSucceeded\n"


def test_pipe_gets_bare_rows_and_no_lines() -> None:
    out = io.StringIO()
    ui = UI(out, tty=False)
    ui.line("Pushed")
    ui.table(Table(["Name", "Status"], [["a", "ok"], ["long", ""]], title="Things"))
    ui.block("result\n")
    ui.succeeded()
    assert out.getvalue() == "a   \tok\t\nlong\t-\t\nresult\n"


def test_lines_stand_together_and_apart_from_other_prints() -> None:
    ui, out = terminal()
    ui.line("Target cluster")
    ui.progress("1:00:00PM: a")
    ui.progress("1:00:01PM: b")
    ui.line("Succeeded")
    assert out.getvalue() == "Target cluster\n\n1:00:00PM: a\n1:00:01PM: b\n\nSucceeded\n"


def test_paragraphs_stand_alone() -> None:
    ui, out = terminal()
    ui.paragraph("a")
    ui.paragraph("b")
    ui.block("c\n")
    ui.line("d")
    ui.gap()
    assert out.getvalue() == "a\n\nb\n\nc\n\nd\n\n"


def test_transposed_table_aligns_lines_of_a_cell() -> None:
    ui, out = terminal()
    ui.table(Table(["Name", "Conditions"], [["x", "- type: A\n  status: B"]], transpose=True))
    assert out.getvalue() == "Name        x  \nConditions  - type: A  \n              status: B  \n"


def test_transposed_table_in_a_pipe_is_one_line_each() -> None:
    out = io.StringIO()
    UI(out, tty=False).table(Table(["A", "B"], [["x", ""], ["y", "1\n2"]], transpose=True))
    assert out.getvalue() == "x\t\n-\t\n\ny\t\n1\t\n2\t\n"


def test_repeated_first_column_is_filled() -> None:
    ui, out = terminal()
    ui.table(Table(["Ns", "Name"], [["a", "1"], ["a", "2"], ["b", "3"]], fill_first=True))
    assert out.getvalue() == "Ns  Name  \na   1  \n^   2  \nb   3  \n"


def test_columns_can_be_chosen() -> None:
    out = io.StringIO()
    ui = UI(out, tty=False, columns=["package name"])
    ui.table(Table(["Name", "Package name"], [["a", "p"]]))
    assert out.getvalue() == "p\t\n"


def test_json_collects_everything() -> None:
    out = io.StringIO()
    ui = UI(out, tty=False, json=True)
    ui.line("Target cluster")
    ui.table(TAGS)
    assert ui.error("tool: Error: x")
    ui.flush()
    document = json.loads(out.getvalue())
    assert document["Tables"] == [
        {
            "Content": "tags",
            "Header": {"name": "Name"},
            "Rows": [{"name": "latest"}, {"name": "v1"}],
            "Notes": None,
        }
    ]
    assert document["Blocks"] is None
    assert document["Lines"] == ["Target cluster", "tool: Error: x"]


def test_json_is_escaped_as_gos() -> None:
    out = io.StringIO()
    ui = UI(out, tty=False, json=True)
    ui.line("a <b> & \u2028 ü")
    ui.flush()
    assert r'"a \u003cb\u003e \u0026 \u2028 ü"' in out.getvalue()


def test_short_headers_have_longer_names_in_json() -> None:
    out = io.StringIO()
    ui = UI(out, tty=False, json=True, columns=["reconcile_state"])
    ui.table(Table(["Name", "Rs"], [["a", "ok"]], keys={"Rs": "reconcile_state"}))
    ui.flush()
    (table,) = json.loads(out.getvalue())["Tables"]
    assert table["Header"] == {"reconcile_state": "Rs"}
    assert table["Rows"] == [{"reconcile_state": "ok"}]
