from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kbld.documents import Document, read


def bodies(text: str) -> list[object]:
    return [document.body for document in read("a.yml", text.encode())]


def test_documents_are_split_and_empty_ones_vanish():
    assert bodies("---\n---\na: 1\n--- # comment\n{}\n---\nnull\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_list_is_taken_apart():
    assert bodies("kind: PodList\nitems: [{kind: Pod}, {kind: Other}]\n") == [
        {"kind": "Pod"},
        {"kind": "Other"},
    ]


def test_items_decide_what_a_list_is():
    assert bodies("kind: Menu\nitems: [{kind: Soup}]\n") == [{"kind": "Soup"}]
    assert bodies("kind: Menu\nitems: soup\n") == [{"kind": "Menu", "items": "soup"}]


def test_comment_may_stand_behind_a_separator():
    assert bodies("a: 1\n--- # next\na: 2\n---\n") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: b\n  c: d\n",
            "Parsing file 'a.yml' doc 1: error converting YAML to JSON: "
            "yaml: line 2: mapping values are not allowed in this context",
            id="no-yaml",
        ),
        pytest.param(
            "a: 1\n---\n- b\n",
            "Parsing file 'a.yml' doc 2: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            "array into Go value of type map[string]interface {}",
            id="list",
        ),
        pytest.param(
            "a: 1\n--- b: 2\n", "Parsing file 'a.yml': invalid Yaml document separator: b: 2", id="separator"
        ),
        pytest.param(
            "a: 1\n---\nb: @\n",
            "Parsing file 'a.yml' doc 2: error converting YAML to JSON: "
            "yaml: found character that cannot start any token",
            id="first-line-is-not-named",
        ),
        pytest.param(
            "[1] b\n",
            "Parsing file 'a.yml' doc 1: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            "array into Go value of type map[string]interface {}",
            id="list-and-more",
        ),
        pytest.param(
            "{a: 1} b\n",
            "Parsing file 'a.yml' doc 1: error converting YAML to JSON: yaml: did not find expected <document start>",
            id="mapping-and-more",
        ),
        pytest.param(
            "a: | b\n",
            "Parsing file 'a.yml' doc 1: error converting YAML to JSON: "
            "yaml: did not find expected comment or line break",
            id="text-behind-an-indicator",
        ),
        pytest.param(
            '{"a": "x\\/y"}\n',
            "Parsing file 'a.yml' doc 1: error converting YAML to JSON: yaml: found unknown escape character",
            id="escape-that-only-json-has",
        ),
        pytest.param(
            "items: [soup]\n",
            "Parsing file 'a.yml' doc 1: items member is not an object: map[string]interface {}",
            id="item",
        ),
        pytest.param(
            "a: .inf\n",
            "Parsing file 'a.yml' doc 1: error converting YAML to JSON: json: unsupported value: +Inf",
            id="number-that-json-has-not",
        ),
    ],
)
def test_bad_document_is_named(text, message):
    with pytest.raises(InputError) as caught:
        bodies(text)
    assert str(caught.value) == message


def test_description_names_the_namespace():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "ns1"}}
    assert Document(pod).description == "pod/p (v1) namespace: ns1"
    assert Document({"kind": "X"}).description == "x/ () cluster"


def test_description_marks_a_name_that_a_cluster_completes():
    metadata = {"generateName": "p-"}
    assert Document({"kind": "X", "metadata": metadata}).description == "x/p-* () cluster"
    assert Document({"kind": "X", "metadata": {**metadata, "name": "p"}}).description == "x/p () cluster"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("stdin", "Parsing stdin: invalid Yaml document separator: a", id="stdin"),
        pytest.param(
            "https://e.test/a",
            "Parsing HTTP URL 'https://e.test/a': invalid Yaml document separator: a",
            id="url",
        ),
    ],
)
def test_origin_is_named_by_its_kind(path, message):
    with pytest.raises(InputError) as caught:
        read(path, b"--- a\n")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"a: \xff\n", "yaml: invalid leading UTF-8 octet", id="leading"),
        pytest.param(b"a: caf\xe9\n", "yaml: invalid trailing UTF-8 octet", id="trailing"),
    ],
)
def test_bytes_that_are_no_text_are_refused(data, message):
    with pytest.raises(InputError) as caught:
        read("a.yml", b"b: 1\n---\n" + data)
    assert str(caught.value) == f"Parsing file 'a.yml' doc 2: error converting YAML to JSON: {message}"
