from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.yamldoc.printer import print_documents
from lapstrake.ytt.overlay.engine import Engine, apply_overlays
from tests.ytt.trees import HOST, tree

MATCH_ALL = "#@overlay/match by=overlay.all\n---\n"


def overlaid(left: str, *rights: str) -> str:
    targets = [tree(left, "base.yml")]
    overlays = [tree(right, f"o{number}.yml") for number, right in enumerate(rights, 1)]
    apply_overlays(targets, overlays, HOST)
    return print_documents(targets[0])


def merged(left: str, right: str) -> str:
    return overlaid(left, MATCH_ALL + right)


def failure(left: str, right: str) -> str:
    with pytest.raises(InputError) as caught:
        overlaid(left, right)
    return str(caught.value)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param("a: {b: 1, c: 2}", "a: {c: 3}", "a:\n  b: 1\n  c: 3\n", id="merge maps"),
        pytest.param("a: [1]", "a: [2]", "a:\n- 1\n- 2\n", id="append to arrays"),
        pytest.param("a: {b: 1}", "a: ~", "a: null\n", id="null replaces"),
        pytest.param("a: ~", "a: {b: [1]}", "a:\n  b:\n  - 1\n", id="null takes anything"),
        pytest.param("a: 1\nb: 2", "#@overlay/remove\na:", "b: 2\n", id="remove"),
        pytest.param(
            "a: 1", "#@overlay/match missing_ok=True\nb: {c: 1}", "a: 1\nb:\n  c: 1\n", id="missing ok"
        ),
        pytest.param("a: {b: 1}", "#@overlay/replace\na: {c: 2}", "a:\n  c: 2\n", id="replace"),
        pytest.param(
            "a: 1\nb: 2",
            '#@overlay/match by=lambda k, l, r: k == "a"\n#@overlay/replace via=lambda l, r: l + r\nz: 5',
            "z: 6\nb: 2\n",
            id="replace takes the key too",
        ),
        pytest.param(
            "a: 1",
            "#@overlay/match missing_ok=True\n#@overlay/replace or_add=True\nb: 2",
            "a: 1\nb: 2\n",
            id="or_add",
        ),
        pytest.param(
            "a: 1", "#@overlay/match missing_ok=True\n#@overlay/replace\nb: 2", "a: 1\n", id="no or_add"
        ),
        pytest.param("a: 1", "#@overlay/match when=1\nb: 2", "a: 1\n", id="when skips"),
        pytest.param(
            "l: [{id: a, v: 1}, {id: b, v: 2}]",
            'l:\n#@overlay/match by="id"\n- id: b\n  v: 3',
            "l:\n- id: a\n  v: 1\n- id: b\n  v: 3\n",
            id="by name",
        ),
        pytest.param(
            "l: [1, 2]",
            "l:\n#@overlay/match by=overlay.index(0)\n#@overlay/insert before=True, after=True\n- 0",
            "l:\n- 0\n- 1\n- 0\n- 2\n",
            id="insert",
        ),
        pytest.param("l: [1]", "l:\n#@overlay/remove\n- 1", "l:\n- 1\n", id="remove without match"),
        pytest.param(
            "a: {}",
            "#@overlay/match-child-defaults missing_ok=True\na: {b: {c: 1}}",
            "a:\n  b:\n    c: 1\n",
            id="child defaults",
        ),
        pytest.param(
            "a: {b: 1, c: 2}", "#@overlay/assert\na: {b: 1}", "a:\n  b: 1\n  c: 2\n", id="assert subset"
        ),
    ],
)
def test_merge(left: str, right: str, expected: str) -> None:
    assert merged(left, right) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param("a: 1", "b: 2", "Map item (key 'b') on line o1.yml:3: {}", id="missing key"),
        pytest.param(
            "a: {b: 1}",
            "a: [1]",
            "Map item (key 'a') on line o1.yml:3: Expected array, but was map",
            id="type",
        ),
        pytest.param(
            "a: {y: 1}",
            'a: {"y": 1}',
            "Map item (key 'a') on line o1.yml:3: Map item (key 'y') on line o1.yml:3: {}",
            id="bool key",
        ),
        pytest.param(
            "l: [1]",
            "l:\n#@overlay/match by=3\n- 2",
            "Map item (key 'l') on line o1.yml:3: Array item on line o1.yml:5: Expected 'overlay/match' annotation"
            " keyword argument 'by' to be either string (for map key) or function, but was starlark.Int",
            id="bad by",
        ),
        pytest.param(
            "a: 1",
            "#@overlay/match missing_ok=True, expects=1\na: 1",
            "Map item (key 'a') on line o1.yml:4: Expected only one of keyword arguments ('missing_ok', 'expects') specified",
            id="conflict",
        ),
        pytest.param(
            "a: 1",
            "#@overlay/replace\n#@overlay/remove\na: 1",
            "Map item (key 'a') on line o1.yml:5: Expected to find only one overlay operation",
            id="two operations",
        ),
        pytest.param(
            "a: 1",
            "#@overlay/assert\na: 2",
            "Map item (key 'a') on line o1.yml:4: Expected objects to equal, but did not:"
            " Expected leaf values to match integer integer",
            id="assert",
        ),
    ],
)
def test_merge_failure(left: str, right: str, expected: str) -> None:
    missing = "Expected number of matched nodes to be 1, but was 0"
    assert failure(left, MATCH_ALL + right) == (
        f"Overlaying (in following order: o1.yml): Document on line o1.yml:2: {expected.format(missing)}"
    )


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        ("", "Expected number of matched nodes to be 1, but was 2 (lines: base.yml:1, base.yml:3)"),
        (
            ", expects=3",
            "Expected number of matched nodes to be 3, but was 2 (lines: base.yml:1, base.yml:3)",
        ),
        (
            ', expects="3+"',
            "Expected number of matched nodes to be >= 3, but was 2 (lines: base.yml:1, base.yml:3)",
        ),
        (', expects="two"', "Expected 'two' to be in format 'i+' where i is an integer"),
        (", expects=lambda n: n > 5", "Expectation of number of matched nodes failed"),
        (", missing_ok=1", "Expected keyword argument 'missing_ok' to be a boolean"),
        (", expect=2", "Unknown 'overlay/match' annotation keyword argument 'expect'"),
    ],
)
def test_expectations_of_documents(count: str, expected: str) -> None:
    message = failure("a: 1\nb: 1\n---\na: 2\n", f"#@overlay/match by=overlay.all{count}\n---\na: 3\n")
    assert message == f"Overlaying (in following order: o1.yml): Document on line o1.yml:2: {expected}"


