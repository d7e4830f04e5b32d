from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.yamldoc.printer import print_value
from lapstrake.ytt.data_values import make_lenient, merge_schemas, merge_values
from lapstrake.ytt.schema.build import schema_of
from lapstrake.ytt.schema.errors import CALCULATED, Violation, report
from lapstrake.ytt.schema.openapi import openapi_document
from tests.ytt.trees import HOST, tree


def completed(schema: str, *layers: str) -> str:
    types = schema_of(tree(f"---\n{schema}", "schema.yml").items[0], HOST)
    documents = [tree(f"---\n{layer}", "values.yml").items[0] for layer in layers]
    return print_value(merge_values(types, documents, HOST).value)


def plainly_refused(schema: str, values: str) -> str:
    types = schema_of(tree(f"---\n{schema}", "schema.yml").items[0], HOST)
    document = tree(values, "v.yml").items[0]
    make_lenient(document)
    with pytest.raises(InputError) as caught:
        merge_values(types, [document], HOST)
    return str(caught.value)


@pytest.mark.parametrize(
    ("schema", "layers", "expected"),
    [
        pytest.param("a: x\nl: [0]\n", [], "a: x\nl: []\n", id="arrays begin empty"),
        pytest.param("#@schema/nullable\na: {b: 1}\n", [], "a: null\n", id="nullable"),
        pytest.param(
            "#@schema/nullable\na: {b: 1, c: 2}\n", ["a: {b: 5}"], "a:\n  b: 5\n  c: 2\n", id="given"
        ),
        pytest.param("#@schema/default [1, 2]\nl: [0]\n", ["l: [3]"], "l:\n- 1\n- 2\n- 3\n", id="appends"),
        pytest.param(
            'u: [{name: "", on1: false}]', ["u: [{name: x}]"], "u:\n- name: x\n  on1: false\n", id="items"
        ),
        pytest.param("#@schema/type any=True\na: [1, x]\n", [], "a:\n- 1\n- x\n", id="any"),
        pytest.param(
            "a: 1\nb: {c: 1}\n", ["#@overlay/remove\na:\n"], "b:\n  c: 1\na: 1\n", id="removed comes back"
        ),
        pytest.param("r: 0.5", ["r: 2"], "r: 2\n", id="int for float"),
        pytest.param(
            "#@schema/default {'a': 5}\nm: {a: 1, b: 2}\n", [], "m:\n  a: 5\n  b: 2\n", id="map default"
        ),
    ],
)
def test_values_are_completed(schema: str, layers: list[str], expected: str) -> None:
    assert completed(schema, *layers) == expected


def test_violations_are_reported_together() -> None:
    assert plainly_refused("name: x\ndb: {host: h, port: 1}\n", "name: 5\ndb:\n  hst: q\n") == (
        "\nOne or more data values were invalid\n====================================\n\n"
        "v.yml:\n    |\n  1 | name: 5\n    |\n\n    = found: integer\n    = expected: string (by schema.yml:2)\n\n"
        "Given data value is not declared in schema\n"
        "v.yml:\n    |\n  3 |   hst: q\n    |\n\n    = found: hst\n"
        '    = expected: one of { host, port } (from schema.yml:3)\n    = hint: did you mean "host"?\n\n'
    )


@pytest.mark.parametrize(
    ("given", "hint"),
    [("hots", None), ("Host", "host"), ("hst", "host"), ("h", None), ("logLevel", "log_level")],
)
def test_spelling_hint(given: str, hint: str | None) -> None:
    message = plainly_refused("host: x\nlog_level: x\n", f"{given}: 1")
    assert (f'did you mean "{hint}"' in message) == (hint is not None)
    assert ("hint" in message) == (hint is not None)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("a:", "null value not allowed here"),
        ("a: []", "found: 0 array items"),
        ("#@schema/default 'x'\na: 1", "found: string (at schema.yml:2)"),
        ("#@schema/default value=1\na: 1", "found: keyword argument in @schema/default (by schema.yml:2)"),
        ("#@schema/desc\na: 1", "found: missing value in @schema/desc (by schema.yml:2)"),
        ("#@schema/title 5\na: 1", "found: Non-string value in @schema/title (by schema.yml:2)"),
        ("#@schema/examples ('d', 'x')\na: 1", "Invalid schema - @schema/examples has wrong type"),
        ("#@schema/type any=True\na:\n  #@schema/nullable\n  b: 1", "found: @schema/nullable annotation(s)"),
        ("a:\n#@schema/default 1\n- 0", "@schema/default not supported on array item"),
    ],
)
def test_invalid_schema(schema: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        schema_of(tree(f"---\n{schema}\n", "schema.yml").items[0], HOST)
    assert expected in str(caught.value)


def test_each_schema_document_is_checked_alone() -> None:
    documents = [tree("---\na: 1\nb: 1\n").items[0], tree("---\n#@overlay/remove\na:\n").items[0]]
    with pytest.raises(InputError, match="null value not allowed here"):
        merge_schemas(documents, HOST)


def test_merged_schemas() -> None:
    documents = [tree("---\na: 1\nb: 1\n").items[0], tree("---\n#@overlay/remove\na: 0\nb: x\n").items[0]]
    schema = merge_schemas(documents, HOST)
    assert schema is not None
    assert print_value(schema.default_document().value) == "b: x\n"


def test_calculated_values_show_their_text() -> None:
    position = Position(CALCULATED, 0, 0, "prt: 1\nx: 2\n")
    assert report("Bad", [Violation([position], "prt", "port")]) == (
        "\nBad\n===\n\nData value calculated:\n    #\n    # prt: 1\n    # x: 2\n    #\n\n"
        "    = found: prt\n    = expected: port\n\n"
    )


def test_openapi_document() -> None:
    text = (
        "#@schema/title 'T'\n#@schema/desc 'D'\n#@schema/deprecated 'no'\n#@schema/examples ('e', 2), ('f', 3)\nport: 80\n"
        "#@schema/nullable\nm: {f: 1.5}\n"
    )
    schema = schema_of(tree(f"---\n{text}").items[0], HOST)
    assert print_value(openapi_document(schema).value).partition("properties:\n")[2] == (
        "        port:\n          title: T\n          type: integer\n          deprecated: true\n"
        "          description: D\n          x-example-description: e\n          example: 2\n          default: 80\n"
        "        m:\n          type: object\n          additionalProperties: false\n          nullable: true\n"
        "          properties:\n            f:\n              type: number\n              format: float\n"
        "              default: 1.5\n"
    )
