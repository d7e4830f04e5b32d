"""Blobs to and from real registries: the embedded one and Debian's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import InputError, RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository
from lapstrake.registry.server import serve
from tests.registries import debian_registry

BLOB = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture(params=["embedded", "debian"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "embedded":
        with serve("127.0.0.1", 0, str(tmp_path), sweep_seconds=3600) as running:
            yield running.host
    else:
        with debian_registry(tmp_path) as address:
            yield address


@pytest.fixture
def client() -> Iterator[RegistryClient]:
    with RegistryClient(RegistryOptions(environment={}), sleep=lambda _: None) as client:
        yield client


def pieces(*lengths: int) -> Callable[[], Iterator[bytes]]:
    def content() -> Iterator[bytes]:
        at = 0
        for length in lengths:
            yield BLOB[at : at + length]
            at += length

    return content


@pytest.mark.parametrize(
    ("content", "size"),
    [
        pytest.param(BLOB, None, id="bytes"),
        pytest.param(pieces(10, len(BLOB) - 10), len(BLOB), id="pieces of known size"),
        pytest.param(pieces(1 << 20, 1 << 20), None, id="pieces of unknown size"),
    ],
)
def test_blob_goes_there_and_back(
    host: str,
    client: RegistryClient,
    content: bytes | Callable[[], Iterator[bytes]],
    size: int | None,
) -> None:
    repository, digest = Repository.parse(f"{host}/a/b"), Digest.of(BLOB)
    client.push_blob(repository, digest, content, size=size)
    assert b"".join(client.blob(repository, digest, size=len(BLOB))) == BLOB


def test_blob_by_sha512(tmp_path: Path, client: RegistryClient) -> None:
    with debian_registry(tmp_path) as host:
        repository, digest = Repository.parse(f"{host}/a/b"), Digest.of(BLOB, "sha512")
        client.push_blob(repository, digest, BLOB)
        assert b"".join(client.blob(repository, digest)) == BLOB


def test_empty_blob_goes_there_and_back(host: str, client: RegistryClient) -> None:
    repository, digest = Repository.parse(f"{host}/a/b"), Digest.of(b"")
    client.push_blob(repository, digest, lambda: iter(()), size=0)
    assert b"".join(client.blob(repository, digest, size=0)) == b""


def test_blob_is_mounted_without_its_content(host: str, client: RegistryClient) -> None:
    one, two = (Repository.parse(f"{host}/{name}") for name in ("one", "two"))
    client.push_blob(one, Digest.of(BLOB), BLOB)
    client.push_blob(two, Digest.of(BLOB), not_to_be_read, mount_from=one)
    assert b"".join(client.blob(two, Digest.of(BLOB))) == BLOB


def not_to_be_read() -> Iterator[bytes]:
    raise AssertionError("the content was read")


def test_blob_that_cannot_be_mounted_is_sent(host: str, client: RegistryClient) -> None:
    one, two = (Repository.parse(f"{host}/{name}") for name in ("one", "two"))
    client.push_blob(two, Digest.of(BLOB), BLOB, mount_from=one)
    assert b"".join(client.blob(two, Digest.of(BLOB))) == BLOB


def test_blob_that_is_there_is_not_read(host: str, client: RegistryClient) -> None:
    repository = Repository.parse(f"{host}/one")
    client.push_blob(repository, Digest.of(BLOB), BLOB)
    client.push_blob(repository, Digest.of(BLOB), not_to_be_read)


@pytest.mark.parametrize("size", [len(BLOB) - 1, len(BLOB) + 1])
def test_content_of_another_size_than_told_is_an_error(host: str, client: RegistryClient, size: int) -> None:
    repository = Repository.parse(f"{host}/one")
    with pytest.raises(InputError, match="Expected the content of blob"):
        client.push_blob(repository, Digest.of(BLOB), pieces(len(BLOB)), size=size)
    assert not client.has_blob(repository, Digest.of(BLOB))


def test_wrong_content_is_refused(host: str, client: RegistryClient) -> None:
    repository = Repository.parse(f"{host}/one")
    with pytest.raises(RegistryError, match="DIGEST_INVALID"):
        client.push_blob(repository, Digest.of(b"other"), BLOB)
    assert not client.has_blob(repository, Digest.of(b"other"))


def test_error_of_the_source_is_told_as_it_is(host: str, client: RegistryClient) -> None:
    def content() -> Iterator[bytes]:
        yield BLOB[:10]
        raise PermissionError(13, "no")

    with pytest.raises(PermissionError):
        client.push_blob(Repository.parse(f"{host}/one"), Digest.of(BLOB), content, size=len(BLOB))
