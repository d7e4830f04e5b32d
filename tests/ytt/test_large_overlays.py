"""Overlays on large collections: what the index and the gathered changes must not alter."""

from __future__ import annotations

import pytest

from lapstrake.operations.template import SourceFile, template

SIZE = 60
HEAD = '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\n'


def rendered(target: str, overlay: str) -> str:
    files = [
        SourceFile("target.yml", target.encode()),
        SourceFile("z-overlay.yml", (HEAD + overlay).encode()),
    ]
    return template(files).text


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        pytest.param("", "2", "k{0}: 2\n", id="merge"),
        pytest.param("#@overlay/replace\n", "2", "k{0}: 2\n", id="replace"),
        pytest.param("#@overlay/remove\n", "", "", id="remove"),
    ],
)
def test_every_key_of_a_large_map_changes(annotation: str, value: str, expected: str) -> None:
    target = "rest: 0\n" + "".join(f"k{at}: 1\n" for at in range(SIZE))
    overlay = "".join(f"{annotation}k{at}: {value}\n" for at in range(SIZE))
    assert rendered(target, overlay) == "rest: 0\n" + "".join(expected.format(at) for at in range(SIZE))


def test_a_key_that_the_overlay_itself_brought_is_found() -> None:
    target = "".join(f"k{at}: 1\n" for at in range(SIZE))
    overlay = (
        '#@overlay/match by=lambda key, left, right: key == "k1"\n#@overlay/replace\nnew: 3\n'
        "#@overlay/match missing_ok=True\nadded: {a: 1}\n"
        '#@overlay/match by=lambda key, left, right: key == "new"\n#@overlay/remove\n_: 0\n'
        "k0: 2\n"
    )
    expected = "k0: 2\n" + "".join(f"k{at}: 1\n" for at in range(2, SIZE))
    assert rendered(target, overlay) == expected + "added:\n  a: 1\n"


def test_all_items_of_an_array_are_replaced_and_doubled_in_their_places() -> None:
    target = "items:\n" + "".join(f"- {at}\n" for at in range(SIZE))
    doubled = rendered(
        target, 'items:\n#@overlay/match by=overlay.all, expects="1+"\n#@overlay/insert after=True\n- x\n'
    )
    assert doubled == "items:\n" + "".join(f"- {at}\n- x\n" for at in range(SIZE))


def test_a_placeholder_whose_key_the_replacement_brings_is_refused() -> None:
    text = '#@ load("@ytt:template", "template")\na: #@ template.replace({"a": 1})\n'
    with pytest.raises(Exception, match="expected to find placeholder map item in map"):
        template([SourceFile("a.yml", text.encode())])


def test_a_large_fragment_finds_each_key() -> None:
    text = (
        "#@ def large():\n"
        + "".join(f"k{at}: {at}\n" for at in range(SIZE))
        + "#@ end\n#@ found = large()\nsum: #@ found['k59'] + found['k0']\n"
    )
    assert template([SourceFile("a.yml", text.encode())]).text == "sum: 59\n"
