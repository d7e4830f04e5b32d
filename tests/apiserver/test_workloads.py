from __future__ import annotations

from typing import Any

import pytest

from lapstrake.apiserver.workloads import daemonsets, deployments, jobs, kubelet, replicasets, statefulsets
from lapstrake.apiserver.workloads.actions import Bind, Create, Delete, SetStatus, Update, owner_reference

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "app:1"}]},
}


def workload(kind: str, api_version: str = "apps/v1", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "web", "namespace": "ns", "uid": f"uid-{kind}", "generation": 3},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE, **spec},
    }


def pod(
    name: str, owner: dict[str, Any] | None = None, *, phase: str = "Pending", **metadata: Any
) -> dict[str, Any]:
    ready = "True" if phase == "Running" else "False"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "labels": {"app": "web"},
            **({"ownerReferences": [owner_reference(owner)]} if owner else {}),
            **metadata,
        },
        "spec": {"containers": [{"name": "main", "image": "app:1"}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
    }


def statuses(actions: list[Any]) -> dict[str, Any]:
    (found,) = [action.object["status"] for action in actions if isinstance(action, SetStatus)]
    return dict(found)


def names(actions: list[Any], kind: type) -> list[str]:
    return [action.object["metadata"].get("name", "") for action in actions if isinstance(action, kind)]


def test_replica_set_makes_the_missing_pods() -> None:
    rs = workload("ReplicaSet", replicas=3)
    actions = replicasets.decide(rs, [pod("a", rs, phase="Running")])
    assert sum(isinstance(action, Create) for action in actions) == 2
    assert statuses(actions) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "terminatingReplicas": 0,
        "observedGeneration": 3,
    }


def test_replica_set_drops_pods_that_are_not_ready_first() -> None:
    rs = workload("ReplicaSet", replicas=1)
    actions = replicasets.decide(rs, [pod("a", rs), pod("b", rs, phase="Running")])
    assert names(actions, Delete) == ["a"]


def test_replica_set_adopts_and_lets_go() -> None:
    rs = workload("ReplicaSet", replicas=1)
    stray, lost = pod("stray"), pod("lost", rs, labels={})
    updates = [a.object["metadata"] for a in replicasets.decide(rs, [stray, lost]) if isinstance(a, Update)]
    assert {m["name"]: "ownerReferences" in m for m in updates} == {"lost": False, "stray": True}


def test_replica_set_at_rest_does_nothing() -> None:
    rs = workload("ReplicaSet", replicas=1)
    pods = [pod("a", rs, phase="Running")]
    settled = {**rs, "status": statuses(replicasets.decide(rs, pods))}
    assert replicasets.decide(settled, pods) == []


def test_deployment_makes_one_replica_set_per_template() -> None:
    deployment = workload("Deployment", replicas=2)
    actions = deployments.decide(deployment, [], NOW)
    (made,) = [action.object for action in actions if isinstance(action, Create)]
    name = made["metadata"]["labels"]["pod-template-hash"]
    assert made["metadata"]["name"] == f"web-{name}"
    assert made["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": name}
    assert made["spec"]["replicas"] == 2
    made["metadata"]["uid"] = "uid-rs"
    again = deployments.decide(deployment, [made], NOW)
    assert not any(isinstance(action, Create) for action in again)


def replica_set_of(deployment: dict[str, Any], *, ready: int = 0) -> dict[str, Any]:
    (made,) = [a.object for a in deployments.decide(deployment, [], NOW) if isinstance(a, Create)]
    made["metadata"]["uid"] = made["metadata"]["name"]
    made["status"] = {
        "replicas": made["spec"]["replicas"],
        "readyReplicas": ready,
        "availableReplicas": ready,
    }
    return made


def test_deployment_becomes_available_with_its_pods() -> None:
    deployment = workload("Deployment", replicas=2)
    waiting = statuses(deployments.decide(deployment, [replica_set_of(deployment)], NOW))
    assert waiting["unavailableReplicas"] == 2
    assert [(c["type"], c["status"], c["reason"]) for c in waiting["conditions"]] == [
        ("Available", "False", "MinimumReplicasUnavailable"),
        ("Progressing", "True", "ReplicaSetUpdated"),
    ]
    done = statuses(
        deployments.decide({**deployment, "status": waiting}, [replica_set_of(deployment, ready=2)], LATER)
    )
    assert "unavailableReplicas" not in done
    assert [(c["status"], c["reason"], c["lastTransitionTime"]) for c in done["conditions"]] == [
        ("True", "MinimumReplicasAvailable", LATER),
        ("True", "NewReplicaSetAvailable", NOW),
    ]


