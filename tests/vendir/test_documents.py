from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir import documents


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a: 1\n---\nb: 2\n", ["a: 1\n", "b: 2\n"], id="two"),
        pytest.param("---\na: 1\n", ["---\na: 1\n"], id="separator-first"),
        pytest.param("a: 1\n--- # more\nb: 2", ["a: 1\n", "b: 2\n"], id="comment-beside"),
        pytest.param("a: 1\n---\n---\n", ["a: 1\n", "---\n"], id="nothing-between"),
        pytest.param("", [], id="nothing"),
        pytest.param("\n---\n\n", [], id="blank"),
    ],
)
def test_file_is_split_at_separators(text, found):
    assert [part.decode() for part in documents.split(text.encode())] == found


def test_separator_that_goes_on_is_refused_when_it_is_reached():
    parts = documents.split(b"a: 1\n---\nb: 2\n--- x\n")
    assert next(parts) == b"a: 1\n"
    with pytest.raises(documents.SeparatorError) as caught:
        next(parts)
    assert str(caught.value) == "invalid Yaml document separator: x"


def test_what_follows_the_end_of_a_document_is_not_looked_at():
    assert documents.load(b"a: 1\n...\n[") == {"a": 1}


def test_text_without_end_is_told_with_the_line_where_it_stops():
    (document,) = documents.split(b"'abc")
    with pytest.raises(InputError) as caught:
        documents.load(document)
    assert str(caught.value) == "error converting YAML to JSON: yaml: line 2: found unexpected end of stream"


def test_scanner_does_not_number_the_first_line():
    with pytest.raises(InputError) as caught:
        documents.load(b"a: b: c\n")
    assert str(caught.value) == (
        "error converting YAML to JSON: yaml: mapping values are not allowed in this context"
    )


def test_half_of_a_surrogate_pair_is_no_character():
    with pytest.raises(InputError) as caught:
        documents.load(rb'"\ud83d\ude00"')
    assert str(caught.value) == (
        "error converting YAML to JSON: yaml: found invalid Unicode character escape code"
    )
