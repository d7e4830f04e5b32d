"""When an App or a PackageRepository runs again by itself.

Success: one sync period after the newest of its times, and a little more, so that not all run at once.
Failure number n in a row: 2^n seconds after it, never later than the sync period.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.errors import LapstrakeError
from lapstrake.packaging import app_status, durations

APP_SYNC_PERIOD = 30.0
REPOSITORY_SYNC_PERIOD = 600.0
LOWEST_SYNC_PERIOD = 30.0
JITTER = 5.0
# From here on 2^n is longer than any period in use.
_LAST_DOUBLING = 30

Object = Mapping[str, Any]


def sync_period(obj: Object, default: float) -> float:
    """Seconds between two runs, at least 30; a period that cannot be read is the default."""
    text = obj["spec"].get("syncPeriod")
    try:
        wanted = durations.seconds(text) if text else default
    except LapstrakeError:
        wanted = default
    return max(wanted, LOWEST_SYNC_PERIOD)


def back_off(failures: int, period: float) -> float:
    """Seconds after failure number ``failures``."""
    if failures >= _LAST_DOUBLING:
        return period
    return min(float(2**failures), period)


def seconds_until_due(obj: Object, now: float, *, default_period: float, random: float) -> float | None:
    """How long ``obj`` still has to wait: 0 or less is due, None never (paused or canceled).

    ``random`` in [0, 1) is this object's share of the jitter. An object with a new generation or one that
    was never finished is due at once; so is one to be deleted, unless its deletion failed lately.
    """
    spec, status = obj["spec"], obj.get("status") or {}
    leaving = bool(obj["metadata"].get("deletionTimestamp"))
    if (spec.get("paused") or spec.get("canceled")) and not leaving:
        return None
    if obj["metadata"].get("generation") != status.get("observedGeneration"):
        return 0.0
    kind, _ = app_status.condition(status)
    period = sync_period(obj, default_period)
    if kind in (app_status.RECONCILE_FAILED, app_status.DELETE_FAILED):
        if leaving and kind == app_status.RECONCILE_FAILED:
            return 0.0
        wait = back_off(int(status.get("consecutiveReconcileFailures") or 1), period)
    elif kind == app_status.RECONCILE_SUCCEEDED and not leaving:
        wait = period + JITTER * random
    else:
        return 0.0
    newest = newest_time(status)
    return 0.0 if newest is None else newest + wait - now


def newest_time(status: Mapping[str, Any]) -> float | None:
    """The newest of the times of fetch, template and deploy, in seconds since the epoch."""
    times = [
        app_status.read_time(section["updatedAt"])
        for name in ("fetch", "template", "deploy")
        if (section := status.get(name) or {}).get("updatedAt")
    ]
    return max(times, default=None)
