from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import ClusterAccess
from lapstrake.errors import ClusterError, ConflictError, NotFoundError
from lapstrake.kube.types import ResourceType

CONFIGMAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
Answer = tuple[int, str, bytes]
Requests = list[tuple[str, str, dict[str, str], bytes]]


class Stub:
    """Answers by a function of (method, path); remembers what it was asked."""

    def __init__(self, answer: Callable[[str, str], Answer | None]) -> None:
        requests: Requests = []
        hung_up = self.hung_up = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def finish(self) -> None:
                super().finish()
                hung_up.set()

            def log_message(self, *args: object) -> None:
                pass

            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                requests.append((self.command, self.path, dict(self.headers), body))
                found = answer(self.command, self.path)
                if found is None:
                    self.close_connection = True
                    return
                status, media_type, data = found
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

        self.requests = requests
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.client = ClusterClient(ClusterAccess(f"http://127.0.0.1:{self.server.server_port}"))

    def stop(self) -> None:
        self.client.close()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def stub() -> Iterator[Callable[[Callable[[str, str], Answer | None]], Stub]]:
    started: list[Stub] = []

    def start(answer: Callable[[str, str], Answer | None]) -> Stub:
        started.append(Stub(answer))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def _json(value: Any, status: int = 200, media_type: str = "application/json") -> Answer:
    return status, media_type, json.dumps(value).encode()


def test_list_follows_pages_and_adds_kinds(stub: Callable[..., Stub]) -> None:
    def answer(method: str, path: str) -> Answer:
        if "continue=" in path:
            return _json({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"name": "b"}}]})
        return _json(
            {"metadata": {"continue": "x", "resourceVersion": "7"}, "items": [{"metadata": {"name": "a"}}]}
        )

    server = stub(answer)
    found = server.client.list(CONFIGMAPS, "ns", "a=b", limit=1)
    assert [(item["kind"], item["metadata"]["name"]) for item in found.items] == [
        ("ConfigMap", "a"),
        ("ConfigMap", "b"),
    ]
    assert found.resource_version == "7"
    assert server.requests[0][1] == "/api/v1/namespaces/ns/configmaps?labelSelector=a%3Db&limit=1"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(404, NotFoundError, id="not-found"),
        pytest.param(409, ConflictError, id="conflict"),
        pytest.param(422, ClusterError, id="invalid"),
    ],
)
def test_status_object_becomes_error(
    stub: Callable[..., Stub], status: int, kind: type[ClusterError]
) -> None:
    body = {"kind": "Status", "message": "no", "reason": "Why", "details": {"name": "x"}, "code": status}
    server = stub(lambda method, path: _json(body, status))
    with pytest.raises(kind) as caught:
        server.client.get(CONFIGMAPS, "ns", "x")
    assert (str(caught.value), caught.value.reason, caught.value.status) == ("no", "Why", status)
    assert caught.value.details == {"name": "x"}


def test_error_that_is_no_status_object(stub: Callable[..., Stub]) -> None:
    server = stub(lambda method, path: (404, "text/plain", b"404 page not found\n"))
    with pytest.raises(NotFoundError, match=r"^404 page not found$"):
        server.client.get(CONFIGMAPS, "ns", "x")


def test_request_is_sent_again_once_after_a_stale_connection(stub: Callable[..., Stub]) -> None:
    count = iter(range(10))
    server = stub(lambda method, path: None if next(count) == 0 else _json({"metadata": {"name": "x"}}))
    assert server.client.get(CONFIGMAPS, "ns", "x")["metadata"]["name"] == "x"
    assert len(server.requests) == 2


def test_close_hangs_up_at_once(stub: Callable[..., Stub]) -> None:
    server = stub(lambda method, path: _json({"kind": "Status", "message": "none"}, 404))
    with pytest.raises(NotFoundError) as kept_alive_by_its_traceback:
        server.client.get(CONFIGMAPS, "ns", "x")
    server.client.close()
    assert server.hung_up.wait(5)
    assert kept_alive_by_its_traceback


