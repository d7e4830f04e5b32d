"""The compressor whose bytes decide the digest of every layer imgpkg pushes.

A bundle's digest covers its gzip bytes, so a compatible push needs this very encoder: greedy matching
with one candidate per hash slot, blocks of 65535 bytes, dynamic Huffman codes. Source: facts on imgpkg,
"Gzip", steps 1 to 7; digests of recorded pushes and of Go 1.25 and 1.26 at level 1 hold it. Go 1.27 has
another encoder.

The heavy parts run in C: a block's tokens are counted by Counter, written as text of zeros and ones by
one join, and turned into bytes by one int(). What Python must do per match is kept short instead of neat.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import log2
from operator import mul

from lapstrake.oci.huffman import block_header, code_lengths, codes

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"

_BLOCK = 65535
_WINDOW = 32768
_SLOTS = 1 << 14
_HASH_FACTOR = 0x1E35A7BD
_LONGEST = 258
_MARGIN = 15  # no match begins in the last bytes of a block
_FRAME = 3 * _BLOCK  # how many bytes may lie behind a block before positions are counted anew
_END = 256
_SYMBOLS = 286
_DISTANCES = 30


# Tokens are indices of a list of codes: the symbols of literals and lengths, then those of distances, then all
# the extra bits there are (``width`` bits with ``value`` at _EXTRA + (1 << width) + value).
_EXTRA = _SYMBOLS + _DISTANCES
_extra_codes = [""] * (1 << 14)  # those that have been met


def _value_tokens(value: int, first: int, doubling: int) -> tuple[int, ...]:
    """The token of the symbol of ``value``, and one for its extra bits if it has any (RFC 1951, 3.2.5).

    ``value`` counts from 0, and so from the symbol ``first``; ``1 << doubling`` symbols share a number of bits.
    """
    width = max(0, value.bit_length() - doubling - 1)
    symbol = first + (width << doubling) + (value >> width)
    if not width:
        return (symbol,)
    extra = 1 << width | value & (1 << width) - 1
    _extra_codes[extra] = f"{extra:b}"[:0:-1]  # lowest first
    return symbol, _EXTRA + extra


_length_tokens = [_value_tokens(max(0, length - 3), _END + 1, 2) for length in range(_LONGEST)]
_length_tokens.append((_SYMBOLS - 1,))
_distance_tokens: list[tuple[int, ...]] = [()] * (_WINDOW + 1)  # those that have been met


def _tokens_of_distance(distance: int) -> tuple[int, ...]:
    tokens = _distance_tokens[distance] = _value_tokens(distance - 1, _SYMBOLS, 1)
    return tokens


def gzip_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """``chunks`` as one gzip member with the bytes that imgpkg produces, in pieces of any size."""
    checksum, size = 0, 0
    yield GZIP_HEADER
    encoder = _Encoder()
    for block in cut(chunks, _BLOCK):
        checksum = zlib.crc32(block, checksum)
        size += len(block)
        yield encoder.block(block)
    yield encoder.finish()
    yield struct.pack("<II", checksum, size & 0xFFFFFFFF)


def cut(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of ``size``, only the last one shorter."""
    pending = bytearray()
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            wanted = size - len(pending)
            pending += rest[:wanted]
            rest = rest[wanted:]
            if len(pending) == size:
                yield bytes(pending)
                pending.clear()
    if pending:
        yield bytes(pending)


