"""``-o pos``: the tree with the position of every node."""

from __future__ import annotations

from lapstrake.cli.ytt_output import positions_text
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, DocumentSet
from lapstrake.yamldoc.parser import parse


def test_empty_documents_are_left_out_and_scalars_print_as_yaml() -> None:
    text = "---\n---\na:\n- ''\n- ~\n- 'true'\n- {}\n---\n{}\n---\nx\n"
    assert positions_text([parse(text, "e.yml")]) == (
        "          e.yml:2 | [doc]\n"
        "          e.yml:3 |   a:\n"
        '          e.yml:4 |     [0] ""\n'
        "          e.yml:5 |     [1] null\n"
        '          e.yml:6 |     [2] "true"\n'
        "          e.yml:7 |     [3]\n"
        "         e.yml:10 | [doc]\n"
        "                  |   x\n"
    )


def test_a_long_position_widens_the_column_from_there_on() -> None:
    short, long = parse("a: 1\n", "a.yml"), parse("b: |\n  x\n", "a-very-long-name.yml")
    assert positions_text([short, long, short]).splitlines() == [
        "          a.yml:1 | [doc]",
        "          a.yml:1 |   a: 1",
        "          a-very-long-name.yml:1 | [doc]",
        "          a-very-long-name.yml:1 |   b:",
        "                                 |     |",
        "  x",
        "                         a.yml:1 | [doc]",
        "                         a.yml:1 |   a: 1",
    ]


def test_computed_values_have_no_position() -> None:
    document = parse("a: 1\n", "a.yml").items[0]
    document.value.items[0].value = Array([ArrayItem("x")])
    assert positions_text([DocumentSet([document, Document()])]).splitlines()[-2:] == [
        "          a.yml:1 |   a:",
        "    [0] x",
    ]
