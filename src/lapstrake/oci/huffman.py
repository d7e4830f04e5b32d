"""Huffman codes as Go's compress/flate makes them, and how a deflate block announces them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

_CODE_LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
_REPEAT_EXTRA = {16: 2, 17: 3, 18: 7}


def code_lengths(counts: Sequence[int], limit: int) -> list[int]:
    """Optimal code lengths of at most ``limit`` bits by package-merge; a package goes before an equal leaf."""
    used = sorted((count, symbol) for symbol, count in enumerate(counts) if count)
    lengths = [0] * len(counts)
    if len(used) <= 2:
        for _, symbol in used:
            lengths[symbol] = 1
        return lengths
    # Twice the weight, and one more for a leaf: so numbers alone sort in the order that is asked for.
    leaves = [2 * count + 1 for count, _ in used]
    rows = [leaves]
    rows_wanted = min(limit, len(used) - 1)
    while len(rows) < rows_wanted:
        row = rows[-1]
        packages = [(one | 1) + (two | 1) - 2 for one, two in zip(row[::2], row[1::2], strict=False)]
        rows.append(sorted(packages + leaves))
        if rows[-1] == row:  # and so will be all that follow
            rows += [row] * (rows_wanted - len(rows))
    taken = 2 * len(used) - 2
    for row in reversed(rows):
        leaf_count = sum([key & 1 for key in row[:taken]])
        for _, symbol in used[:leaf_count]:
            lengths[symbol] += 1
        taken = 2 * (min(taken, len(row)) - leaf_count)
    return lengths


def codes(lengths: Sequence[int]) -> list[str]:
    """Canonical codes as text, first bit first (RFC 1951, 3.2.2); empty where there is no code."""
    texts = [""] * len(lengths)
    code = width = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - width
        width = length
        texts[symbol] = f"{code:0{width}b}"
        code += 1
    return texts


def low_first(value: int, width: int) -> str:
    """A number in ``width`` bits, the lowest first."""
    return f"{value:0{width}b}"[::-1] if width else ""


def block_header(symbol_lengths: Sequence[int], distance_lengths: Sequence[int]) -> str:
    """BFINAL 0, BTYPE 2, the sizes of the alphabets and their code lengths (RFC 1951, 3.2.7)."""
    symbol_lengths, distance_lengths = _trimmed(symbol_lengths), _trimmed(distance_lengths)
    runs = list(_runs([*symbol_lengths, *distance_lengths]))
    counts = [0] * 19
    for symbol, _ in runs:
        counts[symbol] += 1
    lengths = code_lengths(counts, 7)
    ordered = _trimmed([lengths[symbol] for symbol in _CODE_LENGTH_ORDER], 4)
    texts = codes(lengths)
    return "".join(
        [
            "001",
            low_first(len(symbol_lengths) - 257, 5),
            low_first(len(distance_lengths) - 1, 5),
            low_first(len(ordered) - 4, 4),
            *(low_first(length, 3) for length in ordered),
            *(texts[symbol] + low_first(extra, _REPEAT_EXTRA.get(symbol, 0)) for symbol, extra in runs),
        ]
    )


def _trimmed(lengths: Sequence[int], least: int = 1) -> Sequence[int]:
    """Without the zeros at the end, but ``least`` long."""
    size = len(lengths)
    while size > least and not lengths[size - 1]:
        size -= 1
    return lengths[:size]


def _runs(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(code length symbol, extra value) with repeats folded."""
    for value, run in groupby(lengths):
        count = sum(1 for _ in run)
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