class _Encoder:
    """Writes blocks one after the other; bits that do not fill a byte wait for the next block."""

    __slots__ = ("_bits", "_matcher")

    def __init__(self) -> None:
        self._matcher = _Matcher()
        self._bits = ""

    def block(self, block: bytes) -> bytes:
        size = len(block)
        if size <= 16:
            return self._stored(block)
        tokens = self._matcher.tokens(block) if size >= 128 else None
        if tokens:
            frequencies = _frequencies(tokens)
            if sum(frequencies[:_SYMBOLS]) <= size - size // 16:
                return self._coded(block, tokens, frequencies)
        frequencies = _frequencies(block)
        if _outweighs(_least_bits(frequencies, size), size):
            return self._stored(block)
        return self._coded(block, block, frequencies)

    def finish(self) -> bytes:
        """An empty stored block, the only one that is marked final."""
        return self._aligned("100") + b"\x00\x00\xff\xff"

    def _coded(self, block: bytes, tokens: Sequence[int], frequencies: list[int]) -> bytes:
        """A dynamic block, or a stored one if that is shorter."""
        frequencies[_END] = 1
        symbols, distances = frequencies[:_SYMBOLS], frequencies[_SYMBOLS:]
        if not any(distances):
            distances[0] = 1
        symbol_lengths = code_lengths(symbols, 15)
        distance_lengths = code_lengths(distances, 15)
        header = block_header(symbol_lengths, distance_lengths)
        # Extra bits are not counted, as in imgpkg.
        counted = (
            len(header) + sum(map(mul, symbols, symbol_lengths)) + sum(map(mul, distances, distance_lengths))
        )
        if _outweighs(counted, len(block)):
            return self._stored(block)
        texts = [*codes(symbol_lengths), *codes(distance_lengths), *_extra_codes]
        return self._flush(header + "".join([texts[token] for token in tokens]) + texts[_END])

    def _stored(self, block: bytes) -> bytes:
        return self._aligned("000") + struct.pack("<HH", len(block), len(block) ^ 0xFFFF) + block

    def _aligned(self, bits: str) -> bytes:
        return self._flush(bits + "0" * (-(len(self._bits) + len(bits)) % 8))

    def _flush(self, bits: str) -> bytes:
        bits = self._bits + bits
        whole = len(bits) & ~7
        self._bits = bits[whole:]
        return int(bits[:whole][::-1] or "0", 2).to_bytes(whole >> 3, "little")


def _frequencies(tokens: Iterable[int]) -> list[int]:
    """How often each symbol occurs."""
    counts = Counter(tokens)
    return [counts.get(token, 0) for token in range(_EXTRA)]


def _outweighs(bits: float, size: int) -> bool:
    """Whether a block of ``size`` bytes is stored rather than coded in so many bits."""
    return (size + 5) * 8 < bits + bits // 16


def _least_bits(frequencies: Iterable[int], size: int) -> float:
    """What no code for single bytes gets below: their entropy, less a bit for the rounding."""
    return size * log2(size) - sum(count * log2(count) for count in frequencies if count) - 1


class _Matcher:
    """Finds repeated text.

    Positions count from the start of a frame, which holds the window before the first of its blocks.
    Position 0 stands for none: its product is one that no bytes have.
    """

    __slots__ = ("_buffer", "_products", "_table")

    def __init__(self) -> None:
        self._buffer = b"\0"
        self._products = [-1]
        self._table = [0] * _SLOTS

    def tokens(self, block: bytes) -> list[int] | None:
        """The tokens of ``block``, or None if nothing in it repeats."""
        if len(self._buffer) > _FRAME:
            self._move()
        start = len(self._buffer)
        self._buffer += block
        hit = _sparse_scan(self._buffer, self._table, start, 32)
        if not hit:
            return None
        self._read_products()
        return _tokens(self._buffer, self._products, self._table, start, *hit)

    def _move(self) -> None:
        moved = len(self._buffer) - _WINDOW - 1
        self._buffer = b"\0" + self._buffer[moved + 1 :]
        self._products = [-1, *self._products[moved + 1 :]]
        self._table = [position - moved if position > moved else 0 for position in self._table]

    def _read_products(self) -> None:
        """For each position its four bytes, as a little-endian number, times the hash factor modulo 2**32.

        Products are equal only where the bytes are, as the factor is odd. Only blocks with matches need them.
        """
        products, buffer = self._products, self._buffer
        del products[max(1, len(products) - 3) :]  # the last ones lacked bytes
        first = len(products)
        products += [0] * (len(buffer) - first)
        for start in range(first, first + 4):
            count = (len(buffer) - start) // 4
            packed = _products(buffer[start : start + 4 * count], count)
            products[start : start + 4 * count : 4] = struct.unpack(f"<{count}I", packed)


