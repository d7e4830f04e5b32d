"""The folder in which a registry keeps its content: what lies where, and how it is read and written.

::

    blobs/ab/<hex>                          content, of blobs and of manifests
    repositories/<name>/_blobs/<hex>        empty: the repository holds this blob
    repositories/<name>/_manifests/<hex>    the media type: the repository holds this manifest
    repositories/<name>/_tags/<tag>         JSON: digest, and when the tag ends
    repositories/<name>/_tags/.past-<hex>   the same for a manifest that such a tag has left
    uploads/<id>                            content that is still coming in, and drafts
    lock                                    held by the process that serves the folder

A digest's algorithm follows from the length of its hexadecimal form: 64 digits are sha256, 128 sha512.
Every file appears by a rename, and one that says something is written through to the disk before: a name
never stands for half a content, not even after a power cut. Nothing here locks threads out: that is up to those who use it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.registry import refusals

BLOBS, MANIFESTS, TAGS = "_blobs", "_manifests", "_tags"
ALGORITHMS = ("sha256", "sha512")
PAST = ".past-"  # begins the name of the file that ends what a tag with a life pointed to before

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LONGEST_NAME = 255
_UNFINISHED = ".new-"


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag points to; ``expires`` in seconds of the registry's clock, None for never."""

    digest: Digest
    expires: float | None

    def to_bytes(self) -> bytes:
        return json.dumps({"digest": str(self.digest), "expires": self.expires}).encode()


def is_name(repository: str) -> bool:
    return len(repository) <= _LONGEST_NAME and _NAME.fullmatch(repository) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


