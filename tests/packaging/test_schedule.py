from __future__ import annotations

import pytest

from lapstrake.packaging import app_status, schedule
from lapstrake.packaging.app_status import StepResult

NOW = 1_700_000_000.0


def app(status, *, generation=1, deleting=False, **spec):
    metadata = {"generation": generation}
    if deleting:
        metadata["deletionTimestamp"] = "2026-11-23T07:04:37Z"
    return {"metadata": metadata, "spec": spec, "status": {"observedGeneration": 1, **status}}


def failed(times):
    status = app_status.fetched({}, StepResult(), started=NOW, ended=NOW)
    for _ in range(times):
        status = app_status.failed(status, StepResult.refused("x"))
    return status


def wait(obj, random=0.0):
    return schedule.seconds_until_due(obj, NOW, default_period=30.0, random=random)


@pytest.mark.parametrize(
    ("times", "spec", "seconds"),
    [
        pytest.param(1, {}, 2, id="first"),
        pytest.param(3, {}, 8, id="third"),
        pytest.param(5, {}, 30, id="capped-by-the-period"),
        pytest.param(5, {"syncPeriod": "10m"}, 32, id="long-period"),
        pytest.param(31, {"syncPeriod": "10m"}, 600, id="many"),
    ],
)
def test_failures_back_off(times, spec, seconds):
    assert wait(app(failed(times), **spec)) == seconds


def test_success_waits_for_the_period_and_jitter():
    status = app_status.succeeded(failed(0))
    assert wait(app(status)) == 30
    assert wait(app(status, syncPeriod="5s")) == 30
    assert wait(app(status, syncPeriod="1m0s"), random=0.5) == 62.5


def test_new_generation_is_due():
    assert wait(app(app_status.succeeded(failed(0)), generation=2)) == 0


def test_pause_is_for_ever_but_deletion_goes_on():
    status = app_status.succeeded(failed(0))
    assert wait(app(status, paused=True)) is None
    assert wait(app(status, canceled=True)) is None
    assert wait(app(status, paused=True, deleting=True)) == 0


def test_interrupted_run_is_due():
    assert wait(app(app_status.reconciling(failed(0), 1))) == 0
