"""What a Pod spec must fulfil: containers, ports, environment, volumes. Recorded in vectors/kube/validation/container."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lapstrake.apiserver import names, quantity
from lapstrake.apiserver.causes import (
    Cause,
    at_least,
    choice,
    duplicate,
    forbidden,
    invalid,
    not_found,
    required,
    unsupported,
)

Object = Mapping[str, Any]

PROTOCOLS = ("SCTP", "TCP", "UDP")
_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_FIELDS = frozenset(
    [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "metadata.labels",
        "metadata.annotations",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ]
)


def violations(spec: Object, field: str) -> Iterator[Cause]:
    """``field`` is where the spec stands: ``spec`` or ``spec.template.spec``."""
    volumes = spec.get("volumes") or ()
    yield from _volumes(volumes, f"{field}.volumes")
    known = {volume.get("name") for volume in volumes}
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    seen: set[str] = set()
    for name in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(name) or ()):
            yield from _container(container, f"{field}.{name}[{index}]", known, seen)
    yield from choice(f"{field}.restartPolicy", spec.get("restartPolicy"), _RESTART_POLICIES)
    yield from choice(f"{field}.dnsPolicy", spec.get("dnsPolicy"), _DNS_POLICIES)
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _toleration(toleration, f"{field}.tolerations[{index}]")
    for key, check in (("nodeName", names.subdomain), ("serviceAccountName", names.subdomain)):
        if spec.get(key):
            for text in check(spec[key]):
                yield invalid(f"{field}.{key}", spec[key], text)
    seconds = spec.get("activeDeadlineSeconds")
    if isinstance(seconds, int) and not 0 < seconds < 2**31:
        yield invalid(
            f"{field}.activeDeadlineSeconds", seconds, "must be between 1 and 2147483647, inclusive"
        )


def _toleration(toleration: Object, field: str) -> Iterator[Cause]:
    operator = toleration.get("operator") or "Equal"
    if operator not in ("Equal", "Exists", "Lt", "Gt"):
        yield unsupported(f"{field}.operator", operator, ("Equal", "Exists"))
    if operator == "Exists" and toleration.get("value"):
        text = "value must be empty when `operator` is 'Exists'"
        yield invalid(f"{field}.operator", toleration["value"], text)
    if not toleration.get("key") and operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield invalid(f"{field}.operator", operator, text)


def _container(container: Object, field: str, volumes: set[Any], seen: set[str]) -> Iterator[Cause]:
    name = container.get("name", "")
    if not name:
        yield required(f"{field}.name")
    else:
        for text in names.label(name):
            yield invalid(f"{field}.name", name, text)
        if name in seen:
            yield duplicate(f"{field}.name", name)
        seen.add(name)
    image = container.get("image", "")
    if not image:
        yield required(f"{field}.image")
    elif image != image.strip():
        yield invalid(f"{field}.image", image, "must not have leading or trailing whitespace")
    yield from _ports(container.get("ports") or (), f"{field}.ports")
    yield from _environment(container, field)
    yield from _mounts(container.get("volumeMounts") or (), f"{field}.volumeMounts", volumes)
    yield from choice(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES)
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), Mapping):
            yield from _probe(container[probe], f"{field}.{probe}", probe)
    message_policy = container.get("terminationMessagePolicy")
    yield from choice(f"{field}.terminationMessagePolicy", message_policy, _MESSAGE_POLICIES)
    yield from _resources(container.get("resources") or {}, f"{field}.resources")


def _ports(ports: Sequence[Object], field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{field}[{index}]"
        name = port.get("name", "")
        if name:
            for text in names.port_name(name):
                yield invalid(f"{where}.name", name, text)
            if name in seen:
                yield duplicate(f"{where}.name", name)
            seen.add(name)
        if not port.get("containerPort"):
            yield required(f"{where}.containerPort")
        else:
            yield from port_number(f"{where}.containerPort", port["containerPort"])
        if port.get("hostPort"):
            yield from port_number(f"{where}.hostPort", port["hostPort"])
        if not port.get("protocol"):
            yield required(f"{where}.protocol")
        else:
            yield from choice(f"{where}.protocol", port["protocol"], PROTOCOLS)


def port_number(field: str, port: Any) -> list[Cause]:
    if isinstance(port, int) and 1 <= port <= 65535:
        return []
    return [invalid(field, port, "must be between 1 and 65535, inclusive")]


def _environment(container: Object, field: str) -> Iterator[Cause]:
    for index, variable in enumerate(container.get("env") or ()):
        where = f"{field}.env[{index}]"
        name = variable.get("name", "")
        if not name:
            yield required(f"{where}.name")
        elif "=" in name:
            text = "a valid environment variable name must consist only of printable ASCII characters other than '='"
            yield invalid(f"{where}.name", name, text)
        yield from _variable_source(variable, f"{where}.valueFrom")
    for index, source in enumerate(container.get("envFrom") or ()):
        kinds = [key for key in ("configMapRef", "secretRef") if source.get(key) is not None]
        if len(kinds) != 1:
            text = "must specify one of: `configMapRef` or `secretRef`"
            if kinds:
                text = "may not have more than one field specified at a time"
            yield invalid(f"{field}.envFrom[{index}]", "", text)
        for key in kinds:
            if not source[key].get("name"):
                yield required(f"{field}.envFrom[{index}].{key}.name")


def _variable_source(variable: Object, field: str) -> Iterator[Cause]:
    source = variable.get("valueFrom")
    if source is None:
        return
    kinds = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
    given = [key for key in kinds if source.get(key) is not None]
    if "fieldRef" in given:
        path = source["fieldRef"].get("fieldPath", "")
        if not path:
            yield required(f"{field}.fieldRef.fieldPath")
        elif path not in _FIELDS and not path.startswith(("metadata.labels['", "metadata.annotations['")):
            text = f"error converting fieldPath: field label not supported: {path}"
            yield invalid(f"{field}.fieldRef.fieldPath", path, text)
    for key in ("configMapKeyRef", "secretKeyRef"):
        if key in given and not source[key].get("key"):
            yield required(f"{field}.{key}.key")
    if not given:
        yield invalid(
            field,
            "",
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
        )
    elif variable.get("value"):
        yield invalid(field, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        yield invalid(field, "", "may not have more than one field specified at a time")


def _mounts(mounts: Sequence[Object], field: str, volumes: set[Any]) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{field}[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            yield required(f"{where}.name")
        elif name not in volumes:
            yield not_found(f"{where}.name", name)
        if not path:
            yield required(f"{where}.mountPath")
        elif path in seen:
            yield invalid(f"{where}.mountPath", path, "must be unique")
        seen.add(path)


def _probe(probe: Object, field: str, kind: str) -> Iterator[Cause]:
    handlers = [name for name in _HANDLERS if probe.get(name) is not None]
    if not handlers:
        yield required(field, "must specify a handler type")
    for name in handlers[1:]:
        yield forbidden(f"{field}.{name}", "may not specify more than 1 handler type")
    for key in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        yield from at_least(f"{field}.{key}", probe.get(key))
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        yield invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1")


def _resources(resources: Object, field: str) -> Iterator[Cause]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for resource, amount in amounts.items():
            if quantity.value(amount) < 0:
                yield invalid(f"{field}.{kind}[{resource}]", amount, "must be greater than or equal to 0")
    for resource, amount in requests.items():
        limit = limits.get(resource)
        if limit is not None and quantity.value(amount) > quantity.value(limit):
            text = f"must be less than or equal to {resource} limit of {limit}"
            yield invalid(f"{field}.requests", amount, text)


def _volumes(volumes: Sequence[Object], field: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        where = f"{field}[{index}]"
        name = volume.get("name", "")
        sources = [key for key in volume if key != "name"]
        if not sources:
            yield required(where, "must specify a volume type")
        order = sorted(sources, key=lambda key: (key != "emptyDir", key))
        for source in order[1:]:
            yield forbidden(f"{where}.{source}", "may not specify more than 1 volume type")
        if not name:
            yield required(f"{where}.name")
            continue
        for text in names.label(name):
            yield invalid(f"{where}.name", name, text)
        if name in seen:
            yield duplicate(f"{where}.name", name)
        seen.add(name)
        yield from _volume_source(volume, where)


def _volume_source(volume: Object, field: str) -> Iterator[Cause]:
    for source, key in (
        ("secret", "secretName"),
        ("configMap", "name"),
        ("persistentVolumeClaim", "claimName"),
        ("hostPath", "path"),
    ):
        given = volume.get(source)
        if isinstance(given, Mapping) and not given.get(key):
            yield required(f"{field}.{source}.{key}")
