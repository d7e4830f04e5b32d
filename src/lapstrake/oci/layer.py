"""Image layers: packed as imgpkg packs them, unpacked without trust."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from lapstrake.errors import InputError
from lapstrake.oci.compression import Encoding, decompressed, gzipped
from lapstrake.oci.digest import Digest, Hasher
from lapstrake.oci.manifest import DOCKER_LAYER, Descriptor
from lapstrake.oci.read_ahead import read_ahead
from lapstrake.oci.tarball import Entry, Stream, TarReader, TarStream, written

__all__ = ["Encoding", "Entry", "Layer", "LayerFile", "Limits", "Stream", "pack", "unpack"]

_PIECE = 1 << 20
_MOST_TIMES = 200  # its own size that a layer may unpack to
_WHITEOUT = ".wh."  # marks a file of a lower layer as deleted; it is no file itself


class File(Protocol):
    """A file that is written and then read."""

    def write(self, data: bytes, /) -> int: ...

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...

    def tell(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Layer:
    """A packed layer of ``size`` bytes. ``digest`` is of those, ``diff_id`` of the tar inside."""

    digest: Digest
    diff_id: Digest
    size: int
    file: File = field(repr=False, compare=False)

    def pieces(self) -> Iterator[bytes]:
        """The content from its beginning. One reader at a time."""
        self.file.seek(0)
        return iter(lambda: self.file.read(_PIECE), b"")

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(DOCKER_LAYER, self.size, self.digest)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a layer may unpack to; bytes count after decompression."""

    total_bytes: int = 64 << 30
    entries: int = 2_000_000

    @classmethod
    def of_layer(cls, size: int) -> Limits:
        """For a layer of ``size`` bytes: configuration and programs never unpack to as much, bombs do."""
        return cls(min(64 << 30, max(1 << 30, _MOST_TIMES * size)))


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A regular file of a layer. ``path`` is relative and clean, and stays within its folder.

    ``chunks()`` gives the content once, and only until the next file is asked for. A folder, link or device is there
    if it was asked for, without content, ``is_file`` false.
    """

    path: str
    mode: int
    mtime: int
    size: int
    chunks: Callable[[], Iterator[bytes]]
    is_file: bool = True


def pack(
    entries: Iterable[Entry],
    into: File | None = None,
    *,
    preserve_permissions: bool = False,
    encoding: Encoding = "auto",
) -> Layer:
    """The layer with ``entries`` in the order given (folders before what they hold).

    It is written to the empty file ``into``, by default one in memory, which stays the layer's.
    """
    file: File = io.BytesIO() if into is None else into
    inside, outside = Hasher(), Hasher()

    def tar() -> Iterator[bytes]:
        for piece in written(entries, preserve_permissions=preserve_permissions):
            inside.update(piece)
            yield piece

    for piece in read_ahead(gzipped(read_ahead(tar()), encoding)):
        outside.update(piece)
        file.write(piece)
    return Layer(outside.digest, inside.digest, file.tell(), file)


def unpack(
    chunks: Iterable[bytes], limits: Limits = Limits(), *, others: bool = False
) -> Iterator[LayerFile]:
    """The regular files of a layer, compressed or not; whiteouts are passed over, so is all else without ``others``.

    ``chunks`` are taken to their end, also those behind the end of the tar, where a source may find out that its
    digest is wrong: trust no file before the last one. Raises InputError if the layer is damaged, beyond ``limits``,
    or names a path outside its folder.
    """
    pieces = iter(chunks)
    reader = TarReader(TarStream(decompressed(pieces), limits.total_bytes, _too_large))
    for count, member in enumerate(reader, 1):
        if count > limits.entries:
            raise InputError(f"Expected a layer of at most {limits.entries} entries")
        path = safe_path(member.name)
        if not path or posixpath.basename(path).startswith(_WHITEOUT):
            continue
        if member.kind == "0":
            yield LayerFile(
                path, member.mode, member.mtime, member.size, lambda: iter(lambda: reader.read(_PIECE), b"")
            )
        elif others:
            yield LayerFile(path, member.mode, member.mtime, 0, lambda: iter(()), is_file=False)
    for _ in pieces:
        pass


def _too_large() -> InputError:
    return InputError("Expected a smaller layer: it unpacks to more than is allowed")


def safe_path(name: str) -> str:
    """``name`` cleaned, without slash in front, "" for the root. Raises InputError if it leads outside."""
    if "\x00" in name:
        raise InputError(f"Invalid path in layer: {name!r}")
    clean = posixpath.normpath(name.lstrip("/") or ".")
    if clean == ".." or clean.startswith("../"):
        raise InputError(f"Invalid path in layer, it leads outside of the folder: {name!r}")
    return "" if clean == "." else clean
