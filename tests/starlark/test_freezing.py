"""What other programs loaded cannot be changed, nor what is being iterated."""

from __future__ import annotations

import pytest

from tests.starlark.running import failure, run

FILES = {
    "h.star": "xs = [1]\nd = {'k': [2]}\ndef f(x, acc=[]):\n  acc.append(x)\n  return acc\nend\ndef g():\n  xs.append(1)\nend"
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param("xs.append(3)", "append: cannot append to frozen list", id="list"),
        pytest.param("xs += [3]", "cannot apply += to frozen list", id="augmented"),
        pytest.param("d['n'] = 1", "cannot insert into frozen hash table", id="dict"),
        pytest.param("d['k'][0] = 1", "cannot assign to element of frozen list", id="inside a dict"),
        pytest.param("f(1)", "append: cannot append to frozen list", id="default"),
        pytest.param("d.update(a=1)", "update: cannot insert into frozen hash table", id="update"),
    ],
)
def test_loaded_values_are_frozen(change: str, message: str) -> None:
    assert failure(f'load("h.star", "xs", "d", "f")\n{change}', FILES).split("\n")[0] == message


def test_copies_of_frozen_values_can_be_changed() -> None:
    found = run('load("h.star", "xs")\nys = list(xs)\nys.append(2)\nzs = xs + [3]\nzs.append(4)', FILES)
    assert (found["ys"], found["zs"]) == ([1, 2], [1, 3, 4])


def test_values_in_closures_freeze_too() -> None:
    files = {
        "c.star": "def make():\n  state = []\n  def add(x):\n    state.append(x)\n    return state\n  end\n  return add\nend\nadd = make()"
    }
    assert failure('load("c.star", "add")\nadd(1)', files).startswith("append: cannot append to frozen list")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(
            "a = [1]\nfor x in a:\n a.append(x)\nend",
            "append: cannot append to list during iteration",
            id="list",
        ),
        pytest.param(
            "d = {1: 2}\nfor k in d:\n d[5] = k\nend",
            "cannot insert into hash table during iteration",
            id="dict",
        ),
        pytest.param(
            "a = [1]\nx = [a.append(y) for y in a]",
            "append: cannot append to list during iteration",
            id="comprehension",
        ),
    ],
)
def test_changing_what_is_iterated_fails(source: str, message: str) -> None:
    assert failure(source).split("\n")[0] == message


def test_after_a_loop_that_was_left_early_changes_are_possible_again() -> None:
    found = run(
        "a = [1, 2]\nfor x in a:\n  break\nend\na.append(3)\ndef f():\n  for x in a:\n    return x\n  end\nend\nf()\na.append(4)"
    )
    assert found["a"] == [1, 2, 3, 4]
