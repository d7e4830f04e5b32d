from __future__ import annotations

import pytest

from lapstrake.yamldoc.formatter import formatted
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.plain import to_plain


def test_comments_and_layout() -> None:
    text = '#! comment\na:   1\nb:\n    - x\n    -   "y"\nc: {k: v}   #! trailing\n---\nd: |\n  text\n'
    assert formatted(parse(text, "a.yml")) == (
        '#! comment\na: 1\n\nb:\n  - x\n  - "y"\nc:\n  k: v #! trailing\n---\nd: |\n  text\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "#@ x = 1\na: #@ x\nb:\n  #@ for i in range(2):\n  - #@ i\n  #@ end\n#! rest\n",
        "#@data/values\n---\nl:\n  - a: 1\n    b:\n      - - 1\n        - 2\n  -\n    #@overlay/remove\n    c:\n",
        "a: |-\n  x\n\n  y\nb: {}\nc: []\n",
    ],
)
def test_formatted_text_stays_as_it_is(text: str) -> None:
    once = formatted(parse(text, "a.yml"))
    docset = parse(once, "a.yml")
    assert formatted(docset) == once
    assert [to_plain(one.value) for one in docset.items] == [
        to_plain(one.value) for one in parse(text, "a.yml").items
    ]
