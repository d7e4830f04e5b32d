"""The store: transactions, history, restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lapstrake.apiserver import store as store_module
from lapstrake.apiserver.store import (
    ADDED,
    DELETED,
    MODIFIED,
    Changed,
    Collection,
    Event,
    Expired,
    Key,
    Store,
)

MAPS = Collection("", "configmaps")


def key(name: str, namespace: str = "ns") -> Key:
    return Key(MAPS, namespace, name)


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "ns"},
        "data": data,
    }


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    yield store
    store.close()


def test_put_numbers_the_object(store: Store) -> None:
    first = store.put(key("a"), config_map("a"), expected=0)
    second = store.put(key("b"), config_map("b"), expected=0)
    assert second.version == first.version + 1 == store.version
    assert second.object["metadata"]["resourceVersion"] == str(second.version)


@pytest.mark.parametrize("expected", [0, 1])
def test_put_refuses_another_version(expected: int, store: Store) -> None:
    store.put(key("a"), config_map("a"), expected=None)
    with pytest.raises(Changed):
        store.put(key("a"), config_map("a"), expected=expected)


def test_list_is_in_order_of_names(store: Store) -> None:
    for name in ("b", "a", "c"):
        store.put(key(name), config_map(name), expected=0)
    store.put(key("z", "other"), config_map("z"), expected=0)
    names = [item.object["metadata"]["name"] for _, item in store.list(MAPS, "ns")[0]]
    assert names == ["a", "b", "c"]
    assert len(store.list(MAPS)[0]) == 4


def test_copy_is_for_changing(store: Store) -> None:
    stored = store.put(key("a"), config_map("a", k="1"), expected=0)
    stored.copy()["data"]["k"] = "2"
    assert stored.object["data"]["k"] == "1"


def test_events_since_a_version(store: Store) -> None:
    begin = store.put(key("a"), config_map("a"), expected=0).version
    store.put(key("a"), config_map("a", k="1"), expected=None)
    store.put(key("b"), config_map("b"), expected=0)
    store.delete(key("a"))
    assert [event.type for event in store.since(MAPS, begin)] == [MODIFIED, ADDED, DELETED]


def write_two_and_fail(store: Store) -> None:
    with store.transaction():
        store.put(key("a"), config_map("a", k="2"), expected=None)
        store.put(key("b"), config_map("b"), expected=0)
        raise RuntimeError


def test_failed_transaction_leaves_nothing(store: Store) -> None:
    store.put(key("a"), config_map("a", k="1"), expected=0)
    seen: list[Event] = []
    store.subscribe(seen.append)
    with pytest.raises(RuntimeError):
        write_two_and_fail(store)
    found = store.get(key("a"))
    assert found is not None
    assert found.object["data"] == {"k": "1"}
    assert store.get(key("b")) is None
    assert seen == []


def test_listener_hears_after_the_outermost_commit(store: Store) -> None:
    seen: list[Event] = []
    unsubscribe = store.subscribe(seen.append)
    with store.transaction():
        store.put(key("a"), config_map("a"), expected=0)
        assert seen == []
    unsubscribe()
    store.put(key("b"), config_map("b"), expected=0)
    assert [event.key.name for event in seen] == ["a"]


def test_restart_keeps_objects_and_counter(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    store = Store(path)
    store.put(key("a"), config_map("a", k="1"), expected=0)
    store.put(key("gone"), config_map("gone"), expected=0)
    store.delete(key("gone"))
    version = store.version
    # No close(): the process may have been killed.
    again = Store(path)
    found = again.get(key("a"))
    assert found is not None
    assert found.object["data"] == {"k": "1"}
    assert again.version == version
    assert again.put(key("b"), config_map("b"), expected=0).version > version
    again.close()
    store.close()


def test_restart_begins_the_history_anew(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    store = Store(path)
    old = store.put(key("a"), config_map("a"), expected=0).version
    store.put(key("a"), config_map("a", k="1"), expected=None)
    store.close()
    again = Store(path)
    with pytest.raises(Expired):
        again.since(MAPS, old)
    assert again.since(MAPS, again.version) == []
    again.close()


def test_history_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "HISTORY", 3)
    store = Store()
    begin = store.version
    for number in range(6):
        store.put(key("a"), config_map("a", k=str(number)), expected=None)
    with pytest.raises(Expired):
        store.since(MAPS, begin)
    assert len(store.since(MAPS, begin + 3)) == 3
    store.close()
