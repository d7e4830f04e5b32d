"""Table columns and cells of the built-in kinds that run nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lapstrake.apiserver.ages import UNKNOWN, age
from lapstrake.apiserver.table_columns import (
    NONE,
    Column,
    Printer,
    age_of,
    columns,
    labels_text,
    name_of,
    selector_text,
    spec_of,
    status_of,
)

Object = Mapping[str, Any]

_DATA_TEXT = (
    "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. "
    "Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap "
    "with the keys in the BinaryData field, this is enforced during validation process."
)


def _between(*texts: Callable[[Object], Any]) -> Callable[[Object, datetime], list[Any]]:
    """Cells between the name and the age that depend on the object alone."""
    return lambda obj, now: [name_of(obj), *(text(obj) for text in texts), age_of(obj, now)]


def _config_map(obj: Object) -> int:
    return len(obj.get("data") or ()) + len(obj.get("binaryData") or ())


def _namespace(obj: Object) -> Any:
    return status_of(obj).get("phase", "")


def _service(obj: Object, now: datetime) -> list[Any]:
    spec = spec_of(obj)
    return [
        name_of(obj),
        spec.get("type", ""),
        spec.get("clusterIP") or NONE,
        _external_ip(obj),
        ",".join(_port_text(port) for port in spec.get("ports") or ()) or NONE,
        age_of(obj, now),
        labels_text(spec.get("selector")),
    ]


def _port_text(port: Object) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"


def _external_ip(obj: Object) -> str:
    spec = spec_of(obj)
    kind = spec.get("type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    addresses = list(spec.get("externalIPs") or ())
    if kind == "LoadBalancer":
        found = _addresses(obj)
        return ",".join([*found, *addresses]) or "<pending>"
    return ",".join(addresses) or NONE


def _addresses(obj: Object) -> list[str]:
    balancer = status_of(obj).get("loadBalancer") or {}
    return [found.get("ip") or found.get("hostname") or "" for found in balancer.get("ingress") or ()]


def _endpoints(obj: Object) -> str:
    found = []
    for subset in obj.get("subsets") or ():
        ports = subset.get("ports") or ()
        for address in subset.get("addresses") or ():
            found += [f"{address.get('ip')}:{port.get('port')}" for port in ports] or [address.get("ip", "")]
    return _shortened(found) or NONE


def _shortened(found: list[str]) -> str:
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more


def _endpoint_slice(obj: Object, now: datetime) -> list[Any]:
    ports = [str(port["port"]) if "port" in port else "*" for port in obj.get("ports") or ()]
    addresses = [text for found in obj.get("endpoints") or () for text in found.get("addresses") or ()]
    unset = "<unset>"
    return [
        name_of(obj),
        obj.get("addressType", ""),
        _shortened(ports) or unset,
        _shortened(addresses) or unset,
        age_of(obj, now),
    ]


def _ingress(obj: Object, now: datetime) -> list[Any]:
    spec = spec_of(obj)
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    return [
        name_of(obj),
        spec.get("ingressClassName") or NONE,
        _shortened(hosts) or "*",
        ",".join(_addresses(obj)),
        "80, 443" if spec.get("tls") else "80",
        age_of(obj, now),
    ]


def _ingress_class(obj: Object) -> str:
    parameters = spec_of(obj).get("parameters")
    if not parameters:
        return NONE
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") else ""
    return f"{parameters.get('kind')}{group}/{parameters.get('name')}"


_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _access_modes(modes: Any) -> str:
    return ",".join(_ACCESS_MODES.get(mode, mode) for mode in dict.fromkeys(modes or ()))


def _claim(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    bound = bool(spec.get("volumeName"))
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        name_of(obj),
        phase,
        spec.get("volumeName", ""),
        (status.get("capacity") or {}).get("storage", "0") if bound else "",
        _access_modes(status.get("accessModes")) if bound else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        age_of(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _volume(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    claim = spec.get("claimRef") or {}
    phase = "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", "")
    return [
        name_of(obj),
        (spec.get("capacity") or {}).get("storage", "0"),
        _access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy", ""),
        phase,
        f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        spec.get("storageClassName", ""),
        spec.get("volumeAttributesClassName") or "<unset>",
        status.get("reason", ""),
        age_of(obj, now),
        spec.get("volumeMode") or "<unset>",
    ]


def _storage_class(obj: Object, now: datetime) -> list[Any]:
    notes = obj["metadata"].get("annotations") or {}
    default = notes.get("storageclass.kubernetes.io/is-default-class") == "true"
    return [
        name_of(obj) + (" (default)" if default else ""),
        obj.get("provisioner", ""),
        obj.get("reclaimPolicy", "Delete"),
        obj.get("volumeBindingMode", "Immediate"),
        bool(obj.get("allowVolumeExpansion")),
        age_of(obj, now),
    ]


def _subjects(obj: Object, kind: str) -> str:
    found = [subject for subject in obj.get("subjects") or () if subject.get("kind") == kind]
    if kind == "ServiceAccount":
        return ", ".join(f"{subject.get('namespace')}/{subject.get('name')}" for subject in found)
    return ", ".join(subject.get("name", "") for subject in found)


def _role_binding(obj: Object, now: datetime) -> list[Any]:
    role = obj.get("roleRef") or {}
    who = [_subjects(obj, kind) for kind in ("User", "Group", "ServiceAccount")]
    return [name_of(obj), f"{role.get('kind')}/{role.get('name')}", age_of(obj, now), *who]


def _node(obj: Object, now: datetime) -> list[Any]:
    status = status_of(obj)
    info = status.get("nodeInfo") or {}
    addresses = {found.get("type"): found.get("address") for found in status.get("addresses") or ()}
    return [
        name_of(obj),
        _node_state(obj),
        _node_roles(obj),
        age_of(obj, now),
        info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE),
        addresses.get("ExternalIP", NONE),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _node_state(obj: Object) -> str:
    conditions = {found.get("type"): found.get("status") for found in status_of(obj).get("conditions") or ()}
    state = {None: "Unknown", "True": "Ready"}.get(conditions.get("Ready"), "NotReady")
    return f"{state},SchedulingDisabled" if spec_of(obj).get("unschedulable") else state


def _node_roles(obj: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = {
        key.removeprefix(prefix) if key.startswith(prefix) else value
        for key, value in (obj["metadata"].get("labels") or {}).items()
        if key.startswith(prefix) or (key == "kubernetes.io/role" and value)
    }
    return ",".join(sorted(role for role in roles if role)) or NONE


def _event(obj: Object, now: datetime) -> list[Any]:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    who = [source.get("component") or obj.get("reportingComponent") or obj.get("reportingController") or ""]
    if source.get("host") or obj.get("reportingInstance"):
        who.append(source.get("host") or obj.get("reportingInstance"))
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    series = obj.get("series") or {}
    count = series.get("count") or obj.get("count") or obj.get("deprecatedCount") or 1
    name = f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"
    return [
        age(series.get("lastObservedTime") or last, now),
        obj.get("type", ""),
        obj.get("reason", ""),
        name,
        about.get("fieldPath", ""),
        ", ".join(who),
        str(obj.get("message") or obj.get("note") or "").strip(),
        age(first, now),
        count,
        name_of(obj),
    ]


def _autoscaler(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    target = spec.get("scaleTargetRef") or {}
    least = spec.get("minReplicas")
    return [
        name_of(obj),
        f"{target.get('kind')}/{target.get('name')}",
        _metrics_text(spec),
        str(least) if least is not None else "<unset>",
        spec.get("maxReplicas", 0),
        status.get("currentReplicas", 0),
        age_of(obj, now),
    ]


def _metrics_text(spec: Object) -> str:
    texts = []
    if "targetCPUUtilizationPercentage" in spec:
        texts.append(f"cpu: {UNKNOWN}/{spec['targetCPUUtilizationPercentage']}%")
    for metric in spec.get("metrics") or ():
        source = metric.get("resource") or {}
        target = source.get("target") or {}
        if "averageUtilization" in target:
            texts.append(f"{source.get('name')}: {UNKNOWN}/{target['averageUtilization']}%")
        else:
            texts.append(f"{UNKNOWN}/{target.get('averageValue', 'auto')}")
    return ", ".join(texts) or NONE


def _disruption_budget(obj: Object, now: datetime) -> list[Any]:
    spec = spec_of(obj)
    return [
        name_of(obj),
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        status_of(obj).get("disruptionsAllowed", 0),
        age_of(obj, now),
    ]


def _quota(obj: Object, now: datetime) -> list[Any]:
    hard = status_of(obj).get("hard") or spec_of(obj).get("hard") or {}
    used = status_of(obj).get("used") or {}
    texts: dict[bool, list[str]] = {False: [], True: []}
    for resource in sorted(hard):
        texts[resource.startswith("limits.")].append(
            f"{resource}: {used.get(resource, '0')}/{hard[resource]}"
        )
    return [name_of(obj), ", ".join(texts[False]), ", ".join(texts[True]), age_of(obj, now)]


def _api_service(obj: Object, now: datetime) -> list[Any]:
    service = spec_of(obj).get("service")
    text = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    conditions = {found.get("type"): found for found in status_of(obj).get("conditions") or ()}
    available: Object = conditions.get("Available", {})
    state = available.get("status", "Unknown")
    if state != "True" and available.get("reason"):
        state = f"{state} ({available['reason']})"
    return [name_of(obj), text, state, age_of(obj, now)]


def _signing_request(obj: Object, now: datetime) -> list[Any]:
    spec, status = spec_of(obj), status_of(obj)
    conditions = [found.get("type") for found in status.get("conditions") or ()]
    if status.get("certificate"):
        conditions.append("Issued")
    seconds = spec.get("expirationSeconds")
    return [
        name_of(obj),
        age_of(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        f"{seconds}s" if seconds else NONE,
        ",".join(filter(None, conditions)) or "Pending",
    ]


def _plain(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), age_of(obj, now)]


_BINDING: Printer = (columns("Name, Role, Age, Users+, Groups+, ServiceAccounts+"), _role_binding)
_EVENT: Printer = (
    columns("Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+"),
    _event,
)
_WEBHOOKS: Printer = (
    columns("Name, Webhooks:integer, Age"),
    _between(lambda obj: len(obj.get("webhooks") or ())),
)
_HPA: Printer = (columns("Name, Reference, Targets, MinPods, MaxPods, Replicas, Age"), _autoscaler)

PRINTERS: Mapping[str, Printer] = {
    "core.v1.ConfigMap": (
        (Column("Name"), Column("Data", description=_DATA_TEXT), Column("Age")),
        _between(_config_map),
    ),
    "core.v1.Secret": (
        columns("Name, Type, Data, Age"),
        _between(lambda obj: obj.get("type", ""), lambda obj: len(obj.get("data") or ())),
    ),
    "core.v1.ServiceAccount": (columns("Name, Age"), _plain),
    "core.v1.Namespace": (columns("Name, Status, Age"), _between(_namespace)),
    "core.v1.Service": (
        columns("Name, Type, Cluster-IP, External-IP, Port(s), Age, Selector+"),
        _service,
    ),
    "core.v1.Endpoints": (columns("Name, Endpoints, Age"), _between(_endpoints)),
    "core.v1.Event": _EVENT,
    "events.v1.Event": _EVENT,
    "core.v1.Node": (
        columns(
            "Name, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, "
            "Container-Runtime+"
        ),
        _node,
    ),
    "core.v1.PersistentVolumeClaim": (
        columns(
            "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode+"
        ),
        _claim,
    ),
    "core.v1.PersistentVolume": (
        columns(
            "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, "
            "Reason, Age, VolumeMode+"
        ),
        _volume,
    ),
    "core.v1.ResourceQuota": (columns("Name, Request, Limit, Age"), _quota),
    "discovery.v1.EndpointSlice": (columns("Name, AddressType, Ports, Endpoints, Age"), _endpoint_slice),
    "networking.v1.Ingress": (columns("Name, Class, Hosts, Address, Ports, Age"), _ingress),
    "networking.v1.IngressClass": (
        columns("Name, Controller, Parameters, Age"),
        _between(lambda obj: spec_of(obj).get("controller", ""), _ingress_class),
    ),
    "networking.v1.NetworkPolicy": (
        columns("Name, Pod-Selector, Age"),
        _between(lambda obj: selector_text(spec_of(obj).get("podSelector"))),
    ),
    "storage.v1.StorageClass": (
        columns("Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age"),
        _storage_class,
    ),
    "rbac.v1.RoleBinding": _BINDING,
    "rbac.v1.ClusterRoleBinding": _BINDING,
    "autoscaling.v1.HorizontalPodAutoscaler": _HPA,
    "autoscaling.v2.HorizontalPodAutoscaler": _HPA,
    "policy.v1.PodDisruptionBudget": (
        columns("Name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age"),
        _disruption_budget,
    ),
    "scheduling.v1.PriorityClass": (
        columns("Name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy"),
        lambda obj, now: [
            name_of(obj),
            obj.get("value", 0),
            bool(obj.get("globalDefault")),
            age_of(obj, now),
            obj.get("preemptionPolicy", ""),
        ],
    ),
    "coordination.v1.Lease": (
        columns("Name, Holder, Age"),
        _between(lambda obj: spec_of(obj).get("holderIdentity", "")),
    ),
    "apiregistration.v1.APIService": (columns("Name, Service, Available, Age"), _api_service),
    "admissionregistration.v1.MutatingWebhookConfiguration": _WEBHOOKS,
    "admissionregistration.v1.ValidatingWebhookConfiguration": _WEBHOOKS,
    "certificates.v1.CertificateSigningRequest": (
        columns("Name, Age, SignerName, Requestor, RequestedDuration, Condition"),
        _signing_request,
    ),
}
