"""Ways out of the language into Python: all closed."""

from __future__ import annotations

import pytest

from lapstrake.errors import LapstrakeError
from tests.starlark.running import evaluated, failure, run


@pytest.mark.parametrize(
    "name", ["__builtins__", "__name__", "__import__", "__debug__", "exec", "eval", "open", "object"]
)
def test_names_of_python_are_undefined(name: str) -> None:
    assert failure(f"x = {name}") == f"undefined: {name} [main.star:1]"


@pytest.mark.parametrize(
    "source", ["__builtins__ = 1", "def f(__x):\n return 1\nend", "x = [__y for __y in [1]]"]
)
def test_reserved_names_cannot_be_bound(source: str) -> None:
    assert "names that begin with '__' are reserved" in failure(source)


@pytest.mark.parametrize(
    "value", ["''", "[]", "{}", "()", "1", "1.5", "None", "True", "len", "(lambda: 1)", "set()"]
)
@pytest.mark.parametrize(
    "name", ["__class__", "__dict__", "__globals__", "__code__", "mro", "real", "gi_frame"]
)
def test_no_value_has_attributes_of_python(value: str, name: str) -> None:
    assert f"has no .{name} field or method" in failure(f"v = {value}\nx = v.{name}")
    assert f"has no .{name} field or method" in failure(f"v = {value}\nx = getattr(v, '{name}')")
    assert evaluated(f"hasattr({value}, '{name}')") == "False"


@pytest.mark.parametrize(
    "expression",
    [
        "'{0.__class__}'.format(1)",
        "'{0[0]}'.format([1])",
        "'{a.b}'.format(a=1)",
        "'{:>1000000000}'.format(1)",
        "'{0!a}'.format(1)",
        "'{:{}}'.format(1, 2)",
        "'%(a)1000000000s' % {'a': 1}",
        "'%*d' % (1000000000, 1)",
    ],
)
def test_formatting_reaches_no_attributes_and_no_widths(expression: str) -> None:
    assert failure(f"x = {expression}").startswith(("format:", "unknown conversion"))


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import path",
        "class A: x = 1",
        "try:\n x = 1\nend",
        "with open('x'): y = 1",
        "del x",
        "x = (y for y in [1])",
        "x = [*[1]]",
        "x = {1, 2}",
        "x = b'a'",
        "x = f'{1}'",
        "(x := 1)",
        "x = 1j",
        "x = ...",
        "@f\ndef g(): return 1",
        "def f(a: 1): return a",
        "global x",
        "x = 2 ** 3",
        "x is None",
        "a, *b = [1, 2]",
        "assert.x",
        "x = 1_000",
        "'a' 'b'",
    ],
)
def test_other_syntax_of_python_is_refused(source: str) -> None:
    with pytest.raises(LapstrakeError):
        run(source)


def test_attributes_cannot_be_set() -> None:
    assert failure("def f(): return 1\nf.x = 1").startswith("can't assign to .x field of function")


def test_types_are_functions_and_not_classes() -> None:
    assert evaluated("str(str) + str(type(1))") == '"<built-in function str>int"'
    assert failure("x = type(1)('2')").startswith("invalid call of non-function (string)")


def test_code_of_one_program_cannot_reach_the_hidden_names_of_another() -> None:
    assert run("x = dir(1)")["x"] == []
    assert failure("x = [].append.run").startswith("builtin_function_or_method has no .run field or method")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("x = 'a' * 1000000000", "excessive repeat", id="repeat"),
        pytest.param("x = [0] * 1000000000", "excessive repeat", id="list repeat"),
        pytest.param("x = 1 << 100000", "shift count too large", id="shift"),
        pytest.param("x = list(range(1000000000))", "list: result is too large", id="range"),
        pytest.param(
            "x = ('a' * 100000).replace('a', 'b' * 100000)", "replace: result is too large", id="replace"
        ),
        pytest.param(
            "x = " + "(" * 200 + "1" + ")" * 200, "expressions are nested too deeply", id="parentheses"
        ),
        pytest.param("x = " + "-" * 200 + "1", "expressions are nested too deeply", id="signs"),
        pytest.param(
            "def f(n): return f(n + 1)\nf(0)", "function calls are nested too deeply", id="recursion"
        ),
        pytest.param(
            "def f(a): return f(*[a])\nf(0)", "function calls are nested too deeply", id="spread recursion"
        ),
        pytest.param("x = []\nx.append(x)\ny = []\ny.append(y)\nz = x == y", "too deeply", id="cycle"),
    ],
)
def test_resources_are_bounded(source: str, message: str) -> None:
    assert message in failure(source)


def test_steps_can_be_bounded() -> None:
    assert failure("while True:\n x = 1\nend", max_steps=1000).startswith("too many steps (more than 1000)")
    assert failure("x = [i for i in range(2000)]", max_steps=1000).startswith("too many steps")


def test_a_cycle_can_be_shown() -> None:
    assert run("x = [1]\nx.append(x)\ny = str(x)")["y"] == "[1, [...]]"


def test_an_error_shows_no_path_of_the_host() -> None:
    assert "/" not in failure("x = 1 // 0")
