from __future__ import annotations

from collections.abc import Mapping

import pytest

from lapstrake.errors import InputError
from lapstrake.yamldoc.printer import print_value
from lapstrake.ytt.data_values import additional_values, merge_values, overlaying, own_documents
from tests.ytt.trees import HOST, tree


class File:
    def __init__(self, path: str, data: bytes) -> None:
        self.path = self.argument = path
        self.data = data


class Setting:
    def __init__(self, key: str, value: str, kind: str = "string") -> None:
        self.key = key
        self.value = value
        self.kind = kind


class Environment:
    def __init__(self, prefix: str, variables: Mapping[str, str], yaml: bool = False) -> None:
        self.prefix = prefix
        self.variables = variables
        self.yaml = yaml


BASE = "---\nname: demo\nnested: {a: one, b: {c: two}}\nlist: [1, 2]\nnothing: ~\n"


def merged(
    *settings: Setting,
    files: list[File] | None = None,
    environment: list[Environment] | None = None,
    base: str = BASE,
) -> str:
    extra = additional_values(files or [], environment or [], settings, strict=False)
    return print_value(
        merge_values(None, [*tree(base, "values.yml").items, *own_documents(extra)], HOST).value
    )


def test_values_are_layered_in_a_fixed_order() -> None:
    variables = {"E_c": "env", "E_d": "env", "E_e": "env", "E_f": "env"}
    result = merged(
        Setting("f", "file", "file"),
        Setting("e", "yaml", "yaml"),
        Setting("f", "yaml", "yaml"),
        Setting("d", "string"),
        Setting("e", "string"),
        files=[File("v.yml", b"b: plain\nc: plain\nd: plain")],
        environment=[Environment("E", variables)],
        base="---\na: values\nb: values\n",
    )
    assert result == "a: values\nb: plain\nc: env\nd: string\ne: yaml\nf: file\n"


def test_plain_files_merge_maps_and_replace_arrays() -> None:
    result = merged(files=[File("v.yml", b"nested: {b: {d: 3}}\nlist: [9]\nnew: {x: [1]}\n")])
    assert result == (
        "name: demo\nnested:\n  a: one\n  b:\n    c: two\n    d: 3\nlist:\n- 9\nnothing: null\nnew:\n  x:\n  - 1\n"
    )


def test_a_flag_replaces_what_stands_at_its_path() -> None:
    result = merged(
        Setting("nested", "{x: 1}", "yaml"), Setting("nothing.sub", "1"), Setting("list", "[q]", "yaml")
    )
    assert result == 'name: demo\nnested:\n  x: 1\nlist:\n- q\nnothing:\n  sub: "1"\n'


def test_environment_names_levels_by_two_underscores() -> None:
    variables = {"E_nested__b__c": "7", "E_my_key": "x", "EX_name": "no"}
    result = merged(environment=[Environment("E", variables, yaml=True)])
    assert "    c: 7\n" in result
    assert "my_key: x\n" in result
    assert "name: demo\n" in result


def test_values_for_libraries_are_kept_apart() -> None:
    extra = additional_values([], [], [Setting("@app~x@in:port", "1"), Setting("a", "2")], strict=False)
    assert [one.library for one in extra] == ["@app~x@in", ""]
    assert len(list(own_documents(extra))) == 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            Setting("a:b", "1"),
            "Extracting data value from KV: Expected at most one library-key separator ':' in 'a:b'",
        ),
        (Setting("@:x", "1"), "Extracting data value from KV: Expected library ref to not be empty"),
        (Setting("@a~:x", "1"), "Extracting data value from KV: Expected library alias to not be empty"),
        (
            Setting("a", "[", "yaml"),
            (
                "Extracting data value from KV: Deserializing value for key 'a': Deserializing YAML value:"
                " yaml: line 1: did not find expected node content"
            ),
        ),
    ],
)
def test_bad_flags(setting: Setting, message: str) -> None:
    with pytest.raises(InputError) as caught:
        additional_values([], [], [setting], strict=False)
    assert str(caught.value) == message


def test_annotations_in_a_plain_file_are_refused() -> None:
    with pytest.raises(InputError, match="Expected to be plain YAML, having no annotations"):
        additional_values([File("b.yml", b"#@data/values\n---\na: 1\n")], [], [], strict=False)


def test_path_through_an_array_fails_with_its_flag() -> None:
    extra = additional_values([], [], [Setting("list.0", "9")], strict=False)
    layers = [*tree(BASE, "values.yml").items, *own_documents(extra)]
    with pytest.raises(InputError) as caught:
        overlaying(
            "data values", ["values.yml", "additional data values"], lambda: merge_values(None, layers, HOST)
        )
    assert str(caught.value) == (
        "Overlaying data values (in following order: values.yml, additional data values):"
        " Document on line (data-value arg):1: Map item (key 'list') on line (data-value arg):1:"
        " Expected map, but was array"
    )