def _products(data: bytes, count: int) -> bytes:
    """``count`` numbers of four bytes times the hash factor: all at once, every other one of a long number."""
    low = int.from_bytes(b"\xff\xff\xff\xff\0\0\0\0" * (count // 2 + 1), "little")
    words = int.from_bytes(data, "little")
    even = (words & low) * _HASH_FACTOR & low
    odd = (words >> 32 & low) * _HASH_FACTOR & low
    return (even | odd << 32).to_bytes(8 * (count // 2 + 1), "little")[: 4 * count]


def _sparse_scan(buffer: bytes, table: list[int], s: int, skip: int) -> tuple[int, int] | None:
    """The next match from ``s`` on as (position, candidate), looked for ever less closely."""
    last = len(buffer) - _MARGIN
    unpack = struct.Struct("<I").unpack_from
    while True:
        step = skip >> 5
        if s + step > last:
            return None
        (word,) = unpack(buffer, s)
        slot = (word * _HASH_FACTOR & 0xFFFFFFFF) >> 18
        candidate = table[slot]
        table[slot] = s
        if candidate and s - candidate <= _WINDOW and unpack(buffer, candidate) == (word,):
            return s, candidate
        s += step
        skip += step


def _tokens(
    buffer: bytes, products: list[int], table: list[int], start: int, s: int, candidate: int
) -> list[int]:
    """Tokens from ``start`` to the end of ``buffer``; the first match is known: at ``s``, to ``candidate``.

    One long function, as a call per match would take as much time as what it does.
    """
    end = len(buffer)
    last = end - _MARGIN
    window = _WINDOW
    length_tokens, distance_tokens = _length_tokens, _distance_tokens
    number = int.from_bytes
    tokens = list(buffer[start:s])
    while True:
        distance = s - candidate
        e = s + 4
        # Products agree in as many of their lowest bytes as the bytes they are made of do.
        if difference := products[e] ^ products[candidate + 4]:
            if not difference & 0xFF:
                e += 1 if difference & 0xFFFF else 2 if difference & 0xFFFFFF else 3
        else:
            e += 4
            if difference := products[e] ^ products[candidate + 8]:
                if not difference & 0xFF:
                    e += 1 if difference & 0xFFFF else 2 if difference & 0xFFFFFF else 3
            else:
                known = candidate + 12
                e += 4
                if difference := number(buffer[e : e + 16], "little") ^ number(
                    buffer[known : known + 16], "little"
                ):
                    e += (difference & -difference).bit_length() - 1 >> 3
                    if e > end:
                        e = end
                else:
                    e = _match_end(buffer, e, distance, min(s + _LONGEST, end))
        tokens += length_tokens[e - s]
        tokens += distance_tokens[distance] or _tokens_of_distance(distance)
        if e >= last:
            tokens += buffer[e:end]
            return tokens
        s = e - 1
        table[products[s] >> 18] = s
        product = products[e]
        slot = product >> 18
        candidate = table[slot]
        table[slot] = e
        if products[candidate] == product and e - candidate <= window:
            s = e
            continue
        s = e + 1
        beyond = e + 33
        if beyond > last:
            beyond = last
        while s < beyond:
            product = products[s]
            slot = product >> 18
            candidate = table[slot]
            table[slot] = s
            if products[candidate] == product and s - candidate <= window:
                break
            s += 1
        else:
            hit = _sparse_scan(buffer, table, e + 33, 64)
            if not hit:
                tokens += buffer[e:end]
                return tokens
            s, candidate = hit
        if s - e == 1:
            tokens.append(buffer[e])
        else:
            tokens += buffer[e:s]


def _match_end(buffer: bytes, e: int, distance: int, stop: int) -> int:
    """The first position from ``e`` up to ``stop`` whose byte differs from the one ``distance`` before it."""
    one = buffer[e:stop]
    two = buffer[e - distance : stop - distance]
    if one == two:
        return stop
    difference = int.from_bytes(one, "little") ^ int.from_bytes(two, "little")
    return e + ((difference & -difference).bit_length() - 1 >> 3)
