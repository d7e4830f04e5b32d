"""The objects that make up an installation, and the annotations by which they are found again."""

from __future__ import annotations

import base64
import os.path
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.kube.types import ResourceType
from lapstrake.operations.cluster_access import INSTALLS, SECRETS, SERVICE_ACCOUNTS

Object = Mapping[str, Any]

RBAC = "rbac.authorization.k8s.io"
CLUSTER_ROLES = ResourceType(RBAC, "v1", "ClusterRole", "clusterroles", False)
CLUSTER_ROLE_BINDINGS = ResourceType(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", False)
CREATED_TYPES = (CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, SECRETS, SERVICE_ACCOUNTS)
_TYPES = {rt.kind: rt for rt in (*CREATED_TYPES, INSTALLS)}

# The second of each pair is the spelling of older releases, which is still read.
_OWNER_ANNOTATIONS = ("packaging.carvel.dev/package", "tkg.tanzu.vmware.com/tanzu-package")
OVERLAYS_ANNOTATION = "ext.packaging.carvel.dev/ytt-paths-from-secret-name.kctrl-ytt-overlays"
VALUES_KEY = "values.yaml"


@dataclass(frozen=True, slots=True)
class InstallNames:
    """The names of what belongs to installation ``name`` in ``namespace``."""

    name: str
    namespace: str

    @property
    def owner(self) -> str:
        return f"{self.name}-{self.namespace}"

    @property
    def service_account(self) -> str:
        return f"{self.owner}-sa"

    @property
    def cluster_role(self) -> str:
        return f"{self.owner}-cluster-role"

    @property
    def cluster_role_binding(self) -> str:
        return f"{self.owner}-cluster-rolebinding"

    @property
    def values(self) -> str:
        return f"{self.owner}-values"

    @property
    def overlays(self) -> str:
        return f"{self.owner}-overlays"


def type_of(obj: Object) -> ResourceType:
    return _TYPES[obj["kind"]]


def service_account(names: InstallNames) -> dict[str, Any]:
    metadata = _metadata(names, names.service_account, namespaced=True)
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def cluster_role(names: InstallNames) -> dict[str, Any]:
    """All rights: what a package holds is not known beforehand."""
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    metadata = _metadata(names, names.cluster_role)
    return {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": [rule]}


def cluster_role_binding(names: InstallNames) -> dict[str, Any]:
    subject = {"kind": "ServiceAccount", "name": names.service_account, "namespace": names.namespace}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": _metadata(names, names.cluster_role_binding),
        "subjects": [subject],
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": names.cluster_role},
    }


def values_secret(names: InstallNames, values: str) -> dict[str, Any]:
    return _secret(names, names.values, {VALUES_KEY: values})


def overlays_secret(names: InstallNames, overlays: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Keys are numbered, so that the files keep their order."""
    data = {f"{i:04d}-{os.path.basename(name)}": text for i, (name, text) in enumerate(overlays)}
    return _secret(names, names.overlays, data)


def package_install(
    names: InstallNames, *, package: str, constraints: str, service_account: str, made: Iterable[Object]
) -> dict[str, Any]:
    """``made`` are the objects that its deletion shall remove; values and overlays are referred to."""
    annotations: dict[str, str] = {}
    spec: dict[str, Any] = {
        "serviceAccountName": service_account,
        "packageRef": {
            "refName": package,
            "versionSelection": {"constraints": constraints, "prereleases": {}},
        },
    }
    for obj in made:
        name = obj["metadata"]["name"]
        if name == names.overlays:
            annotations[OVERLAYS_ANNOTATION] = name
            continue
        annotations |= created_annotations(obj["kind"], name)
        if obj["kind"] == "Secret":
            spec["values"] = [{"secretRef": {"name": name}}]
    metadata: dict[str, Any] = {"name": names.name, "namespace": names.namespace}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": INSTALLS.api_version, "kind": INSTALLS.kind, "metadata": metadata, "spec": spec}


def created_annotations(kind: str, name: str) -> dict[str, str]:
    """The annotations of a PackageInstall that say it made an object."""
    return {f"{prefix}-{kind}": name for prefix in _OWNER_ANNOTATIONS}


def created_by(install: Object, kind: str) -> str:
    """The name of the object of ``kind`` that an installation made; "" if it made none."""
    annotations = install["metadata"].get("annotations") or {}
    return next((annotations[k] for k in created_annotations(kind, "") if annotations.get(k)), "")


def is_owned(obj: Object, names: InstallNames) -> bool:
    """Whether an object says that it was made for this installation."""
    annotations = obj["metadata"].get("annotations") or {}
    return any(annotations.get(key) == names.owner for key in _OWNER_ANNOTATIONS)


def secret_texts(secret: Object) -> list[str]:
    """The contents of a Secret, by key."""
    data = secret.get("data") or {}
    return [base64.b64decode(data[key]).decode("utf-8", "replace") for key in sorted(data)]


def _secret(names: InstallNames, name: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = _metadata(names, name, namespaced=True)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(data)}


def _metadata(names: InstallNames, name: str, *, namespaced: bool = False) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "annotations": dict.fromkeys(_OWNER_ANNOTATIONS, names.owner)}
    if namespaced:
        metadata["namespace"] = names.namespace
    return metadata
