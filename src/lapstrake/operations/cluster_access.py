"""What reconciling needs of a cluster, and how it acts there in somebody else's name."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.kube.types import ResourceType

Object = Mapping[str, Any]

# Tokens are asked for an hour and used until ten minutes before their end.
_TOKEN_SECONDS = 3600
_TOKEN_MARGIN = 600.0

SECRETS = ResourceType("", "v1", "Secret", "secrets", True)
CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
SERVICE_ACCOUNTS = ResourceType("", "v1", "ServiceAccount", "serviceaccounts", True)
NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", False)
APPS = ResourceType("kappctrl.k14s.io", "v1alpha1", "App", "apps", True)
INSTALLS = ResourceType("packaging.carvel.dev", "v1alpha1", "PackageInstall", "packageinstalls", True)
REPOSITORIES = ResourceType(
    "packaging.carvel.dev", "v1alpha1", "PackageRepository", "packagerepositories", True
)
PACKAGES = ResourceType("data.packaging.carvel.dev", "v1alpha1", "Package", "packages", True)
PACKAGE_METADATA = ResourceType(
    "data.packaging.carvel.dev", "v1alpha1", "PackageMetadata", "packagemetadatas", True
)


class Listing(Protocol):
    @property
    def items(self) -> list[dict[str, Any]]: ...


class Cluster(Protocol):
    """The part of a cluster client that reconciling uses."""

    server: str

    def with_token(self, token: str) -> Self: ...
    def resource_types(self, refresh: bool = False) -> Sequence[ResourceType]: ...
    def server_version(self) -> str: ...
    def get(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...
    def list(
        self,
        rt: ResourceType,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
    ) -> Listing: ...
    def create(self, rt: ResourceType, obj: Object, namespace: str | None = None) -> dict[str, Any]: ...
    def replace(self, rt: ResourceType, obj: Object) -> dict[str, Any]: ...
    def patch(
        self,
        rt: ResourceType,
        namespace: str | None,
        name: str,
        body: object,
        content_type: str,
        *,
        subresource: str = "",
    ) -> dict[str, Any]: ...
    def delete(self, rt: ResourceType, namespace: str | None, name: str) -> dict[str, Any]: ...
    def create_token(self, namespace: str, service_account: str, *, seconds: int) -> tuple[str, datetime]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an App's resources go: a client with the App's rights, and the namespace of kapp's record."""

    cluster: Any
    namespace: str


class Access:
    """Gives each App a client with its own rights; tokens of service accounts are kept while they last.

    ``from_kubeconfig(text)`` opens a client for another cluster; ``now`` is seconds since the epoch.
    """

    def __init__(
        self, cluster: Cluster, *, from_kubeconfig: Callable[[str], Any], now: Callable[[], float]
    ) -> None:
        self._cluster = cluster
        self._from_kubeconfig = from_kubeconfig
        self._now = now
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str], tuple[Any, float]] = {}
        self._foreign: dict[tuple[str, str], tuple[str, Any]] = {}

    def close(self) -> None:
        """Close the clients of other clusters."""
        with self._lock:
            clients = [client for _, client in self._foreign.values()]
            self._foreign.clear()
        for client in clients:
            client.close()

    def place(self, obj: Object) -> Place:
        """Raises LapstrakeError with the controller's texts when the rights cannot be had."""
        spec, namespace = obj["spec"], obj["metadata"]["namespace"]
        if spec.get("serviceAccountName"):
            return Place(self._by_service_account(namespace, spec["serviceAccountName"]), namespace)
        if spec.get("cluster"):
            return self._by_kubeconfig(namespace, spec["cluster"])
        raise InputError("Preparing kapp: Expected service account or cluster specified")

    def _by_service_account(self, namespace: str, name: str) -> Any:
        try:
            account = self._cluster.get(SERVICE_ACCOUNTS, namespace, name)
            key = (namespace, name, str(account["metadata"].get("uid", "")))
            with self._lock:
                client, until = self._clients.get(key, (None, 0.0))
            if client is not None and self._now() < until:
                return client
            token, expiry = self._cluster.create_token(namespace, name, seconds=_TOKEN_SECONDS)
        except LapstrakeError as error:
            raise InputError(f"Preparing kapp: Getting service account: {error}") from error
        client = self._cluster.with_token(token)
        with self._lock:
            self._clients[key] = (client, expiry.timestamp() - _TOKEN_MARGIN)
        return client

    def _by_kubeconfig(self, namespace: str, cluster: Object) -> Place:
        reference = cluster.get("kubeconfigSecretRef")
        if not reference:
            raise InputError("Preparing kapp: Expected kubeconfig or service account to be specified")
        try:
            secret = self._cluster.get(SECRETS, namespace, reference.get("name", ""))
        except LapstrakeError as error:
            raise InputError(f"Preparing kapp: Getting kubeconfig secret: {error}") from error
        key = reference.get("key") or "value"
        data = (secret.get("data") or {}).get(key)
        if data is None:
            raise InputError(
                f"Preparing kapp: Getting kubeconfig secret: Expected secret '{reference.get('name', '')}' "
                f"to have key '{key}'"
            )
        client = self._of_kubeconfig((namespace, str(reference.get("name"))), b64decode(data).decode())
        return Place(client, cluster.get("namespace") or namespace)

    def _of_kubeconfig(self, secret: tuple[str, str], text: str) -> Any:
        """One client for each Secret, as long as what it holds stays the same.

        A former one is not closed here: somebody may still be using it.
        """
        with self._lock:
            known, client = self._foreign.get(secret, ("", None))
        if client is None or known != text:
            client = self._from_kubeconfig(text)
            with self._lock:
                self._foreign[secret] = (text, client)
        return client


def file_contents(obj: Object) -> dict[str, bytes]:
    """The keys of a Secret or ConfigMap with their bytes, sorted by name."""
    secret = obj.get("kind") == "Secret"
    files = {
        key: b64decode(value) if secret else str(value).encode()
        for key, value in (obj.get("data") or {}).items()
    }
    if not secret:
        files.update({key: b64decode(value) for key, value in (obj.get("binaryData") or {}).items()})
    return dict(sorted(files.items()))
