from __future__ import annotations

import gzip as standard
import random
from collections.abc import Iterator

import pytest

from lapstrake.errors import InputError
from lapstrake.oci.compression import EXACT_BYTES, decompressed, gzipped

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
def test_auto_is_exact_up_to_its_bound(more: int, encoding: str) -> None:
    data = bytes(EXACT_BYTES + more)
    expected = b"".join(gzipped([data], "exact" if encoding == "exact" else "fast"))
    assert b"".join(gzipped(pieces(data, 100_000))) == expected


def test_truncated_gzip_is_an_error() -> None:
    packed = standard.compress(random.Random(3).randbytes(5000))
    with pytest.raises(InputError) as caught:
        list(decompressed([packed[:-1]]))
    assert str(caught.value) == "unexpected EOF"


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
