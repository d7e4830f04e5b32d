"""The Kubernetes client: plain objects in and out, discovery, watches. Safe to use from several threads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.adapters.cluster_discovery import Discovery
from lapstrake.adapters.cluster_http import ClusterHttp, error_of
from lapstrake.adapters.kubeconfig import ClusterAccess
from lapstrake.errors import ClusterError
from lapstrake.kube.types import ResourceType

_SILENCE_AFTER_TIMEOUT = 15.0  # seconds a server may be late in ending a watch
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListResult:
    """``items`` always carry apiVersion and kind."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """``type``: ADDED, MODIFIED, DELETED or BOOKMARK. An ERROR event is raised as ClusterError."""

    type: str
    object: Object


class ClusterClient:
    """One server seen by one user."""

    def __init__(self, access: ClusterAccess, *, user_agent: str = "") -> None:
        self._http = ClusterHttp(access, user_agent=user_agent) if user_agent else ClusterHttp(access)
        self._discovery = Discovery(self._http)
        self._owned = True
        self.server = access.server
        self.namespace = access.namespace

    def with_token(self, token: str) -> ClusterClient:
        """The same server as the owner of ``token``. Connections and discovery are shared; closing it does nothing."""
        other = object.__new__(ClusterClient)
        other._http = self._http.as_bearer(token)
        other._discovery = self._discovery
        other._owned = False
        other.server, other.namespace = self.server, self.namespace
        return other

    def close(self) -> None:
        if self._owned:
            self._http.close()

    def resource_types(self, refresh: bool = False) -> Sequence[ResourceType]:
        """Every kind in every version, the server's preferred versions first."""
        return self._discovery.all(refresh=refresh)

    def resource_type(self, api_version: str, kind: str) -> ResourceType:
        """Raises NotFoundError if nobody serves it; the server is asked anew before that."""
        return self._discovery.find(api_version, kind)

    def server_version(self) -> str:
        """Without the leading v: ``1.31.0``."""
        return str(self._http.request("GET", "/version")["gitVersion"]).removeprefix("v")

    def get(self, rt: ResourceType, namespace: str | None, name: str) -> Object:
        return _typed(self._http.request("GET", _path(rt, namespace, name)), rt)

    def list(
        self,
        rt: ResourceType,
        namespace: str | None = None,
        label_selector: str = "",
        field_selector: str = "",
        *,
        limit: int = 0,
    ) -> ListResult:
        """All objects, in pages of ``limit`` (0: as the server likes). ``namespace`` None: everywhere."""
        query = _selectors(label_selector, field_selector)
        if limit:
            query["limit"] = str(limit)
        items: list[Object] = []
        while True:
            answer = self._http.request("GET", _path(rt, namespace), query=query)
            items += [_typed(item, rt) for item in answer.get("items") or []]
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                return ListResult(items, str(metadata.get("resourceVersion") or ""))
            query["continue"] = metadata["continue"]

    def create(
        self, rt: ResourceType, obj: Mapping[str, Any], namespace: str | None = None, *, dry_run: bool = False
    ) -> Object:
        place = namespace or _namespace_of(obj)
        return self._write("POST", _path(rt, place), obj, {"dryRun": "All"} if dry_run else {}, rt)

    def replace(self, rt: ResourceType, obj: Mapping[str, Any]) -> Object:
        return self._write("PUT", _path(rt, _namespace_of(obj), obj["metadata"]["name"]), obj, {}, rt)

    def replace_status(self, rt: ResourceType, obj: Mapping[str, Any]) -> Object:
        return self._write(
            "PUT", _path(rt, _namespace_of(obj), obj["metadata"]["name"], "status"), obj, {}, rt
        )

    def patch(
        self,
        rt: ResourceType,
        namespace: str | None,
        name: str,
        body: object,
        content_type: str,
        *,
        subresource: str = "",
    ) -> Object:
        """``content_type``: application/merge-patch+json, json-patch+json, strategic-merge-patch+json, ..."""
        answer = self._http.request(
            "PATCH", _path(rt, namespace, name, subresource), body=body, content_type=content_type
        )
        return _typed(answer, rt)

    def delete(
        self,
        rt: ResourceType,
        namespace: str | None,
        name: str,
        *,
        propagation: str = "Background",
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Object:
        """What the server says: the object while it lingers, or a Status."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        given = {key: value for key, value in preconditions.items() if value is not None}
        body: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        if given:
            body["preconditions"] = given
        answer: Object = self._http.request("DELETE", _path(rt, namespace, name), body=body) or {}
        return answer

    def watch(
        self,
        rt: ResourceType,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
        timeout: float | None = None,
        bookmarks: bool = False,
    ) -> Watch:
        """Events from now or from ``resource_version`` on; ends after ``timeout`` seconds or when closed.

        Raises ClusterError (status 410 if the version is too old), here or while iterating.
        """
        query = {**_selectors(label_selector, field_selector), "watch": "true"}
        if resource_version:
            query["resourceVersion"] = resource_version
        if bookmarks:
            query["allowWatchBookmarks"] = "true"
        silence = None
        if timeout is not None:
            query["timeoutSeconds"] = str(max(1, round(timeout)))
            silence = timeout + _SILENCE_AFTER_TIMEOUT
        return Watch(self._http.stream(_path(rt, namespace), query=query, silence=silence), rt)

    def create_token(self, namespace: str, service_account: str, *, seconds: int) -> tuple[str, datetime]:
        """A token of that service account, and when it ends."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = f"/api/v1/namespaces/{quote(namespace)}/serviceaccounts/{quote(service_account)}/token"
        status = self._http.request("POST", path, body=body)["status"]
        return status["token"], datetime.fromisoformat(status["expirationTimestamp"])

    def pod_log(self, namespace: str, name: str, container: str, *, tail_lines: int | None = None) -> str:
        query = {"container": container}
        if tail_lines is not None:
            query["tailLines"] = str(tail_lines)
        return self._http.text(f"/api/v1/namespaces/{quote(namespace)}/pods/{quote(name)}/log", query=query)

    def _write(
        self, method: str, path: str, obj: Mapping[str, Any], query: dict[str, str], rt: ResourceType
    ) -> Object:
        return _typed(self._http.request(method, path, query=query, body=obj), rt)


class Watch(Iterator[WatchEvent]):
    """The events of one open watch. ``close`` may come from another thread and ends the iteration."""

    def __init__(self, response: urllib3.BaseHTTPResponse, rt: ResourceType) -> None:
        self._response = response
        self._rt = rt
        self._chunks = response.stream(65536)
        self._lines: list[bytes] = []
        self._rest = b""
        self._closed = False

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> WatchEvent:
        while not self._lines:
            self._read()
        event = json.loads(self._lines.pop())
        obj = event["object"]
        if event["type"] == "ERROR":
            self.close()
            raise error_of(int(obj.get("code") or 500), json.dumps(obj).encode())
        return WatchEvent(event["type"], _typed(obj, self._rt))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self._response.shutdown()
        except (HTTPError, OSError, ValueError, RuntimeError):
            pass  # it has ended by itself
        self._response.close()

    def _read(self) -> None:
        try:
            chunk = next(self._chunks)
        except (StopIteration, HTTPError, OSError, ValueError, AttributeError):
            # At a time-out or a close from another thread the connection vanishes under the reader.
            self.close()
            raise StopIteration from None
        *complete, self._rest = (self._rest + chunk).split(b"\n")
        self._lines = [line for line in reversed(complete) if line.strip()]


def _path(rt: ResourceType, namespace: str | None, name: str = "", subresource: str = "") -> str:
    base = f"/apis/{rt.group}/{rt.version}" if rt.group else f"/api/{rt.version}"
    if rt.namespaced and namespace:
        base += f"/namespaces/{quote(namespace, safe='')}"
    path = f"{base}/{rt.plural}"
    if name:
        path += f"/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path


def _typed(item: Any, rt: ResourceType) -> Object:
    if not isinstance(item, dict):
        raise ClusterError(f"{rt.resource}: the server's answer is not an object")
    if "kind" not in item or "apiVersion" not in item:
        return {"apiVersion": rt.api_version, "kind": rt.kind, **item}
    return item


def _namespace_of(obj: Mapping[str, Any]) -> str | None:
    return (obj.get("metadata") or {}).get("namespace")


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    query = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {key: value for key, value in query.items() if value}
