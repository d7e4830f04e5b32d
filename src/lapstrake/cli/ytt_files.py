"""Which files a ytt command line means, and reading them."""

from __future__ import annotations

import os
import stat
import sys

from lapstrake.errors import InputError
from lapstrake.messages import reason, unread
from lapstrake.operations.template import SourceFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_BYTES = 256 << 20  # of a download


class Reader:
    """Reads what ``-f`` and its kin name; standard input can be read once.

    ``links``: follow symbolic links to places under one of these directories only (``allow_links``: anywhere).
    """

    def __init__(self, *, allow_links: bool = False, links: Sequence[str] = ()) -> None:
        self.allow_links = allow_links
        self.links = [os.path.realpath(path) for path in links]
        self.stdin_taken = False

    def sources(self, arguments: Sequence[str]) -> list[SourceFile]:
        """All files of the ``-f`` arguments, each directory's sorted. Raises InputError."""
        found: list[SourceFile] = []
        for argument in arguments:
            found += self._source(argument)
        return found

    def _source(self, argument: str) -> list[SourceFile]:
        name, path = "", argument
        pieces = argument.split("=")
        if len(pieces) > 2:
            raise InputError(
                f"Expected file '{argument}' to only have single '=' sign to for relative path assignment"
            )
        if len(pieces) == 2:
            name, path = pieces
        if path == "-":
            return [SourceFile(name or "stdin.yml", self.stdin())]
        if path.startswith(("http://", "https://")):
            return [SourceFile(name or path.rpartition("/")[2], self.read(path))]
        return self._local(path, name)

    def _local(self, path: str, name: str) -> list[SourceFile]:
        try:
            status = os.lstat(path)
        except OSError as error:
            raise InputError(f"Checking file '{path}': lstat {path}: {reason(error)}") from error
        if stat.S_ISDIR(status.st_mode):
            try:
                found = sorted(self._walk(path))
            except InputError as error:
                raise InputError(f"Listing files '{path}': {error}") from error
            return [SourceFile(relative, self.read(full)) for full, relative in found]
        if stat.S_ISLNK(status.st_mode):
            self._check_link(path)
        return [SourceFile(name or os.path.basename(path), self.read(path))]

    def _walk(self, root: str) -> list[tuple[str, str]]:
        """Pairs of full path and path below ``root``, of all files; directories that are links are not entered."""
        found: list[tuple[str, str]] = []
        base = root.rstrip("/") or "/"
        pending = [base]
        while pending:
            folder = pending.pop()
            for name in os.listdir(folder):
                full = os.path.join(folder, name)
                mode = os.lstat(full).st_mode
                if stat.S_ISDIR(mode):
                    pending.append(full)
                    continue
                if stat.S_ISLNK(mode):
                    self._check_link(os.path.normpath(full))
                    if os.path.isdir(full):
                        continue
                found.append((os.path.normpath(full), os.path.relpath(full, base)))
        return found

    def _check_link(self, path: str) -> None:
        """Raises InputError unless it is allowed to follow the symbolic link ``path``."""
        if self.allow_links:
            return
        target = os.path.realpath(path)
        shown = target if os.path.isabs(path) else os.path.relpath(target)
        if not os.path.exists(target):
            raise InputError(
                f"Checking symlink file '{path}': Eval symlink: lstat {shown}: no such file or directory"
            )
        for allowed in self.links:
            if target == allowed or target.startswith(allowed.rstrip("/") + "/"):
                return
        raise InputError(
            f"Checking symlink file '{path}': Expected symlink file '{path}' -> '{shown}' to be allowed, but was not "
            "(hint: symlinks are disallowed as a security feature, use '--allow-symlink-destination' flags to override)"
        )

    def single(self, path: str) -> bytes:
        """The content of a file for one data value. Raises InputError."""
        if path != "-" and not path.startswith(("http://", "https://")):
            try:
                if stat.S_ISDIR(os.lstat(path).st_mode):
                    raise InputError(f"Expected '{path}' to be a file, but is a directory")
            except OSError as error:
                raise InputError(
                    f"Finding file '{path}': Checking file '{path}': lstat {path}: {reason(error)}"
                ) from error
        return self.read(path)

    def stdin(self) -> bytes:
        if self.stdin_taken:
            raise InputError(
                "Standard input has already been read, has the '-' argument been used in more than one flag?"
            )
        self.stdin_taken = True
        return sys.stdin.buffer.read()

    def read(self, path: str) -> bytes:
        """The content of one file, of ``-``, or of a URL. Raises InputError."""
        if path == "-":
            return self.stdin()
        if path.startswith(("http://", "https://")):
            return _download(path)
        try:
            with open(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise InputError(unread(path, error)) from error


def _download(url: str) -> bytes:
    from lapstrake.http.downloads import Request, StatusError, standard_downloads
    from lapstrake.http.redaction import with_hidden_passwords

    try:
        return standard_downloads(os.environ).read(Request(url, good=range(200, 300)), _MOST_BYTES)
    except StatusError as error:
        why = f"Expected response status to be 2xx, but was {error.status}"
    except InputError as error:
        why = str(error)
    raise InputError(f"Requesting URL '{with_hidden_passwords(url)}': {why}")
