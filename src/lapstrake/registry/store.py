"""The registry's memory: a folder of content by digest, and per repository what is whose.

::

    blobs/ab/<hex>                          content, of blobs and of manifests
    repositories/<name>/_blobs/<hex>        empty: the repository holds this blob
    repositories/<name>/_manifests/<hex>    the media type: the repository holds this manifest
    repositories/<name>/_tags/<tag>         JSON: digest, and when the tag ends
    repositories/<name>/_tags/.past-<hex>   the same for a manifest that such a tag has left
    uploads/<id>                            content that is still coming in

Every file appears by a rename, content before what refers to it, and goes in the opposite order; so a
process killed at any moment leaves at worst content that nobody refers to, which the next start removes.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import IMAGE_TYPES, INDEX_TYPES, Descriptor, ImageManifest, Index
from lapstrake.registry import refusals
from lapstrake.registry.lifetimes import is_internal, lifetime

_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LONGEST_NAME = 255
_PAST = ".past-"  # begins the name of the file that ends what a tag with a life pointed to before
_RECENT = 300.0  # seconds during which a blob that was asked for is not removed


@dataclass(frozen=True, slots=True)
class StoredManifest:
    media_type: str
    digest: Digest
    data: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag points to; ``expires`` in seconds of the store's clock, None for never."""

    digest: Digest
    expires: float | None


