"""What the built-in kinds that run nothing must fulfil, and what of them may not change."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lapstrake.apiserver import jsontext, metadata_rules, names, quantity
from lapstrake.apiserver.causes import (
    IMMUTABLE,
    Cause,
    at_least,
    choice,
    duplicate,
    forbidden,
    invalid,
    required,
    too_long,
    unchanged,
    unsupported,
)
from lapstrake.apiserver.pod_rules import PROTOCOLS, port_number
from lapstrake.apiserver.workload_rules import selector_violations

Object = Mapping[str, Any]
Rules = Callable[[Object, Object | None], Iterator[Cause]]

_MOST_DATA = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"
_RBAC = "rbac.authorization.k8s.io"


def _config_map(obj: Object, old: Object | None) -> Iterator[Cause]:
    data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
    yield from _keys(data, "data")
    for key in data:
        if key in binary:
            yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    yield from _keys(binary, "binaryData")
    size = sum(len(value.encode()) for value in data.values())
    size += sum(len(value) * 3 // 4 for value in binary.values())
    if size > _MOST_DATA:
        yield too_long("", _MOST_DATA)
    if old is not None and old.get("immutable"):
        yield from _frozen(obj, old, ("data", "binaryData"))


def _keys(data: Object, field: str) -> Iterator[Cause]:
    for key in data:
        for text in names.config_key(key):
            yield invalid(f"{field}[{key}]", key, text)


def _frozen(obj: Object, old: Object, fields: tuple[str, ...]) -> Iterator[Cause]:
    if not obj.get("immutable"):
        yield forbidden("immutable", _FROZEN)
    for field in fields:
        if (obj.get(field) or {}) != (old.get(field) or {}):
            yield forbidden(field, _FROZEN)


_SECRET_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def _secret(obj: Object, old: Object | None) -> Iterator[Cause]:
    data, kind = obj.get("data") or {}, obj.get("type")
    yield from _keys(data, "data")
    if sum(len(value) * 3 // 4 for value in data.values()) > _MOST_DATA:
        yield too_long("data", _MOST_DATA)
    if kind == "kubernetes.io/service-account-token":
        name = "kubernetes.io/service-account.name"
        if not (obj["metadata"].get("annotations") or {}).get(name):
            yield required(f"metadata.annotations[{name}]")
    elif kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            yield required("data[username]")
            yield required("data[password]")
    else:
        for key in _SECRET_KEYS.get(str(kind), ()):
            if key not in data:
                yield required(f"data[{key}]")
            elif key.startswith(".docker"):
                yield from _secret_json(key, data[key])
    if old is not None:
        yield from unchanged("type", kind, old.get("type"))
        if old.get("immutable"):
            yield from _frozen(obj, old, ("data",))


def _secret_json(key: str, value: str) -> Iterator[Cause]:
    try:
        jsontext.parse(base64.b64decode(value))
    except (jsontext.JsonError, binascii.Error) as error:
        yield invalid(f"data[{key}]", "<secret contents redacted>", str(error))


_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def _service(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    kind = spec.get("type")
    headless = spec.get("clusterIP") == "None"
    ports = spec.get("ports") or ()
    if not ports and not headless and kind != "ExternalName":
        yield required("spec.ports")
    yield from _service_ports(ports)
    yield from metadata_rules.labels(spec.get("selector") or {}, "spec.selector")
    yield from choice("spec.sessionAffinity", spec.get("sessionAffinity"), ("ClientIP", "None"))
    yield from choice("spec.type", kind, _SERVICE_TYPES)
    if kind == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
        else:
            for text in names.subdomain(spec["externalName"].removesuffix(".").lower()):
                yield invalid("spec.externalName", spec["externalName"], text)
    if old is not None:
        yield from _cluster_ip(spec, old.get("spec") or {})


def _cluster_ip(spec: Object, before: Object) -> Iterator[Cause]:
    external = "ExternalName" in (spec.get("type"), before.get("type"))
    if not external and before.get("clusterIP") and spec.get("clusterIP") != before["clusterIP"]:
        yield invalid("spec.clusterIPs[0]", [spec.get("clusterIP", "")], "may not change once set")


def _service_ports(ports: Any) -> Iterator[Cause]:
    seen: set[str] = set()
    taken: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        field = f"spec.ports[{index}]"
        name = port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{field}.name")
        elif name:
            for text in names.label(name):
                yield invalid(f"{field}.name", name, text)
            if name in seen:
                yield duplicate(f"{field}.name", name)
            seen.add(name)
        yield from port_number(f"{field}.port", port.get("port", 0))
        yield from choice(f"{field}.protocol", port.get("protocol"), PROTOCOLS)
        target = port.get("targetPort")
        if isinstance(target, int):
            yield from port_number(f"{field}.targetPort", target)
        elif target:
            for text in names.port_name(target):
                yield invalid(f"{field}.targetPort", target, text)
    for index, port in enumerate(ports):
        key = (port.get("port"), port.get("protocol"))
        if key in taken:
            yield duplicate(f"spec.ports[{index}]", {"port": key[0], "protocol": key[1]})
        taken.add(key)


def _rules(obj: Object, old: Object | None) -> Iterator[Cause]:
    namespaced = obj.get("kind") == "Role"
    for index, rule in enumerate(obj.get("rules") or ()):
        field = f"rules[{index}]"
        if not rule.get("verbs"):
            yield required(f"{field}.verbs", "verbs must contain at least one value")
        if rule.get("nonResourceURLs"):
            if namespaced:
                urls = rule["nonResourceURLs"]
                yield invalid(
                    f"{field}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs"
                )
            if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                text = "rules cannot apply to both regular resources and non-resource URLs"
                yield invalid(f"{field}.nonResourceURLs", rule["nonResourceURLs"], text)
            continue
        if not rule.get("apiGroups"):
            yield required(f"{field}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            yield required(f"{field}.resources", "resource rules must supply at least one resource")


def _binding(obj: Object, old: Object | None) -> Iterator[Cause]:
    role = obj.get("roleRef") or {}
    cluster = obj.get("kind") == "ClusterRoleBinding"
    if old is not None and role != old.get("roleRef"):
        shown = {"APIGroup": role.get("apiGroup"), "Kind": role.get("kind"), "Name": role.get("name")}
        yield invalid("roleRef", shown, "cannot change roleRef")
    yield from choice("roleRef.apiGroup", role.get("apiGroup"), (_RBAC,))
    kinds = ("ClusterRole",) if cluster else ("ClusterRole", "Role")
    yield from choice("roleRef.kind", role.get("kind", ""), kinds)
    if not role.get("name"):
        yield required("roleRef.name")
    for index, subject in enumerate(obj.get("subjects") or ()):
        yield from _subject(subject, f"subjects[{index}]", cluster)


def _subject(subject: Object, field: str, cluster: bool) -> Iterator[Cause]:
    kind, name = subject.get("kind", ""), subject.get("name", "")
    if not name:
        yield required(f"{field}.name")
    if kind == "ServiceAccount":
        for text in names.subdomain(name) if name else ():
            yield invalid(f"{field}.name", name, text)
        if subject.get("apiGroup"):
            yield unsupported(f"{field}.apiGroup", subject["apiGroup"], ("",))
        if cluster and not subject.get("namespace"):
            yield required(f"{field}.namespace")
    elif kind in ("User", "Group"):
        yield from choice(f"{field}.apiGroup", subject.get("apiGroup"), (_RBAC,))
    else:
        yield unsupported(f"{field}.kind", kind, ("Group", "ServiceAccount", "User"))


_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def _claim(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    for mode in spec.get("accessModes") or ():
        yield from choice("spec.accessModes", mode, _ACCESS_MODES)
    requests = (spec.get("resources") or {}).get("requests") or {}
    if "storage" not in requests:
        yield required("spec.resources[storage]")
    elif quantity.value(requests["storage"]) <= 0:
        yield invalid("spec.resources[storage]", requests["storage"], "must be greater than zero")
    if old is not None:
        before = {**(old.get("spec") or {})}
        now = dict(spec)
        for key in ("resources", "volumeAttributesClassName", "volumeName"):
            before.pop(key, None)
            now.pop(key, None)
        if now != before:
            text = (
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
                "bound claims"
            )
            yield forbidden("spec", text)


def _volume(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    if not spec.get("capacity"):
        yield required("spec.capacity")


def _storage_class(obj: Object, old: Object | None) -> Iterator[Cause]:
    if not obj.get("provisioner"):
        yield required("provisioner")
    yield from choice("reclaimPolicy", obj.get("reclaimPolicy"), ("Delete", "Retain"))
    yield from choice(
        "volumeBindingMode", obj.get("volumeBindingMode"), ("Immediate", "WaitForFirstConsumer")
    )
    if old is not None:
        if (obj.get("parameters") or {}) != (old.get("parameters") or {}):
            yield forbidden("parameters", "updates to parameters are forbidden.")
        for key in ("provisioner", "reclaimPolicy", "volumeBindingMode"):
            if obj.get(key) != old.get(key):
                yield forbidden(key, f"updates to {key} are forbidden.")


def _event(obj: Object, old: Object | None) -> Iterator[Cause]:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    namespace = obj["metadata"].get("namespace", "")
    expected = about.get("namespace") or "default"
    if namespace != expected:
        yield invalid(
            "involvedObject.namespace", about.get("namespace", ""), "does not match event.namespace"
        )


def _ingress(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        text = "either `defaultBackend` or `rules` must be specified"
        yield invalid("spec", {}, text)
    for index, rule in enumerate(spec.get("rules") or ()):
        for place, path in enumerate((rule.get("http") or {}).get("paths") or ()):
            field = f"spec.rules[{index}].http.paths[{place}]"
            kinds = ("Exact", "ImplementationSpecific", "Prefix")
            if not path.get("pathType"):
                yield required(f"{field}.pathType", "pathType must be specified")
            else:
                yield from choice(f"{field}.pathType", path["pathType"], kinds)
            if path.get("pathType") in ("Exact", "Prefix") and not str(path.get("path", "")).startswith("/"):
                yield invalid(f"{field}.path", path.get("path", ""), "must be an absolute path")


def _network_policy(obj: Object, old: Object | None) -> Iterator[Cause]:
    yield from selector_violations((obj.get("spec") or {}).get("podSelector"), "spec.podSelector")


def _autoscaler(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    target = spec.get("scaleTargetRef") or {}
    yield from at_least("spec.minReplicas", spec.get("minReplicas"), 1)
    most = spec.get("maxReplicas", 0)
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if most < spec.get("minReplicas", 1):
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    for key in ("kind", "name"):
        if not target.get(key):
            yield required(f"spec.scaleTargetRef.{key}")


def _disruption_budget(obj: Object, old: Object | None) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        text = "minAvailable and maxUnavailable cannot be both set"
        yield invalid("spec", {key: spec[key] for key in ("minAvailable", "maxUnavailable")}, text)
    yield from selector_violations(spec.get("selector"), "spec.selector")


def _priority_class(obj: Object, old: Object | None) -> Iterator[Cause]:
    if obj.get("value", 0) > 10**9 and not obj["metadata"].get("name", "").startswith("system-"):
        yield forbidden("value", "maximum allowed value of a user defined priority is 1000000000")
    if old is not None and obj.get("value", 0) != old.get("value", 0):
        yield invalid("value", obj.get("value", 0), IMMUTABLE)


def _namespace(obj: Object, old: Object | None) -> Iterator[Cause]:
    for index, finalizer in enumerate((obj.get("spec") or {}).get("finalizers") or ()):
        if "/" not in finalizer and finalizer != "kubernetes":
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid(f"spec.finalizers[{index}]", finalizer, text)


RULES: Mapping[str, Rules] = {
    "core.v1.ConfigMap": _config_map,
    "core.v1.Secret": _secret,
    "core.v1.Service": _service,
    "core.v1.Namespace": _namespace,
    "core.v1.Event": _event,
    "core.v1.PersistentVolumeClaim": _claim,
    "core.v1.PersistentVolume": _volume,
    "rbac.v1.Role": _rules,
    "rbac.v1.ClusterRole": _rules,
    "rbac.v1.RoleBinding": _binding,
    "rbac.v1.ClusterRoleBinding": _binding,
    "storage.v1.StorageClass": _storage_class,
    "networking.v1.Ingress": _ingress,
    "networking.v1.NetworkPolicy": _network_policy,
    "autoscaling.v1.HorizontalPodAutoscaler": _autoscaler,
    "autoscaling.v2.HorizontalPodAutoscaler": _autoscaler,
    "policy.v1.PodDisruptionBudget": _disruption_budget,
    "scheduling.v1.PriorityClass": _priority_class,
}
