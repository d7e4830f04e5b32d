"""The folder in which a registry keeps its content: what lies where, and how it is read and written.

::

    blobs/ab/<hex>                          content, of blobs and of manifests
    repositories/<name>/_blobs/<hex>        empty: the repository holds this blob
    repositories/<name>/_manifests/<hex>    the media type: the repository holds this manifest
    repositories/<name>/_tags/<tag>         JSON: digest, and when the tag ends
    repositories/<name>/_tags/.past-<hex>   the same for a manifest that such a tag has left
    uploads/<id>                            content that is still coming in

Every file appears by a rename. Nothing here locks: that is up to those who use it.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import IMAGE_TYPES, INDEX_TYPES, Descriptor, ImageManifest, Index
from lapstrake.registry import refusals

BLOBS, MANIFESTS, TAGS = "_blobs", "_manifests", "_tags"

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LONGEST_NAME = 255
_UNFINISHED = ".new-"


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag points to; ``expires`` in seconds of the registry's clock, None for never."""

    digest: Digest
    expires: float | None


def is_name(repository: str) -> bool:
    return len(repository) <= _LONGEST_NAME and _NAME.fullmatch(repository) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def named_content(media_type: str, data: bytes) -> tuple[Descriptor, ...]:
    """What a manifest needs to be there. Layers that may be found elsewhere need not."""
    try:
        if media_type in INDEX_TYPES:
            return Index.parse(data).manifests
        if media_type in IMAGE_TYPES:
            image = ImageManifest.parse(data)
            return (image.config, *(layer for layer in image.layers if layer.is_distributable))
    except InputError as error:
        raise refusals.invalid_manifest({}) from error
    raise refusals.invalid_manifest({})


class Shelf:
    """The files. Names of repositories are checked with each use, so that no path leaves the folder."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.abspath(folder)
        for name in ("blobs", "repositories", "uploads"):
            os.makedirs(os.path.join(self._folder, name), exist_ok=True)

    def place(self, repository: str, *parts: str) -> str:
        """Where something of a repository lies. Refuses what is no name."""
        if not is_name(repository):
            raise refusals.invalid_name(repository)
        return os.path.join(self._folder, "repositories", *repository.split("/"), *parts)

    def content(self, digest: Digest) -> str:
        return os.path.join(self._folder, "blobs", digest.hex[:2], digest.hex)

    def new_upload(self) -> str:
        """A new empty file for content that is coming in."""
        path = os.path.join(self._folder, "uploads", uuid.uuid4().hex)
        with open(path, "xb"):
            return path

    def repositories(self, *holding: str) -> list[str]:
        """The repositories that ever held one of the kinds of content, sorted."""
        root = os.path.join(self._folder, "repositories")
        found = []
        for folder, names, _ in os.walk(root):
            if not set(holding).isdisjoint(names):
                found.append(os.path.relpath(folder, root))
            names[:] = [name for name in names if not name.startswith("_")]
        return sorted(found)

    def names(self, repository: str, kind: str) -> list[str]:
        """The names of the files of a kind, hidden ones among them."""
        try:
            return os.listdir(self.place(repository, kind))
        except FileNotFoundError:
            return []

    def holds(self, repository: str, kind: str, digest: Digest) -> bool:
        return os.path.exists(self.place(repository, kind, digest.hex))

    def tag_names(self, repository: str) -> list[str]:
        return [name for name in self.names(repository, TAGS) if not name.startswith(".")]

    def tag(self, repository: str, name: str) -> Tag | None:
        """What a tag, or the hidden file of a left manifest, says. None if it is not there or damaged."""
        try:
            with open(self.place(repository, TAGS, name), "rb") as file:
                value = json.load(file)
            expires = value["expires"]
            return Tag(Digest.parse(value["digest"]), None if expires is None else float(expires))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError):
            return None

    def write_tag(self, repository: str, name: str, tag: Tag) -> None:
        value = {"digest": str(tag.digest), "expires": tag.expires}
        self.write(self.place(repository, TAGS, name), json.dumps(value).encode())

    def manifest(self, repository: str, digest: Digest) -> tuple[str, bytes] | None:
        """(media type, bytes) of a manifest that the repository holds."""
        try:
            with open(self.place(repository, MANIFESTS, digest.hex), encoding="utf-8") as file:
                media_type = file.read()
            with open(self.content(digest), "rb") as content:
                return media_type, content.read()
        except FileNotFoundError:
            return None

    def manifests(self, repository: str) -> Iterator[set[Digest]]:
        """What each manifest of a repository names."""
        for name in self.names(repository, MANIFESTS):
            if not name.startswith("."):
                yield self.named_by(repository, Digest("sha256", name))

    def named_by(self, repository: str, digest: Digest) -> set[Digest]:
        stored = self.manifest(repository, digest)
        try:
            return {descriptor.digest for descriptor in named_content(*stored)} if stored else set()
        except refusals.Refusal:  # damaged on disk: it names nothing that we could keep
            return set()

    def write(self, path: str, data: bytes) -> None:
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f"{_UNFINISHED}{uuid.uuid4().hex}")
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)

    def remove(self, path: str) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass

    def remove_content(self, digest: Digest) -> None:
        """The bytes themselves, unless some repository still holds them."""
        for repository in self.repositories(BLOBS, MANIFESTS):
            if any(self.holds(repository, kind, digest) for kind in (BLOBS, MANIFESTS)):
                return
        self.remove(self.content(digest))

    def clear_unfinished(self) -> None:
        """Remove what a process that was killed left half done."""
        for name in os.listdir(os.path.join(self._folder, "uploads")):
            self.remove(os.path.join(self._folder, "uploads", name))
        held: set[str] = set()
        for folder, _, names in os.walk(os.path.join(self._folder, "repositories")):
            for name in names:
                if name.startswith(_UNFINISHED):
                    self.remove(os.path.join(folder, name))
            if os.path.basename(folder) in (BLOBS, MANIFESTS):
                held.update(names)
        for folder, _, names in os.walk(os.path.join(self._folder, "blobs")):
            for name in names:
                if name not in held:
                    self.remove(os.path.join(folder, name))
