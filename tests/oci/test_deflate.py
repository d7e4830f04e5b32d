from __future__ import annotations

import gzip as standard
import random
from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake.oci.deflate import gzip_chunks
from lapstrake.oci.huffman import code_lengths


def gzip(data: bytes) -> bytes:
    return b"".join(gzip_chunks([data]))


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


LINES = b"".join(b"item-%d: value of %d\n" % (i % 100, i * i % 977) for i in range(20_000))


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        pytest.param(LINES, "9a25d1107f5829b55faaa1af58fdbfdd6e789b48a748b1dfb79276c22b6ded1f", id="text"),
        pytest.param(
            LINES[:65_535], "02360d98a2ecc08d7e938f58bda80876fa7b6ff5f1232ccc9dfece8341cbf009", id="one block"
        ),
        pytest.param(
            LINES[:65_536], "46bbfd1a0272b75316305c45ba1c9d33d76b997918facad6a382389aa0bb7a0f", id="1 more"
        ),
        pytest.param(
            LINES[:131_086], "8cd070ab97524c4996932659b1bfea5ff96ed3744f51c9401b14f1cd5ee43c03", id="16 more"
        ),
        pytest.param(
            LINES[:131_087], "83e159c324a4837f620d46452d3dac5a69f5deb302699a107b58905b3a410ee3", id="17 more"
        ),
        pytest.param(
            LINES[:131_197], "519f46cdf246e411cd727791c2171dabc2dff0dcccbcdffefba3642a2eb7ebe0", id="127 more"
        ),
        pytest.param(
            LINES[:131_198], "955f34119f09f74da71ebaac9ad8f07afeedaa92ec80de171adc2472069af492", id="128 more"
        ),
        pytest.param(
            noise(200_000), "35325cd8f2dd08603bf7a5d7873dc3d400a5d634e87459fa6d5063981713fd2c", id="noise"
        ),
        pytest.param(
            LINES[:50_000] + noise(100_000) + LINES[:50_000],
            "ec5f48a4540f41fa5e9fa60b377218bdbdda9e21757c52a1be5f5df454b1cc89",
            id="noise between texts",
        ),
        pytest.param(
            bytes(b"ACGT"[byte & 3] for byte in noise(150_000)),
            "ad4226acb72481e92aa8c7f90985fe6581707106d989bfa387b666cfdf3da436",
            id="four letters",
        ),
        pytest.param(
            bytes(byte & 63 for byte in noise(70_000)),
            "05c9bb7b94f475fa8257a531015cd71bfc9132c67df168b629c2a61a8492b5a3",
            id="no repeats but fewer bits",
        ),
        pytest.param(
            bytes(min(255, byte**3 >> 16) for byte in noise(120_000)),
            "bcd35f2f7e9d07eeb9eaa7959149a83d4b855d5d6990c44db86bbe2ac007b421",
            id="some bytes much more often",
        ),
        pytest.param(
            bytes(300_000), "cad76f445ee3afce1b5936001ed4f7e5f655ced0635d99a9703fe1082f100c6a", id="zeros"
        ),
    ],
)
def test_gzip_bytes_are_those_of_go(data: bytes, digest: str) -> None:
    """Recorded with gzip.BestSpeed of Go 1.25; 1.26 gives the same, 1.27 has another encoder."""
    assert sha256(gzip(data)).hexdigest() == digest


def test_gzip_goes_block_by_block() -> None:
    taken: list[bytes] = []

    def chunks() -> Iterator[bytes]:
        for _ in range(8):
            taken.append(bytes(65_535))
            yield taken[-1]

    for pieces_before, _ in enumerate(gzip_chunks(chunks())):  # the header is the first piece
        assert len(taken) <= pieces_before


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
