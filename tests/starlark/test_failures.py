"""The messages and places of errors."""

from __future__ import annotations

import pytest

from tests.starlark.running import failure


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param("'n' + 1", "unknown binary op: string + int", id="operator"),
        pytest.param("True + 1", "unknown binary op: bool + int", id="bool and number"),
        pytest.param("[1][True]", "list index: got bool, want int", id="bool as index"),
        pytest.param("1 < '2'", "int < string not implemented", id="order"),
        pytest.param("sorted([1, 'a'])", "string < int not implemented", id="sorting"),
        pytest.param("{'x': 1}['y']", 'key "y" not in dict', id="key"),
        pytest.param("[1, 2, 3][3]", "list index 3 out of range [-3:2]", id="index"),
        pytest.param("{[1]: 2}", "unhashable type: list", id="unhashable"),
        pytest.param("{'x': 1, 'x': 2}", 'duplicate key: "x"', id="duplicate key"),
        pytest.param("[c for c in 'abc']", "string value is not iterable", id="string is not iterable"),
        pytest.param(
            "{'a': 1}.itms()", "dict has no .itms field or method (did you mean .items?)", id="method"
        ),
        pytest.param("'s'()", "invalid call of non-function (string)", id="call"),
        pytest.param("len(1, 2)", "len: got 2 arguments, want 1", id="arguments"),
        pytest.param("sorted([1], rev=True)", 'sorted: unexpected keyword argument "rev"', id="keyword"),
        pytest.param("'{} {}'.format(1)", "format: tuple index out of range", id="format"),
        pytest.param("'%05d' % 3", "unknown conversion %0", id="width"),
        pytest.param("int('12x')", "int: invalid literal with base 10: 12x", id="int"),
        pytest.param("1 // 0", "floored division by zero", id="division"),
        pytest.param("fail('a', 1)", "fail: a 1", id="fail"),
    ],
)
def test_message(expression: str, message: str) -> None:
    assert failure(f"x = {expression}") == f"{message}\n<toplevel> main.star:1"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param("f(1)", "function f missing 1 argument (b)", id="missing"),
        pytest.param(
            "f(1, 2, 3, 4)", "function f accepts at most 3 positional arguments (4 given)", id="too many"
        ),
        pytest.param("f(1, 2, a=3)", 'function f got multiple values for parameter "a"', id="twice"),
        pytest.param("f(1, 2, z=3)", 'function f got an unexpected keyword argument "z"', id="unknown"),
    ],
)
def test_refused_arguments_show_the_function(call: str, message: str) -> None:
    source = f"def f(a, b, c=1):\n\n  return a\nend\n{call}"
    assert failure(source) == f"{message}\nf main.star:3\n<toplevel> main.star:5"


def test_frames_lead_from_the_innermost_call_outwards() -> None:
    source = "f = lambda x: x['k']\ndef run(xs):\n  return [f(x) for x in xs]\nend\nrun([{'k': 1}, {}])"
    assert failure(source).split("\n")[1:] == [
        "lambda main.star:1",
        "run main.star:3",
        "<toplevel> main.star:5",
    ]


def test_undefined_names_are_reported_together_with_functions_last() -> None:
    source = "def f():\n  return inner\nend\nx = outer"
    assert failure(source) == "undefined: outer [main.star:4]\nundefined: inner [main.star:2]"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            "x = 1 < 2 < 3", "< does not associate with < (use parens) [main.star:1]", id="chained comparison"
        ),
        pytest.param("x = y = 1", "got '=', want newline [main.star:1]", id="chained assignment"),
        pytest.param("if True\nx = 1\nend", "got newline, want ':' [main.star:2]", id="missing colon"),
        pytest.param(
            "class = 1", "got illegal token, want primary expression [main.star:1]", id="reserved word"
        ),
        pytest.param("x = 0755", "obsolete form of octal literal; use 0o755 [main.star:1]", id="octal"),
        pytest.param("break", "break not in a loop [main.star:1]", id="break"),
        pytest.param("return 1", "return statement not within a function [main.star:1]", id="return"),
        pytest.param("[1][0:1] = [2]", "can't assign to sliceexpr [main.star:1]", id="slice"),
        pytest.param("def f(a, a):\nreturn a\nend", "duplicate parameter: a [main.star:1]", id="parameters"),
        pytest.param(
            "load('a.star')", "load statement must import at least 1 symbol [main.star:1]", id="load"
        ),
        pytest.param(
            "def f():\n  pass\nend", "use of reserved keyword 'pass' is not allowed [main.star:2]", id="pass"
        ),
        pytest.param("x = $", "unexpected input character '$' [main.star:1]", id="character"),
    ],
)
def test_static_fault(source: str, message: str) -> None:
    assert failure(source) == message


def test_a_block_without_end_is_blamed_on_its_beginning() -> None:
    message = "mismatched set of block openings (if/else/elif/for/def) and closing (end)"
    assert failure("x = 1\nif x:\n  y = 2\n") == f"{message} [main.star:2]"


def test_a_local_used_before_its_assignment() -> None:
    source = "g = 1\ndef f():\n  h = g\n  g = 2\n  return h\nend\nf()"
    assert failure(source).startswith("local variable g referenced before assignment\nf main.star:3")


def test_a_keyword_that_is_repeated_by_a_dict() -> None:
    source = "def f(**k): return k\nf(a=1, **{'a': 2})"
    assert failure(source) == 'got multiple values for keyword argument "a"\n<toplevel> main.star:2'
