from __future__ import annotations

import time
from random import Random

from lapstrake.controller.periodic import Periodic, PeriodicKind
from lapstrake.errors import NotFoundError
from lapstrake.operations.cluster_access import APPS
from lapstrake.packaging import app_status
from lapstrake.packaging.app_status import StepResult
from lapstrake.packaging.awaited import Awaited

NOW = 1_700_000_000.0
KEY = ("n", "a")
MISSING = "kapp: Error: Expected to find kind 'g.example/v1/Late', but did not:\n- x"


class Cluster:
    def __init__(self, obj):
        self.obj = obj

    def get(self, rt, namespace, name):
        if self.obj is None:
            raise NotFoundError("gone")
        return self.obj


class Clock:
    def now(self):
        return NOW

    def sleep(self, seconds):
        raise AssertionError("nothing sleeps here")


def app(status=None, **spec):
    metadata = {"name": "a", "namespace": "n", "generation": 1, "uid": "u"}
    return {"metadata": metadata, "spec": spec, "status": status or {}}


def finished(obj, result=None):
    """``obj`` after a run that ended now."""
    status = app_status.fetched(obj["status"], StepResult(), started=NOW, ended=NOW)
    status = app_status.failed(status, result) if result else app_status.succeeded(status)
    return {**obj, "status": {**status, "observedGeneration": 1}}


class Scene:
    def __init__(self, obj, result=None):
        self.cluster = Cluster(obj)
        self.runs = 0
        self.result = result
        self.during = lambda: None
        kind = PeriodicKind("app", APPS, 30.0, self.run)
        self.periodic = Periodic(kind, self.cluster, Clock(), Random(1), workers=1)

    def run(self, obj, cancelled, clock):
        self.runs += 1
        self.during()
        self.cluster.obj = finished(obj, self.result)
        return self.cluster.obj


def test_new_object_runs_and_comes_back_after_the_period():
    scene = Scene(app())
    wait = scene.periodic.reconcile(KEY)
    assert scene.runs == 1
    assert 30 <= wait <= 35


def test_object_that_is_not_due_waits():
    scene = Scene(finished(app()))
    assert 30 <= scene.periodic.reconcile(KEY) <= 35
    assert scene.runs == 0


def test_forced_object_runs_before_its_time():
    scene = Scene(finished(app()))
    scene.periodic.force(KEY)
    scene.periodic.reconcile(KEY)
    assert scene.runs == 1


def test_paused_object_is_acknowledged_once():
    scene = Scene(app(paused=True))
    assert scene.periodic.reconcile(KEY) is None
    assert scene.runs == 1
    shown = {"friendlyDescription": "Canceled/paused", "observedGeneration": 1}
    scene.cluster.obj = app(shown, paused=True)
    assert scene.periodic.reconcile(KEY) is None
    assert scene.runs == 1


def test_object_that_is_gone_is_forgotten():
    assert Scene(None).periodic.reconcile(KEY) is None


def test_failure_backs_off_until_what_it_misses_arrives():
    scene = Scene(app(), StepResult.tool_failed("deploy", MISSING))
    assert scene.periodic.reconcile(KEY) == 2.0
    scene.periodic.arrived(Awaited("kind", "Other", "g.example"))
    scene.periodic.reconcile(KEY)
    assert scene.runs == 1
    scene.periodic.arrived(Awaited("kind", "Late", "g.example"))
    scene.periodic.reconcile(KEY)
    assert scene.runs == 2


def test_what_arrives_during_the_failing_run_counts():
    scene = Scene(app(), StepResult.tool_failed("deploy", MISSING))
    scene.during = lambda: scene.periodic.arrived(Awaited("kind", "Late", "g.example"))
    assert scene.periodic.reconcile(KEY) == 0.0
    scene.during = lambda: None
    scene.periodic.reconcile(KEY)
    assert scene.runs == 2, "it is run again, not only looked at"


def test_cancellation_reaches_the_running_deployment():
    seen = []

    def run(obj, cancelled, clock):
        periodic.changed(
            obj, {**obj, "metadata": {**obj["metadata"], "generation": 2}, "spec": {"canceled": True}}
        )
        seen.append(cancelled())
        return finished(obj)

    periodic = Periodic(PeriodicKind("app", APPS, 30.0, run), Cluster(app()), Clock(), Random(1), workers=1)
    periodic.reconcile(KEY)
    assert seen == [True]


def test_wait_of_a_run_ends_when_the_object_changes():
    slept = []

    def run(obj, cancelled, clock):
        periodic.changed(obj, {**obj, "metadata": {**obj["metadata"], "generation": 2}})
        began = time.monotonic()
        clock.sleep(60)
        slept.append(time.monotonic() - began)
        assert not cancelled()
        return finished(obj)

    periodic = Periodic(PeriodicKind("app", APPS, 30.0, run), Cluster(app()), Clock(), Random(1), workers=1)
    periodic.reconcile(KEY)
    assert slept[0] < 5


def test_deletion_is_not_cut_off_by_a_further_change():
    seen = []

    def run(obj, cancelled, clock):
        periodic.changed(obj, {**obj, "metadata": {**obj["metadata"], "generation": 3}})
        seen.append(cancelled())
        return obj

    leaving = app({"observedGeneration": 1})
    leaving["metadata"].update(deletionTimestamp="2026-11-23T07:00:00Z", generation=2)
    periodic = Periodic(PeriodicKind("app", APPS, 30.0, run), Cluster(leaving), Clock(), Random(1), workers=1)
    periodic.reconcile(KEY)
    assert seen == [False]