@pytest.mark.parametrize("count", ["expects=2", 'expects="1+"', "expects=[1, 2]", "expects=[]", "when=2"])
def test_allowed_numbers_of_documents(count: str) -> None:
    right = f"#@overlay/match by=overlay.all, {count}\n---\na: 3\n"
    assert overlaid("a: 1\n---\na: 2\n", right) == "a: 3\n---\na: 3\n"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("overlay.subset({'k': {'a': 1}})", "yes\n---\nk:\n  a: 2\n"),
        ("overlay.index(1)", "k:\n  a: 1\n  b: 2\n---\nyes\n"),
        ("overlay.not_op(overlay.index(0))", "k:\n  a: 1\n  b: 2\n---\nyes\n"),
        ("overlay.and_op(overlay.all, overlay.index(0))", "yes\n---\nk:\n  a: 2\n"),
        ("overlay.or_op(overlay.index(7), lambda i, l, r: l['k']['a'] == 1)", "yes\n---\nk:\n  a: 2\n"),
    ],
)
def test_document_matchers(by: str, expected: str) -> None:
    result = overlaid("k: {a: 1, b: 2}\n---\nk: {a: 2}\n", f"#@overlay/match by={by}\n--- was\n")
    assert result == expected.replace("yes", "was")


def test_inserted_nodes_are_copies() -> None:
    right = (
        "l:\n#@overlay/match by=overlay.all, expects=2\n-\n  #@overlay/match missing_ok=True\n  sub: {k: 1}\n"
    )
    again = "l:\n#@overlay/match by=overlay.index(0)\n- sub: {k: 2}\n"
    assert merged("l: [{}, {}]", right + again.removeprefix("l:\n")) == (
        "l:\n- sub:\n    k: 2\n- sub:\n    k: 1\n"
    )


def test_what_is_not_changed_is_not_copied() -> None:
    left = tree("a: {b: 1}\nc: {d: 1}\n")
    value = left.items[0].value
    kept = value.items[1].value
    Engine(HOST).apply(value, tree("a: {b: 2}\n").items[0].value)
    assert value.items[1].value is kept
    assert value.items[0].value.items[0].value == 2


def test_apply_strips_overlay_annotations() -> None:
    left = tree("l:\n#@overlay/append\n- a\n").items[0].value
    Engine(HOST).apply(left, tree("l:\n- b\n").items[0].value)
    assert left.items[0].value.items[0].annotations is None
