from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lapstrake.kapp.compare import lines, operations, original_md5, rendered

OLD = "apiVersion: v1\ndata:\n  color: blue\n  mode: plain\nkind: ConfigMap\nmetadata:\n  name: a\n"
NEW = "apiVersion: v1\ndata:\n  mode: fancy\n  size: big\nkind: ConfigMap\nmetadata:\n  name: a\n"


def test_rendered_as_recorded() -> None:
    assert rendered(lines(OLD, NEW)) == (
        "  ...\n"
        "  1,  1   data:\n"
        "  2     -   color: blue\n"
        "  3     -   mode: plain\n"
        "      2 +   mode: fancy\n"
        "      3 +   size: big\n"
        "  4,  4   kind: ConfigMap\n"
        "  5,  5   metadata:\n"
    )


def test_rendered_with_one_line_of_context() -> None:
    assert rendered(lines("a\nb\nc\nd\n", "a\nb\nx\nd\n"), context=1) == (
        "  2     - c\n      2 + x\n  ...\n  3,  3   d\n"
    )


def test_rendered_without_numbers() -> None:
    assert rendered(lines("a\n", "b\n"), context=-1, numbers=False) == "- a\n+ b\n  \n"


_TEXTS = st.lists(st.sampled_from("abcd"), max_size=12).map("\n".join)


@given(_TEXTS, _TEXTS)
def test_difference_leads_from_old_to_new(old: str, new: str) -> None:
    found = lines(old, new)
    assert "\n".join(line.text for line in found if line.left is not None) == old
    assert "\n".join(line.text for line in found if line.right is not None) == new


def test_operations_tell_true_from_one() -> None:
    assert operations({"a": True, "b": [1]}, {"a": 1, "b": [1], "c/d": 2}) == [
        {"type": "test", "path": "/a", "value": True},
        {"type": "replace", "path": "/a", "value": 1},
        {"type": "test", "path": "/c~1d", "absent": True},
        {"type": "replace", "path": "/c~1d?", "value": 2},
    ]


def test_md5_ignores_what_only_the_server_writes() -> None:
    given_ = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1"}}
    applied = {**given_, "metadata": {"name": "a", "uid": "u", "resourceVersion": "5"}}
    later = {**applied, "metadata": {"name": "a", "uid": "u", "resourceVersion": "9"}, "status": {}}
    assert original_md5(given_, applied) == original_md5(given_, later)
    assert original_md5(given_, {**applied, "data": {"a": "2"}}) != original_md5(given_, applied)