def test_unreachable_server() -> None:
    client = ClusterClient(ClusterAccess("http://127.0.0.1:1"))
    with pytest.raises(ClusterError) as caught:
        client.list(CONFIGMAPS, "default", "kapp.k14s.io/is-app=")
    assert str(caught.value) == (
        'Get "http://127.0.0.1:1/api/v1/namespaces/default/configmaps?labelSelector=kapp.k14s.io%2Fis-app%3D": '
        "dial tcp 127.0.0.1:1: connect: connection refused"
    )


def test_aggregated_discovery_takes_two_requests(stub: Callable[..., Stub]) -> None:
    def answer(method: str, path: str) -> Answer:
        group = {"metadata": {"name": "apps"} if path == "/apis" else {}}
        kind = "Deployment" if path == "/apis" else "ConfigMap"
        resource = {
            "resource": kind.lower() + "s",
            "responseKind": {"kind": kind},
            "scope": "Namespaced",
            "verbs": ["get"],
        }
        body = {"items": [{**group, "versions": [{"version": "v1", "resources": [resource]}]}]}
        return _json(body, media_type="application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")

    server = stub(answer)
    assert server.client.resource_type("apps/v1", "Deployment").plural == "deployments"
    assert server.client.resource_type("v1", "ConfigMap").namespaced
    assert len(server.requests) == 2
    with pytest.raises(NotFoundError, match='no matches for kind "X" in version "v1"'):
        server.client.resource_type("v1", "X")


def test_discovery_group_by_group(stub: Callable[..., Stub]) -> None:
    answers = {
        "/api": {"versions": ["v1"]},
        "/api/v1": {
            "resources": [
                {"name": "pods", "kind": "Pod", "namespaced": True},
                {"name": "pods/log", "kind": "Pod"},
            ]
        },
        "/apis": {"groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]}]},
        "/apis/apps/v1": {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]},
    }
    server = stub(lambda method, path: _json(answers[path]))
    assert [rt.resource for rt in server.client.resource_types()] == ["pods", "deployments.apps"]


def test_token_client_sends_its_token(stub: Callable[..., Stub]) -> None:
    server = stub(lambda method, path: _json({"metadata": {"name": "x"}}))
    server.client.with_token("t0k").get(CONFIGMAPS, "ns", "x")
    assert server.requests[0][2]["Authorization"] == "Bearer t0k"


def test_watch_reads_events_and_raises_expired(stub: Callable[..., Stub]) -> None:
    lines = [
        {"type": "ADDED", "object": {"metadata": {"name": "a"}}},
        {
            "type": "ERROR",
            "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"},
        },
    ]
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    server = stub(lambda method, path: (200, "application/json", data))
    watch = server.client.watch(CONFIGMAPS, "ns", resource_version="5", timeout=3)
    first = next(watch)
    assert (first.type, first.object["kind"]) == ("ADDED", "ConfigMap")
    with pytest.raises(ClusterError) as caught:
        next(watch)
    assert caught.value.status == 410
    assert server.requests[0][1].endswith("configmaps?resourceVersion=5&timeoutSeconds=3&watch=true")


def test_watch_ends_with_the_stream(stub: Callable[..., Stub]) -> None:
    server = stub(lambda method, path: (200, "application/json", b""))
    assert list(server.client.watch(CONFIGMAPS, "ns")) == []


def test_delete_sends_preconditions(stub: Callable[..., Stub]) -> None:
    server = stub(lambda method, path: _json({"kind": "Status", "status": "Success"}))
    server.client.delete(CONFIGMAPS, "ns", "x", uid="u", propagation="Foreground")
    body = json.loads(server.requests[0][3])
    assert (body["propagationPolicy"], body["preconditions"]) == ("Foreground", {"uid": "u"})
