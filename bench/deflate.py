#!/usr/bin/env python3
"""Times how layers are compressed and decompressed, by kinds of content.

    bench/deflate.py [--size KIB] [--rounds N] [FILE ...]

Each row has a kind (or FILE), then for "exact" and "fast" the rate by CPU time, best of the rounds, and the size
in percent, and last the rate at which "fast" is unpacked. Rates are of uncompressed bytes.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from lapstrake.oci.compression import Encoding, decompressed, gzipped

ENCODINGS: tuple[tuple[Encoding, int], ...] = (("exact", 6), ("fast", 8))


def contents(size: int) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(5)
    sources = b"".join(path.read_bytes() for path in sorted(Path(json.__file__).parents[1].glob("*.py")))
    manifests = "".join(
        f"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{chance.randrange(10**6)}\n"
        f"  labels:\n    app: app-{i % 40}\n    tier: {chance.choice(('web', 'data', 'queue'))}\n"
        f"data:\n  key: {chance.randbytes(12).hex()}\n"
        for i in range(size // 100)
    ).encode()
    values = [{"id": i, "share": chance.random(), "ok": bool(i & 1)} for i in range(size // 40)]
    yield "manifests", manifests[:size]
    yield "sources", (sources * (size // len(sources) + 1))[:size]
    yield "JSON", json.dumps(values).encode()[:size]
    yield "program", Path(sys.executable).resolve().read_bytes()[:size]
    yield "base64", base64.b64encode(chance.randbytes(size))[:size]
    yield "gzip", gzip.compress(sources + chance.randbytes(size), 6)[-size:]
    yield "random", chance.randbytes(size)
    yield "zeros", bytes(size)


def rate(run: Callable[[list[bytes]], Iterator[bytes]], chunks: list[bytes], size: int, rounds: int) -> float:
    """Millions of the ``size`` bytes per second of CPU time."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in run(chunks):
            pass
        best = min(best, time.process_time() - start)
    return size / max(best, 1e-9) / 1e6


def row(name: str, data: bytes, rounds: int) -> str:
    cells = [f"{name[:14]:14}"]
    packed: list[bytes] = []
    for encoding, width in ENCODINGS:
        packed = list(gzipped([data], encoding))
        speed = rate(partial(gzipped, encoding=encoding), [data], len(data), rounds)
        cells.append(f"{speed:{width}.1f} MB/s {100 * sum(map(len, packed)) / len(data):4.0f}%")
    cells.append(f"{rate(decompressed, packed, len(data), rounds):8.1f} MB/s")
    return " ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=2048, metavar="KIB")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args()
    files = [(path.name, path.read_bytes()) for path in options.files]
    print(f"{'':14} {'exact':>16} {'fast':>19} {'unpacked':>14}")
    for name, data in files or contents(options.size << 10):
        print(row(name, data, options.rounds), flush=True)


if __name__ == "__main__":
    main()
