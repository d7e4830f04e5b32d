from __future__ import annotations

import gzip as standard
import random
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake.oci.deflate import gzip, gzip_chunks
from lapstrake.oci.huffman import code_lengths


def noise(size: int) -> bytes:
    return random.Random(7).randbytes(size)


CASES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"abc", id="stored, 16 bytes at most"),
    pytest.param(b"some letters and some more", id="literals only, below 128 bytes"),
    pytest.param(b"a" * 200_000, id="one byte over and over"),
    pytest.param(noise(70_000), id="noise is stored"),
    pytest.param(noise(1000) * 80, id="repeats across blocks"),
    pytest.param(noise(32_768) * 3, id="the longest distance"),
    pytest.param(bytes(65_535), id="just one block"),
    pytest.param(bytes(65_536), id="one byte more"),
    pytest.param(b"".join(b"line %d of a text\n" % i for i in range(20_000)), id="text"),
]


@pytest.mark.parametrize("data", CASES)
def test_gzip_unpacks_to_the_same(data: bytes) -> None:
    assert standard.decompress(gzip(data)) == data


@pytest.mark.parametrize("data", CASES)
def test_gzip_does_not_depend_on_the_pieces(data: bytes) -> None:
    pieces = [data[i : i + 1000] for i in range(0, len(data), 1000)]
    assert b"".join(gzip_chunks(pieces)) == gzip(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 50))
def test_gzip_unpacks_anything(parts: list[bytes], times: int) -> None:
    data = b"".join(parts) * times
    assert standard.decompress(gzip(data)) == data


def test_gzip_header_and_end_are_those_of_gos_writer() -> None:
    packed = gzip(b"")
    assert packed == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff\x01\x00\x00\xff\xff" + bytes(8)


def test_gzip_bytes_stay_the_same() -> None:
    """Digests of bundles depend on every bit; this one was compared with recorded pushes of imgpkg."""
    text = b"".join(b"item-%d: value\n" % (i % 100) for i in range(10_000))
    assert sha256(gzip(text + noise(3000) + text)).hexdigest() == (
        "1ebd9ed212ed0b0f89f90fd6fcd0ede92b4bafd76a6bb528f3be25ecfc36e8ff"
    )


@pytest.mark.parametrize(
    ("counts", "limit", "lengths"),
    [
        pytest.param([5, 0, 7], 15, [1, 0, 1], id="two symbols"),
        pytest.param([0, 9], 15, [0, 1], id="one symbol"),
        pytest.param([1, 1, 2, 4], 15, [3, 3, 2, 1], id="a natural tree"),
        pytest.param([1, 1, 2, 4, 8, 16], 4, [4, 4, 4, 4, 2, 1], id="a tree that must be cut"),
    ],
)
def test_code_lengths(counts: list[int], limit: int, lengths: list[int]) -> None:
    assert code_lengths(counts, limit) == lengths


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5000), min_size=3, max_size=60))
def test_code_lengths_make_a_full_code(counts: list[int]) -> None:
    used = [length for length in code_lengths(counts, 7) if length]
    if len(used) > 2:
        assert sum(2.0**-length for length in used) == 1
    assert max(used, default=0) <= 7
