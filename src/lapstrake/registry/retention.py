"""What a registry forgets: tags at the end of their life, and what only they kept."""

from __future__ import annotations

from collections.abc import Callable

from lapstrake.oci.digest import Digest
from lapstrake.registry.lifetimes import is_internal, lifetime
from lapstrake.registry.shelf import BLOBS, MANIFESTS, TAGS, Shelf, Tag

_PAST = ".past-"  # begins the name of the file that ends what a tag with a life pointed to before
_RECENT = 300.0  # seconds during which a blob that was asked for is not removed


class Retention:
    """Knows when tags end, and removes in the order in which nothing is left dangling: tag, manifest, content.

    Times are seconds of the registry's clock. Callers hold the store's lock.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._ends: dict[tuple[str, str], float] = {}
        self._asked: dict[tuple[str, Digest], float] = {}
        self._candidates: set[tuple[str, Digest]] = set()
        self._recover()

    def set_tag(self, repository: str, name: str, digest: Digest, now: float) -> None:
        """Point a tag to a manifest; its life, if its name gives it one, begins anew.

        What it pointed to before keeps the end it had.
        """
        before = self._shelf.tag(repository, name)
        if before is not None and before.expires is not None and before.digest != digest:
            self._write(repository, f"{_PAST}{before.digest.hex}", before)
        seconds = lifetime(name)
        self._write(repository, name, Tag(digest, None if seconds is None else now + seconds))

    def asked_for(self, repository: str, digest: Digest, now: float) -> None:
        """Keep a blob for some minutes: a push that found it there will name it soon."""
        self._asked[repository, digest] = now

    def is_due(self, now: float) -> bool:
        return any(ends <= now for ends in self._ends.copy().values())

    def sweep(self, now: float) -> list[tuple[str, str]]:
        """Remove the tags that end by ``now`` and what only they kept; (repository, tag) of those.

        A manifest goes when no tag but imgpkg's own holds it and no index names it; then its internal tags
        and its locations image go too, and the blobs that no manifest names.
        """
        due = sorted(key for key, ends in self._ends.items() if ends <= now)
        for repository, name in due:
            ended = self._shelf.tag(repository, name)
            self.remove_tag(repository, name)
            if ended is not None and not self._is_held(repository, ended.digest, but=is_internal):
                self._remove_with_locations(repository, ended.digest)
        self.remove_unnamed_blobs(now)
        return [(repository, name) for repository, name in due if not name.startswith(_PAST)]

    def remove_tag(self, repository: str, name: str) -> None:
        self._shelf.remove(self._shelf.place(repository, TAGS, name))
        self._ends.pop((repository, name), None)

    def remove_manifest(self, repository: str, digest: Digest) -> None:
        """The manifest with its tags and, of an index, the images that nothing else holds."""
        if not self._shelf.holds(repository, MANIFESTS, digest):
            return
        named = self._shelf.named_by(repository, digest)
        for name in self._tags_of(repository, digest):
            self.remove_tag(repository, name)
        self._shelf.remove(self._shelf.place(repository, MANIFESTS, digest.hex))
        self._shelf.remove_content(digest)
        for child in named:
            if not self._shelf.holds(repository, MANIFESTS, child):
                self._candidates.add((repository, child))
            elif not self._is_held(repository, child):
                self.remove_manifest(repository, child)

    def remove_unnamed_blobs(self, now: float) -> None:
        """Blobs that a removed manifest named and no other does, unless somebody asked for them just now."""
        self._asked = {key: when for key, when in self._asked.items() if now - when < _RECENT}
        for repository in {name for name, _ in self._candidates}:
            used = {digest for named in self._shelf.manifests(repository) for digest in named}
            for candidate in [key for key in self._candidates if key[0] == repository]:
                if candidate in self._asked:
                    continue
                self._candidates.discard(candidate)
                digest = candidate[1]
                if digest not in used:
                    self._shelf.remove(self._shelf.place(repository, BLOBS, digest.hex))
                    self._shelf.remove_content(digest)

    def _write(self, repository: str, name: str, tag: Tag) -> None:
        self._shelf.write_tag(repository, name, tag)
        if tag.expires is not None:
            self._ends[repository, name] = tag.expires

    def _tags_of(self, repository: str, digest: Digest) -> list[str]:
        tags = ((name, self._shelf.tag(repository, name)) for name in self._shelf.tag_names(repository))
        return [name for name, tag in tags if tag is not None and tag.digest == digest]

    def _is_held(self, repository: str, digest: Digest, but: Callable[[str], bool] = lambda _: False) -> bool:
        """Whether a tag (``but`` some) or an index holds a manifest."""
        if not all(but(name) for name in self._tags_of(repository, digest)):
            return True
        return any(digest in named for named in self._shelf.manifests(repository))

    def _remove_with_locations(self, repository: str, digest: Digest) -> None:
        name = f"{digest.tag_prefix}.image-locations.imgpkg"
        locations = self._shelf.tag(repository, name)
        self.remove_manifest(repository, digest)
        if locations is None:
            return
        self.remove_tag(repository, name)
        if self._tags_of(repository, locations.digest) in ([], [f"{locations.digest.tag_prefix}.imgpkg"]):
            self.remove_manifest(repository, locations.digest)

    def _recover(self) -> None:
        """Clear what an earlier process left unfinished, and learn the ends of all tags."""
        self._shelf.clear_unfinished()
        for repository in self._shelf.repositories(BLOBS, MANIFESTS):
            blobs = self._shelf.names(repository, BLOBS)
            self._candidates |= {(repository, Digest("sha256", blob)) for blob in blobs}
            for name in self._shelf.names(repository, TAGS):
                tag = self._shelf.tag(repository, name)
                if tag is None or not self._shelf.holds(repository, MANIFESTS, tag.digest):
                    self.remove_tag(repository, name)
                elif tag.expires is not None:
                    self._ends[repository, name] = tag.expires
