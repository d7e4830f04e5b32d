"""What Starlark values are and do, where they differ from Python's."""

from __future__ import annotations

import pytest

from tests.starlark.running import evaluated, run


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("1 == True", "False", id="a bool is no number"),
        pytest.param("[1] == [True]", "False", id="a bool is no number inside a list"),
        pytest.param("{True: 1, 1: 2}", "{True: 1, 1: 2}", id="a bool and a number are two keys"),
        pytest.param("{True: 1}[True]", "1", id="a bool is found as a key"),
        pytest.param("list({(True, 1): 0})[0][0]", "True", id="a bool inside a tuple key comes back"),
        pytest.param("{1: 'int'}[1.0]", '"int"', id="equal numbers are one key"),
        pytest.param("len('é')", "2", id="length counts bytes"),
        pytest.param("'é'[0]", '"\\xc3"', id="an index may cut a character"),
        pytest.param("'é'[0] + 'é'[1]", '"é"', id="bytes joined make a character again"),
        pytest.param("''.join(list('é'.elems()))", '"é"', id="bytes joined by join"),
        pytest.param("'straße'.upper()", '"STRAßE"', id="case is mapped character by character"),
        pytest.param("'\\d'", '"\\\\d"', id="an unknown escape keeps its backslash"),
        pytest.param("hash('abc')", "96354", id="hash"),
        pytest.param("str(1.0)", '"1"', id="a whole float"),
        pytest.param("str(0.1 + 0.2)", '"0.3"', id="six digits"),
        pytest.param("str(-0.0)", '"-0"', id="negative zero"),
        pytest.param("-7 // 2", "-4", id="division floors"),
        pytest.param("-7 % 3", "2", id="the remainder of integers has the divisor's sign"),
        pytest.param("-7.5 % 2", "-1.5", id="the remainder of floats has the dividend's sign"),
        pytest.param("6 / 2", "3", id="division gives a float"),
        pytest.param("{'z': 1, 'a': 2}.popitem()", '("z", 1)', id="popitem takes the first"),
        pytest.param("set([3, 1, 3]) | set([9])", "set([3, 1, 9])", id="sets keep their order"),
        pytest.param("range(10)[2:5]", "range(2, 5)", id="a slice of a range"),
        pytest.param(
            "[f() for f in [lambda: i for i in range(3)]]", "[2, 2, 2]", id="closures see the last value"
        ),
        pytest.param("sorted([(1, 'b'), (0, 'c')])[0]", '(0, "c")', id="tuples are ordered"),
        pytest.param("type(len)", '"builtin_function_or_method"', id="type of a builtin"),
        pytest.param("str(1 << 300)[:5]", '"20370"', id="big integers"),
    ],
)
def test_expression(expression: str, expected: str) -> None:
    assert evaluated(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("'%s %r %d%%' % ('a', 'b', 3.9)", '"a \\"b\\" 3%"', id="percent"),
        pytest.param("'%(k)s' % {'k': 1.0}", '"1"', id="percent with names"),
        pytest.param("'{} {k!r} {{}}'.format(1, k='x')", '"1 \\"x\\" {}"', id="format"),
        pytest.param("'{1}{0}'.format('a', 'b')", '"ba"', id="format with numbers"),
    ],
)
def test_formatting(expression: str, expected: str) -> None:
    assert evaluated(expression) == expected


def test_augmented_addition_extends_the_list_itself() -> None:
    found = run("a = [1]\nb = a\nb += (2, 3)")
    assert found["a"] == [1, 2, 3]


def test_nested_targets_are_taken_apart_in_loops_and_assignments() -> None:
    found = run(
        "out = []\nfor i, (a, b) in [(1, (2, 3))]:\n out.append([i, a, b])\nend\n(x, y), out[0][0] = (8, 9), 7"
    )
    assert found["out"] == [[7, 2, 3]]
    assert (found["x"], found["y"]) == (8, 9)


def test_blocks_end_with_end_and_indentation_means_nothing() -> None:
    source = (
        "def f(x):\n      if x > 0:\n  return 'pos'\n  else:\nreturn 'neg'\n     end\nend\ny = [f(1), f(-1)]"
    )
    assert run(source)["y"] == ["pos", "neg"]


def test_loaded_names_and_private_names_of_others_are_not_exported_again() -> None:
    found = run('load("a.star", "x")\ny = x + 1', {"a.star": "x = 1"})
    assert list(found) == ["y"]


def test_a_name_may_hide_a_builtin_below_its_assignment_only() -> None:
    found = run("before = len([1, 2])\nlen = 5\nafter = len")
    assert (found["before"], found["after"]) == (2, 5)
