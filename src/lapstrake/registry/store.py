"""The registry's memory: what may be read, written and removed, one thing at a time.

Content is written before what refers to it and removed after it; so a process killed at any moment leaves
at worst content that nobody refers to, which the next start removes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import INDEX_TYPES
from lapstrake.registry import refusals
from lapstrake.registry.retention import Retention
from lapstrake.registry.shelf import BLOBS, MANIFESTS, Shelf, is_name, is_tag, named_content


@dataclass(frozen=True, slots=True)
class StoredManifest:
    media_type: str
    digest: Digest
    data: bytes


class Store:
    """One folder, one process. All methods may be called from any thread; they raise Refusal."""

    def __init__(self, folder: str, clock: Callable[[], float] = time.time) -> None:
        """``clock`` gives seconds and decides when tags end."""
        self._clock = clock
        self._lock = threading.RLock()
        self._shelf = Shelf(folder)
        self._retention = Retention(self._shelf)

    def repositories(self) -> list[str]:
        """Names of the repositories that ever held a manifest, sorted."""
        return self._shelf.repositories(MANIFESTS)

    def tags(self, repository: str) -> list[str]:
        """Sorted. Refuses an unknown repository."""
        self._sweep_due()
        if not os.path.isdir(self._shelf.place(repository, MANIFESTS)):
            raise refusals.unknown_name(repository)
        return sorted(self._shelf.tag_names(repository))

    def manifest(self, repository: str, reference: str) -> StoredManifest:
        """By digest or tag."""
        self._sweep_due()
        with self._lock:
            digest = self._resolved(repository, reference)
            stored = self._shelf.manifest(repository, digest) if digest else None
            if digest is None or stored is None:
                raise refusals.unknown_manifest(repository, reference)
            return StoredManifest(stored[0], digest, stored[1])

    def blob(self, repository: str, digest: Digest) -> str:
        """The file that holds a blob. Asking for it keeps it from being swept for some minutes."""
        with self._lock:
            path = self._shelf.content(digest)
            if not self._holds(repository, digest) or not os.path.exists(path):
                raise refusals.unknown_blob(str(digest))
            self._retention.asked_for(repository, digest, self._clock())
            return path

    def upload_file(self) -> str:
        """A new empty file for content that is coming in."""
        return self._shelf.new_upload()

    def add_blob(self, repository: str, digest: Digest, uploaded: str) -> None:
        """Take over the file ``uploaded``, whose digest the caller has checked."""
        place = self._shelf.place(repository, BLOBS, digest.hex)
        with self._lock:
            self._retention.asked_for(repository, digest, self._clock())
            target = self._shelf.content(digest)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(uploaded, target)
            self._shelf.write(place, b"")

    def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        """Let ``repository`` hold a blob of ``source``; false if that has none."""
        place = self._shelf.place(repository, BLOBS, digest.hex)
        if not is_name(source):
            return False
        with self._lock:
            if not self._holds(source, digest) or not os.path.exists(self._shelf.content(digest)):
                return False
            self._retention.asked_for(repository, digest, self._clock())
            self._shelf.write(place, b"")
            return True

    def put_manifest(self, repository: str, reference: str, media_type: str, data: bytes) -> Digest:
        """Store a manifest by digest or tag. All that it names must be there; a tag's life begins anew."""
        digest = Digest.of(data)
        place = self._shelf.place(repository, MANIFESTS, digest.hex)
        by_digest = reference.startswith("sha256:")
        if by_digest and reference != str(digest):
            raise refusals.invalid_digest()
        if not by_digest and not is_tag(reference):
            raise refusals.invalid_tag(reference)
        kind = MANIFESTS if media_type in INDEX_TYPES else BLOBS
        needed = named_content(media_type, data)
        with self._lock:
            for descriptor in needed:
                if not self._shelf.holds(repository, kind, descriptor.digest):
                    raise refusals.unknown_content(str(descriptor.digest))
            self._shelf.write(self._shelf.content(digest), data)
            self._shelf.write(place, media_type.encode())
            if not by_digest:
                self._retention.set_tag(repository, reference, digest, self._clock())
        return digest

    def delete_manifest(self, repository: str, reference: str) -> None:
        """A digest goes with all its tags, a tag goes alone."""
        with self._lock:
            digest = self._resolved(repository, reference)
            if not reference.startswith("sha256:"):
                if digest is None:
                    raise refusals.unknown_manifest(repository, reference)
                self._retention.remove_tag(repository, reference)
                return
            if digest is None or not self._shelf.holds(repository, MANIFESTS, digest):
                raise refusals.Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
            self._retention.remove_manifest(repository, digest)
            self._retention.remove_unnamed_blobs(self._clock())

    def delete_blob(self, repository: str, digest: Digest) -> None:
        with self._lock:
            if not self._shelf.holds(repository, BLOBS, digest):
                raise refusals.Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
            self._shelf.remove(self._shelf.place(repository, BLOBS, digest.hex))
            self._shelf.remove_content(digest)

    def sweep(self, now: float) -> list[tuple[str, str]]:
        """Remove the tags that end by ``now`` and what only they kept; gives (repository, tag) of those."""
        with self._lock:
            return self._retention.sweep(now)

    def _sweep_due(self) -> None:
        now = self._clock()
        if self._retention.is_due(now):
            self.sweep(now)

    def _holds(self, repository: str, digest: Digest) -> bool:
        return any(self._shelf.holds(repository, kind, digest) for kind in (BLOBS, MANIFESTS))

    def _resolved(self, repository: str, reference: str) -> Digest | None:
        if reference.startswith("sha256:"):
            try:
                return Digest.parse(reference)
            except InputError as error:
                raise refusals.invalid_digest({}) from error
        tag = self._shelf.tag(repository, reference) if is_tag(reference) else None
        return tag.digest if tag else None
