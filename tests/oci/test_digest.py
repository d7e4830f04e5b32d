from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest, Hasher

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_digest_of_bytes_is_their_sha256() -> None:
    assert str(Digest.of(b"")) == EMPTY


def test_digest_parses_what_it_prints() -> None:
    assert str(Digest.parse(EMPTY)) == EMPTY


def test_digest_tag_prefix_replaces_the_colon() -> None:
    assert Digest.parse(EMPTY).tag_prefix == EMPTY.replace(":", "-")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("sha256:123", "invalid checksum digest length", id="short"),
        pytest.param("sha512:" + "0" * 64, "invalid checksum digest length", id="sha256 in name of sha512"),
        pytest.param("sha256:" + "G" * 64, "invalid checksum digest format", id="not hexadecimal"),
        pytest.param("sha256:" + "A" * 64, "invalid checksum digest format", id="capitals"),
        pytest.param("md5:" + "0" * 32, "unsupported digest algorithm", id="other algorithm"),
        pytest.param("plain", "cannot parse digest: 'plain'", id="no colon"),
    ],
)
def test_digest_refuses(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Digest.parse(text)
    assert str(caught.value) == message


def test_digest_knows_sha512() -> None:
    digest = Digest.of(b"", "sha512")
    assert digest == Digest.parse(str(digest))
    assert digest.hex.startswith("cf83e1357eefb8bd")


def test_hasher_makes_the_digest_of_all_pieces() -> None:
    hasher = Hasher("sha512")
    hasher.update(b"one")
    hasher.update(b"two")
    assert hasher.digest == Digest.of(b"onetwo", "sha512")
