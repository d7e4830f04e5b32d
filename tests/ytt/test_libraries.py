"""References to libraries, and which documents reach which library."""

from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Document
from lapstrake.ytt.libraries import Chosen, Meant, check_all_used, reference_pieces


def meant(reference: str, **kinds: bool) -> Meant:
    return Meant(reference, reference_pieces(reference), Document(None), **kinds)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("@app", [("app", "")], id="path"),
        pytest.param("@~one", [("", "one")], id="alias"),
        pytest.param("@org/app~one@inner", [("org/app", "one"), ("inner", "")], id="chain"),
    ],
)
def test_reference(text: str, pieces: list[tuple[str, str]]) -> None:
    assert [(piece.path, piece.alias) for piece in reference_pieces(text)] == pieces


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Expected library ref to not be empty", id="empty"),
        pytest.param("app", "Expected library ref to start with '@'", id="no at"),
        pytest.param("@app~", "Expected library alias to not be empty", id="empty alias"),
        pytest.param(
            "@a~b~c",
            "Expected library ref to have form: '@path', '@~alias', or '@path~alias', got: '@a~b~c'",
            id="two aliases",
        ),
    ],
)
def test_reference_that_is_none(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        reference_pieces(text)
    assert str(caught.value) == message


def test_a_library_gets_what_names_it_and_passes_on_the_rest() -> None:
    for_all, for_one, for_other, for_inner = (
        meant("@app"),
        meant("@~one"),
        meant("@app~two"),
        meant("@app@in"),
    )
    after, schema = meant("@app", after=True), meant("@app", is_schema=True)
    used: set[int] = set()
    chosen = Chosen([for_all, for_one, for_other, for_inner, after, schema], "app", "one", used)
    assert chosen.values == [for_all.document, for_one.document]
    assert chosen.values_after == [after.document]
    assert chosen.schemas == [schema.document]
    assert [one.document for one in chosen.inner] == [for_inner.document]
    assert id(for_other.document) not in used
    assert id(for_inner.document) not in used


def test_unused_documents_are_an_error() -> None:
    with pytest.raises(InputError) as caught:
        check_all_used([meant("@app"), meant("@lib", is_schema=True)], set())
    assert str(caught.value) == (
        "Expected all provided library data values, and schema documents to be used but found unused: "
        "Data Value belonging to library '@app' on line ?, Schema belonging to library '@lib' on line ?"
    )
