"""Files and folders: read for packing, written safely.

Nothing here follows a link out of a folder it writes to: a path is opened part by part below the
folder's descriptor, and what stands in the way is replaced, not followed.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from lapstrake.errors import InputError
from lapstrake.messages import reason, unread
from lapstrake.oci.layer import Entry, LayerFile, Stream

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20
_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder below an input.

    ``input`` is the input as given, ``source`` the place to read from, ``path`` the path below the input ("."
    for a folder itself). ``kind`` is "file", "folder" or "other"; ``mode`` the permissions, for a folder those
    of the input. What is ``excluded`` is there, but is not packed.
    """

    input: str
    source: str
    path: str
    kind: str
    mode: int
    excluded: bool = False


def walk(inputs: Sequence[str], exclusions: Collection[str] = ()) -> list[Found]:
    """All that the inputs hold, depth first, names in byte order, each folder before what it holds.

    ``exclusions`` are paths below an input, marked with all they hold. A link is marked only below an excluded folder.
    An input that is a link to a file is followed; one to a folder is of kind "other", unless a slash follows its name,
    and so is one to nothing. Raises InputError for an input that cannot be read.
    """
    found: list[Found] = []
    for given in inputs:
        try:
            status = os.lstat(given)
            if stat.S_ISLNK(status.st_mode):
                status = _followed(given, status)
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISDIR(status.st_mode):
                found += _walked(given, given, ".", mode, frozenset(exclusions), "." in exclusions)
            else:
                name, kind = os.path.basename(given.rstrip("/")), _kind(status.st_mode)
                found.append(Found(given, given, name, kind, mode, kind == "file" and name in exclusions))
        except OSError as error:
            raise _unreadable(error, given) from error
    return found


def is_missing(path: str) -> bool:
    """Whether nothing is there; what cannot be told (below a file, say) is not missing."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _followed(link: str, status: os.stat_result) -> os.stat_result:
    """What a link that was given stands for; the link itself if imgpkg does not enter that, or there is nothing."""
    try:
        followed = os.stat(link)
    except OSError:
        return status
    return status if stat.S_ISDIR(followed.st_mode) else followed


def _irregular(item: Found) -> InputError:
    if item.source == item.input:
        try:
            os.stat(item.source)
        except OSError as error:
            return InputError(f"stat {item.source}: {reason(error)}")
    return InputError(
        f"Adding file '{item.input}' to tar: Expected file '{item.source}' to be a regular file"
    )


def _walked(
    given: str, source: str, path: str, mode: int, exclusions: frozenset[str], excluded: bool
) -> Iterator[Found]:
    yield Found(given, source, path, "folder", mode, excluded)
    for name in sorted(os.listdir(source), key=os.fsencode):
        below = name if path == "." else f"{path}/{name}"
        place = os.path.normpath(os.path.join(source, name))
        status = os.lstat(place)
        kind = _kind(status.st_mode)
        left_out = excluded or (kind != "other" and below in exclusions)
        if kind == "folder":
            yield from _walked(given, place, below, mode, exclusions, left_out)
        else:
            yield Found(given, place, below, kind, stat.S_IMODE(status.st_mode), left_out)


def _kind(mode: int) -> str:
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


def entries(found: Iterable[Found]) -> Iterator[Entry]:
    """The entries to pack, each to be read before the next is asked for. Raises InputError for links and devices."""
    for item in found:
        if item.excluded:
            continue
        if item.kind == "folder":
            yield Entry(item.path, item.mode, None)
            continue
        if item.kind != "file":
            raise _irregular(item)
        try:
            file = open(item.source, "rb")  # noqa: SIM115 - closed below
        except OSError as error:
            raise _unreadable(error, item.source) from error
        with file:
            size = os.fstat(file.fileno()).st_size
            yield Entry(item.path, item.mode, Stream(size, lambda: _pieces(file)))  # noqa: B023 - read before the next


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    try:
        while piece := file.read(_PIECE):
            yield piece
    except OSError as error:
        raise _unreadable(error, file.name) from error


def read_file(path: str) -> bytes:
    """Raises InputError ``Reading path PATH: ...``."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise InputError(f"Reading path {path}: {unread(path, error)}") from error


