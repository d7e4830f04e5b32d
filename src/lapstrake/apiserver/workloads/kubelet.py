"""Scheduler, kubelet, volume provisioner and load balancer, played without a container.

A Pod for the default scheduler is bound to the node, runs and is ready; one of a Job succeeds. A Pod for another
scheduler is left to that one. Claims are bound, LoadBalancer Services get an address of the documentation range.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence

from lapstrake.apiserver.workloads.actions import (
    Action,
    Bind,
    Delete,
    Object,
    SetStatus,
    condition,
    controller_of,
    is_finished,
    is_going,
    phase,
    status_change,
)

NODE = "lapstrake"
SCHEDULER = "default-scheduler"
_LABELS = {"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}
_PODS = ipaddress.ip_network("10.244.0.0/16")
_BALANCERS = ipaddress.ip_network("198.51.100.0/24")


def node(now: str) -> Object:
    """The one node of the simulated cluster."""
    capacity = {"cpu": "64", "memory": "256Gi", "pods": "10000", "ephemeral-storage": "1Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": _LABELS},
        "spec": {},
        "status": {
            "addresses": [{"type": "Hostname", "address": NODE}],
            "allocatable": capacity,
            "capacity": capacity,
            "conditions": [
                {
                    **condition(
                        [], "Ready", True, "KubeletReady", "simulated kubelet is posting ready status", now
                    ),
                    "lastHeartbeatTime": now,
                }
            ],
            "nodeInfo": {
                "architecture": "simulated",
                "containerRuntimeVersion": "none://0",
                "kubeletVersion": "v1.36.2",
                "operatingSystem": "linux",
                "osImage": "none",
            },
        },
    }


def decide_pod(pod: Object, nodes: Sequence[Object], now: str) -> list[Action]:
    """Bind, start or end a Pod."""
    bound = pod["spec"].get("nodeName")
    if not bound:
        chosen = "" if is_going(pod) else _node_for(pod, nodes)
        return [Bind(pod, chosen)] if chosen else []
    if bound not in {node["metadata"]["name"] for node in nodes}:
        return []
    if is_going(pod):
        return [Delete(pod)]
    if is_finished(pod) or phase(pod) == "Running":
        return []
    reference = controller_of(pod)
    ends = reference is not None and reference["kind"] == "Job"
    return [SetStatus({**pod, "status": _status(pod, now, ends=ends)})]


def _node_for(pod: Object, nodes: Sequence[Object]) -> str:
    """The node that the default scheduler would choose; empty if there is none, or if it is not asked."""
    if pod["spec"].get("schedulerName", SCHEDULER) != SCHEDULER:
        return ""
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    suitable = (node for node in nodes if wanted <= (node["metadata"].get("labels") or {}).items())
    return next((str(node["metadata"]["name"]) for node in suitable), "")


def _status(pod: Object, now: str, *, ends: bool) -> Object:
    before = pod.get("status") or {}
    reason = "PodCompleted" if ends else ""
    conditions = [
        _pod_condition("PodReadyToStartContainers", not ends, "", now),
        _pod_condition("Initialized", True, reason, now),
        _pod_condition("Ready", not ends, reason, now),
        _pod_condition("ContainersReady", not ends, reason, now),
        _pod_condition("PodScheduled", True, "", now),
    ]
    address = _address(_PODS, pod["metadata"]["uid"])
    return {
        **before,
        "phase": "Succeeded" if ends else "Running",
        "conditions": conditions,
        "startTime": before.get("startTime", now),
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "containerStatuses": [_container(c, now, ends=ends) for c in pod["spec"].get("containers") or ()],
        **(
            {"initContainerStatuses": [_container(c, now, ends=True) for c in inits]}
            if (inits := pod["spec"].get("initContainers"))
            else {}
        ),
    }


def _pod_condition(kind: str, value: bool, reason: str, now: str) -> Object:
    found: Object = {
        "type": kind,
        "status": "True" if value else "False",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    return {**found, "reason": reason} if reason else found


def _container(container: Object, now: str, *, ends: bool) -> Object:
    if ends:
        state: Object = {
            "terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
        }
    else:
        state = {"running": {"startedAt": now}}
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "lastState": {},
        "ready": not ends,
        "restartCount": 0,
        "started": not ends,
        "state": state,
    }


def decide_claim(claim: Object) -> list[Action]:
    """Bind a PersistentVolumeClaim."""
    if is_going(claim) or (claim.get("status") or {}).get("phase") == "Bound":
        return []
    spec = claim["spec"]
    capacity = {"storage": ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")}
    status = {
        "phase": "Bound",
        "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
        "capacity": capacity,
    }
    return status_change(claim, status)


def decide_service(service: Object) -> list[Action]:
    """Give a Service of type LoadBalancer an address, and take it away when the type changes."""
    if is_going(service):
        return []
    before = service.get("status") or {}
    has = bool((before.get("loadBalancer") or {}).get("ingress"))
    if service["spec"].get("type") == "LoadBalancer":
        if has:
            return []
        address = service["spec"].get("loadBalancerIP") or _address(_BALANCERS, service["metadata"]["uid"])
        return status_change(
            service, {**before, "loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        )
    return status_change(service, {**before, "loadBalancer": {}}) if has else []


def _address(network: ipaddress.IPv4Network | ipaddress.IPv6Network, uid: str) -> str:
    """An address for ``uid``, the same every time; two may share one, since nothing listens there."""
    number = int.from_bytes(hashlib.sha256(uid.encode()).digest()[:8], "big")
    return str(network[1 + number % (network.num_addresses - 2)])
