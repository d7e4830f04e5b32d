"""Image layers: packed as imgpkg packs them, unpacked without trust."""

from __future__ import annotations

import hashlib
import posixpath
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.oci.deflate import gzip_chunks
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_LAYER, Descriptor
from lapstrake.oci.tarball import Entry, TarReader, written

__all__ = ["Entry", "Layer", "LayerFile", "Limits", "pack", "unpack"]

_PIECE = 1 << 16
_WHITEOUT = ".wh."  # marks a file of a lower layer as deleted; it is no file itself
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Layer:
    """A packed layer. ``digest`` is of the compressed bytes, ``diff_id`` of the tar inside."""

    data: bytes
    digest: Digest
    diff_id: Digest

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(DOCKER_LAYER, len(self.data), self.digest)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a layer may unpack to; bytes count after decompression."""

    total_bytes: int = 64 << 30
    entries: int = 2_000_000


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A regular file of a layer. ``path`` is relative and clean, and stays within its folder.

    ``chunks()`` gives the content once, and only until the next file is asked for.
    """

    path: str
    mode: int
    mtime: int
    size: int
    chunks: Callable[[], Iterator[bytes]]


def pack(entries: Iterable[Entry], *, preserve_permissions: bool = False) -> Layer:
    """The layer with ``entries`` in the order given (folders before what they hold)."""
    tar_hash = hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for piece in written(entries, preserve_permissions=preserve_permissions):
            tar_hash.update(piece)
            yield piece

    data = b"".join(gzip_chunks(hashed()))
    return Layer(data, Digest.of(data), Digest("sha256", tar_hash.hexdigest()))


def unpack(chunks: Iterable[bytes], limits: Limits = Limits()) -> Iterator[LayerFile]:
    """The regular files of a layer, gzip or plain tar; folders, links, devices and whiteouts are passed over.

    Raises InputError if the layer is damaged, beyond ``limits``, or names a path outside its folder.
    """
    reader = TarReader(_Source(chunks, limits.total_bytes))
    for count, member in enumerate(reader, 1):
        if count > limits.entries:
            raise InputError(f"Expected a layer of at most {limits.entries} entries")
        path = safe_path(member.name)
        if member.kind == "0" and path and not posixpath.basename(path).startswith(_WHITEOUT):
            yield LayerFile(
                path, member.mode, member.mtime, member.size, lambda: iter(lambda: reader.read(_PIECE), b"")
            )


def safe_path(name: str) -> str:
    """``name`` cleaned, without slash in front, "" for the root. Raises InputError if it leads outside."""
    if "\x00" in name:
        raise InputError(f"Invalid path in layer: {name!r}")
    clean = posixpath.normpath(name.lstrip("/") or ".")
    if clean == ".." or clean.startswith("../"):
        raise InputError(f"Invalid path in layer, it leads outside of the folder: {name!r}")
    return "" if clean == "." else clean


class _Source:
    """Decompressed bytes of a layer, as many as asked for at a time."""

    def __init__(self, chunks: Iterable[bytes], limit: int) -> None:
        self._pieces = _decompressed(iter(chunks))
        self._limit = limit
        self._pending = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        parts = []
        while size:
            if self._at == len(self._pending):
                self._pending, self._at = next(self._pieces, b""), 0
                if not self._pending:
                    break
                self._limit -= len(self._pending)
                if self._limit < 0:
                    raise InputError("Expected a smaller layer: it unpacks to more than is allowed")
            part = self._pending[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of bounded size, never empty."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4:
            break
    if head.startswith(_ZSTD_MAGIC):
        raise InputError("Expected layer to be compressed by gzip, not zstd")
    if not head.startswith(_GZIP_MAGIC):
        yield from (piece for piece in (head, *chunks) if piece)
        return
    try:
        yield from _gunzipped(head, chunks)
    except zlib.error as error:
        raise InputError(f"gzip: invalid data: {error}") from error


def _gunzipped(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(31)
    pending = head
    while True:
        if decoder.eof:  # another member may follow
            pending = decoder.unused_data + pending
            if not pending and not (pending := next(chunks, b"")):
                return
            decoder = zlib.decompressobj(31)
        if not pending:
            pending = next(chunks, b"")
            if not pending:
                raise InputError("unexpected EOF")
        piece = decoder.decompress(pending, _PIECE)
        pending = decoder.unconsumed_tail
        if piece:
            yield piece
