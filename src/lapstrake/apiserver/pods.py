"""What the server adds to a new Pod: its account, tolerations, priority, the token volume and a first status.

facts/kube-api.md section 7; recorded in vectors/kube/crud/pod-defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.apiserver import quantity, status
from lapstrake.apiserver.metadata import generated_name
from lapstrake.apiserver.store import Collection, Key, Store

_ACCOUNTS = Collection("", "serviceaccounts")
_PRIORITIES = Collection("scheduling.k8s.io", "priorityclasses")
_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_SECONDS = 3607
_UNREADY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_CONTAINERS = ("initContainers", "containers")


class Pods:
    """Prepares Pods; looks at the accounts and priority classes in ``store``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(self, new: dict[str, Any], old: Mapping[str, Any] | None) -> None:
        """Complete a new Pod in place. Raises Forbidden if its account or priority class does not exist."""
        if old is not None:
            return
        spec = new.setdefault("spec", {})
        account = self._join_account(new, spec)
        _add_token_volume(spec, account)
        _tolerate(spec)
        self._set_priority(new, spec)
        new["status"] = {"phase": "Pending", "qosClass": quality(spec)}

    def _join_account(self, pod: Mapping[str, Any], spec: dict[str, Any]) -> Mapping[str, Any]:
        meta = pod["metadata"]
        name = spec.get("serviceAccountName") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        found = self._store.get(Key(_ACCOUNTS, meta["namespace"], name))
        if found is None:
            if name == "default":
                # In a namespace that was just made it is about to come.
                return {}
            text = f'error looking up service account {meta["namespace"]}/{name}: serviceaccount "{name}" not found'
            raise status.forbidden("pods", meta.get("name", ""), "", text)
        if found.object.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(secret) for secret in found.object["imagePullSecrets"]]
        return found.object

    def _set_priority(self, pod: Mapping[str, Any], spec: dict[str, Any]) -> None:
        name = spec.get("priorityClassName", "")
        priority, preemption = 0, "PreemptLowerPriority"
        if name:
            found = self._store.get(Key(_PRIORITIES, "", name))
            if found is not None:
                priority = found.object.get("value", 0)
                preemption = found.object.get("preemptionPolicy", preemption)
            elif name.startswith("system-"):
                priority = 2_000_000_000
            else:
                text = f"no PriorityClass with name {name} was found"
                raise status.forbidden("pods", pod["metadata"].get("name", ""), "", text)
        spec["priority"] = priority
        spec.setdefault("preemptionPolicy", preemption)


def _add_token_volume(spec: dict[str, Any], account: Mapping[str, Any]) -> None:
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken", True)
    containers = [container for kind in _CONTAINERS for container in spec.get(kind) or ()]
    bare = [container for container in containers if not _mounts_token(container)]
    if not wanted or not bare:
        return
    name = generated_name("kube-api-access-")
    for container in bare:
        mount = {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}
        container.setdefault("volumeMounts", []).append(mount)
    spec.setdefault("volumes", []).append(_token_volume(name))


def _mounts_token(container: Mapping[str, Any]) -> bool:
    return any(mount.get("mountPath") == _TOKEN_PATH for mount in container.get("volumeMounts") or ())


def _token_volume(name: str) -> dict[str, Any]:
    field = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [field]}},
            ],
            "defaultMode": 0o644,
        },
    }


def _tolerate(spec: dict[str, Any]) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for key in _UNREADY:
        if not any(
            found.get("key", "") in ("", key) and found.get("effect", "") in ("", "NoExecute")
            for found in tolerations
        ):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            )


def quality(spec: Mapping[str, Any]) -> str:
    """The quality of service class of a Pod: by what its containers request and are limited to."""
    containers = [container for kind in _CONTAINERS for container in spec.get(kind) or ()]
    wishes = [_wishes(container) for container in containers]
    if not any(requests or limits for requests, limits in wishes):
        return "BestEffort"
    guaranteed = all(limits.keys() >= {"cpu", "memory"} and requests == limits for requests, limits in wishes)
    return "Guaranteed" if guaranteed else "Burstable"


def _wishes(container: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Requests and limits of processor and memory, as numbers above zero."""
    resources = container.get("resources") or {}

    def amounts(kind: str) -> dict[str, Any]:
        listed = resources.get(kind) or {}
        found = {name: quantity.value(listed[name]) for name in ("cpu", "memory") if name in listed}
        return {name: amount for name, amount in found.items() if amount > 0}

    return amounts("requests"), amounts("limits")