def test_deployment_retires_the_old_replica_set_when_the_new_one_is_up() -> None:
    old_deployment = workload("Deployment", replicas=1)
    old = replica_set_of(old_deployment, ready=1)
    new_deployment = workload(
        "Deployment",
        replicas=1,
        template={**TEMPLATE, "spec": {"containers": [{"name": "main", "image": "app:2"}]}},
    )
    fresh = replica_set_of(new_deployment)
    scaled = [
        a
        for a in deployments.decide(new_deployment, [old, fresh], NOW)
        if isinstance(a, Update) and a.object["spec"].get("replicas") == 0
    ]
    assert scaled == []
    fresh["status"]["availableReplicas"] = 1
    actions = deployments.decide(new_deployment, [old, fresh], NOW)
    assert old["metadata"]["name"] in [
        a.object["metadata"]["name"]
        for a in actions
        if isinstance(a, Update) and a.object["spec"].get("replicas") == 0
    ]


def test_stateful_set_makes_pods_one_after_the_other() -> None:
    sts = workload(
        "StatefulSet",
        replicas=2,
        serviceName="db",
        volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {}}],
    )
    first = statefulsets.decide(sts, [], [])
    assert names(first, Create)[:2] == ["data-web-0", "web-0"]
    assert "web-1" not in names(statefulsets.decide(sts, [pod("web-0", sts)], []), Create)
    second = statefulsets.decide(sts, [pod("web-0", sts, phase="Running")], [])
    assert names(second, Create)[:2] == ["data-web-1", "web-1"]


def test_stateful_set_shrinks_from_the_end() -> None:
    sts = workload("StatefulSet", replicas=1)
    pods = [pod(f"web-{i}", sts, phase="Running") for i in range(3)]
    assert names(statefulsets.decide(sts, pods, []), Delete) == ["web-2"]


def test_daemon_set_has_a_pod_on_every_node() -> None:
    ds = workload("DaemonSet")
    actions = daemonsets.decide(ds, [], [kubelet.node(NOW)])
    (made,) = [a.object for a in actions if isinstance(a, Create) and a.object["kind"] == "Pod"]
    assert made["spec"]["nodeName"] == kubelet.NODE
    assert statuses(actions)["desiredNumberScheduled"] == 1


def test_job_counts_each_pod_once_and_completes() -> None:
    job = workload("Job", "batch/v1", completions=1)
    made = jobs.decide(job, [], NOW)
    assert statuses(made)["active"] == 1
    ended = pod("web-x", job, phase="Succeeded", finalizers=[jobs.TRACKING])
    actions = jobs.decide({**job, "status": statuses(made)}, [ended], LATER)
    assert [a.object["metadata"].get("finalizers") for a in actions if isinstance(a, Update)] == [None]
    status = statuses(actions)
    assert (status["succeeded"], status["completionTime"]) == (1, LATER)
    assert [c["type"] for c in status["conditions"]] == ["SuccessCriteriaMet", "Complete"]
    assert jobs.decide({**job, "status": status}, [pod("web-x", job, phase="Succeeded")], LATER) == []


def test_job_gives_up_after_its_limit() -> None:
    job = workload("Job", "batch/v1", backoffLimit=0)
    broken = pod("web-x", job, phase="Failed", finalizers=[jobs.TRACKING])
    assert [c["type"] for c in statuses(jobs.decide(job, [broken], NOW))["conditions"]] == [
        "FailureTarget",
        "Failed",
    ]


def test_job_rests_while_it_is_suspended() -> None:
    job = {**workload("Job", "batch/v1", suspend=True), "status": {"startTime": NOW, "active": 1}}
    actions = jobs.decide(job, [pod("a", job, finalizers=[jobs.TRACKING])], LATER)
    assert names(actions, Delete) == ["a"]
    status = statuses(actions)
    assert "startTime" not in status
    assert [(found["type"], found["status"]) for found in status["conditions"]] == [("Suspended", "True")]
    resumed = jobs.decide({**job, "spec": {**job["spec"], "suspend": False}, "status": status}, [], LATER)
    assert statuses(resumed)["conditions"][0]["reason"] == "JobResumed"
    assert statuses(resumed)["startTime"] == LATER


def test_pod_of_a_deleted_job_is_let_go() -> None:
    job = workload("Job", "batch/v1")
    going = pod("a", job, finalizers=[jobs.TRACKING], deletionTimestamp=NOW)
    assert names(jobs.decide(job, [going], NOW), Update) == ["a"]
    assert names(jobs.decide_pod(going, None), Update) == ["a"]
    assert jobs.decide_pod(going, job) == []
    assert jobs.decide_pod(pod("b", job, finalizers=[jobs.TRACKING]), None) == []


