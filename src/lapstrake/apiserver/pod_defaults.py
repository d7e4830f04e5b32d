"""Defaults of Pods and Pod templates: containers, probes, volumes. Everything works in place.

facts/kube-api.md section 7; recorded in vectors/kube/crud/pod-defaults and deployment-defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_FILE_MODE = 0o644


def fill_pod(pod: dict[str, Any]) -> None:
    """A Pod of its own has a few defaults that templates lack."""
    spec = pod.setdefault("spec", {})
    fill_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for name in ("initContainers", "containers"):
        for container in spec.get(name) or ():
            _request_what_is_limited(container["resources"])


def fill_template(owner: dict[str, Any]) -> None:
    """The ``template`` member of a workload's spec."""
    template = owner.setdefault("template", {})
    template.setdefault("metadata", {})
    fill_pod_spec(template.setdefault("spec", {}))


def fill_pod_spec(spec: dict[str, Any]) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    _join_service_account(spec)
    for name in _CONTAINER_LISTS:
        for container in spec.get(name) or ():
            _fill_container(container, host_network=bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        _fill_volume(volume)


def _join_service_account(spec: dict[str, Any]) -> None:
    """``serviceAccount`` is the old name of ``serviceAccountName``; both are always there."""
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def _request_what_is_limited(resources: dict[str, Any]) -> None:
    for resource, limit in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(resource, limit)


def _fill_container(container: dict[str, Any], *, host_network: bool) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    for variable in container.get("env") or ():
        _fill_field_ref(variable.get("valueFrom") or {})
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _fill_probe(container[probe])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            _fill_http_get(hook)


def _pull_policy(image: str) -> str:
    """Always for ``latest`` or no tag at all; a digest pins the image."""
    name = image.rsplit("/", 1)[-1]
    if "@" in name:
        return "IfNotPresent"
    return "IfNotPresent" if ":" in name and not name.endswith(":latest") else "Always"


def _fill_probe(probe: dict[str, Any]) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(name):
            probe[name] = value
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")
    _fill_http_get(probe)


def _fill_http_get(handler: Mapping[str, Any]) -> None:
    request = handler.get("httpGet")
    if isinstance(request, dict):
        request.setdefault("path", "/")
        request.setdefault("scheme", "HTTP")


def _fill_field_ref(source: Mapping[str, Any]) -> None:
    reference = source.get("fieldRef")
    if isinstance(reference, dict):
        reference.setdefault("apiVersion", "v1")


def _fill_volume(volume: dict[str, Any]) -> None:
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        if isinstance(volume.get(name), dict):
            volume[name].setdefault("defaultMode", _FILE_MODE)
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        _fill_field_ref(item)
    for source in (volume.get("projected") or {}).get("sources") or ():
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            _fill_field_ref(item)
        if isinstance(source.get("serviceAccountToken"), dict):
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if isinstance(template, dict):
        template.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
