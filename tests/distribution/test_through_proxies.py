from __future__ import annotations

import base64
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository
from tests.distribution.certificates import self_signed
from tests.distribution.doors import door, proxy
from tests.distribution.registry_at import Answer, canned

BLOB = b"content" * 50_000


def transfer(host: str, environment: dict[str, str], **options: object) -> None:
    registry = RegistryOptions(environment=environment, retry_count=1, **options)  # type: ignore[arg-type]
    with RegistryClient(registry) as client:
        got = b"".join(client.blob(Repository.parse(f"{host}/a/b"), Digest.of(BLOB)))
    assert got == BLOB


def test_https_goes_through_a_tunnel(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, address="192.168.77.7")
    with (
        canned(lambda asked: Answer(body=BLOB)) as (behind, _),
        door(behind, tls=certificate.context()) as secure,
        proxy(secure) as (address, asked),
    ):
        environment = {"HTTPS_PROXY": f"http://{address}"}
        transfer("192.168.77.7:5000", environment, ca_cert_paths=(str(certificate.path),))
    assert set(asked) == {"CONNECT 192.168.77.7:5000"}


@pytest.mark.parametrize("login", ["", "me:p@ss"])
def test_http_goes_through_a_proxy(login: str) -> None:
    """A private address nobody has: only the proxy leads to the server."""
    shown = "me:p%40ss@" if login else ""
    with (
        canned(lambda asked: Answer(body=BLOB)) as (behind, seen),
        proxy(behind, login=login) as (address, asked),
    ):
        environment = {"HTTP_PROXY": f"http://{shown}{address}", "HTTPS_PROXY": "http://127.0.0.1:1"}
        transfer("192.168.77.7:5000", environment)
    assert asked[0] == "GET http://192.168.77.7:5000/v2/"
    assert all("proxy-authorization" not in each.headers or login for each in seen)


def test_proxy_that_wants_a_login(tmp_path: Path) -> None:
    with proxy(login="me:secret") as (address, _), pytest.raises(RegistryError) as caught:
        transfer("registry.test", {"HTTPS_PROXY": f"http://{address}"})
    assert str(caught.value).endswith('Get "https://registry.test/v2/": Proxy Authentication Required')


def test_proxy_that_is_not_there_shows_no_password() -> None:
    with pytest.raises(RegistryError) as caught:
        transfer("registry.test", {"HTTPS_PROXY": "http://me:secret@127.0.0.1:1"})
    assert str(caught.value).endswith("proxyconnect tcp: dial tcp 127.0.0.1:1: connect: connection refused")
    assert "secret" not in str(caught.value)
    assert base64.b64encode(b"me:secret").decode() not in str(caught.value)


def test_hosts_of_no_proxy_are_reached_directly() -> None:
    with canned(lambda asked: Answer(body=BLOB)) as (host, _):
        transfer(host, {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"})