def test_kubelet_leaves_pods_of_other_nodes_alone() -> None:
    far = {**pod("a", deletionTimestamp=NOW), "spec": {"nodeName": "far"}}
    assert kubelet.decide_pod(far, [kubelet.node(NOW)], NOW) == []


def test_kubelet_binds_then_runs_a_pod() -> None:
    fresh = pod("a")
    nodes = [kubelet.node(NOW)]
    assert kubelet.decide_pod(fresh, nodes, NOW) == [Bind(fresh, kubelet.NODE)]
    bound = {**fresh, "spec": {**fresh["spec"], "nodeName": kubelet.NODE}}
    status = statuses(kubelet.decide_pod(bound, nodes, NOW))
    assert status["phase"] == "Running"
    assert {c["type"]: c["status"] for c in status["conditions"]}["Ready"] == "True"
    assert kubelet.decide_pod({**bound, "status": status}, nodes, NOW) == []


def test_kubelet_leaves_pods_of_other_schedulers_alone() -> None:
    other = pod("a")
    other["spec"]["schedulerName"] = "mine"
    assert kubelet.decide_pod(other, [kubelet.node(NOW)], NOW) == []


@pytest.mark.parametrize(("kind", "phase"), [("Job", "Succeeded"), ("ReplicaSet", "Running")])
def test_kubelet_ends_the_pods_of_jobs(kind: str, phase: str) -> None:
    owned = pod("a", workload(kind))
    owned["spec"]["nodeName"] = kubelet.NODE
    assert statuses(kubelet.decide_pod(owned, [kubelet.node(NOW)], NOW))["phase"] == phase


def test_load_balancer_gets_an_address_and_loses_it() -> None:
    service = {"kind": "Service", "metadata": {"uid": "u"}, "spec": {"type": "LoadBalancer"}}
    (action,) = kubelet.decide_service(service)
    address = action.object["status"]["loadBalancer"]["ingress"][0]["ip"]
    assert address.startswith("198.51.100.")
    balanced = {**action.object, "spec": {"type": "ClusterIP"}}
    assert statuses(kubelet.decide_service(balanced)) == {"loadBalancer": {}}


def test_daemon_set_keeps_to_the_nodes_it_selects() -> None:
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "nodeSelector": {"disk": "ssd"}}}
    actions = daemonsets.decide(workload("DaemonSet", template=template), [], [kubelet.node(NOW)])
    assert not [a for a in actions if isinstance(a, Create) and a.object["kind"] == "Pod"]
    assert statuses(actions)["desiredNumberScheduled"] == 0


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_templates_are_numbered(kind: str) -> None:
    def made(found: dict[str, Any], revisions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if kind == "StatefulSet":
            actions = statefulsets.decide(found, [], [], revisions)
        else:
            actions = daemonsets.decide(found, [], [], revisions)
        return [a.object for a in actions if a.object["kind"] == "ControllerRevision"]

    (first,) = made(workload(kind), [])
    assert first["revision"] == 1
    assert made(workload(kind), [first]) == []
    (second,) = made(workload(kind, template={**TEMPLATE, "spec": {"containers": []}}), [first])
    assert second["revision"] == 2
    (again,) = made(workload(kind), [first, second])
    assert (again["metadata"]["name"], again["revision"]) == (first["metadata"]["name"], 3)


def test_pods_of_foreign_nodes_are_left_alone() -> None:
    foreign = pod("a", deletionTimestamp=NOW)
    foreign["spec"]["nodeName"] = "elsewhere"
    assert kubelet.decide_pod(foreign, [kubelet.node(NOW)], NOW) == []
    mine = {**foreign, "spec": {**foreign["spec"], "nodeName": kubelet.NODE}}
    assert kubelet.decide_pod(mine, [kubelet.node(NOW)], NOW) == [Delete(mine)]


def test_deployment_is_numbered_with_its_status() -> None:
    deployment = workload("Deployment", replicas=1)
    (write,) = [a for a in deployments.decide(deployment, [], NOW) if isinstance(a, SetStatus)]
    assert write.object["metadata"]["annotations"][deployments.REVISION] == "1"
    numbered = {**write.object}
    again = deployments.decide(numbered, [replica_set_of(deployment)], NOW)
    assert not [a for a in again if isinstance(a, Update) and a.object["kind"] == "Deployment"]
