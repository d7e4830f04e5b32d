"""Defaults of the built-in kinds: what the server fills in before anything else sees the object.

These count as written by the client. What depends on other objects (cluster IPs, the Pod's service account)
or is the server's own bookkeeping belongs to admission and is not done here.
Rules: facts/kube-api.md section 7; recorded in vectors/kube/crud.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from lapstrake.apiserver.pod_defaults import fill_pod, fill_template

RBAC = "rbac.authorization.k8s.io"

Fill = Callable[[dict[str, Any]], None]


def fill(definition: str, obj: dict[str, Any]) -> dict[str, Any]:
    """Fills the defaults of ``apps.v1.Deployment`` and the like into ``obj``, in place, and returns it."""
    found = _FILLS.get(definition)
    if found is not None:
        found(obj)
    if definition in _EMPTY_STATUS and "status" not in obj:
        obj["status"] = {
            key: value.copy() if isinstance(value, dict) else value
            for key, value in _EMPTY_STATUS[definition].items()
        }
    return obj


def _spec(obj: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = obj.setdefault("spec", {})
    return spec


def _defaults(target: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        target.setdefault(key, value)


def _deployment(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    _defaults(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _defaults(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": "25%", "maxSurge": "25%"})
    fill_template(spec)


def _replica_set(obj: dict[str, Any]) -> None:
    _spec(obj).setdefault("replicas", 1)
    fill_template(_spec(obj))


def _replication_controller(obj: dict[str, Any]) -> None:
    _replica_set(obj)
    labels = obj["spec"]["template"]["metadata"].get("labels")
    if labels:
        obj["spec"].setdefault("selector", dict(labels))
        obj.setdefault("metadata", {}).setdefault("labels", dict(labels))


def _daemon_set(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        _defaults(strategy.setdefault("rollingUpdate", {}), {"maxUnavailable": 1, "maxSurge": 0})
    fill_template(spec)
    notes = obj.setdefault("metadata", {}).setdefault("annotations", {})
    notes.setdefault("deprecated.daemonset.template.generation", "1")


def _stateful_set(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    _defaults(spec, {"replicas": 1, "revisionHistoryLimit": 10, "podManagementPolicy": "OrderedReady"})
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    _defaults(retention, {"whenDeleted": "Retain", "whenScaled": "Retain"})
    for claim in spec.get("volumeClaimTemplates") or ():
        _defaults(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        _claim(claim)
        claim.setdefault("status", {}).setdefault("phase", "Pending")
    fill_template(spec)


def _job(obj: dict[str, Any]) -> None:
    _job_spec(_spec(obj))
    labels = obj["spec"]["template"]["metadata"].get("labels")
    if labels and not obj.setdefault("metadata", {}).get("labels"):
        obj["metadata"]["labels"] = dict(labels)


def _job_spec(spec: dict[str, Any]) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    if "backoffLimit" not in spec:
        spec["backoffLimit"] = 2**31 - 1 if "backoffLimitPerIndex" in spec else 6
    replacement = "Failed" if spec.get("podFailurePolicy") else "TerminatingOrFailed"
    _defaults(
        spec,
        {
            "parallelism": 1,
            "completionMode": "NonIndexed",
            "suspend": False,
            "manualSelector": False,
            "podReplacementPolicy": replacement,
        },
    )
    fill_template(spec)


def _cron_job(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    _defaults(
        spec,
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )
    template = spec.setdefault("jobTemplate", {})
    template.setdefault("metadata", {})
    fill_template(template.setdefault("spec", {}))


def _service(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    _defaults(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    if spec["sessionAffinity"] == "ClientIP":
        config = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        config.setdefault("timeoutSeconds", 10800)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, "", 0) and "port" in port:
            port["targetPort"] = port["port"]
    kind = spec["type"]
    if kind in ("NodePort", "LoadBalancer") or spec.get("externalIPs"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _endpoints(obj: dict[str, Any]) -> None:
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _endpoint_slice(obj: dict[str, Any]) -> None:
    for port in obj.get("ports") or ():
        _defaults(port, {"name": "", "protocol": "TCP"})


def _event(obj: dict[str, Any]) -> None:
    """Members that the server prints whether or not they say anything."""
    times = {"firstTimestamp": None, "lastTimestamp": None, "eventTime": None}
    _defaults(obj, {"source": {}, **times, "reportingComponent": "", "reportingInstance": ""})


def _secret(obj: dict[str, Any]) -> None:
    """The texts of ``stringData`` go into ``data`` and are not kept."""
    texts = obj.pop("stringData", None)
    if texts:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    obj.setdefault("type", "Opaque")


def _namespace(obj: dict[str, Any]) -> None:
    metadata = obj.setdefault("metadata", {})
    if metadata.get("name"):
        metadata["labels"] = {
            **(metadata.get("labels") or {}),
            "kubernetes.io/metadata.name": metadata["name"],
        }


def _claim(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("resources", {})


def _volume(obj: dict[str, Any]) -> None:
    _defaults(_spec(obj), {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"})
    if isinstance(obj["spec"].get("hostPath"), dict):
        obj["spec"]["hostPath"].setdefault("type", "")


def _pod_template(obj: dict[str, Any]) -> None:
    fill_template(obj)


def _role(obj: dict[str, Any]) -> None:
    obj.setdefault("rules", None)


def _binding(obj: dict[str, Any]) -> None:
    if isinstance(obj.get("roleRef"), dict) and not obj["roleRef"].get("apiGroup"):
        obj["roleRef"]["apiGroup"] = RBAC
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", RBAC)


def _autoscaler(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    spec.setdefault("minReplicas", 1)


def _autoscaler_v2(obj: dict[str, Any]) -> None:
    _autoscaler(obj)
    utilization = {"type": "Utilization", "averageUtilization": 80}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": utilization}}
    obj["spec"].setdefault("metrics", [metric])


def _network_policy(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    spec.setdefault("podSelector", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _storage_class(obj: dict[str, Any]) -> None:
    _defaults(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def _priority_class(obj: dict[str, Any]) -> None:
    _defaults(obj, {"preemptionPolicy": "PreemptLowerPriority", "value": 0})


def _webhooks(obj: dict[str, Any]) -> None:
    mutating = obj.get("kind") == "MutatingWebhookConfiguration"
    for webhook in obj.get("webhooks") or ():
        _defaults(
            webhook,
            {
                "failurePolicy": "Fail",
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "timeoutSeconds": 10,
            },
        )
        if mutating:
            webhook.setdefault("reinvocationPolicy", "Never")
        service = (webhook.get("clientConfig") or {}).get("service")
        if isinstance(service, dict):
            service.setdefault("port", 443)
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")


def _definition(obj: dict[str, Any]) -> None:
    spec = _spec(obj)
    spec.setdefault("conversion", {}).setdefault("strategy", "None")
    names = spec.setdefault("names", {})
    if names.get("kind"):
        _defaults(names, {"singular": names["kind"].lower(), "listKind": f"{names['kind']}List"})
    service = ((spec["conversion"].get("webhook") or {}).get("clientConfig") or {}).get("service")
    if isinstance(service, dict):
        service.setdefault("port", 443)


def _api_service(obj: dict[str, Any]) -> None:
    service = _spec(obj).get("service")
    if isinstance(service, dict):
        service.setdefault("port", 443)


def _ingress_class(obj: dict[str, Any]) -> None:
    parameters = _spec(obj).get("parameters")
    if isinstance(parameters, dict):
        parameters.setdefault("scope", "Cluster")


_FILLS: Mapping[str, Fill] = {
    "core.v1.Pod": fill_pod,
    "core.v1.PodTemplate": _pod_template,
    "core.v1.ReplicationController": _replication_controller,
    "core.v1.Service": _service,
    "core.v1.Endpoints": _endpoints,
    "core.v1.Event": _event,
    "core.v1.Secret": _secret,
    "core.v1.Namespace": _namespace,
    "core.v1.PersistentVolumeClaim": _claim,
    "core.v1.PersistentVolume": _volume,
    "apps.v1.Deployment": _deployment,
    "apps.v1.ReplicaSet": _replica_set,
    "apps.v1.DaemonSet": _daemon_set,
    "apps.v1.StatefulSet": _stateful_set,
    "batch.v1.Job": _job,
    "batch.v1.CronJob": _cron_job,
    "discovery.v1.EndpointSlice": _endpoint_slice,
    "rbac.v1.Role": _role,
    "rbac.v1.ClusterRole": _role,
    "rbac.v1.RoleBinding": _binding,
    "rbac.v1.ClusterRoleBinding": _binding,
    "autoscaling.v1.HorizontalPodAutoscaler": _autoscaler,
    "autoscaling.v2.HorizontalPodAutoscaler": _autoscaler_v2,
    "networking.v1.NetworkPolicy": _network_policy,
    "networking.v1.IngressClass": _ingress_class,
    "storage.v1.StorageClass": _storage_class,
    "scheduling.v1.PriorityClass": _priority_class,
    "admissionregistration.v1.MutatingWebhookConfiguration": _webhooks,
    "admissionregistration.v1.ValidatingWebhookConfiguration": _webhooks,
    "apiextensions.v1.CustomResourceDefinition": _definition,
    "apiregistration.v1.APIService": _api_service,
}

_EMPTY_STATUS: Mapping[str, Mapping[str, Any]] = {
    "core.v1.Service": {"loadBalancer": {}},
    "core.v1.ReplicationController": {"replicas": 0},
    "core.v1.ResourceQuota": {},
    "apps.v1.Deployment": {},
    "apps.v1.ReplicaSet": {"replicas": 0},
    "apps.v1.StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "apps.v1.DaemonSet": {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    "batch.v1.Job": {},
    "batch.v1.CronJob": {},
    "networking.v1.Ingress": {"loadBalancer": {}},
    "policy.v1.PodDisruptionBudget": {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    },
    "autoscaling.v1.HorizontalPodAutoscaler": {"currentReplicas": 0, "desiredReplicas": 0},
    "autoscaling.v2.HorizontalPodAutoscaler": {"currentMetrics": None, "desiredReplicas": 0},
    "certificates.v1.CertificateSigningRequest": {},
    "flowcontrol.v1.FlowSchema": {},
    "flowcontrol.v1.PriorityLevelConfiguration": {},
}
"""A status that the server prints even when nobody has written one."""