class Store:
    """One folder, one process. All methods may be called from any thread; they raise Refusal."""

    def __init__(self, folder: str, clock: Callable[[], float] = time.time) -> None:
        self._folder = os.path.abspath(folder)
        self._clock = clock
        self._lock = threading.RLock()
        self._asked: dict[tuple[str, str], float] = {}
        self._candidates: set[tuple[str, str]] = set()
        for name in ("blobs", "repositories", "uploads"):
            os.makedirs(os.path.join(self._folder, name), exist_ok=True)
        self._expirations = self._recovered()

    # -- reading

    def repositories(self) -> list[str]:
        """Names of the repositories that ever held a manifest, sorted."""
        root = os.path.join(self._folder, "repositories")
        found = []
        for folder, names, _ in os.walk(root):
            if "_manifests" in names:
                found.append(os.path.relpath(folder, root))
            names[:] = [name for name in names if not name.startswith("_")]
        return sorted(found)

    def tags(self, repository: str) -> list[str]:
        """Sorted. Refuses an unknown repository."""
        self._sweep_due()
        if not os.path.isdir(self._place(repository, "_manifests")):
            raise refusals.unknown_name(repository)
        return sorted(self._tag_names(repository))

    def manifest(self, repository: str, reference: str) -> StoredManifest:
        """By digest or tag."""
        self._sweep_due()
        unknown = refusals.unknown_manifest(repository, reference)
        with self._lock:
            digest = self._resolved(repository, reference)
            if digest is None:
                raise unknown
            try:
                with open(self._place(repository, "_manifests", digest.hex), encoding="utf-8") as file:
                    media_type = file.read()
                with open(self._content(digest), "rb") as content:
                    return StoredManifest(media_type, digest, content.read())
            except FileNotFoundError as error:
                raise unknown from error

    def blob(self, repository: str, digest: Digest) -> str:
        """The file that holds a blob. Asking for it keeps it from being swept for some minutes."""
        with self._lock:
            path = self._content(digest)
            if not self._holds(repository, digest) or not os.path.exists(path):
                raise refusals.unknown_blob(str(digest))
            self._asked[repository, digest.hex] = self._clock()
            return path

    # -- writing

    def upload_file(self) -> str:
        """A new empty file for content that is coming in."""
        path = os.path.join(self._folder, "uploads", uuid.uuid4().hex)
        with open(path, "xb"):
            return path

    def add_blob(self, repository: str, digest: Digest, uploaded: str) -> None:
        """Take over the file ``uploaded``, whose digest the caller has checked."""
        _check_name(repository)
        with self._lock:
            self._asked[repository, digest.hex] = self._clock()
            target = self._content(digest)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(uploaded, target)
            self._write(self._place(repository, "_blobs", digest.hex), b"")

    def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        """Let ``repository`` hold a blob of ``source``; false if that has none."""
        _check_name(repository)
        if not is_name(source):
            return False
        with self._lock:
            if not self._holds(source, digest) or not os.path.exists(self._content(digest)):
                return False
            self._asked[repository, digest.hex] = self._clock()
            self._write(self._place(repository, "_blobs", digest.hex), b"")
            return True

    def put_manifest(self, repository: str, reference: str, media_type: str, data: bytes) -> Digest:
        """Store a manifest by digest or tag. All that it names must be there; a tag's life begins anew."""
        _check_name(repository)
        digest = Digest.of(data)
        if reference.startswith("sha256:"):
            if reference != str(digest):
                raise refusals.invalid_digest()
        elif not _TAG.fullmatch(reference):
            raise refusals.invalid_tag(reference)
        needed = _named_content(media_type, data)
        with self._lock:
            for descriptor in needed:
                place = "_manifests" if media_type in INDEX_TYPES else "_blobs"
                if not os.path.exists(self._place(repository, place, descriptor.digest.hex)):
                    raise refusals.unknown_content(str(descriptor.digest))
            self._write(self._content(digest), data)
            self._write(self._place(repository, "_manifests", digest.hex), media_type.encode())
            if not reference.startswith("sha256:"):
                self._write_tag(repository, reference, digest)
        return digest

    def delete_manifest(self, repository: str, reference: str) -> None:
        """A digest goes with all its tags, a tag goes alone."""
        with self._lock:
            if not reference.startswith("sha256:"):
                if self._resolved(repository, reference) is None:
                    raise refusals.unknown_manifest(repository, reference)
                self._remove_tag(repository, reference)
                return
            digest = _digest(reference)
            if not os.path.exists(self._place(repository, "_manifests", digest.hex)):
                raise refusals.Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
            self._remove_manifest(repository, digest)
            self._remove_candidates(self._clock())

    def delete_blob(self, repository: str, digest: Digest) -> None:
        with self._lock:
            place = self._place(repository, "_blobs", digest.hex)
            if not os.path.exists(place):
                raise refusals.Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
            os.unlink(place)
            self._remove_content(digest.hex)

    # -- the end of tags

    def sweep(self, now: float) -> list[tuple[str, str]]:
        """Remove the tags that end by ``now`` and what only they kept; gives (repository, tag) of those.

        A manifest goes when no tag but imgpkg's own holds it and no index names it; then its internal tags
        and its locations image go too, and the blobs that no manifest names.
        """
        with self._lock:
            due = sorted(key for key, expires in self._expirations.items() if expires <= now)
            for repository, tag in due:
                ended = self._tag_file(repository, tag)
                self._remove_tag(repository, tag)
                if ended is not None and not self._is_kept(repository, ended.digest):
                    self._remove_with_internal_tags(repository, ended.digest)
            self._remove_candidates(now)
            return due

    def _sweep_due(self) -> None:
        now = self._clock()
        if any(expires <= now for expires in self._expirations.copy().values()):
            self.sweep(now)

    def _is_kept(self, repository: str, digest: Digest) -> bool:
        """Whether a tag that imgpkg did not make for itself, or an index, holds a manifest."""
        return self._is_tagged_or_named(repository, digest, but=is_internal)

    def _is_tagged_or_named(
        self, repository: str, digest: Digest, but: Callable[[str], bool] = lambda _: False
    ) -> bool:
        for tag in self._tag_names(repository):
            if not but(tag) and self._resolved(repository, tag) == digest:
                return True
        return any(digest in named for _, named in self._manifests(repository))

    def _remove_with_internal_tags(self, repository: str, digest: Digest) -> None:
        locations = self._resolved(repository, f"{digest.tag_prefix}.image-locations.imgpkg")
        self._remove_manifest(repository, digest)
        if locations is not None:
            self._remove_tag(repository, f"{digest.tag_prefix}.image-locations.imgpkg")
            others = [
                tag for tag in self._tag_names(repository) if self._resolved(repository, tag) == locations
            ]
            if others in ([], [f"{locations.tag_prefix}.imgpkg"]):
                self._remove_manifest(repository, locations)

    def _remove_manifest(self, repository: str, digest: Digest) -> None:
        """The manifest with its tags, and what it alone names as candidates for removal."""
        path = self._place(repository, "_manifests", digest.hex)
        if not os.path.exists(path):
            return
        named = self._named_by(repository, digest.hex)
        for tag in self._tag_names(repository):
            if self._resolved(repository, tag) == digest:
                self._remove_tag(repository, tag)
        os.unlink(path)
        self._remove_content(digest.hex)
        for child in named:
            if os.path.exists(self._place(repository, "_manifests", child.hex)):
                if not self._is_tagged_or_named(repository, child):
                    self._remove_manifest(repository, child)
            else:
                self._candidates.add((repository, child.hex))

    def _remove_candidates(self, now: float) -> None:
        """Blobs that a removed manifest named and no other does, unless somebody asked for them just now."""
        self._asked = {key: when for key, when in self._asked.items() if now - when < _RECENT}
        for repository in {name for name, _ in self._candidates}:
            used = {digest.hex for _, named in self._manifests(repository) for digest in named}
            for candidate in [key for key in self._candidates if key[0] == repository]:
                if candidate in self._asked:
                    continue
                self._candidates.discard(candidate)
                if candidate[1] not in used:
                    _unlink(self._place(repository, "_blobs", candidate[1]))
                    self._remove_content(candidate[1])

    def _remove_content(self, hex_digest: str) -> None:
        """The bytes themselves, unless some repository still holds them."""
        for repository in self.repositories():
            for kind in ("_blobs", "_manifests"):
                if os.path.exists(self._place(repository, kind, hex_digest)):
                    return
        _unlink(self._content(Digest("sha256", hex_digest)))

    def _recovered(self) -> dict[tuple[str, str], float]:
        """Clear what an earlier process left unfinished; gives the ends of all tags."""
        for name in os.listdir(os.path.join(self._folder, "uploads")):
            os.unlink(os.path.join(self._folder, "uploads", name))
        held: set[str] = set()
        ends: dict[tuple[str, str], float] = {}
        for folder, _, files in os.walk(os.path.join(self._folder, "repositories")):
            for file in [name for name in files if name.startswith(".new-")]:
                os.unlink(os.path.join(folder, file))
            if os.path.basename(folder) in ("_blobs", "_manifests"):
                held.update(files)
        for folder, _, files in os.walk(os.path.join(self._folder, "blobs")):
            for file in files:
                if file not in held:
                    os.unlink(os.path.join(folder, file))
        for repository in self.repositories():
            self._candidates |= {(repository, blob) for blob in self._names(repository, "_blobs")}
            for tag in self._names(repository, "_tags"):
                stored = self._tag_file(repository, tag)
                if stored is None or not os.path.exists(
                    self._place(repository, "_manifests", stored.digest.hex)
                ):
                    _unlink(self._place(repository, "_tags", tag))
                elif stored.expires is not None:
                    ends[repository, tag] = stored.expires
        return ends

    # -- files

    def _place(self, repository: str, *parts: str) -> str:
        _check_name(repository)
        return os.path.join(self._folder, "repositories", *repository.split("/"), *parts)

    def _content(self, digest: Digest) -> str:
        return os.path.join(self._folder, "blobs", digest.hex[:2], digest.hex)

    def _holds(self, repository: str, digest: Digest) -> bool:
        return any(
            os.path.exists(self._place(repository, kind, digest.hex)) for kind in ("_blobs", "_manifests")
        )

    def _tag_names(self, repository: str) -> list[str]:
        return [name for name in self._names(repository, "_tags") if not name.startswith(".")]

    def _names(self, repository: str, kind: str) -> list[str]:
        try:
            return os.listdir(self._place(repository, kind))
        except FileNotFoundError:
            return []

    def _tag(self, repository: str, tag: str) -> Tag | None:
        return self._tag_file(repository, tag) if _TAG.fullmatch(tag) else None

    def _tag_file(self, repository: str, name: str) -> Tag | None:
        try:
            with open(self._place(repository, "_tags", name), "rb") as file:
                value = json.load(file)
            return Tag(Digest.parse(value["digest"]), value["expires"])
        except (OSError, ValueError, KeyError, InputError):
            return None

    def _resolved(self, repository: str, reference: str) -> Digest | None:
        if reference.startswith("sha256:"):
            return _digest(reference)
        tag = self._tag(repository, reference)
        return tag.digest if tag else None

    def _write_tag(self, repository: str, tag: str, digest: Digest) -> None:
        seconds = lifetime(tag)
        before = self._tag(repository, tag)
        if before is not None and before.expires is not None and before.digest != digest:
            self._write_tag_file(repository, f"{_PAST}{before.digest.hex}", before)
        expires = None if seconds is None else self._clock() + seconds
        self._write_tag_file(repository, tag, Tag(digest, expires))

    def _write_tag_file(self, repository: str, name: str, tag: Tag) -> None:
        value = {"digest": str(tag.digest), "expires": tag.expires}
        self._write(self._place(repository, "_tags", name), json.dumps(value).encode())
        if tag.expires is not None:
            self._expirations[repository, name] = tag.expires

    def _remove_tag(self, repository: str, tag: str) -> None:
        _unlink(self._place(repository, "_tags", tag))
        self._expirations.pop((repository, tag), None)

    def _manifests(self, repository: str) -> Iterator[tuple[str, set[Digest]]]:
        """(hex digest, what it names) of each manifest of a repository."""
        for name in self._names(repository, "_manifests"):
            if not name.startswith("."):
                yield name, self._named_by(repository, name)

    def _named_by(self, repository: str, hex_digest: str) -> set[Digest]:
        stored = self._read_manifest(repository, hex_digest)
        try:
            return {descriptor.digest for descriptor in _named_content(*stored)} if stored else set()
        except refusals.Refusal:  # damaged on disk: it names nothing that we could keep
            return set()

    def _read_manifest(self, repository: str, hex_digest: str) -> tuple[str, bytes] | None:
        try:
            with open(self._place(repository, "_manifests", hex_digest), encoding="utf-8") as file:
                media_type = file.read()
            with open(self._content(Digest("sha256", hex_digest)), "rb") as content:
                return media_type, content.read()
        except FileNotFoundError:
            return None

    def _write(self, path: str, data: bytes) -> None:
        folder = os.path.dirname(path)
        os.makedirs(folder, exist_ok=True)
        temporary = os.path.join(folder, f".new-{uuid.uuid4().hex}")
        with open(temporary, "xb") as file:
            file.write(data)
        os.replace(temporary, path)


def is_name(repository: str) -> bool:
    return len(repository) <= _LONGEST_NAME and _NAME.fullmatch(repository) is not None


def _check_name(repository: str) -> None:
    if not is_name(repository):
        raise refusals.invalid_name(repository)


def _digest(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InputError as error:
        raise refusals.invalid_digest({}) from error


def _named_content(media_type: str, data: bytes) -> tuple[Descriptor, ...]:
    """What a manifest needs to be there. Layers that are found elsewhere (with addresses) need not."""
    try:
        if media_type in INDEX_TYPES:
            return Index.parse(data).manifests
        if media_type in IMAGE_TYPES:
            image = ImageManifest.parse(data)
            return (image.config, *(layer for layer in image.layers if layer.is_distributable))
    except InputError as error:
        raise refusals.invalid_manifest({}) from error
    raise refusals.invalid_manifest({})


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
