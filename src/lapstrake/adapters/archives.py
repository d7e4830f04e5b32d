"""Archives of strangers, unpacked by what they hold, not by their name: zip, gzipped tar, tar.

Nothing is written outside the target folder, no link is ever made, and what is written is bounded. Files get mode
0644 and folders 0700 whatever the archive says, as the original does (vector vendir/http/archives).
"""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from lapstrake.adapters.file_tree import inner_path, make_private_folders
from lapstrake.errors import InputError
from lapstrake.messages import reason
from lapstrake.oci.compression import decompressed
from lapstrake.oci.tarball import BLOCK, Member, TarReader, TarStream

_PIECE = 1 << 18
_FILE_MODE = 0o644
_GZIP_MAGIC = b"\x1f\x8b"
_END_OF_ZIP = b"PK\x05\x06"
_LONGEST_ZIP_END = 22 + 0xFFFF
_LARGEST_ZIP_DIRECTORY = 32 << 20
_LOCAL_HEADER = 30  # bytes before the name of a zip entry
_DAMAGES = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OverflowError, struct.error)
"""What Python's reader of zips makes of one that is damaged; a name that is no UTF-8 is a ValueError."""

_PLAIN_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may unpack to; beyond ``free_bytes`` also no more than ``ratio`` times its own size."""

    total_bytes: int = 8 << 30
    entries: int = 250_000
    ratio: int = 200
    free_bytes: int = 256 << 20


class NoArchive(Exception):
    """The first bytes are not those of the format that was tried."""


class TooLargeError(InputError):
    """The archive unpacks to more than is allowed."""

    def __init__(self, most: int) -> None:
        super().__init__(f"Expected archive to hold at most {most} bytes")


def unpack(archive: str, into: str, limits: Limits = Limits()) -> bool:
    """Unpack the file ``archive``; false if it is none, or holds something other than files and folders.

    Such an entry of a tar ends the unpacking; what came before it stays. A zip's links become plain files that
    hold their target. Raises InputError for entries that lead out of ``into``, for damaged, encrypted and
    overlapping content, and for more of it than is sensible; ``into`` then holds a part and should be removed.
    """
    writer = _Writer(into, os.path.getsize(archive), limits)
    for attempt in (_unpack_zip, _unpack_tar):
        try:
            return attempt(archive, writer)
        except NoArchive:
            pass
    return False


class _Writer:
    """Puts files below a folder, counting."""

    def __init__(self, into: str, archive_bytes: int, limits: Limits) -> None:
        self._into = into
        self._limits = limits
        self._most = min(limits.total_bytes, max(limits.free_bytes, archive_bytes * limits.ratio))
        self._bytes = 0
        self._entries = 0
        self._written: set[str] = set()

    @property
    def most_bytes(self) -> int:
        return self._most

    def count(self) -> None:
        self._entries += 1
        if self._entries > self._limits.entries:
            raise InputError(f"Expected archive to hold at most {self._limits.entries} entries")

    def place(self, name: str) -> str:
        """Where the entry ``name`` belongs. Raises InputError if that is not below the folder."""
        if "\0" in name or ("\\" in name and ".." in name.replace("\\", "/").split("/")):
            raise InputError(f"Invalid path: {name!r}")
        return inner_path(self._into, name)

    def file(self, name: str, pieces: Iterable[bytes]) -> None:
        path = self.place(name)
        self._make_parent(path)
        with self._created(path, name) as file:
            for piece in pieces:
                self._bytes += len(piece)
                if self._bytes > self._most:
                    raise TooLargeError(self._most)
                file.write(piece)
        os.chmod(path, _FILE_MODE)

    def _make_parent(self, path: str) -> None:
        parent = os.path.dirname(path)
        try:
            make_private_folders(parent)
        except OSError as e:
            why = "not a directory" if isinstance(e, FileExistsError) else reason(e)
            raise InputError(f"Making intermediate dir: mkdir {e.filename}: {why}") from e

    def _created(self, path: str, name: str) -> IO[bytes]:
        """A new file. The last of two entries of one name wins; two names for one file are refused."""
        try:
            if path in self._written:
                os.unlink(path)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
            file = os.fdopen(os.open(path, flags, 0o600), "wb")
        except FileExistsError as e:
            if os.path.isdir(path):
                raise InputError(f"Creating dst file: open {path}: is a directory") from e
            raise InputError(
                f"Expected archive entry '{name}' not to take the place of another whose name differs in case only"
            ) from e
        except OSError as e:
            raise InputError(f"Creating dst file: open {path}: {reason(e)}") from e
        self._written.add(path)
        return file


def _unpack_zip(archive: str, writer: _Writer) -> bool:
    with open(archive, "rb") as file:
        _refuse_large_directory(file)
    try:
        opened = zipfile.ZipFile(archive)
    except (*_DAMAGES, OSError) as e:
        raise NoArchive from e
    with opened:
        members = opened.infolist()
        _refuse_overlaps(members)
        for member in members:
            writer.count()
            writer.place(member.orig_filename)
            if not member.orig_filename.endswith("/"):
                _unpack_zip_file(opened, member, writer)
    return True


def _refuse_large_directory(file: IO[bytes]) -> None:
    """Before all of a zip's directory is read into memory. Raises NoArchive if there is none."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - _LONGEST_ZIP_END))
    tail = file.read()
    at = tail.rfind(_END_OF_ZIP)
    if at < 0 or len(tail) - at < 22:
        raise NoArchive
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    if tail[max(0, at - 20) : at].startswith(
        b"PK\x06\x07"
    ):  # zip64 has a record of its own before the usual one
        listed = int.from_bytes(tail[max(0, at - 36) : max(0, at - 28)], "little")
    if listed > size:
        raise NoArchive
    if listed > _LARGEST_ZIP_DIRECTORY:
        raise InputError(f"Expected archive to list its entries in at most {_LARGEST_ZIP_DIRECTORY} bytes")


