from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.distribution.credentials import CredentialOptions
from lapstrake.errors import InputError, RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_MANIFEST, manifest_of
from lapstrake.oci.reference import Reference, Repository
from lapstrake.registry.server import RunningRegistry, serve
from tests.distribution.registry_at import Answer, Asked, canned

ZEROS = "sha256:" + "0" * 64
BLOB = b"content of a blob" * 1000
MANIFEST = manifest_of(b"{}", []).data


def client_of(
    sleeps: list[float] | None = None,
    *,
    prefix: str = "IMGPKG",
    tries: int = 5,
    username: str = "",
    password: str = "",
) -> RegistryClient:
    options = RegistryOptions(
        credentials=CredentialOptions(username, password),
        environment={},
        env_prefix=prefix,
        retry_count=tries,
    )
    return RegistryClient(options, sleep=(sleeps if sleeps is not None else []).append)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with serve("127.0.0.1", 0, str(tmp_path), sweep_seconds=3600) as running:
        yield running


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with client_of() as client:
        yield client


def test_client_pushes_and_reads_back(registry: RunningRegistry, client: RegistryClient) -> None:
    reference = Reference.parse(f"{registry.host}/a/b:v1")
    digest = Digest.of(BLOB)
    client.push_blob(reference.repo, digest, lambda: iter([BLOB[:10], BLOB[10:]]))
    client.push_blob(reference.repo, Digest.of(b"{}"), b"{}")
    pushed = client.put_manifest(reference, DOCKER_MANIFEST, MANIFEST)
    assert b"".join(client.blob(reference.repo, digest)) == BLOB
    assert client.head(reference).digest == client.manifest(reference).digest == pushed
    assert client.manifest(reference).data == MANIFEST
    assert client.tags(reference.repo) == ["v1"]


