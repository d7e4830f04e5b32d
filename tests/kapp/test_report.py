from __future__ import annotations

import pytest

from lapstrake.kapp.changes import Change, DiffRules, Strategies, creation, deletion
from lapstrake.kapp.config import DEFAULT_MASKS
from lapstrake.kapp.report import Masks, age, changes_table, clock_text, difference, duration, target, wrapped
from lapstrake.yamldoc.plain import dump


def config_map(name: str, namespace: str = "n", **metadata: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, **metadata},
    }


def test_table_as_recorded() -> None:
    existing = config_map("second", creationTimestamp="2026-11-23T06:53:40Z")
    changes: list[Change] = [
        creation(config_map("third"), Strategies()),
        deletion(existing, DiffRules(), Strategies()),
    ]
    assert str(changes_table(changes, 1795416823.0)) == (
        "Changes\n\n"
        "Namespace  Name    Kind       Age  Op      Op st.  Wait to    Rs  Ri  \n"
        "n          second  ConfigMap  3s   delete  -       delete     ok  -  \n"
        "^          third   ConfigMap  -    create  -       reconcile  -   -  \n"
        "\n"
        "Op:      1 create, 1 delete, 0 update, 0 noop, 0 exists\n"
        "Wait to: 1 reconcile, 1 delete, 0 noop\n"
    )


def test_secrets_are_numbered_by_value() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "eA==", "b": "eQ==", "c": "eA=="},
    }
    text = difference(creation(secret, Strategies()), Masks(DEFAULT_MASKS), dump)
    assert "  a: <-- value not shown (#1)\n" in text
    assert "  b: <-- value not shown (#2)\n" in text
    assert "  c: <-- value not shown (#1)\n" in text
    assert "eA==" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Condition Ready is not True (False)", "Condition Ready is not True (False)", id="fits"),
        pytest.param(
            "Waiting on finalizers: a.test/hold-it", "Waiting on finalizers:\na.test/hold-it", id="broken"
        ),
    ],
)
def test_information_is_wrapped(text: str, expected: str) -> None:
    assert wrapped(text) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(5, "5s"), (75, "1m"), (7200, "2h"), (200000, "2d")])
def test_age(seconds: int, expected: str) -> None:
    assert age("2026-11-23T06:53:40Z", 1795416820.0 + seconds) == expected


def test_clock_and_durations() -> None:
    assert [clock_text(0, 5, 9), clock_text(13, 0, 0)] == ["12:05:09AM", "1:00:00PM"]
    assert [duration(8), duration(900), duration(3600)] == ["8s", "15m0s", "1h0m0s"]


def test_target_with_nodes() -> None:
    assert target("https://x.test", None) == "Target cluster 'https://x.test'\n"
    assert target("https://x.test", ["a", "b", "c"]) == "Target cluster 'https://x.test' (nodes: a, 2+)\n"