class Shelf:
    """The files. Names of repositories are checked with each use, so that no path leaves the folder."""

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(folder)
        for name in ("blobs", "repositories", "uploads"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)

    def place(self, repository: str, *parts: str) -> str:
        """Where something of a repository lies. Refuses what is no name."""
        if not is_name(repository):
            raise refusals.invalid_name(repository)
        return os.path.join(self.folder, "repositories", *repository.split("/"), *parts)

    def content(self, digest: Digest) -> str:
        return os.path.join(self.folder, "blobs", digest.hex[:2], digest.hex)

    def upload(self) -> str:
        """Where content that is coming in may be written; nothing is there yet."""
        return os.path.join(self.folder, "uploads", uuid.uuid4().hex)

    def free(self) -> int:
        """Bytes that the disk has left for us."""
        disk = os.statvfs(self.folder)
        return disk.f_bavail * disk.f_frsize

    def draft(self, data: bytes) -> str:
        """A file with ``data`` that is safely on the disk and has no place yet."""
        path = self.upload()
        try:
            with open(path, "xb") as file:
                file.write(data)
                file.flush()
                write_through(file.fileno())
        except BaseException:
            self.remove(path)
            raise
        return path

    @contextmanager
    def drafts(self, contents: Iterable[bytes]) -> Iterator[Sequence[str]]:
        """A draft of each of ``contents``. In the end those that got no place are removed."""
        made: list[str] = []
        try:
            for data in contents:
                made.append(self.draft(data))
            yield made
        finally:
            for path in made:
                self.remove(path)

    def settle(self, draft: str, path: str) -> None:
        """Give a draft its place, instead of what was there."""
        self._make_folder(os.path.dirname(path))
        os.replace(draft, path)

    def mark(self, path: str) -> None:
        """An empty file: that it is there says it all."""
        self._make_folder(os.path.dirname(path))
        with open(path, "wb"):
            pass

    def sync(self, *paths: str) -> None:
        """Write the names of files through to the disk."""
        for folder in {os.path.dirname(path) for path in paths}:
            _sync_folder(folder)

    def remove(self, path: str) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass

    def names(self, repository: str, kind: str) -> list[str]:
        """The names of the files of a kind, hidden ones among them."""
        try:
            return os.listdir(self.place(repository, kind))
        except FileNotFoundError:
            return []

    def digests(self, repository: str, kind: str) -> Iterator[Digest]:
        """What a repository holds of blobs or manifests."""
        for name in self.names(repository, kind):
            if (digest := _digest(name)) is not None:
                yield digest

    def repositories(self) -> Iterator[tuple[str, bool]]:
        """(name, whether it ever held a manifest) of all that ever held something."""
        root = os.path.join(self.folder, "repositories")
        for folder, names, _ in os.walk(root):
            if BLOBS in names or MANIFESTS in names:
                yield os.path.relpath(folder, root), MANIFESTS in names
            names[:] = [name for name in names if not name.startswith("_")]

    def contents(self) -> Iterator[tuple[Digest, int]]:
        """(digest, bytes) of all content."""
        root = os.path.join(self.folder, "blobs")
        for folder in os.listdir(root):
            with os.scandir(os.path.join(root, folder)) as entries:
                for entry in entries:
                    if (digest := _digest(entry.name)) is not None:
                        yield digest, entry.stat().st_size

    def tag(self, repository: str, name: str) -> Tag | None:
        """What a tag, or the hidden file of a left manifest, says. None if it is not there or damaged."""
        try:
            with open(self.place(repository, TAGS, name), "rb") as file:
                value = json.load(file)
            expires = value["expires"]
            return Tag(Digest.parse(value["digest"]), None if expires is None else float(expires))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
            return None

    def media_type(self, repository: str, digest: Digest) -> str:
        """The media type of a manifest that the repository holds; "" if it is damaged."""
        try:
            with open(self.place(repository, MANIFESTS, digest.hex), encoding="utf-8") as file:
                return file.read(256)
        except (OSError, ValueError):
            return ""

    def read(self, digest: Digest) -> bytes | None:
        try:
            with open(self.content(digest), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def clear_unfinished(self, held: Iterable[Digest]) -> None:
        """Remove what a process that was killed left half done, and content that nobody holds."""
        for name in os.listdir(os.path.join(self.folder, "uploads")):
            self.remove(os.path.join(self.folder, "uploads", name))
        for folder, _, names in os.walk(os.path.join(self.folder, "repositories")):
            for name in names:
                if name.startswith(_UNFINISHED):
                    self.remove(os.path.join(folder, name))
        kept = {digest.hex for digest in held}
        for folder, _, names in os.walk(os.path.join(self.folder, "blobs")):
            for name in names:
                if name not in kept:
                    self.remove(os.path.join(folder, name))

    def _make_folder(self, folder: str) -> None:
        """With those above it, each written through to the disk when it is new."""
        if not os.path.isdir(folder):
            above = os.path.dirname(folder)
            self._make_folder(above)
            try:
                os.mkdir(folder)
            except FileExistsError:
                return
            _sync_folder(above)


class Hold:
    """The right to serve a folder, which one process has at a time.

    The operating system ends it with the process, however that ends.
    """

    def __init__(self, folder: str) -> None:
        """Raises InputError if another process serves the folder, OSError if it cannot be used."""
        os.makedirs(folder, exist_ok=True)
        self._file = open(os.path.join(folder, "lock"), "a")  # noqa: SIM115 - closed by release()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise InputError(
                f"Another registry serves '{os.path.abspath(folder)}' already: "
                "stop it, or give this one another folder"
            ) from error

    def release(self) -> None:
        self._file.close()


def _digest(name: str) -> Digest | None:
    """The digest whose hexadecimal form a file has as its name."""
    for algorithm in ALGORITHMS:
        try:
            return Digest.parse(f"{algorithm}:{name}")
        except InputError:
            continue
    return None


def write_through(file: int) -> None:
    """Wait until the content of a descriptor is on the disk. Not every system has the shorter way."""
    getattr(os, "fdatasync", os.fsync)(file)


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:  # taken away meanwhile, with what we wanted to name in it
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
