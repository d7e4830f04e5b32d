"""What a registry holds, in memory: read from the shelf at start, kept in step with it by the store.

It answers in constant time what would cost a walk through the folders. A repository with 10,000 manifests of
10 layers each takes some 30 MB.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TypeVar

from lapstrake.oci.digest import Digest
from lapstrake.registry.manifest import Inspected
from lapstrake.registry.shelf import Tag

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Known:
    """A manifest as the ledger remembers it."""

    media_type: str
    named: tuple[Digest, ...]
    subject: Digest | None


@dataclass(slots=True)
class Repository:
    """``tags`` has hidden ones, too, ``tagged`` the visible ones of each manifest; ``named`` counts manifests."""

    ever_manifest: bool = False
    blobs: set[Digest] = field(default_factory=set)
    manifests: dict[Digest, Known] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    tagged: dict[Digest, set[str]] = field(default_factory=dict)
    named: Counter[Digest] = field(default_factory=Counter)
    referrers: dict[Digest, set[Digest]] = field(default_factory=dict)

    def holds(self, digest: Digest) -> bool:
        return digest in self.blobs or digest in self.manifests

    def visible_tags(self) -> list[str]:
        return sorted(name for name in self.tags.copy() if not name.startswith("."))


class Ledger:
    """Changed by one thread at a time; reading needs no lock."""

    def __init__(self) -> None:
        self.sizes: dict[Digest, int] = {}
        self.bytes = 0
        self._repositories: dict[str, Repository] = {}
        self._holders: Counter[Digest] = Counter()

    def find(self, repository: str) -> Repository | None:
        return self._repositories.get(repository)

    def repository(self, name: str) -> Repository:
        """Made if there is none."""
        return self._repositories.setdefault(name, Repository())

    def repositories(self) -> list[str]:
        """Names of those that ever held a manifest, sorted."""
        return sorted(name for name, found in self._repositories.copy().items() if found.ever_manifest)

    def is_held(self, digest: Digest) -> bool:
        """Whether any repository holds this content."""
        return digest in self._holders

    def add_content(self, digest: Digest, size: int) -> None:
        self.bytes += size - self.sizes.get(digest, 0)
        self.sizes[digest] = size

    def drop_content(self, digest: Digest) -> None:
        self.bytes -= self.sizes.pop(digest, 0)

    def add_blob(self, repository: str, digest: Digest) -> None:
        blobs = self.repository(repository).blobs
        if digest not in blobs:
            blobs.add(digest)
            self._holders[digest] += 1

    def drop_blob(self, repository: str, digest: Digest) -> None:
        blobs = self.repository(repository).blobs
        if digest in blobs:
            blobs.discard(digest)
            self._let_go(digest)

    def add_manifest(self, repository: str, digest: Digest, media_type: str, inspected: Inspected) -> None:
        found = self.repository(repository)
        found.ever_manifest = True
        named = tuple(dict.fromkeys(inspected.named))
        known = Known(sys.intern(media_type), named, inspected.subject)
        if (before := found.manifests.get(digest)) is not None:
            if before.named == named and before.subject == inspected.subject:
                found.manifests[digest] = known  # at no moment is it not there
                return
            self.drop_manifest(repository, digest)
        found.manifests[digest] = known
        self._holders[digest] += 1
        found.named.update(named)
        if inspected.subject is not None:
            found.referrers.setdefault(inspected.subject, set()).add(digest)

    def drop_manifest(self, repository: str, digest: Digest) -> None:
        found = self.repository(repository)
        known = found.manifests.pop(digest, None)
        if known is None:
            return
        self._let_go(digest)
        for named in known.named:
            found.named[named] -= 1
            if not found.named[named]:
                del found.named[named]
        if known.subject is not None:
            _discard(found.referrers, known.subject, digest)

    def set_tag(self, repository: str, name: str, tag: Tag) -> None:
        found = self.repository(repository)
        before = found.tags.get(name)
        found.tags[name] = tag  # at no moment is there none
        if before is not None:
            _discard(found.tagged, before.digest, name)
        if not name.startswith("."):
            found.tagged.setdefault(tag.digest, set()).add(name)

    def drop_tag(self, repository: str, name: str) -> None:
        found = self.repository(repository)
        tag = found.tags.pop(name, None)
        if tag is not None:
            _discard(found.tagged, tag.digest, name)

    def counts(self) -> dict[str, int]:
        """Repositories, manifests, blobs and tags, for the metrics."""
        found = list(self._repositories.copy().values())
        return {
            "repositories": sum(each.ever_manifest for each in found),
            "manifests": sum(len(each.manifests) for each in found),
            "tags": sum(len(names) for each in found for names in each.tagged.copy().values()),
            "contents": len(self.sizes),
        }

    def _let_go(self, digest: Digest) -> None:
        self._holders[digest] -= 1
        if not self._holders[digest]:
            del self._holders[digest]


def _discard(sets: dict[Digest, set[_Value]], key: Digest, value: _Value) -> None:
    found = sets.get(key, set())
    found.discard(value)
    if not found:
        sets.pop(key, None)
