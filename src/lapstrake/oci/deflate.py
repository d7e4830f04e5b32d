"""The compressor whose bytes decide the digest of every layer imgpkg pushes.

A bundle's digest covers its gzip bytes, so a compatible push needs this very encoder: greedy matching
with one candidate per hash slot, blocks of 65535 bytes, dynamic Huffman codes. Source: facts on imgpkg,
"Gzip", steps 1 to 7; digests of recorded pushes hold it.

The heavy parts run in C: a block's tokens are counted by Counter, written as text of zeros and ones by
one join, and turned into bytes by one int().
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter, mul

_BLOCK = 65535
_WINDOW = 32768
_SLOTS = 1 << 14
_HASH_FACTOR = 0x1E35A7BD
_LONGEST = 258
_MARGIN = 15  # no match begins in the last bytes of a block
_END = 256
_NO_POSITION = -2 * _BLOCK
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_REPEAT_EXTRA = {16: 2, 17: 3, 18: 7}


def _bases(first: int, plain: int, count: int, width: int) -> list[tuple[int, int]]:
    """Base and number of extra bits of ``count`` symbols (RFC 1951, 3.2.5).

    The first ``plain`` of them stand for one value each, then ``width`` at a time share a number of bits.
    """
    bases = []
    for i in range(count):
        bases.append((first, 0 if i < plain else (i - plain) // width + 1))
        first += 1 << bases[-1][1]
    return bases


def _symbols(bases: Iterable[tuple[int, int]], first: int, size: int) -> list[tuple[int, int, int]]:
    """For each value below ``size``: (symbol, number of extra bits, extra value)."""
    table = [(0, 0, 0)] * size
    for symbol, (base, bits) in enumerate(bases, first):
        for extra in range(1 << bits):
            if base + extra < size:
                table[base + extra] = (symbol, bits, extra)
    return table


_LENGTH_SYMBOLS = _symbols([*_bases(3, 8, 28, 4), (_LONGEST, 0)], 257, _LONGEST + 1)
_DISTANCE_SYMBOLS = _symbols(_bases(1, 4, 30, 2), 0, _WINDOW + 1)


def gzip(data: bytes) -> bytes:
    """``data`` as a gzip member with the bytes that imgpkg produces."""
    return b"".join(gzip_chunks([data]))


def gzip_chunks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """As :func:`gzip`, from and to pieces of any size."""
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
        tokens: Sequence[int] = block if size < 128 else self._matcher.tokens(block)
        if size >= 128 and len(tokens) > size - size // 16:
            tokens = block
        bits, counted = _compressed(tokens)
        if (size + 5) * 8 < counted + counted // 16:
            return self._stored(block)
        return self._flush(bits)

    def finish(self) -> bytes:
        """An empty stored block, the only one that is marked final."""
        return self._aligned("100") + b"\x00\x00\xff\xff"

    def _stored(self, block: bytes) -> bytes:
        return self._aligned("000") + struct.pack("<HH", len(block), len(block) ^ 0xFFFF) + block

    def _aligned(self, bits: str) -> bytes:
        return self._flush(bits + "0" * (-(len(self._bits) + len(bits)) % 8))

    def _flush(self, bits: str) -> bytes:
        bits = self._bits + bits
        whole = len(bits) & ~7
        self._bits = bits[whole:]
        return int(bits[:whole][::-1] or "0", 2).to_bytes(whole >> 3, "little")


class _Matcher:
    """Finds repeated text. A token is a literal byte, or ``length << 16 | distance`` (never below 256)."""

    __slots__ = ("_previous", "_table")

    def __init__(self) -> None:
        self._previous = b""
        self._table = [_NO_POSITION] * _SLOTS

    def tokens(self, block: bytes) -> list[int]:
        buffer = self._previous + block
        tokens = _tokens(buffer, len(self._previous), self._table)
        # Positions count from the start of the buffer, which moves on to the tail of this block.
        moved = max(0, len(buffer) - _WINDOW)
        self._table = [position - moved for position in self._table]
        self._previous = buffer[moved:]
        return tokens


def _tokens(buffer: bytes, start: int, table: list[int]) -> list[int]:
    end = len(buffer)
    last = end - _MARGIN
    words = _words(buffer)
    tokens: list[int] = []
    s = literals_from = start
    while True:
        skip = 32
        following = s
        while True:
            s = following
            step = skip >> 5
            following = s + step
            skip += step
            if following > last:
                tokens += buffer[literals_from:end]
                return tokens
            word = words[s]
            slot = (word * _HASH_FACTOR & 0xFFFFFFFF) >> 18
            candidate = table[slot]
            table[slot] = s
            if s - candidate <= _WINDOW and words[candidate] == word:
                break
        tokens += buffer[literals_from:s]
        while True:
            length = _match_length(buffer, candidate, s, min(_LONGEST, end - s))
            tokens.append(length << 16 | s - candidate)
            s += length
            literals_from = s
            if s >= last:
                tokens += buffer[s:end]
                return tokens
            table[(words[s - 1] * _HASH_FACTOR & 0xFFFFFFFF) >> 18] = s - 1
            word = words[s]
            slot = (word * _HASH_FACTOR & 0xFFFFFFFF) >> 18
            candidate = table[slot]
            table[slot] = s
            if s - candidate > _WINDOW or words[candidate] != word:
                break
        s += 1


def _words(buffer: bytes) -> list[int]:
    """The four bytes from each position as a little-endian number."""
    words = [0] * len(buffer)
    for shift in range(4):
        count = (len(buffer) - shift) // 4
        words[shift : shift + 4 * count : 4] = struct.unpack_from(f"<{count}I", buffer, shift)
    return words


def _match_length(buffer: bytes, candidate: int, s: int, longest: int) -> int:
    """How many bytes agree; the first four are known to."""
    for known, upto in ((4, min(20, longest)), (20, longest)):
        one = buffer[candidate + known : candidate + upto]
        two = buffer[s + known : s + upto]
        if one != two:
            difference = int.from_bytes(one, "little") ^ int.from_bytes(two, "little")
            return known + ((difference & -difference).bit_length() - 1 >> 3)
        if upto == longest:
            break
    return longest


def _compressed(tokens: Sequence[int]) -> tuple[str, int]:
    """The bits of a dynamic block, and their number without the extra bits of lengths and distances."""
    counts = Counter(tokens)
    symbols, distances = [0] * 286, [0] * 30
    symbols[_END] = 1
    for token, count in counts.items():
        if token < _END:
            symbols[token] += count
        else:
            symbols[_LENGTH_SYMBOLS[token >> 16][0]] += count
            distances[_DISTANCE_SYMBOLS[token & 0xFFFF][0]] += count
    if not any(distances):
        distances[0] = 1
    symbol_lengths = _trimmed(code_lengths(symbols, 15))
    distance_lengths = _trimmed(code_lengths(distances, 15))
    header = _header(symbol_lengths, distance_lengths)
    counted = (
        len(header) + sum(map(mul, symbols, symbol_lengths)) + sum(map(mul, distances, distance_lengths))
    )
    codes = _TokenCodes(_codes(symbol_lengths), _codes(distance_lengths))
    return header + "".join(map(codes.__getitem__, tokens)) + codes[_END], counted


class _TokenCodes(dict[int, str]):
    """The bits of each token; those of a match are made when it is first met."""

    __slots__ = ("_distances", "_symbols")

    def __init__(self, symbols: list[str], distances: list[str]) -> None:
        super().__init__(enumerate(symbols[: _END + 1]))
        self._symbols = symbols
        self._distances = distances

    def __missing__(self, token: int) -> str:
        length, length_bits, length_extra = _LENGTH_SYMBOLS[token >> 16]
        distance, distance_bits, distance_extra = _DISTANCE_SYMBOLS[token & 0xFFFF]
        bits = self[token] = (
            self._symbols[length]
            + _low_first(length_extra, length_bits)
            + self._distances[distance]
            + _low_first(distance_extra, distance_bits)
        )
        return bits


def _low_first(value: int, width: int) -> str:
    return f"{value:0{width}b}"[::-1] if width else ""


def _trimmed(lengths: list[int]) -> list[int]:
    while not lengths[-1]:
        lengths.pop()
    return lengths


def _header(symbol_lengths: list[int], distance_lengths: list[int]) -> str:
    """BFINAL 0, BTYPE 2, the sizes of the alphabets and their code lengths (RFC 1951, 3.2.7)."""
    runs = list(_runs(symbol_lengths + distance_lengths))
    counts = [0] * 19
    for symbol, _ in runs:
        counts[symbol] += 1
    lengths = code_lengths(counts, 7)
    ordered = [lengths[symbol] for symbol in _CODE_LENGTH_ORDER]
    while len(ordered) > 4 and not ordered[-1]:
        ordered.pop()
    codes = _codes(lengths)
    return "".join(
        [
            "001",
            _low_first(len(symbol_lengths) - 257, 5),
            _low_first(len(distance_lengths) - 1, 5),
            _low_first(len(ordered) - 4, 4),
            *(_low_first(length, 3) for length in ordered),
            *(codes[symbol] + _low_first(extra, _REPEAT_EXTRA.get(symbol, 0)) for symbol, extra in runs),
        ]
    )


def _runs(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(code length symbol, extra value) with repeats folded."""
    i = 0
    while i < len(lengths):
        value = lengths[i]
        j = i + 1
        while j < len(lengths) and lengths[j] == value:
            j += 1
        count = j - i
        i = j
        if value:
            yield value, 0
            count -= 1
            while count >= 3:
                part = min(count, 6)
                yield 16, part - 3
                count -= part
        else:
            while count >= 11:
                part = min(count, 138)
                yield 18, part - 11
                count -= part
            if count >= 3:
                yield 17, count - 3
                count = 0
        for _ in range(count):
            yield value, 0


