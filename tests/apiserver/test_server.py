"""Discovery, health, who may do what, and starting again."""

from __future__ import annotations

import http.client
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lapstrake.apiserver.discovery import AGGREGATED
from lapstrake.apiserver.identity import ANONYMOUS, User
from lapstrake.apiserver.serve import ApiServer
from lapstrake.apiserver.store import Collection, Key, Store
from lapstrake.errors import InputError
from tests.apiserver.api_client import CONFIG_MAPS, Client


def test_health_and_version(api: Client) -> None:
    for path in ("/healthz", "/livez", "/readyz", "/healthz/ping"):
        assert api("GET", path).text == "ok"
    assert api("GET", "/version").json["major"] == "1"


def test_plain_discovery(api: Client) -> None:
    assert api("GET", "/api").json["versions"] == ["v1"]
    groups = {group["name"] for group in api("GET", "/apis").json["groups"]}
    assert {"apps", "batch", "rbac.authorization.k8s.io"} <= groups
    resources = {resource["name"] for resource in api("GET", "/apis/apps/v1").json["resources"]}
    assert {"deployments", "deployments/scale", "deployments/status"} <= resources


def test_aggregated_discovery(api: Client) -> None:
    answer = api("GET", "/apis", headers={"Accept": f"{AGGREGATED},application/json"})
    assert answer.headers["content-type"] == AGGREGATED
    assert answer.json["kind"] == "APIGroupDiscoveryList"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("/apis/none.example.com", "404 page not found\n", id="group"),
        pytest.param("/nonesuch", "404 page not found\n", id="path"),
        pytest.param("/api/v1/nonesuch", "the server could not find the requested resource", id="resource"),
        pytest.param("/apis/apps/v9", "the server could not find the requested resource", id="version"),
    ],
)
def test_not_found(api: Client, path: str, text: str) -> None:
    answer = api("GET", path)
    assert answer.status == 404
    assert text in answer.text


def test_not_acceptable(api: Client) -> None:
    answer = api("GET", f"{CONFIG_MAPS}/kube-root-ca.crt", headers={"Accept": "application/xml"})
    assert answer.status == 406


class _Door:
    """Knows one token, and lets its owner read config maps only."""

    def authenticate(self, headers: Mapping[str, str]) -> User | None:
        token = headers.get("authorization", "")
        return {"": ANONYMOUS, "Bearer jo": User("jo", ("team",))}.get(token)

    def allowed(self, user: User, verb: str, **what: str) -> bool:
        if verb == "impersonate":
            return user.name == "jo" and what["name"] == "al"
        return (
            user.name in ("jo", "al")
            and verb in ("get", "create")
            and "secrets" not in what.get("resource", "")
        )


@pytest.fixture
def guarded() -> Client:
    store = Store()
    server = ApiServer(store, authenticator=_Door(), authorizer=_Door())
    server.start()
    yield Client(server)  # type: ignore[misc]
    server.stop()
    store.close()


JO = {"Authorization": "Bearer jo"}


def test_wrong_credentials(guarded: Client) -> None:
    assert guarded("GET", CONFIG_MAPS, headers={"Authorization": "Bearer x"}).status == 401


def test_forbidden(guarded: Client) -> None:
    answer = guarded("GET", "/api/v1/namespaces/default/secrets/s", headers=JO)
    assert answer.status == 403
    assert answer.json["message"] == (
        'secrets "s" is forbidden: User "jo" cannot get resource "secrets" in API group "" in the namespace "default"'
    )
    assert guarded("DELETE", "/api/v1/namespaces/hello", headers=JO).json["message"] == (
        'namespaces "hello" is forbidden: User "jo" cannot delete resource "namespaces" in API group "" '
        'in the namespace "hello"'
    )
    assert (
        guarded("GET", "/apis").json["message"]
        == 'forbidden: User "system:anonymous" cannot get path "/apis"'
    )
    assert guarded("GET", "/healthz").status == 200


def test_impersonation(guarded: Client) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    al = guarded(
        "POST", path, {}, {**JO, "Impersonate-User": "al", "Impersonate-Group": "system:authenticated"}
    )
    assert al.json["status"]["userInfo"]["username"] == "al"
    assert guarded("POST", path, {}, {**JO, "Impersonate-User": "bo"}).status == 403


def test_access_review(guarded: Client) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    for resource, allowed in (("pods", True), ("secrets", False)):
        spec = {"resourceAttributes": {"verb": "get", "resource": resource}}
        assert guarded("POST", path, {"spec": spec}, JO).json["status"] == {"allowed": allowed}


def test_port_in_use_is_told(api: Client) -> None:
    store = Store()
    port = urlsplit(api.server.url).port or 0
    with pytest.raises(InputError, match=f"listen tcp 127.0.0.1:{port}: address already in use"):
        ApiServer(store, port=port).start()
    store.close()


def test_state_survives_a_kill(tmp_path: Path) -> None:
    path = str(tmp_path / "state.db")
    program = f"""
        import http.client, os, signal
        from urllib.parse import urlsplit
        from lapstrake.apiserver.serve import ApiServer
        from lapstrake.apiserver.store import Store
        server = ApiServer(Store({path!r}))
        server.start()
        address = urlsplit(server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port)
        connection.request("POST", {CONFIG_MAPS!r}, '{{"metadata": {{"name": "kept"}}}}')
        assert connection.getresponse().status == 201
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=30, check=False)
    assert killed.returncode == -9
    store = Store(path)
    assert store.get(Key(Collection("", "configmaps"), "default", "kept")) is not None
    server = ApiServer(store)
    server.start()
    assert Client(server)("GET", f"{CONFIG_MAPS}/kept").status == 200
    server.stop()
    store.close()


def test_answers_are_not_delayed(api: Client) -> None:
    """A kept connection sends small answers at once (40 ms each if the socket waits for acknowledgements)."""
    address = urlsplit(api.server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    started = time.monotonic()
    for _ in range(50):
        connection.request("GET", f"{CONFIG_MAPS}/kube-root-ca.crt")
        connection.getresponse().read()
    connection.close()
    assert time.monotonic() - started < 1.5
