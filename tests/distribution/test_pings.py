"""Which scheme is used with which host, and whose certificates are believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.distribution.credentials import CredentialOptions
from lapstrake.errors import RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository
from tests.distribution.certificates import Certificate, self_signed
from tests.distribution.doors import door
from tests.distribution.registry_at import Answer, Asked, canned
from tests.registries import debian_registry

UNKNOWN = "tls: failed to verify certificate: x509: certificate signed by unknown authority"


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return self_signed(tmp_path)


@pytest.fixture
def registry() -> Iterator[str]:
    with canned(lambda asked: Answer(body=b'{"tags":["v1"]}')) as (host, _):
        yield host


def tags(host: str, *, ca: Certificate | None = None, **options: bool) -> list[str]:
    paths = (str(ca.path),) if ca else ()
    registry = RegistryOptions(ca_cert_paths=paths, environment={}, retry_count=1, **options)  # type: ignore[arg-type]
    with RegistryClient(registry) as client:
        return client.tags(Repository.parse(f"{host}/team/app"))


def test_certificate_of_a_given_authority_is_believed(registry: str, certificate: Certificate) -> None:
    with door(registry, tls=certificate.context()) as host:
        assert tags(host, ca=certificate) == ["v1"]


def test_unknown_certificate_is_not_believed(registry: str, certificate: Certificate) -> None:
    with door(registry, tls=certificate.context()) as host, pytest.raises(RegistryError) as caught:
        tags(host)
    assert f'Get "https://{host}/v2/": {UNKNOWN}; Get "http://{host}/v2/": ' in str(caught.value)


def test_unknown_certificate_is_believed_if_told_so(registry: str, certificate: Certificate) -> None:
    with door(registry, tls=certificate.context()) as host:
        assert tags(host, verify_certs=False) == ["v1"]


@pytest.mark.parametrize(
    ("address", "days", "reason"),
    [
        pytest.param("127.0.0.2", 1, "IP address mismatch", id="of another host"),
        pytest.param("127.0.0.1", -1, "certificate has expired", id="expired"),
    ],
)
def test_certificate_that_does_not_fit(
    registry: str, tmp_path: Path, address: str, days: int, reason: str
) -> None:
    other = self_signed(tmp_path, address=address, days=days)
    with door(registry, tls=other.context()) as host, pytest.raises(RegistryError, match=reason):
        tags(host, ca=other)


def test_https_is_preferred_where_both_answer(certificate: Certificate) -> None:
    with (
        canned(lambda asked: Answer(body=b'{"tags":["v1"]}')) as (plain, _),
        canned(lambda asked: Answer(body=b'{"tags":["by tls"]}')) as (secure, _),
        door(secure, tls=certificate.context()) as through,
        door(through, tls=None, plain=True) as both,
    ):
        assert tags(both, ca=certificate) == ["by tls"]
        assert tags(plain, ca=certificate) == ["v1"]


def test_plain_is_used_where_the_certificate_is_not_believed(registry: str, certificate: Certificate) -> None:
    with door(registry, tls=certificate.context(), plain=True) as host:
        assert tags(host) == ["v1"]


def test_host_that_does_not_answer_in_tls_is_soon_asked_without(registry: str) -> None:
    with door(registry, tls=None, plain=True, silent=True) as host:
        begun = time.monotonic()
        assert tags(host) == ["v1"]
        assert time.monotonic() - begun < 3


def test_plain_host_elsewhere_is_asked_only_if_insecure() -> None:
    with pytest.raises(RegistryError) as caught:
        tags("registry.invalid:1")
    assert "http://" not in str(caught.value)
    with pytest.raises(RegistryError) as caught:
        tags("registry.invalid:1", insecure=True)
    assert "https://" in str(caught.value)
    assert 'Get "http://registry.invalid:1/v2/": dial tcp: lookup registry.invalid: no such host' in str(
        caught.value
    )


def test_what_a_plain_server_says_to_a_tls_hello() -> None:
    with canned(lambda asked: Answer(500)) as (host, _), pytest.raises(RegistryError) as caught:
        tags(host)
    assert str(caught.value).endswith(
        f'Get "https://{host}/v2/": tls: first record does not look like a TLS handshake; '
        f"GET http://{host}/v2/: unexpected status code 500 Internal Server Error"
    )


def test_go_server_without_tls(tmp_path: Path) -> None:
    with debian_registry(tmp_path, htpasswd="x:$2y$05$" + "a" * 53 + "\n") as host:
        with pytest.raises(RegistryError) as caught:
            tags(host)
        assert "UNAUTHORIZED" in str(caught.value)


def test_docker_registry_with_tls(tmp_path: Path, certificate: Certificate) -> None:
    blob = b"content" * 100_000
    with debian_registry(tmp_path, tls=(certificate.path, certificate.key)) as host:
        options = RegistryOptions(ca_cert_paths=(str(certificate.path),), environment={})
        with RegistryClient(options) as client:
            repository = Repository.parse(f"{host}/a/b")
            client.push_blob(repository, Digest.of(blob), lambda: iter([blob]), size=len(blob))
            assert b"".join(client.blob(repository, Digest.of(blob))) == blob


def test_credentials_do_not_go_from_https_to_http(certificate: Certificate) -> None:
    blob = b"content"
    with canned(lambda asked: Answer(body=blob)) as (plain, seen):

        def respond(asked: Asked) -> Answer:
            if "authorization" not in asked.headers:
                return Answer(401, headers={"WWW-Authenticate": "Basic"})
            return Answer(307, headers={"Location": f"http://{plain}/blob"})

        with canned(respond) as (behind, _), door(behind, tls=certificate.context()) as host:
            options = RegistryOptions(
                ca_cert_paths=(str(certificate.path),),
                environment={},
                credentials=CredentialOptions(username="me", password="secret"),
            )
            with RegistryClient(options) as client:
                repository = Repository.parse(f"{host}/a/b")
                assert b"".join(client.blob(repository, Digest.of(blob))) == blob
    assert [each.headers.get("authorization") for each in seen] == [None]


def test_upload_that_is_sent_to_plain_http_shows_no_credentials(certificate: Certificate) -> None:
    """As a registry behind a proxy does that does not know its own address."""
    with canned(lambda asked: Answer(201)) as (plain, seen):

        def respond(asked: Asked) -> Answer:
            if asked.path == "/v2/":
                return Answer()
            if asked.method == "HEAD":
                return Answer(404)
            return Answer(202, headers={"Location": f"http://{plain}/upload"})

        with canned(respond) as (behind, _), door(behind, tls=certificate.context()) as host:
            options = RegistryOptions(
                ca_cert_paths=(str(certificate.path),),
                environment={},
                credentials=CredentialOptions(username="me", password="secret"),
            )
            with RegistryClient(options) as client:
                client.push_blob(Repository.parse(f"{host}/a/b"), Digest.of(b"x"), b"x")
    assert [(each.body, each.headers.get("authorization")) for each in seen] == [(b"x", None)]


@pytest.mark.parametrize("status", [404, 403, 500])
def test_server_that_is_no_registry_is_asked_nothing_more(status: int) -> None:
    with (
        canned(lambda asked: Answer(status)) as (host, asked),
        RegistryClient(RegistryOptions(environment={})) as client,
        pytest.raises(RegistryError, match=f"GET http://{host}/v2/: unexpected status code {status}"),
    ):
        client.manifest(Repository.parse(f"{host}/a/b").with_tag("v1"))
    assert {each.path for each in asked} == {"/v2/"}


@pytest.mark.parametrize(
    ("host", "told"),
    [
        pytest.param("localhost:99999", "dial tcp: address 99999: invalid port", id="no port"),
        pytest.param("127.0.0.1:0", "dial tcp 127.0.0.1:0: connect: connection refused", id="port 0"),
        pytest.param("[::1]:1", "dial tcp [::1]:1: connect: ", id="IPv6"),
    ],
)
def test_addresses_are_told_as_they_were_given(host: str, told: str) -> None:
    with pytest.raises(RegistryError) as caught:
        tags(host)
    for scheme in ("https", "http"):
        assert f'Get "{scheme}://{host}/v2/": {told}' in str(caught.value)
