from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference, Repository

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "full"),
    [
        pytest.param("nginx", "index.docker.io/library/nginx:latest", id="one part"),
        pytest.param("docker.io/nginx:1", "index.docker.io/library/nginx:1", id="alias of the hub"),
        pytest.param("team/app:v1", "index.docker.io/team/app:v1", id="two parts"),
        pytest.param("localhost:5000/app", "localhost:5000/app:latest", id="localhost with a port"),
        pytest.param("localhost/app", "index.docker.io/localhost/app:latest", id="localhost without a port"),
        pytest.param("127.0.0.1:5000/app:1d", "127.0.0.1:5000/app:1d", id="port"),
        pytest.param("host.test/a/b@" + DIGEST, "host.test/a/b@" + DIGEST, id="digest"),
        pytest.param("a/b:v1@" + DIGEST, "index.docker.io/a/b@" + DIGEST, id="digest wins over tag"),
        pytest.param(f"nginx@{DIGEST}", f"index.docker.io/library/nginx@{DIGEST}", id="digest at the hub"),
    ],
)
def test_reference_is_completed(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "example.test/UPPER",
            "repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: UPPER",
            id="capitals",
        ),
        pytest.param("example.test/aa@sha256:123", "invalid checksum digest length", id="short digest"),
        pytest.param("host.test/app@", "unsupported digest algorithm: ", id="no digest"),
        pytest.param("host.test/app@md5:0a", "unsupported digest algorithm: md5:0a", id="other digest"),
        pytest.param(
            f"app:{'x' * 129}@sha256:{'0' * 64}",
            f"repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: app:{'x' * 129}",
            id="long tag with a digest",
        ),
        pytest.param(
            f"{'x' * 250}@sha256:{'0' * 64}",
            f"repository must be between 2 and 255 characters in length: library/{'x' * 250}",
            id="too long once completed",
        ),
        pytest.param(
            "é", "repository must be between 2 and 255 characters in length: é", id="one letter, two bytes"
        ),
        pytest.param("", "a repository name must be specified", id="empty"),
        pytest.param(
            "host.test/x", "repository must be between 2 and 255 characters in length: x", id="one letter"
        ),
        pytest.param("host.test/app@sha512:" + "0" * 128, None, id="another algorithm"),
        pytest.param("host.test/app:a b", None, id="blank in the tag"),
        pytest.param("host.test/app:" + "x" * 129, None, id="long tag"),
        pytest.param("user@host.test/app", None, id="user"),
        pytest.param("ho st.test/app", None, id="blank in the host"),
    ],
)
def test_reference_refuses(text: str, reason: str | None) -> None:
    with pytest.raises(InputError) as caught:
        Reference.parse(text)
    assert str(caught.value) == f"could not parse reference: {text}"
    if reason:
        assert str(caught.value.__cause__) == reason


def test_reference_keeps_what_was_written() -> None:
    assert Reference.parse("nginx:1").original == "nginx:1"


def test_reference_with_digest_drops_the_tag() -> None:
    digest = Digest.parse(DIGEST)
    assert str(Reference.parse("host.test/app:v1").with_digest(digest)) == f"host.test/app@{DIGEST}"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        pytest.param("127.0.0.1:5000", True, id="loopback"),
        pytest.param("localhost:5000", True, id="localhost"),
        pytest.param("registry.local", True, id="local domain"),
        pytest.param("10.1.2.3:80", True, id="private 10/8"),
        pytest.param("172.20.0.1:80", True, id="private 172.16/12"),
        pytest.param("192.168.3.4:80", True, id="private 192.168/16"),
        pytest.param("172.32.0.1:80", False, id="beyond 172.16/12"),
        pytest.param("10.example.test", False, id="a name that begins like an address"),
        pytest.param("registry.test", False, id="anywhere"),
    ],
)
def test_repository_knows_local_hosts(host: str, local: bool) -> None:
    assert Repository(host, "app").is_local is local


def test_reference_may_have_a_host_without_its_port() -> None:
    assert Reference.parse("http://host.test").repo == Repository("http:", "/host.test")


@pytest.mark.parametrize("protocol", ["http://", "https://"])
def test_reference_refuses_a_protocol_where_asked(protocol: str) -> None:
    reference = Reference(Repository("http:", "/xx"), "latest", None, f"{protocol}xx")
    with pytest.raises(InputError) as caught:
        reference.refuse_protocol()
    assert str(caught.value) == f"Reference '{protocol}xx' should not include {protocol} protocol prefix"
    Reference.parse("host.test/app").refuse_protocol()
