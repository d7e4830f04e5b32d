"""A tar file of images on disk: written front to back, read at will."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from lapstrake.errors import InputError

_PIECE = 1 << 20


class TarFileReader:
    """The files of a tar by name. Raises InputError if there is no tar."""

    def __init__(self, path: str) -> None:
        try:
            self._tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed by close()
            self._members = {member.name: member for member in self._readable()}
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"open {path}: {reason}") from error
        except tarfile.TarError as error:
            raise InputError(f"Reading tar {path}: {error}") from error

    def __enter__(self) -> TarFileReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._tar.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def chunks(self, name: str) -> Iterator[bytes]:
        """Raises InputError if there is no such file."""
        member = self._members.get(name)
        file = self._tar.extractfile(member) if member else None
        if file is None:
            raise InputError(f"Expected to find file '{name}' in the tar")
        return iter(lambda: file.read(_PIECE), b"")

    def sha256(self, name: str) -> str:
        """The digest in hexadecimal digits, of a truncated file that of what is left."""
        sha = hashlib.sha256()
        try:
            for piece in self.chunks(name):
                sha.update(piece)
        except (tarfile.TarError, OSError):
            return ""
        return sha.hexdigest()

    def _readable(self) -> Iterator[tarfile.TarInfo]:
        """The members up to the point where an interrupted write left off."""
        while True:
            try:
                member = self._tar.next()
            except tarfile.ReadError:
                return
            if member is None:
                return
            if member.isfile():
                yield member


def write_tar(path: str, members: Iterable[tuple[str, int, Callable[[], Iterable[bytes]]]]) -> Iterator[str]:
    """Write (name, size, content) one after the other, mode 0644; yields each name when it is done.

    The file takes its place when all is written. What an error left unfinished takes it too, so that a
    later run can resume from it.
    """
    temporary = f"{path}.part"
    try:
        with (
            open(temporary, "wb") as output,
            tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            for name, size, content in members:
                info = tarfile.TarInfo(name)
                info.size, info.mode = size, 0o644
                tar.addfile(info, _Pieces(content()))
                yield name
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"Writing tar {path}: {reason}") from error
    finally:
        if os.path.exists(temporary):
            os.replace(temporary, path)


class _Pieces:
    """Pieces as the file object that tarfile wants to read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._pending = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._pending) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._pending += piece
        data, self._pending = self._pending[:size], self._pending[size:]
        return data