def code_lengths(counts: Sequence[int], limit: int) -> list[int]:
    """Optimal code lengths of at most ``limit`` bits by package-merge; a package goes before an equal leaf."""
    used = sorted((count, symbol) for symbol, count in enumerate(counts) if count)
    lengths = [0] * len(counts)
    if len(used) <= 2:
        for _, symbol in used:
            lengths[symbol] = 1
        return lengths
    leaves = [(count, 1) for count, _ in used]
    row = leaves
    rows = [row]
    for _ in range(min(limit, len(used) - 1) - 1):
        packages = [(row[i][0] + row[i + 1][0], 0) for i in range(0, len(row) - 1, 2)]
        row = sorted(packages + leaves, key=itemgetter(0))
        rows.append(row)
    taken = 2 * len(used) - 2
    for row in reversed(rows):
        leaf_count = sum(is_leaf for _, is_leaf in row[:taken])
        for _, symbol in used[:leaf_count]:
            lengths[symbol] += 1
        taken = 2 * (min(taken, len(row)) - leaf_count)
    return lengths


def _codes(lengths: Sequence[int]) -> list[str]:
    """Canonical Huffman codes as text, first bit first (RFC 1951, 3.2.2); empty where there is no code."""
    codes = [""] * len(lengths)
    code = 0
    for width in range(1, max(lengths) + 1):
        code <<= 1
        for symbol, length in enumerate(lengths):
            if length == width:
                codes[symbol] = f"{code:0{width}b}"
                code += 1
    return codes