def _refuse_overlaps(members: Sequence[zipfile.ZipInfo]) -> None:
    """Entries that share bytes are how a small file pretends to hold a large one."""
    end = 0
    for member in sorted(members, key=lambda m: m.header_offset):
        if member.header_offset < end:
            raise InputError(f"Expected archive entry '{member.orig_filename}' not to overlap with another")
        end = member.header_offset + _LOCAL_HEADER + len(member.orig_filename) + member.compress_size


def _unpack_zip_file(opened: zipfile.ZipFile, member: zipfile.ZipInfo, writer: _Writer) -> None:
    if member.flag_bits & 0x1:
        raise InputError(f"Expected archive entry '{member.orig_filename}' not to be encrypted")
    if member.compress_type not in _PLAIN_METHODS:
        raise InputError("Opening zip file: zip: unsupported compression algorithm")
    try:
        with opened.open(member) as content:
            writer.file(member.orig_filename, iter(lambda: content.read(_PIECE), b""))
    except (*_DAMAGES, zlib.error) as e:
        what = "checksum error" if "CRC" in str(e) else "not a valid zip file"
        raise InputError(f"Copying into dst file: zip: {what}") from e


def _unpack_tar(archive: str, writer: _Writer) -> bool:
    """It is read to the end of the tar, which may come before that of the gzip and its checksum, as the original does."""
    with open(archive, "rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        try:
            return _unpack_tar_of(file, packed, writer)
        except NoArchive as e:
            file.seek(0)
            if packed and _holds_tar_header(file.read(_PIECE)):
                raise InputError(f"Reading next tar header: {e.__cause__}") from e
            raise


def _holds_tar_header(gzipped: bytes) -> bool:
    """Whether a header can be read before the damage, of which a decoder that reads ahead tells first."""
    try:
        block = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(gzipped, BLOCK)
        return (
            next(iter(TarReader(TarStream(iter([block]), BLOCK, lambda: TooLargeError(BLOCK)))), None)
            is not None
        )
    except (zlib.error, InputError):
        return False


def _unpack_tar_of(file: IO[bytes], packed: bool, writer: _Writer) -> bool:
    plain = iter(lambda: file.read(_PIECE), b"")
    pieces = decompressed(plain) if packed else plain
    most = writer.most_bytes  # headers count too, for there may be nothing else
    reader = TarReader(TarStream(pieces, 2 * most, lambda: TooLargeError(most)))
    for member in _members(reader):
        writer.count()
        if member.kind not in ("0", "5"):
            return False
        writer.place(member.name)
        if "GNUSparseFile." in member.name:
            raise InputError(f"Expected archive entry '{member.name}' not to be sparse")
        if member.kind == "0":
            writer.file(member.name, _content(reader))
    return True


def _content(reader: TarReader) -> Iterator[bytes]:
    try:
        while piece := reader.read(_PIECE):
            yield piece
    except TooLargeError:
        raise
    except InputError as e:
        raise InputError(f"Copying into dst file: {e}") from e


def _members(reader: TarReader) -> Iterator[Member]:
    """What the tar holds; NoArchive if not even its first header can be read."""
    found = False
    members = iter(reader)
    while True:
        try:
            member = next(members)
        except StopIteration:
            return
        except TooLargeError:
            raise
        except InputError as e:
            if found:
                raise InputError(f"Reading next tar header: {e}") from e
            raise NoArchive from e
        found = True
        yield member


def single_file(archive: str, into: str, name: str, mode: int) -> None:
    """Put the file itself into the folder."""
    path = inner_path(into, name)
    shutil.copyfile(archive, path)
    os.chmod(path, mode)
