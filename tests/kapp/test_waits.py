from __future__ import annotations

from typing import Any

import pytest

from lapstrake.kapp.waits import Progress, failed, ongoing, reconciled, succeeded
from lapstrake.kube.resource import Resource


def resource(api: str, kind: str, metadata: dict[str, Any] | None = None, **parts: Any) -> Resource:
    return Resource({"apiVersion": api, "kind": kind, "metadata": metadata or {}, **parts})


def deployment(**status: Any) -> Resource:
    return resource("apps/v1", "Deployment", {"generation": 2}, spec={"replicas": 2}, status=status)


def carvel(condition: str, generation: int = 1, **status: Any) -> Resource:
    found = {"observedGeneration": 1, "conditions": [{"type": condition, "status": "True"}], **status}
    return resource(
        "packaging.carvel.dev/v1alpha1", "PackageInstall", {"generation": generation}, status=found
    )


def condition(type_: str, status: str, **more: str) -> dict[str, str]:
    return {"type": type_, "status": status, **more}


DONE = succeeded()
CASES = [
    pytest.param(resource("v1", "ConfigMap"), DONE, id="anything-else"),
    pytest.param(
        deployment(observedGeneration=1),
        ongoing("Waiting for generation 2 to be observed"),
        id="deployment-stale",
    ),
    pytest.param(
        deployment(observedGeneration=2, unavailableReplicas=1, updatedReplicas=2),
        ongoing("Waiting for 1 unavailable replicas"),
        id="deployment-unavailable",
    ),
    pytest.param(deployment(observedGeneration=2, updatedReplicas=2), DONE, id="deployment-ready"),
    pytest.param(
        deployment(
            observedGeneration=2,
            conditions=[condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="late")],
        ),
        failed("Deployment is not progressing: ProgressDeadlineExceeded (message: late)"),
        id="deployment-failed",
    ),
    pytest.param(
        resource("batch/v1", "Job", status={"active": 1}),
        ongoing("Waiting to complete (1 active, 0 failed, 0 succeeded)"),
        id="job-active",
    ),
    pytest.param(
        resource("batch/v1", "Job", status={"conditions": [condition("Complete", "True")]}),
        succeeded("Completed"),
        id="job-complete",
    ),
    pytest.param(
        resource(
            "batch/v1",
            "Job",
            status={"conditions": [condition("Failed", "True", reason="BackoffLimitExceeded", message="m")]},
        ),
        failed("Failed with reason BackoffLimitExceeded: m"),
        id="job-failed",
    ),
    pytest.param(
        resource("v1", "Pod", status={"phase": "Failed"}), failed("Phase is failed"), id="pod-failed"
    ),
    pytest.param(
        resource(
            "v1",
            "Pod",
            status={
                "phase": "Pending",
                "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}],
            },
        ),
        ongoing("Pending: ContainerCreating"),
        id="pod-pending",
    ),
    pytest.param(
        resource("v1", "Pod", status={"phase": "Running", "conditions": [condition("Ready", "False")]}),
        ongoing("Condition Ready is not True (False)"),
        id="pod-unready",
    ),
    pytest.param(
        resource("v1", "Service", spec={"type": "ExternalName"}),
        succeeded("External service"),
        id="service-external",
    ),
    pytest.param(
        resource("v1", "Service", spec={"type": "LoadBalancer", "clusterIP": "10.0.0.1"}),
        ongoing("Load balancer ingress is empty"),
        id="service-load-balancer",
    ),
    pytest.param(
        resource("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        ongoing("Condition Established is not set"),
        id="crd",
    ),
    pytest.param(carvel("Reconciling"), ongoing("Reconciling"), id="install-ongoing"),
    pytest.param(
        carvel("ReconcileSucceeded", generation=2),
        ongoing("Waiting for generation 2 to be observed"),
        id="install-stale",
    ),
    pytest.param(carvel("ReconcileSucceeded"), DONE, id="install-done"),
    pytest.param(
        carvel("ReconcileFailed", usefulErrorMessage="no"),
        failed("Reconcile failed:  (message: no)"),
        id="install-failed",
    ),
    pytest.param(
        resource("v1", "ConfigMap", {"deletionTimestamp": "x", "finalizers": ["a/b", "c/d"]}),
        ongoing("Waiting on finalizers: a/b, c/d"),
        id="finalizers",
    ),
]


@pytest.mark.parametrize(("found", "expected"), CASES)
def test_reconciled(found: Resource, expected: Progress) -> None:
    assert reconciled(found) == expected