def write_atomically(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file at once: a reader sees the old content or the new. A file that is there keeps its mode.

    A link stays one, and what is no file (a pipe, a terminal) is written to. Raises InputError if it cannot be written.
    """
    temporary = ""
    try:
        if _is_written_through(path):
            with open(path, "wb") as file:
                file.write(data)
            return
        place = os.path.realpath(path)
        if os.path.exists(place):
            mode = stat.S_IMODE(os.stat(place).st_mode)
        descriptor, temporary = tempfile.mkstemp(
            prefix=f".{os.path.basename(place)}.", dir=os.path.dirname(place)
        )
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, mode)
        os.replace(temporary, place)
    except OSError as error:
        raise InputError(f"open {path}: {reason(error)}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def _is_written_through(path: str) -> bool:
    """Whether nothing may take the place of ``path``: open files by their number (``/dev/stdout``), pipes, devices."""
    if os.path.abspath(path).startswith(("/dev/", "/proc/")):
        return True
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


@contextmanager
def new_folder(path: str) -> Iterator[str]:
    """An empty folder beside ``path`` to be filled. Then it takes the place of ``path``, be that a file or a folder.

    After an error nothing of it stays, and what was at ``path`` does. Raises InputError if it cannot be done.
    """
    place = os.path.normpath(path)
    temporary = f"{place}.{uuid.uuid4().hex[:12]}"
    former = f"{temporary}.former"
    try:
        os.makedirs(temporary)
    except NotADirectoryError as error:
        raise InputError(f"Removing output directory: unlinkat {path}: {reason(error)}") from error
    except OSError as error:
        raise InputError(f"Creating output directory: mkdir {path}: {reason(error)}") from error
    try:
        yield temporary
        _put_in_place(temporary, place, former)
    except InputError as error:
        # People know the folder by the name they gave it.
        raise InputError(str(error).replace(temporary, path)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _discard(former)


def _put_in_place(folder: str, place: str, former: str) -> None:
    """What was at ``place`` is at ``former`` then. After an error, or an interrupt, it is where it was."""
    try:
        if os.path.lexists(place):
            os.rename(place, former)
        os.rename(folder, place)
    except OSError as error:
        raise InputError(f"Removing output directory: {place}: {reason(error)}") from error
    finally:
        if os.path.lexists(former) and not os.path.lexists(place):
            os.rename(former, place)


def _discard(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)


def extract(files: Iterable[LayerFile], folder: str) -> None:
    """Write a layer's files below an existing folder, each over what is there.

    A file gets its owner's permissions for all; one whose group or others have any, its own; both less the umask.
    Folders are made as parents of what stands in them, be that written or not. Links and devices only take away what
    has their name, and so do whiteouts. Raises InputError if a file cannot be written, also where a file would have to
    be its folder, and for names that this file system cannot tell apart.
    """
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    names = _Names() if folds_case(folder) else None
    try:
        for file in files:
            if names and file.kind == "file":
                names.add(file.path)
            try:
                if file.kind == "whiteout":
                    _take_away(root, file.path)
                else:
                    _extract_one(root, file, folder)
            except OSError as error:
                raise InputError(f"open {os.path.join(folder, file.path)}: {reason(error)}") from error
    finally:
        os.close(root)


def folds_case(folder: str) -> bool:
    """Whether the file system takes names that differ in case only for the same."""
    path = os.path.abspath(folder)
    try:
        return path != path.swapcase() and os.path.samefile(path, path.swapcase())
    except OSError:
        return False


class _Names:
    """The names of a layer, where two may stand for one file."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def add(self, path: str) -> None:
        known = self._known.setdefault(path.casefold(), path)
        if known != path:
            raise InputError(
                f"Expected '{path}' and '{known}' to be two files, but this file system does not tell them apart"
            )


def _take_away(root: int, path: str) -> None:
    *parents, name = path.split("/")
    folder = os.dup(root)
    try:
        for parent in parents:
            below = os.open(parent, _FOLDER_FLAGS, dir_fd=folder)
            os.close(folder)
            folder = below
        _cleared(folder, name)
    except OSError:
        pass  # nothing is there
    finally:
        os.close(folder)


def _extract_one(root: int, file: LayerFile, shown: str) -> None:
    *parents, name = file.path.split("/")
    folder = os.dup(root)
    try:
        for parent in parents:
            shown = os.path.join(shown, parent)
            below = _entered(folder, parent, shown)
            os.close(folder)
            folder = below
        if file.kind != "folder" or not _is_folder(folder, name):
            _cleared(folder, name)
        if file.kind != "file":
            return
        kept = file.mode & 0o777
        owner = kept >> 6
        mode = kept if kept & 0o077 else owner << 6 | owner << 3 | owner
        descriptor = os.open(name, _FILE_FLAGS, mode, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as output:
            for piece in file.chunks():
                output.write(piece)
        os.utime(name, (file.mtime, file.mtime), dir_fd=folder, follow_symlinks=False)
    finally:
        os.close(folder)


def _entered(folder: int, name: str, shown: str) -> int:
    try:
        return os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        if not stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
            raise InputError(f"mkdir {shown}: not a directory") from error
        os.unlink(name, dir_fd=folder)
    os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER_FLAGS, dir_fd=folder)


def _is_folder(folder: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode)
    except FileNotFoundError:
        return False


def _cleared(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # the latter where unlink does not tell folders
        shutil.rmtree(name, dir_fd=folder)


def _unreadable(error: OSError, path: str) -> InputError:
    return InputError(f"lstat {error.filename or path}: {reason(error)}")
