"""Image layers: packed as imgpkg packs them, unpacked without trust."""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from lapstrake.errors import InputError
from lapstrake.oci.compression import Encoding, decompressed, gzipped
from lapstrake.oci.digest import Digest, Hasher
from lapstrake.oci.manifest import DOCKER_LAYER, Descriptor
from lapstrake.oci.read_ahead import read_ahead
from lapstrake.oci.tarball import Entry, Member, Stream, TarReader, TarStream, written

__all__ = ["Encoding", "Entry", "Layer", "LayerFile", "Limits", "Stream", "pack", "unpack"]

Kind = Literal["file", "folder", "other", "whiteout"]

_PIECE = 1 << 20
_MOST_TIMES = 200  # its own size that a layer may unpack to
_WHITEOUT = ".wh."  # in front of a name: takes away what has it, and is no file itself
_KINDS: Mapping[str, Kind] = {"0": "file", "5": "folder", **dict.fromkeys("12346", "other")}


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
    """A file of a layer. ``path`` is relative and clean, and stays within its folder.

    ``chunks()`` gives the content once, and only until the next file is asked for. Of another ``kind``, without
    content, if they were asked for: folders, links and devices ("other"), and paths to be taken away ("whiteout").
    """

    path: str
    mode: int
    mtime: int
    size: int
    chunks: Callable[[], Iterator[bytes]]
    kind: Kind = "file"


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
    """The regular files of a layer, compressed or not, with ``others`` also what is no file, as imgpkg goes through it.

    It takes backslashes for slashes, as layers packed on Windows have them, and refuses kinds of entries it does not know.

    ``chunks`` are taken to their end, also those behind the end of the tar, where a source may find out that its
    digest is wrong: trust no file before the last one. Raises InputError if the layer is damaged, beyond ``limits``,
    or names a path outside its folder.
    """
    pieces = iter(chunks)
    reader = TarReader(TarStream(decompressed(pieces), limits.total_bytes, _too_large))
    for count, member in enumerate(reader, 1):
        if count > limits.entries:
            raise InputError(f"Expected a layer of at most {limits.entries} entries")
        path = safe_path(member.name.replace("\\", "/") if others else member.name)
        kind = _kind(member, path)
        if kind == "file":
            yield LayerFile(
                path, member.mode, member.mtime, member.size, lambda: iter(lambda: reader.read(_PIECE), b"")
            )
        elif others and path:
            if kind is None:
                raise InputError(f"Unsupported tar entry type '{member.kind}' for file '{member.name}'")
            shown = path if kind != "whiteout" else _taken_away(path)
            yield LayerFile(shown, member.mode, member.mtime, 0, lambda: iter(()), kind)
    for _ in pieces:
        pass


def _kind(member: Member, path: str) -> Kind | None:
    if posixpath.basename(path).startswith(_WHITEOUT):
        return "whiteout"
    kind = _KINDS.get(member.kind)
    return "other" if kind == "file" and not path else kind


def _taken_away(path: str) -> str:
    """What a whiteout takes away: the path without its mark; itself, which is nowhere, if nothing but dots is left."""
    folder, name = posixpath.split(path)
    bare = name.removeprefix(_WHITEOUT)
    return path if bare in ("", ".", "..") else posixpath.join(folder, bare)


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
