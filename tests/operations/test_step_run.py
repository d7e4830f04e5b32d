from __future__ import annotations

import copy
from dataclasses import dataclass, field

import pytest

from lapstrake.kube.types import ResourceType
from lapstrake.operations import step_run
from lapstrake.operations.reconciled import Reconciled
from lapstrake.operations.step_run import Deployed
from lapstrake.packaging.app_status import StepResult, condition

RT = ResourceType("kappctrl.k14s.io", "v1alpha1", "App", "apps", True)
FINALIZER = "finalizers.kapp-ctrl.k14s.io/delete"
NOW = 1_700_000_000.0


def merged(value, patch):
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), item)
    return result


@dataclass
class Server:
    """Holds one object and remembers every state of it."""

    obj: dict
    states: list = field(default_factory=list)

    def get(self, rt, namespace, name):
        return copy.deepcopy(self.obj)

    def patch(self, rt, namespace, name, body, content_type, *, subresource=""):
        self.obj = merged(self.obj, body)
        self.states.append(copy.deepcopy(self.obj))
        return copy.deepcopy(self.obj)

    def written(self):
        """Condition and sections of each status written, finalizers left out."""
        return [
            (condition(state["status"])[0], *sorted({"fetch", "template", "deploy"} & state["status"].keys()))
            for state in self.states
        ]


@dataclass
class Time:
    now_is: float = NOW
    slept: list = field(default_factory=list)

    def now(self):
        return self.now_is

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now_is += seconds


@dataclass
class Steps:
    """Scripted steps; each is its own workspace."""

    fetches: list = field(default_factory=lambda: [StepResult(stdout="lock")])
    templated: StepResult = field(default_factory=StepResult)
    deployed: StepResult = field(default_factory=lambda: StepResult(stdout="Succeeded"))
    deleted: StepResult = field(default_factory=StepResult)
    versions: list = field(default_factory=list)
    output_at: list = field(default_factory=list)
    clock: Time | None = None
    closed: int = 0
    namespaces_go: bool = False
    deletions: int = 0

    def open(self, obj):
        return self

    def fetch(self):
        return self.fetches.pop(0)

    def secret_versions(self, obj):
        return self.versions.pop(0) if self.versions else None

    def template(self):
        return self.templated

    def deploy(self, publish, cancelled):
        for seconds in self.output_at:
            self.clock.now_is = NOW + seconds
            publish("Target cluster 'x'\n")
        return Deployed(self.deployed, {"label": "l", "namespaces": [], "groupKinds": []})

    def inspect(self):
        return None

    def close(self):
        self.closed += 1

    def delete(self, obj, publish, cancelled):
        self.deletions += 1
        return self.deleted

    def leaves_deletion_to_namespaces(self, obj):
        return self.namespaces_go


def app(status=None, *, finalizers=(), generation=1, **spec):
    return {
        "metadata": {
            "name": "a",
            "namespace": "n",
            "uid": "u",
            "generation": generation,
            "resourceVersion": "1",
            "finalizers": list(finalizers),
        },
        "spec": spec,
        "status": status or {},
    }


def run(obj, steps, clock=None, operation=step_run.run):
    server = Server(obj)
    operation(
        Reconciled(server, RT, obj), steps, clock or Time(), finalizer=FINALIZER, cancelled=lambda: False
    )
    return server


def test_first_run_is_told_step_by_step():
    steps = Steps()
    server = run(app(), steps)
    assert server.written() == [
        ("Reconciling",),
        ("Reconciling", "fetch"),
        ("Reconciling", "fetch", "template"),
        ("Reconciling", "fetch", "template"),  # the finalizer
        ("Reconciling", "deploy", "fetch", "template"),
        ("ReconcileSucceeded", "deploy", "fetch", "template"),
    ]
    assert server.obj["metadata"]["finalizers"] == [FINALIZER]
    assert server.obj["status"]["observedGeneration"] == 1
    assert steps.closed == 1


def test_repetition_writes_once():
    before = run(app(), Steps()).obj
    server = run(before, Steps(), Time(NOW + 30))
    assert server.written() == [("ReconcileSucceeded", "deploy", "fetch", "template")]
    assert server.obj["status"]["consecutiveReconcileSuccesses"] == 2


