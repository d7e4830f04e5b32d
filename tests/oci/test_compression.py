from __future__ import annotations

import gzip as standard
import random
import sys
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lapstrake.errors import InputError
from lapstrake.oci.compression import EXACT_BYTES, Encoding, decompressed, gzipped

ENCODINGS: tuple[Encoding, ...] = ("auto", "exact", "fast")
TEXT = b"".join(b"line %d of a text\n" % i for i in range(60_000))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[i : i + size] for i in range(0, len(data), size))


@pytest.mark.parametrize("size", [1 << 10, 1 << 16, 1 << 30])
def test_fast_does_not_depend_on_the_pieces(size: int) -> None:
    data = TEXT * 3
    packed = b"".join(gzipped(pieces(data, size), "fast"))
    assert packed == b"".join(gzipped([data], "fast"))
    assert standard.decompress(packed) == data


@pytest.mark.parametrize(("more", "encoding"), [(0, "exact"), (1, "fast")])
def test_auto_is_exact_up_to_its_bound(more: int, encoding: Encoding) -> None:
    data = bytes(EXACT_BYTES + more)
    expected = b"".join(gzipped([data], encoding))
    assert b"".join(gzipped(pieces(data, 100_000))) == expected


def zstd_of(data: bytes, **options: int) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data, options={zstd.CompressionParameter[key]: options[key] for key in options})


MIXED = TEXT[:40_000] + random.Random(3).randbytes(5000)
NAMED = standard.compress(MIXED)[10:]
HEADER = b"\x1f\x8b\x08\x1f\0\0\0\0\0\xff\x05\0extraname\0comment\0\0\0"
SKIPPED = b"\x50\x2a\x4d\x18\x03\0\0\0abc"  # a frame to be passed over (RFC 8878, 3.1.2)


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(MIXED, MIXED, id="plain"),
        pytest.param(b"\x1f", b"\x1f", id="less than a magic"),
        pytest.param(standard.compress(MIXED), MIXED, id="gzip"),
        pytest.param(standard.compress(MIXED) * 3, MIXED * 3, id="gzip members"),
        pytest.param(standard.compress(b"") * 3 + standard.compress(b"a"), b"a", id="empty members"),
        pytest.param((HEADER + NAMED) * 2, MIXED * 2, id="gzip with all header fields"),
        pytest.param(zstd_of(MIXED), MIXED, id="zstd"),
        pytest.param(zstd_of(MIXED) + SKIPPED + zstd_of(MIXED), MIXED * 2, id="zstd frames"),
        pytest.param(zstd_of(MIXED, checksum_flag=1), MIXED, id="zstd with checksum"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
def test_decompressed_whatever_the_pieces(packed: bytes, expected: bytes, size: int) -> None:
    unpacked = list(decompressed(pieces(packed, size)))
    assert b"".join(unpacked) == expected
    assert all(unpacked)


@pytest.mark.parametrize("packed", [standard.compress(MIXED), zstd_of(MIXED)], ids=["gzip", "zstd"])
def test_each_end_before_the_end_is_an_error(packed: bytes) -> None:
    for size in [*range(4, 40), *range(40, len(packed), 997), *range(len(packed) - 12, len(packed))]:
        with pytest.raises(InputError) as caught:
            list(decompressed([packed[:size]]))
        assert str(caught.value) == "unexpected EOF"


def damaged(packed: bytes, position: int) -> bytes:
    return packed[:position] + bytes([packed[position] ^ 0x55]) + packed[position:][1:]


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        pytest.param(damaged(standard.compress(MIXED), 2), "gzip: invalid header", id="gzip method"),
        pytest.param(standard.compress(MIXED) + bytes(20), "gzip: invalid header", id="after gzip"),
        pytest.param(b"\x1f\x8b\x08\x08" + b"n" * 600, "gzip: invalid header", id="gzip name without an end"),
        pytest.param(
            damaged(standard.compress(MIXED), -1 % len(standard.compress(MIXED))),
            "gzip: invalid checksum",
            id="gzip size",
        ),
        pytest.param(
            standard.compress(b"")[:10] + b"\xff" * 30,
            "gzip: invalid data: invalid deflate block found",
            id="gzip data",
        ),
        pytest.param(
            damaged(zstd_of(MIXED, checksum_flag=1), 600),
            "zstd: invalid data: restored data doesn't match checksum",
            id="zstd checksum",
        ),
        pytest.param(
            zstd_of(MIXED) + b"tail tail", "zstd: invalid data: unknown frame descriptor", id="after zstd"
        ),
        pytest.param(
            b"\x28\xb5\x2f\xfd\x00\x98" + bytes(100),  # asks for 512 MiB
            "zstd: invalid data: frame requires too much memory for decoding",
            id="zstd window",
        ),
    ],
)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_damaged_data_are_an_error(packed: bytes, message: str, size: int) -> None:
    with pytest.raises(InputError) as caught:
        list(decompressed(pieces(packed, size)))
    assert str(caught.value) == message


@pytest.mark.parametrize("compress", [standard.compress, zstd_of], ids=["gzip", "zstd"])
def test_bombs_come_in_small_pieces(compress: Callable[[bytes], bytes]) -> None:
    packed = compress(bytes(64 << 20)) * 2
    tracemalloc.start()
    try:
        sizes = [len(piece) for piece in decompressed([packed])]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 128 << 20
    assert max(sizes) <= 1 << 18


def test_many_members_in_one_chunk_take_no_more_time_each() -> None:
    """Else a layer of some megabytes could keep a pull busy for hours."""
    packed = standard.compress(b"a") * 40_000
    assert sum(map(len, decompressed([packed]))) == 40_000


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 400), st.integers(1, 2000))
def test_gzipped_and_decompressed_are_inverse(part: bytes, times: int, size: int) -> None:
    data = part * times
    for encoding in ENCODINGS:
        packed = b"".join(gzipped(pieces(data, size), encoding))
        assert packed == b"".join(gzipped([data], encoding))
        assert packed[:10] == b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
        assert b"".join(decompressed(pieces(packed, size))) == standard.decompress(packed) == data


def test_fast_leaves_what_was_compressed_before_as_it_is() -> None:
    """Whatever comes before and after it, and however it is cut."""
    noise = random.Random(1).randbytes(3 << 20)
    text = b"kind: ConfigMap\n" * (1 << 17)
    data = text + noise + text[:70_000] + noise[: 1 << 20]
    packed = b"".join(gzipped([data], "fast"))
    assert standard.decompress(packed) == b"".join(decompressed([packed])) == data
    assert noise[1 << 20 : (1 << 20) + 30_000] in packed
    assert len(packed) < len(noise) + (1 << 20) + 100_000
    assert packed == b"".join(gzipped([data[:5], data[5:999_999], data[999_999:]], "fast"))
