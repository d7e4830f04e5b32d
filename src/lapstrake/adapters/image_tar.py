"""A tar file of images on disk: written front to back, read at will by several threads."""

from __future__ import annotations

import errno
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import BinaryIO

from lapstrake.errors import InputError
from lapstrake.messages import reason, unread
from lapstrake.oci.digest import Digest, Hasher
from lapstrake.oci.tarball import BLOCK, END, Stream, file_member

_PIECE = 1 << 18
_MODE = 0o644
_HINT = (
    " (hint: This may be because when copying to a tarball, the --include-non-distributable-layers flag should have "
    "been provided.)"
)


class TarFileReader:
    """The files of a tar by name. ``hint`` follows the error about one that is not there."""

    def __init__(self, path: str, *, hint: str = _HINT) -> None:
        """Raises InputError if there is no tar."""
        self._hint = hint
        try:
            self._file = open(path, "rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise InputError(unread(path, error)) from error
        try:
            with tarfile.open(fileobj=self._file, mode="r:") as tar:
                self._places: dict[str, tuple[int, int]] = {}
                for member in _readable(tar):  # of two with one name, the first
                    self._places.setdefault(member.name, (member.offset_data, member.size))
        except (tarfile.TarError, OSError) as error:
            size = os.fstat(self._file.fileno()).st_size
            if not size:
                self._places = {}
                return
            self._file.close()
            short = size < BLOCK
            raise InputError("unexpected EOF" if short else "archive/tar: invalid tar header") from error

    def __enter__(self) -> TarFileReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def chunks(self, name: str) -> Iterator[bytes]:
        """Raises InputError if there is no such file, or the tar ends within it."""
        place = self._places.get(name)
        if place is None:
            raise InputError(f"file {name} not found in tar{self._hint}")
        return self._pieces(*place)

    def digest(self, name: str) -> Digest | None:
        """The sha256 of a file; None if the tar ends within it."""
        hasher = Hasher()
        try:
            for piece in self.chunks(name):
                hasher.update(piece)
        except InputError:
            return None
        return hasher.digest

    def _pieces(self, start: int, size: int) -> Iterator[bytes]:
        end = start + size
        while start < end:
            piece = os.pread(self._file.fileno(), min(_PIECE, end - start), start)
            if not piece:
                raise InputError("unexpected EOF")
            start += len(piece)
            yield piece


def _readable(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members up to the point where an interrupted write left off."""
    while True:
        try:
            member = tar.next()
        except tarfile.ReadError:
            return
        if member is None:
            return
        if member.isreg() and not member.issparse():
            yield member


def unfinished(path: str) -> str:
    """Where what was written of the tar ``path`` is kept when an error ended it."""
    return f"{path}.part"


def write_tar(
    path: str,
    members: Iterable[tuple[str, int, Callable[[], Iterable[bytes]]]],
    *,
    keep_unfinished: bool,
) -> Iterator[str]:
    """Write (name, size, content) one after the other, mode 0644; yields each name when it is done.

    The file takes its place when all is written. With ``keep_unfinished``, what an error leaves stays beside it
    (:func:`unfinished`), so that a later run can go on from there; ``members`` may read from such a file of before.
    """
    temporary, kept = f"{path}.new", unfinished(path)
    output = _created(path, temporary)
    try:
        with output:
            for name, size, content in members:
                for piece in file_member(name, _MODE, Stream(size, content)):
                    output.write(piece)
                yield name
            output.write(END)
        os.replace(temporary, path)
        if keep_unfinished:
            _remove(kept)
    except OSError as error:
        raise InputError(f"Writing tar {path}: {reason(error)}") from error
    finally:
        if keep_unfinished and os.path.exists(temporary):
            os.replace(temporary, kept)
        else:
            _remove(temporary)


def _created(path: str, temporary: str) -> BinaryIO:
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return open(temporary, "wb")
    except OSError as error:
        raise InputError(f"Creating file '{path}': open {path}: {reason(error)}") from error


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