def test_unknown_manifest_is_told_in_the_recorded_words(
    registry: RunningRegistry, client: RegistryClient
) -> None:
    with pytest.raises(RegistryError) as caught:
        client.head(Reference.parse(f"{registry.host}/a/b@{ZEROS}"))
    assert str(caught.value) == (
        f"GET {registry.url}/v2/a/b/manifests/{ZEROS}: MANIFEST_UNKNOWN: manifest unknown; "
        f"map[Name:a/b Revision:{ZEROS}]"
    )
    assert (caught.value.status, caught.value.code) == (404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize(
    ("prefix", "before"),
    [
        pytest.param(
            "IMGPKG",
            "Error while preparing a transport to talk with the registry: Unable to create round tripper: ",
            id="imgpkg",
        ),
        pytest.param("KBLD", "", id="kbld"),
    ],
)
def test_refused_connection_is_told_for_both_schemes(prefix: str, before: str) -> None:
    sleeps: list[float] = []
    refused = "dial tcp 127.0.0.1:1: connect: connection refused"
    with client_of(sleeps, prefix=prefix) as client, pytest.raises(RegistryError) as caught:
        client.head(Reference.parse("127.0.0.1:1/repo"))
    assert (
        str(caught.value)
        == f'{before}Get "https://127.0.0.1:1/v2/": {refused}; Get "http://127.0.0.1:1/v2/": {refused}'
    )
    assert sleeps == []


def test_wrong_content_is_an_error() -> None:
    def respond(asked: Asked) -> Answer:
        return Answer(body=b"other" if "/v2/a" in asked.path else b"")

    with canned(respond) as (host, _), client_of() as client:
        repository = Repository.parse(f"{host}/aa")
        with pytest.raises(RegistryError, match="error verifying sha256 checksum"):
            list(client.blob(repository, Digest.parse(ZEROS)))
        with pytest.raises(RegistryError, match="does not match requested digest"):
            client.manifest(Reference.parse(f"{host}/aa@{ZEROS}"))


def test_tags_follow_pages_of_the_same_host_only() -> None:
    pages = {
        "/v2/aa/tags/list?n=1000": Answer(
            body=b'{"tags":["b"]}', headers={"Link": '</v2/aa/tags/list?last=b>; rel="next"'}
        ),
        "/v2/aa/tags/list?last=b": Answer(
            body=b'{"tags":["a"]}', headers={"Link": '<http://evil.test/>; rel="next"'}
        ),
    }
    with (
        canned(lambda asked: pages.get(asked.path, Answer())) as (host, asked),
        client_of() as client,
        pytest.raises(RegistryError, match="Expected the next page to be at the same host"),
    ):
        client.tags(Repository.parse(f"{host}/aa"))
    assert [request.path for request in asked][1:] == list(pages)


def test_upload_is_tried_again_after_some_answers() -> None:
    answers = [
        Answer(503),
        Answer(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow"}]}'),
        Answer(201),
    ]

    def respond(asked: Asked) -> Answer:
        return answers.pop(0) if asked.method == "PUT" else Answer()

    sleeps: list[float] = []
    with canned(respond) as (host, _), client_of(sleeps) as client:
        client.put_manifest(Reference.parse(f"{host}/aa:v1"), DOCKER_MANIFEST, MANIFEST)
    assert sleeps == [0.1, 0.2]


def test_retries_come_to_an_end() -> None:
    sleeps: list[float] = []

    def respond(asked: Asked) -> Answer:
        return Answer(503, b"busy") if asked.method == "PUT" else Answer()

    with (
        canned(respond) as (host, _),
        client_of(sleeps, tries=6) as client,
        pytest.raises(RegistryError) as caught,
    ):
        client.put_manifest(Reference.parse(f"{host}/aa:v1"), DOCKER_MANIFEST, MANIFEST)
    assert (
        str(caught.value)
        == f"PUT http://{host}/v2/aa/manifests/v1: unexpected status code 503 Service Unavailable: busy"
    )
    assert sleeps == [0.1, 0.2, 0.4, 0.8, 1.0]


def test_refusal_is_not_tried_again() -> None:
    sleeps: list[float] = []

    def respond(asked: Asked) -> Answer:
        return (
            Answer(403, b'{"errors":[{"code":"DENIED","message":"no"}]}')
            if asked.path != "/v2/"
            else Answer()
        )

    with (
        canned(respond) as (host, asked),
        client_of(sleeps) as client,
        pytest.raises(RegistryError, match="DENIED: no"),
    ):
        client.manifest(Reference.parse(f"{host}/aa:v1"))
    assert (sleeps, len(asked)) == ([], 2)


def test_credentials_stay_with_their_host() -> None:
    """A registry that sends us elsewhere for a blob must not make us show our password there."""
    elsewhere = canned(lambda asked: Answer(body=BLOB))
    with elsewhere as (other, asked):

        def respond(asked: Asked) -> Answer:
            if "authorization" not in asked.headers:
                return Answer(401, headers={"WWW-Authenticate": "Basic"})
            return Answer(307, headers={"Location": f"http://localhost:{other.partition(':')[2]}/blob"})

        with canned(respond) as (host, _), client_of(username="me", password="secret") as client:
            assert b"".join(client.blob(Repository.parse(f"{host}/aa"), Digest.of(BLOB))) == BLOB
    assert "authorization" not in asked[0].headers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            None, "Reading CA certificates from '{0}': open {0}: no such file or directory", id="missing"
        ),
        pytest.param("", "Adding CA certificates from '{0}': failed", id="empty"),
        pytest.param("nonsense", "Adding CA certificates from '{0}': failed", id="no certificate"),
    ],
)
def test_certificate_files_that_hold_none(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        RegistryClient(RegistryOptions(ca_cert_paths=(str(path),), environment={}))
    assert str(caught.value) == "Creating registry HTTP transport: " + message.format(path)


def test_blob_that_the_registry_lacks_is_looked_for_elsewhere_without_credentials() -> None:
    content = b"foreign layer"

    def elsewhere(asked: Asked) -> Answer:
        return Answer(200, content) if asked.path == "/layer" else Answer(404)

    def lacking(asked: Asked) -> Answer:
        return Answer(200 if asked.path == "/v2/" else 404)

    with canned(elsewhere) as (far, far_asked), canned(lacking) as (host, _):
        environment = {"IMGPKG_USERNAME": "alice", "IMGPKG_PASSWORD": "wonderland"}
        with RegistryClient(RegistryOptions(environment=environment)) as client:
            repository = Repository.parse(f"{host}/team/app")
            urls = ["ftp://nowhere/layer", f"http://{far}/gone", f"http://{far}/layer"]
            got = client.blob(repository, Digest.of(content), size=len(content), urls=urls)
            assert b"".join(got) == content
            with pytest.raises(RegistryError) as caught:
                list(client.blob(repository, Digest.of(content), urls=urls[:2]))
    assert caught.value.status == 404
    assert [asked.path for asked in far_asked] == ["/gone", "/layer", "/gone"]
    assert not any("authorization" in asked.headers for asked in far_asked)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"", "EOF", id="nothing"),
        pytest.param(b"[]", "json: cannot unmarshal array into Go value of type remote.Tags", id="list"),
        pytest.param(
            b'{"tags": "x"}',
            "json: cannot unmarshal string into Go struct field Tags.tags of type []string",
            id="text",
        ),
        pytest.param(
            b'{"tags": [1]}',
            "json: cannot unmarshal number into Go struct field Tags.tags of type string",
            id="number",
        ),
    ],
)
def test_tags_that_are_none(body: bytes, message: str) -> None:
    with (
        canned(lambda asked: Answer(200, body)) as (host, _),
        RegistryClient(RegistryOptions(environment={})) as client,
        pytest.raises(RegistryError) as caught,
    ):
        client.tags(Repository.parse(f"{host}/a/b"))
    assert str(caught.value) == message
