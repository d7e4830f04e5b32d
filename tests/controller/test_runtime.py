from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field

import pytest

from lapstrake.controller.runtime import Informer, Workers, WorkQueue
from lapstrake.errors import ClusterError
from lapstrake.kube.types import ResourceType

RT = ResourceType("", "v1", "ConfigMap", "configmaps", True)
A, B = ("ns", "a"), ("ns", "b")


def test_queue_holds_each_key_once():
    work = WorkQueue()
    work.add(A)
    work.add(A)
    work.add(B)
    assert [work.take(), work.take()] == [A, B]
    assert work.ready() == 0


def test_queue_gives_the_earliest_first_and_keeps_the_earlier_time():
    now = [0.0]
    work = WorkQueue(lambda: now[0])
    work.add(A, 5)
    work.add(A, 9)
    work.add(B, 1)
    now[0] = 6.0
    assert [work.take(), work.take()] == [B, A]


def test_key_at_work_is_given_again_only_after_it():
    work = WorkQueue()
    work.add(A)
    assert work.take() == A
    work.add(A)
    assert work.ready() == 0
    work.done(A)
    assert work.take() == A


def test_stopped_queue_gives_nothing():
    work = WorkQueue()
    threading.Timer(0.01, work.stop).start()
    assert work.take() is None


def test_slow_key_does_not_hold_up_others():
    release, seen = threading.Event(), queue.Queue()

    def reconcile(key):
        if key == A:
            release.wait(5)
        seen.put(key)

    workers = Workers("test", reconcile, limit=4)
    workers.start()
    workers.add(A)
    workers.add(B)
    assert seen.get(timeout=5) == B
    release.set()
    assert seen.get(timeout=5) == A
    workers.stop()
    workers.join(time.monotonic() + 1)


def test_failed_key_is_tried_again():
    attempts, errors = queue.Queue(), [ClusterError("refused")]

    def reconcile(key):
        attempts.put(key)
        if errors:
            raise errors.pop()

    workers = Workers("test", reconcile, limit=1)
    workers.start()
    workers.add(A)
    assert [attempts.get(timeout=5), attempts.get(timeout=5)] == [A, A]
    workers.stop()


@dataclass
class Listing:
    items: list
    resource_version: str


@dataclass
class Event:
    type: str
    object: dict


@dataclass
class Source:
    """Lists and events as scripted; a watch without a script stays open until it is closed."""

    lists: list
    scripts: list = field(default_factory=list)
    asked: list = field(default_factory=list)

    def resource_type(self, api_version, kind):
        return RT

    def list(self, rt):
        return self.lists.pop(0)

    def watch(self, rt, *, resource_version=""):
        self.asked.append(resource_version)
        return Stream(self.scripts.pop(0)) if self.scripts else Stream(None)


class Stream:
    def __init__(self, script):
        self.script = script
        self.closed = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        if self.script is None:
            self.closed.wait(10)
            raise StopIteration
        if not self.script:
            raise StopIteration
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        self.closed.set()


def config_map(name, version):
    return {"metadata": {"namespace": "ns", "name": name, "resourceVersion": version}}


@pytest.fixture
def changes():
    return queue.Queue()


def follow(source, changes):
    def name(obj):
        return obj and f"{obj['metadata']['name']}@{obj['metadata']['resourceVersion']}"

    informer = Informer(source, "v1", "ConfigMap", lambda old, new: changes.put((name(old), name(new))))
    informer.start()
    return informer


def test_informer_lists_then_follows(changes):
    source = Source(
        [Listing([config_map("a", "1")], "5")],
        [[Event("MODIFIED", config_map("a", "6")), Event("DELETED", config_map("a", "7"))]],
    )
    informer = follow(source, changes)
    assert [changes.get(timeout=5) for _ in range(3)] == [(None, "a@1"), ("a@1", "a@6"), ("a@6", None)]
    informer.stop()
    assert source.asked[0] == "5"


def test_informer_relists_when_its_version_is_gone(changes):
    source = Source(
        [Listing([config_map("a", "1"), config_map("b", "2")], "5"), Listing([config_map("a", "8")], "9")],
        [[ClusterError("too old resource version", status=410)]],
    )
    informer = follow(source, changes)
    seen = [changes.get(timeout=5) for _ in range(4)]
    informer.stop()
    assert seen[2:] == [("b@2", None), ("a@1", "a@8")]


def test_informer_resumes_a_stream_that_ended(changes):
    source = Source([Listing([], "5")], [[Event("ADDED", config_map("a", "6"))]])
    informer = follow(source, changes)
    changes.get(timeout=5)
    deadline = time.monotonic() + 5
    while len(source.asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    informer.stop()
    assert source.asked == ["5", "6"]


def test_informer_stops_at_once(changes):
    informer = follow(Source([Listing([], "5")]), changes)
    assert informer.wait_for_list(5)
    began = time.monotonic()
    informer.stop()
    informer.join(began + 5)
    assert time.monotonic() - began < 1
