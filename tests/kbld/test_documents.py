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


def test_items_of_something_else_stay():
    assert bodies("kind: Menu\nitems: [soup]\n") == [{"kind": "Menu", "items": ["soup"]}]


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
