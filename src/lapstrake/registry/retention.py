"""What a registry forgets: tags at the end of their life, what only they kept, and what nobody ever named."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from lapstrake.oci.digest import Digest
from lapstrake.registry.ledger import Ledger
from lapstrake.registry.lifetimes import is_internal, lifetime
from lapstrake.registry.manifest import Inspected, inspect
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.shelf import BLOBS, MANIFESTS, PAST, TAGS, Shelf, Tag

_RECENT = 300.0  # seconds for which a push that has no news is believed to go on


class Retention:
    """Knows when tags end, and removes in the order in which nothing is left dangling: tag, manifest, content.

    Times are seconds of the registry's clock. Callers hold the store's lock.
    """

    def __init__(self, shelf: Shelf, ledger: Ledger, unnamed: float, now: float) -> None:
        """``unnamed``: seconds for which a new blob is kept that no manifest names."""
        self._shelf = shelf
        self._ledger = ledger
        self._unnamed = unnamed
        self._ends: list[tuple[float, str, str]] = []  # a heap; tags that changed since are passed over
        self._asked: dict[tuple[str, Digest], float] = {}
        self._candidates: dict[tuple[str, Digest], float] = {}  # when to look whether it is named
        self._received: dict[str, float] = {}  # when a repository got content that is not named yet
        self._awaiting: dict[
            tuple[str, Digest], float
        ] = {}  # when a manifest came that an index may name yet
        self._ended: set[tuple[str, Digest]] = set()  # those of them that nothing held any more
        self._recover(now)

    def tag(self, name: str, digest: Digest, now: float) -> Tag:
        """A tag whose life, if its name gives it one, begins now."""
        seconds = lifetime(name)
        return Tag(digest, None if seconds is None else now + seconds)

    def set_tag(self, repository: str, name: str, tag: Tag, draft: str) -> None:
        """``draft``: the tag's file. What the tag pointed to before keeps the end it had."""
        found = self._ledger.repository(repository)
        before = found.tags.get(name)
        if before is not None and before.expires is not None and before.digest != tag.digest:
            self._settle(
                repository, f"{PAST}{before.digest.hex}", before, self._shelf.draft(before.to_bytes())
            )
        self._settle(repository, name, tag, draft)

    def new_blob(self, repository: str, digest: Digest, now: float) -> None:
        """Look after a while whether a manifest names it by then."""
        self._candidates[repository, digest] = now + self._unnamed
        self.asked_for(repository, digest, now)  # a manifest that goes must not take it along
        self.received(repository, now)

    def received(self, repository: str, now: float) -> None:
        """Content is coming in: a push is under way, however long it takes, and its first blobs have to wait."""
        self._received[repository] = now

    def asked_for(self, repository: str, digest: Digest, now: float) -> None:
        """Keep a blob for some minutes, and while content is coming in: a push that found it there will name it."""
        self._asked[repository, digest] = now

    def put(self, repository: str, digest: Digest, inspected: Inspected, now: float, *, alone: bool) -> None:
        """``alone``: by its digest. The end of what held it before must not take along what an index will name soon."""
        for named in inspected.named if inspected.is_index else ():
            self._awaiting.pop((repository, named), None)
        if alone and inspected.subject is None:
            self._awaiting[repository, digest] = now
        else:
            self._awaiting.pop((repository, digest), None)

    def is_due(self, now: float) -> bool:
        """Whether a tag may have ended by ``now``."""
        try:
            return self._ends[0][0] <= now
        except IndexError:
            return False

    def sweep(self, now: float) -> list[tuple[str, str]]:
        """Remove the tags that end by ``now`` and what only they kept; (repository, tag) of those.

        A manifest goes when no tag but imgpkg's own holds it and no index names it; then its internal tags,
        its locations image and its untagged referrers go too, and the blobs that no manifest names.
        """
        due = self._due(now)
        for repository, name in due:
            ended = self._ledger.repository(repository).tags.get(name)
            self.remove_tag(repository, name)
            if ended is not None and self._may_go(repository, ended.digest, but=is_internal):
                self._remove_with_companions(repository, ended.digest)
        self._remove_awaiting(now)
        self.remove_unnamed_blobs(now)
        return [(repository, name) for repository, name in due if not name.startswith(PAST)]

    def remove_tag(self, repository: str, name: str) -> None:
        self._ledger.drop_tag(repository, name)
        self._shelf.remove(self._shelf.place(repository, TAGS, name))

    def remove_manifest(self, repository: str, digest: Digest) -> None:
        """The manifest with its tags and, of an index, the images that nothing else holds."""
        found = self._ledger.repository(repository)
        known = found.manifests.get(digest)
        if known is None:
            return
        for name in sorted(found.tagged.get(digest, ())):
            self.remove_tag(repository, name)
        self._ledger.drop_manifest(repository, digest)
        self._shelf.remove(self._shelf.place(repository, MANIFESTS, digest.hex))
        self._remove_content(digest)
        for child in known.named:
            if child not in found.manifests:
                self._candidates[repository, child] = 0.0
            elif self._may_go(repository, child):
                self.remove_manifest(repository, child)

    def remove_blob(self, repository: str, digest: Digest) -> None:
        self._ledger.drop_blob(repository, digest)
        self._shelf.remove(self._shelf.place(repository, BLOBS, digest.hex))
        self._remove_content(digest)

    def remove_unnamed_blobs(self, now: float) -> None:
        """Blobs that no manifest names any more, or not in time, unless somebody asked for them just now."""
        for key in [key for key in self._asked.copy() if not self._is_wanted(key, now)]:
            del self._asked[key]
        for repository in [
            name for name, when in self._received.copy().items() if now - when >= self._unnamed
        ]:
            del self._received[repository]
        for key, when in [(key, when) for key, when in self._candidates.items() if when <= now]:
            repository, digest = key
            found = self._ledger.repository(repository)
            if digest in found.named:
                del self._candidates[key]
            elif when and repository in self._received:
                continue
            elif key not in self._asked:
                del self._candidates[key]
                self.remove_blob(repository, digest)

    def _is_wanted(self, key: tuple[str, Digest], now: float) -> bool:
        """Whether a push that asked for a blob may still be under way."""
        asked = self._asked[key]
        news = max(asked, self._received.get(key[0], asked))
        return now - news < _RECENT and now - asked < max(self._unnamed, _RECENT)

    def _remove_awaiting(self, now: float) -> None:
        """The manifests that nothing held any more, and that no index named in time."""
        for key in [key for key, when in self._awaiting.items() if now - when >= _RECENT]:
            del self._awaiting[key]
        for repository, digest in sorted(self._ended - self._awaiting.keys()):
            self._ended.discard((repository, digest))
            there = digest in self._ledger.repository(repository).manifests
            if there and not self._is_held(repository, digest, but=is_internal):
                self._remove_with_companions(repository, digest)

    def _due(self, now: float) -> list[tuple[str, str]]:
        due = set()
        while self.is_due(now):
            expires, repository, name = heapq.heappop(self._ends)
            tag = self._ledger.repository(repository).tags.get(name)
            if tag is not None and tag.expires == expires:
                due.add((repository, name))
        return sorted(due)

    def _settle(self, repository: str, name: str, tag: Tag, draft: str) -> None:
        self._shelf.settle(draft, self._shelf.place(repository, TAGS, name))
        self._learn_tag(repository, name, tag)

    def _learn_tag(self, repository: str, name: str, tag: Tag) -> None:
        self._ledger.set_tag(repository, name, tag)
        if tag.expires is not None:
            heapq.heappush(self._ends, (tag.expires, repository, name))

    def _remove_content(self, digest: Digest) -> None:
        """The bytes themselves, unless some repository still holds them."""
        if not self._ledger.is_held(digest):
            self._ledger.drop_content(digest)
            self._shelf.remove(self._shelf.content(digest))

    def _may_go(self, repository: str, digest: Digest, but: Callable[[str], bool] = lambda _: False) -> bool:
        """Whether nothing holds a manifest (see ``_is_held``), nor will in a moment."""
        if self._is_held(repository, digest, but):
            return False
        if (repository, digest) in self._awaiting:
            self._ended.add((repository, digest))
            return False
        return True

    def _is_held(self, repository: str, digest: Digest, but: Callable[[str], bool] = lambda _: False) -> bool:
        """Whether a tag (``but`` some) or an index holds a manifest."""
        found = self._ledger.repository(repository)
        return digest in found.named or not all(but(name) for name in found.tagged.get(digest, ()))

    def _remove_with_companions(self, repository: str, digest: Digest) -> None:
        """A manifest that ended, and what was made for it: imgpkg's locations image, referrers without a tag."""
        found = self._ledger.repository(repository)
        name = f"{digest.tag_prefix}.image-locations.imgpkg"
        locations = found.tags.get(name)
        self.remove_manifest(repository, digest)
        if locations is not None:
            self.remove_tag(repository, name)
            if found.tagged.get(locations.digest, set()) <= {f"{locations.digest.tag_prefix}.imgpkg"}:
                self.remove_manifest(repository, locations.digest)
        for referrer in sorted(found.referrers.get(digest, ())):
            if not self._is_held(repository, referrer):
                self._remove_with_companions(repository, referrer)

    def _recover(self, now: float) -> None:
        """Learn what is there, and clear what an earlier process left unfinished.

        Pushes go on over a restart: blobs that no manifest names yet are kept as if they had just come.
        """
        held: set[Digest] = set()
        sizes = dict(self._shelf.contents())
        for repository, ever_manifest in self._shelf.repositories():
            self._ledger.repository(repository).ever_manifest = ever_manifest
            for digest in self._shelf.digests(repository, MANIFESTS):
                self._recover_manifest(repository, digest)
                held.add(digest)
            for digest in self._shelf.digests(repository, BLOBS):
                if digest in sizes:
                    self._ledger.add_blob(repository, digest)
                    self._candidates[repository, digest] = now + self._unnamed
                    held.add(digest)
                else:
                    self._shelf.remove(self._shelf.place(repository, BLOBS, digest.hex))
            self._recover_tags(repository)
        self._shelf.clear_unfinished(held)
        for digest in held & sizes.keys():
            self._ledger.add_content(digest, sizes[digest])

    def _recover_manifest(self, repository: str, digest: Digest) -> None:
        """A damaged one stays where it is, keeps nothing alive and can be pushed anew."""
        data = self._shelf.read(digest)
        media_type = self._shelf.media_type(repository, digest)
        try:
            if data is not None and Digest.of(data, digest.algorithm) == digest:
                self._ledger.add_manifest(repository, digest, media_type, inspect(media_type, data))
        except Refusal:
            pass

    def _recover_tags(self, repository: str) -> None:
        found = self._ledger.repository(repository)
        for name in self._shelf.names(repository, TAGS):
            tag = self._shelf.tag(repository, name)
            if tag is None or tag.digest not in found.manifests:
                self._shelf.remove(self._shelf.place(repository, TAGS, name))
            else:
                self._learn_tag(repository, name, tag)
