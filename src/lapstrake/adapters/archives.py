"""Archives unpacked by what they hold, not by their name: zip, gzipped tar, tar.

Nothing is written outside the target folder. Files get mode 0644 and folders 0700 whatever the archive says,
as the original does (vector vendir/http/archives).
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from typing import IO

from lapstrake.adapters.file_tree import inner_path, make_private_folders
from lapstrake.errors import InputError

MOST_BYTES = 8 << 30
_FILE_MODE = 0o644


def unpack(archive: str, into: str) -> bool:
    """Unpack the file ``archive``; false if it is none, or holds something other than files and folders.

    Raises InputError for entries that lead out of ``into`` and for more content than is sensible.
    """
    if zipfile.is_zipfile(archive):
        return _unpack_zip(archive, into)
    return _unpack_tar(archive, into, "r:gz") or _unpack_tar(archive, into, "r:")


def _unpack_zip(archive: str, into: str) -> bool:
    left = MOST_BYTES
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            if member.is_dir():
                make_private_folders(inner_path(into, member.filename))
                continue
            if (member.external_attr >> 16) & 0o170000 not in (0, 0o100000):
                return False
            with opened.open(member) as content:
                left = _write(into, member.filename, content, left)
    return True


def _unpack_tar(archive: str, into: str, mode: str) -> bool:
    left = MOST_BYTES
    try:
        with tarfile.open(archive, mode) as opened:  # type: ignore[call-overload]
            for member in opened:
                if member.isdir():
                    make_private_folders(inner_path(into, member.name))
                elif member.isreg() and (content := opened.extractfile(member)) is not None:
                    left = _write(into, member.name, content, left)
                else:
                    return False
    except (tarfile.TarError, EOFError, OSError):
        return False
    return True


def _write(into: str, name: str, content: IO[bytes], left: int) -> int:
    path = inner_path(into, name)
    make_private_folders(os.path.dirname(path))
    with open(path, "wb") as file:
        while piece := content.read(1 << 18):
            left -= len(piece)
            if left < 0:
                raise InputError(f"Expected archive to hold at most {MOST_BYTES} bytes")
            file.write(piece)
    os.chmod(path, _FILE_MODE)
    return left


def single_file(archive: str, into: str, name: str, mode: int) -> None:
    """Put the file itself into the folder."""
    path = inner_path(into, name)
    shutil.copyfile(archive, path)
    os.chmod(path, mode)
