from __future__ import annotations

from lapstrake.packaging import app_status
from lapstrake.packaging.app_status import StepResult

START = 1795417660.0  # 2026-11-23T07:07:40Z


def test_time_is_whole_seconds():
    assert app_status.written_time(START + 0.9) == "2026-11-23T07:07:40Z"
    assert app_status.read_time("2026-11-23T07:07:40Z") == START


def test_run_starts_with_reconciling():
    assert app_status.reconciling({}, 1) == {
        "conditions": [{"status": "True", "type": "Reconciling"}],
        "friendlyDescription": "Reconciling",
        "observedGeneration": 1,
    }


def test_tool_failure_refers_to_the_useful_message():
    result = StepResult.tool_failed("fetch", "vendir: Error: x\n")
    status = app_status.fetched({}, result, started=START, ended=START + 6)
    assert status["fetch"] == {
        "error": "Fetching resources: Error (see .status.usefulErrorMessage for details)",
        "exitCode": 1,
        "startedAt": "2026-11-23T07:07:40Z",
        "stderr": "vendir: Error: x\n",
        "updatedAt": "2026-11-23T07:07:46Z",
    }
    after = app_status.failed(status, result)
    assert after["conditions"] == [
        {
            "message": "Fetching resources: Error (see .status.usefulErrorMessage for details)",
            "status": "True",
            "type": "ReconcileFailed",
        }
    ]
    assert after["friendlyDescription"] == (
        "Reconcile failed: Fetching resources: Error (see .status.usefulErrorMessage for details)"
    )
    assert after["usefulErrorMessage"] == "vendir: Error: x\n"


def test_own_failure_repeats_its_message():
    message = 'Preparing template values: secrets "my-opinionated-config-my-package-values" not found'
    result = StepResult.refused(message)
    after = app_status.failed(app_status.templated({}, result, ended=START), result)
    assert after["template"] == {"error": message, "exitCode": -1, "updatedAt": "2026-11-23T07:07:40Z"}
    assert after["usefulErrorMessage"] == message
    assert after["friendlyDescription"] == f"Reconcile failed: {message}"


def test_counters_exclude_each_other():
    failed = app_status.failed({"consecutiveReconcileSuccesses": 4}, StepResult.refused("x"))
    assert failed["consecutiveReconcileFailures"] == 1
    assert "consecutiveReconcileSuccesses" not in failed
    twice = app_status.failed(failed, StepResult.refused("x"))
    assert twice["consecutiveReconcileFailures"] == 2
    succeeded = app_status.succeeded(twice)
    assert succeeded["consecutiveReconcileSuccesses"] == 1
    assert "consecutiveReconcileFailures" not in succeeded
    assert "usefulErrorMessage" not in succeeded


def test_pause_keeps_the_condition():
    before = app_status.succeeded({})
    after = app_status.paused(before, 2)
    assert after["conditions"] == before["conditions"]
    assert after["friendlyDescription"] == "Canceled/paused"
    assert after["observedGeneration"] == 2


def test_running_deploy_keeps_the_record():
    record = {"label": "kapp.k14s.io/app=1", "namespaces": ["default"], "groupKinds": []}
    status = app_status.deployed(
        {}, StepResult(stdout="Succeeded"), started=START, ended=START, record=record
    )
    running = app_status.deploy_running(status, "Target  \n\nx\n", started=START, now=START + 2)
    assert running["deploy"] == {
        "exitCode": 0,
        "finished": False,
        "kapp": {"associatedResources": record},
        "startedAt": "2026-11-23T07:07:40Z",
        "stdout": "Target\nx",
        "updatedAt": "2026-11-23T07:07:42Z",
    }


def test_patch_holds_only_what_changed():
    before = {"fetch": {"exitCode": 1, "error": "x"}, "a": 1}
    after = {"fetch": {"exitCode": 0}, "a": 1, "b": {"c": 2}}
    assert app_status.status_patch(before, after) == {
        "status": {"fetch": {"error": None, "exitCode": 0}, "b": {"c": 2}}
    }
    assert app_status.status_patch(after, after) is None