def test_repetition_with_a_long_deploy_is_told():
    before = run(app(), Steps()).obj
    clock = Time()
    server = run(before, Steps(output_at=[1, 2.5, 3, 5], clock=clock), clock)
    assert [state["status"]["deploy"]["finished"] for state in server.states] == [False, False, True, True]


def test_failed_fetch_ends_the_run_without_a_finalizer():
    result = StepResult.tool_failed("fetch", "vendir: Error: x\n")
    server = run(app(), Steps(fetches=[result]))
    assert condition(server.obj["status"])[0] == "ReconcileFailed"
    assert server.obj["metadata"]["finalizers"] == []
    assert "template" not in server.obj["status"]


def test_failed_image_fetch_waits_for_a_changed_secret():
    failure = StepResult.tool_failed("fetch", "vendir: Error: x\n")
    clock = Time()
    steps = Steps(fetches=[failure, StepResult(stdout="lock")], versions=[{"s": "1"}, {"s": "1"}, {"s": "2"}])
    server = run(app(), steps, clock)
    assert clock.slept == [2.0, 2.0]
    assert condition(server.obj["status"])[0] == "ReconcileSucceeded"


def test_failed_image_fetch_takes_six_seconds_to_show():
    failure = StepResult.tool_failed("fetch", "vendir: Error: x\n")
    clock = Time()
    server = run(app(), Steps(fetches=[failure], versions=[{}, {}, {}, {}]), clock)
    assert clock.slept == [2.0, 2.0, 2.0]
    assert server.obj["status"]["fetch"]["updatedAt"] == "2023-11-14T22:13:26Z"


def test_failed_step_leaves_later_sections_as_they_were():
    before = run(app(), Steps()).obj
    server = run(before, Steps(templated=StepResult.refused("no")), Time(NOW + 30))
    assert server.obj["status"]["template"]["exitCode"] == -1
    assert server.obj["status"]["deploy"]["exitCode"] == 0


def deleted(obj):
    return {**obj, "metadata": {**obj["metadata"], "generation": 2, "deletionTimestamp": "x"}}


def test_deletion_says_so_and_lets_go():
    steps = Steps()
    server = run(deleted(run(app(), Steps()).obj), steps, operation=step_run.delete)
    assert condition(server.states[0]["status"])[0] == "Deleting"
    assert server.states[0]["status"]["observedGeneration"] == 2
    assert server.obj["metadata"]["finalizers"] == []
    assert steps.deletions == 1


@pytest.mark.parametrize("reason", ["noopDelete", "namespaces"])
def test_deletion_that_leaves_resources(reason):
    obj = deleted(run(app(noopDelete=reason == "noopDelete"), Steps()).obj)
    steps = Steps(namespaces_go=reason == "namespaces")
    server = run(obj, steps, operation=step_run.delete)
    assert steps.deletions == 0
    assert server.obj["metadata"]["finalizers"] == []


def test_failed_deletion_keeps_the_object():
    message = 'Preparing kapp: Getting service account: serviceaccounts "weak" not found'
    steps = Steps(deleted=StepResult.refused(message))
    server = run(deleted(run(app(), Steps()).obj), steps, operation=step_run.delete)
    assert condition(server.obj["status"]) == ("DeleteFailed", message)
    assert server.obj["status"]["friendlyDescription"] == f"Delete failed: {message}"
    assert server.obj["metadata"]["finalizers"] == [FINALIZER]


def test_pause_only_acknowledges():
    server = Server(app())
    step_run.pause(Reconciled(server, RT, server.obj))
    assert server.obj["status"] == {"friendlyDescription": "Canceled/paused", "observedGeneration": 1}


def test_defect_of_ours_is_shown_and_raised():
    def broken():
        raise KeyError("x")

    steps = Steps()
    steps.template = broken
    server = Server(app())
    with pytest.raises(KeyError):
        step_run.run(
            Reconciled(server, RT, server.obj), steps, Time(), finalizer=FINALIZER, cancelled=lambda: False
        )
    assert condition(server.obj["status"]) == ("ReconcileFailed", "Internal error: KeyError: 'x'")
    assert steps.closed == 1
