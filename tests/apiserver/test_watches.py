"""Watches over HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

import pytest

from tests.apiserver.api_client import CONFIG_MAPS, Client

MERGE = {"Content-Type": "application/merge-patch+json"}


def event(stream: http.client.HTTPResponse) -> tuple[str, Any]:
    found = json.loads(stream.readline())
    return found["type"], found["object"]


def test_watch_begins_with_what_exists_and_goes_on(api: Client) -> None:
    api.create(CONFIG_MAPS, "one", metadata={"labels": {"w": "1"}})
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&labelSelector=w")
    assert event(stream)[0] == "ADDED"
    api("PATCH", f"{CONFIG_MAPS}/one", {"data": {"k": "1"}}, MERGE)
    kind, obj = event(stream)
    assert (kind, obj["data"], obj["kind"]) == ("MODIFIED", {"k": "1"}, "ConfigMap")
    api("DELETE", f"{CONFIG_MAPS}/one")
    kind, gone = event(stream)
    assert kind == "DELETED"
    assert int(gone["metadata"]["resourceVersion"]) > int(obj["metadata"]["resourceVersion"])


def test_watch_from_a_version(api: Client) -> None:
    version = api("GET", CONFIG_MAPS).json["metadata"]["resourceVersion"]
    api.create(CONFIG_MAPS, "one")
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}&fieldSelector=metadata.name=one")
    assert event(stream)[1]["metadata"]["name"] == "one"


def test_selector_turns_changes_into_coming_and_going(api: Client) -> None:
    api.create(CONFIG_MAPS, "one")
    version = api("GET", CONFIG_MAPS).json["metadata"]["resourceVersion"]
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion={version}&labelSelector=w=1")
    api("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"w": "1"}}}, MERGE)
    api("PATCH", f"{CONFIG_MAPS}/one", {"metadata": {"labels": {"w": None}}}, MERGE)
    assert event(stream)[0] == "ADDED"
    kind, obj = event(stream)
    assert kind == "DELETED"
    assert obj["metadata"]["labels"] == {"w": "1"}


def test_too_old_version_is_an_error_event(api: Client) -> None:
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&resourceVersion=1")
    kind, refusal = event(stream)
    assert kind == "ERROR"
    assert refusal["code"] == 410
    assert refusal["message"].startswith("too old resource version: 1 (")
    assert stream.readline() == b""


def test_watch_ends_when_its_seconds_are_over(api: Client) -> None:
    started = time.monotonic()
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&timeoutSeconds=1&labelSelector=none")
    assert stream.readline() == b""
    assert 0.9 < time.monotonic() - started < 5


def test_initial_events_end_with_a_bookmark(api: Client) -> None:
    api.create(CONFIG_MAPS, "one", metadata={"labels": {"w": "1"}})
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    stream = api.watch(f"{CONFIG_MAPS}?{query}&labelSelector=w")
    assert event(stream)[0] == "ADDED"
    kind, mark = event(stream)
    assert kind == "BOOKMARK"
    assert mark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("sendInitialEvents=true", 422, id="no-match"),
        pytest.param("resourceVersion=abc", 500, id="no-number"),
        pytest.param("timeoutSeconds=x", 400, id="no-seconds"),
    ],
)
def test_refused_watches(api: Client, query: str, status: int) -> None:
    assert api("GET", f"{CONFIG_MAPS}?watch=true&{query}").status == status


def test_stop_ends_open_watches(api: Client) -> None:
    stream = api.watch(f"{CONFIG_MAPS}?watch=true&labelSelector=none")
    before = threading.active_count()
    started = time.monotonic()
    api.server.stop()
    assert time.monotonic() - started < 3
    assert stream.readline() == b""
    assert threading.active_count() < before
