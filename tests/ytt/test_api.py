"""ytt as a library: dicts in, text and plain data out, errors with places, bounds that hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake import ytt
from lapstrake.yamldoc import plain

USE = "#@ load('@ytt:data', 'data')\n---\nname: #@ data.values.name\nports: #@ data.values.ports\n"
SCHEMA = {"name": "", "ports": [0]}


def refusal(files: dict[str, str], **options: object) -> ytt.Error:
    with pytest.raises(ytt.Error) as caught:
        ytt.render(files, **options)  # type: ignore[arg-type]
    return caught.value


def test_values_and_schema_are_data() -> None:
    result = ytt.render({"a.yml": USE}, {"name": "web", "ports": [80]}, schema=SCHEMA)
    assert result.text == "name: web\nports:\n- 80\n"
    assert result.objects() == [{"name": "web", "ports": [80]}]


def test_values_come_after_values_files_and_replace_lists() -> None:
    result = ytt.render(
        {"a.yml": USE}, {"ports": [1]}, schema=SCHEMA, values_files={"v.yml": "name: v\nports: [2, 3]\n"}
    )
    assert result.objects() == [{"name": "v", "ports": [1]}]


def test_given_data_is_not_changed() -> None:
    values = {"name": "web", "ports": [80]}
    ytt.render({"a.yml": USE}, values, schema=SCHEMA)
    assert values == {"name": "web", "ports": [80]}
    assert SCHEMA == {"name": "", "ports": [0]}


@pytest.mark.parametrize(
    ("files", "options", "place"),
    [
        pytest.param({"a.yml": "a: 1\nb: #@ 1 // 0\n"}, {}, ("a.yml", 2), id="run"),
        pytest.param({"a.yml": "a: #@ 1 +\n"}, {}, ("a.yml", 1), id="syntax"),
        pytest.param({"a.yml": "a: [\n"}, {}, ("a.yml", 2), id="yaml"),
        pytest.param(
            {"a.yml": USE, "v.yml": "#@data/values\n---\nname: 1\n"},
            {"schema": SCHEMA},
            ("v.yml", 3),
            id="value",
        ),
    ],
)
def test_errors_tell_their_place(
    files: dict[str, str], options: dict[str, object], place: tuple[str, int]
) -> None:
    position = refusal(files, **options).position
    assert position is not None
    assert (position.source, position.line) == place


def test_values_must_be_plain_data() -> None:
    assert str(refusal({}, values={"a": [object()]})) == (
        "Expected values['a'][0] to be a dict, a list or a scalar, but was object"
    )


DOUBLED = "#@ x = {}\n#@ for i in range(100):\n#@   x = x + x\n#@ end\na: 1\n"
LOOPED = "#@ for i in range(2000):\n---\na: bbbbbbbbbbbbbbbbbbbb\n#@ end\n"
NODES = "#@ def twice(x):\na: #@ x\nb: #@ x\n#@ end\n#@ x = 1\n#@ for i in range(60):\n#@   x = twice(x)\n#@ end\nc: #@ x\n"


@pytest.mark.parametrize(
    ("template", "limits", "message"),
    [
        pytest.param("#@ while True:\n#@ x = 1\n#@ end\n", ytt.Limits(steps=1000), "too many steps", id="steps"),
        pytest.param(
            "#@ f = lambda g, n: g(g, n + 1)\na: #@ f(f, 0)\n", ytt.Limits(depth=50), "nested too deeply", id="depth"
        ),
        pytest.param("#@ f = lambda g: g(g)\na: #@ f(f)\n", ytt.Limits(), "nested too deeply", id="recursion"),
        pytest.param(DOUBLED.format("[1]"), ytt.Limits(memory=100_000), "too much memory", id="lists"),
        pytest.param(DOUBLED.format("'a'"), ytt.Limits(memory=100_000), "too much memory", id="strings"),
        pytest.param(
            "#@ x = [1]\n#@ while True:\n#@ x.extend(x)\n#@ end\n", ytt.Limits(memory=100_000), "too much memory", id="extend"
        ),
        pytest.param("a: #@ list(range(1 << 20))\n", ytt.Limits(memory=100_000), "too much memory", id="range"),
        pytest.param(NODES, ytt.Limits(memory=100_000), "too much memory", id="nodes"),
        pytest.param(LOOPED, ytt.Limits(output=10_000), "output is too large", id="output"),
        pytest.param(
            "#@ while True:\n#@ print('aaaaaaaaaaaaaaaaaaa')\n#@ end\n", ytt.Limits(output=10_000), "too large", id="print"
        ),
    ],
)  # fmt: skip
def test_limits_hold(template: str, limits: ytt.Limits, message: str) -> None:
    assert message in str(refusal({"a.yml": template}, limits=limits))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        pytest.param("#@ x = [1]\n#@ y = [1]\n#@ for i in range(40):\n#@ x = [x, x]\n#@ y = [y, y]\n#@ end\na: #@ x == y\n",
                     "too large to be compared", id="comparison"),
        pytest.param("#@ x = (1,)\n#@ for i in range(40):\n#@ x = (x, x)\n#@ end\na: #@ {x: 1}\n",
                     "too large to be compared", id="key"),
        pytest.param("#@ x = ['a' * 1000000] * 1000\na: #@ str(x)\n", "text of the value is too large", id="text"),
        pytest.param("#@ x = ['a' * 1000000] * 1000\na: #@ x\n", "value is too large", id="value"),
        pytest.param("#@ x = 7\n#@ for i in range(40):\n#@ x = x * x\n#@ end\n", "integer is too large", id="integer"),
    ],
)  # fmt: skip
def test_shared_parts_and_huge_numbers_are_bounded_without_limits(template: str, message: str) -> None:
    assert message in str(refusal({"a.yml": template}))


def test_honest_templates_keep_far_from_limits() -> None:
    template = (
        "#@ x = {'k': list(range(1000))}\n#@ for i in range(500):\n- #@ x.get('k')[i] + len(x['k'])\n#@ end\n"
    )
    limits = ytt.Limits(steps=5_000, depth=20, memory=20_000, output=10_000)
    assert ytt.render({"a.yml": template}, limits=limits).objects()[0][-1] == 1499


def test_load_cycle_is_refused() -> None:
    files = {"a.star": "load('b.star', 'y')\nx = 1\n", "b.star": "load('a.star', 'x')\ny = 1\n"}
    assert "a file that loads itself" in str(refusal(files))


def test_reading_gives_what_a_folder_holds(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.yml").write_text("b: 1\n")
    (tmp_path / "a.yml").write_text("a: 1\n")
    assert ytt.read(tmp_path) == {"a.yml": b"a: 1\n", "sub/b.yml": b"b: 1\n"}
    assert ytt.read(tmp_path / "a.yml") == {"a.yml": b"a: 1\n"}
    assert ytt.render(ytt.read(tmp_path)).text == "a: 1\n---\nb: 1\n"


def test_reading_follows_no_links_and_names_what_is_missing(tmp_path: Path) -> None:
    os.symlink("/etc/hostname", tmp_path / "link.yml")
    with pytest.raises(ytt.Error, match=r"link\.yml' to be a file"):
        ytt.read(tmp_path)
    with pytest.raises(ytt.Error, match="No such file"):
        ytt.read(tmp_path / "gone")


KEYS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)
MAPS = st.dictionaries(KEYS, TREES, min_size=1, max_size=4)


@given(st.lists(MAPS, max_size=3))
@settings(deadline=None, max_examples=60)
def test_rendering_a_plain_file_again_changes_nothing(documents: list[dict[str, object]]) -> None:
    once = ytt.render({"a.yml": "".join(f"---\n{plain.dump(one)}" for one in documents)}).text
    assert ytt.render({"a.yml": once}).text == once


@given(MAPS, MAPS)
@settings(deadline=None, max_examples=60)
def test_replacing_twice_is_replacing_once(left: dict[str, object], right: dict[str, object]) -> None:
    items = "".join(
        "#@overlay/match missing_ok=True\n#@overlay/replace or_add=True\n" + plain.dump({key: value})
        for key, value in right.items()
    )
    overlay = f'#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.all\n---\n{items}'
    files = {"a.yml": plain.dump(left), "o1.yml": overlay}
    once = ytt.render(files)
    assert once.text == ytt.render({**files, "o2.yml": overlay}).text
    if once.text:
        assert once.objects() == [{**left, **right}]


@given(MAPS)
@settings(deadline=None, max_examples=60)
def test_values_arrive_as_they_were_given(values: dict[str, object]) -> None:
    template = '#@ load("@ytt:data", "data")\nall: #@ data.values\n'
    assert ytt.render({"a.yml": template}, values).objects() == [{"all": values}]


@given(
    st.text(max_size=60) | st.binary(max_size=60), st.sampled_from(["a.yml", "a.star", "a.txt", "a.lib.yml"])
)
@settings(deadline=None, max_examples=150)
def test_any_text_gives_a_result_or_an_error_of_ours(content: str | bytes, name: str) -> None:
    try:
        ytt.render({name: content}, limits=ytt.Limits(steps=1000))
    except ytt.Error:
        pass
