from __future__ import annotations

from lapstrake.packaging import app_status, install_status
from lapstrake.packaging.app_status import StepResult

COUNTERS = (
    "Expected to find at least one version, but did not (details: all=5 -> after-prereleases-filter=4 -> "
    "after-constraints-filter=0)"
)


def app(status, generation=1):
    return {"metadata": {"generation": generation}, "status": {"observedGeneration": 1, **status}}


def test_description_is_cut_at_80_characters():
    after = install_status.failed({}, COUNTERS)
    assert after["conditions"] == [{"message": COUNTERS, "status": "True", "type": "ReconcileFailed"}]
    assert after["friendlyDescription"] == (
        "Reconcile failed: Expected to find at least one version, but did not (details: a..."
    )
    assert "usefulErrorMessage" not in after


def test_app_failure_is_copied():
    after = install_status.following({}, app(app_status.failed({}, StepResult.refused("Preparing kapp: x"))))
    assert after == {
        "conditions": [
            {
                "message": "Error (see .status.usefulErrorMessage for details)",
                "status": "True",
                "type": "ReconcileFailed",
            }
        ],
        "friendlyDescription": "Reconcile failed: Error (see .status.usefulErrorMessage for details)",
        "usefulErrorMessage": "Preparing kapp: x",
    }


def test_unobserved_app_is_reconciling():
    after = install_status.following(
        {"usefulErrorMessage": "old"}, app(app_status.succeeded({}), generation=2)
    )
    assert app_status.condition(after)[0] == "Reconciling"
    assert "usefulErrorMessage" not in after


def test_paused_app_shows_its_last_condition():
    status = app_status.paused(app_status.succeeded({}), 1)
    assert install_status.following({}, app(status))["friendlyDescription"] == "Reconcile succeeded"
    never_ran = {"conditions": [{"status": "True", "type": "Reconciling"}]}
    assert install_status.following(never_ran, app(app_status.paused({}, 1))) == never_ran


def test_refused_downgrade_keeps_its_lines():
    after = install_status.failed_with_details({}, "Stopped installing\nhint: x")
    assert after["usefulErrorMessage"] == "Stopped installing\nhint: x"
    assert after["conditions"][0]["message"] == "Error (see .status.usefulErrorMessage for details)"
