"""The sources ``image`` and ``imgpkgBundle``: content of OCI registries."""

from __future__ import annotations

import base64
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lapstrake.adapters.file_tree import copy_tree, make_private_folders
from lapstrake.errors import InputError
from lapstrake.messages import reason
from lapstrake.oci.reference import Reference
from lapstrake.operations.registry_login import RegistryLogin, login
from lapstrake.operations.sync import FetchRequest
from lapstrake.operations.tag_selection import selected_tag

_REFERENCE_KEYS = {"image": "url", "imgpkgBundle": "image"}
_WITH_PROTOCOL = re.compile(r"(https?://)[a-z0-9_./-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class Pulled:
    """``reference`` is by digest; ``relocated`` says that a bundle's images are all in its own repository."""

    reference: str
    relocated: bool = False


class Images(Protocol):
    """Pulling from registries, until closed. ``into`` need not exist. Raises LapstrakeError."""

    def tags(self, repository: str) -> Sequence[str]: ...

    def pull_image(self, reference: str, into: str) -> Pulled: ...

    def pull_bundle(self, reference: str, into: str, *, recursive: bool) -> Pulled: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Cache:
    """Content fetched by digest, kept in ``folder``; larger content than ``most_bytes`` is not kept."""

    folder: str
    most_bytes: int = 1 << 20

    def take(self, kind: str, digest: str, into: str) -> bool:
        """Copy what is kept into the folder; false if nothing is."""
        kept = self._place(kind, digest)
        if not os.path.isdir(kept):
            return False
        copy_tree(kept, into)
        return True

    def keep(self, kind: str, digest: str, source: str) -> None:
        size = sum(
            os.path.getsize(os.path.join(parent, name))
            for parent, _, names in os.walk(source)
            for name in names
        )
        kept = self._place(kind, digest)
        if size > self.most_bytes or os.path.isdir(kept):
            return
        draft = f"{kept}.{uuid.uuid4().hex[:12]}"  # half a copy must not pass for the whole
        try:
            make_private_folders(os.path.dirname(kept))
            shutil.copytree(source, draft, symlinks=True)
            os.chmod(draft, 0o700)
            os.rename(draft, kept)
        except OSError as e:
            if not os.path.isdir(kept):  # else another process has brought it meanwhile
                where = str(e.filename or kept).replace(draft, kept)
                why = "not a directory" if isinstance(e, FileExistsError) else reason(e)
                raise InputError(f"mkdir {where}: {why}") from e
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _place(self, kind: str, digest: str) -> str:
        name = base64.urlsafe_b64encode(digest.encode()).decode()
        return os.path.join(self.folder, ".vendir-cache", "fetcher", kind, name)


class ImageFetcher:
    """``open_images`` gives the registries as seen with a login; it is called once per source."""

    def __init__(
        self, kind: str, open_images: Callable[[RegistryLogin], Images], cache: Cache | None = None
    ) -> None:
        self._kind = kind
        self._open_images = open_images
        self._cache = cache

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        text = str(request.contents.source.get(_REFERENCE_KEYS[self._kind]) or "")
        if not text:
            raise InputError(f"Expected non-empty {'URL' if self._kind == 'image' else 'image'}")
        if request.contents.source.get("tagSelection") is None:
            _refuse_unusable(text)
        images = self._open_images(login(request.contents.source, request.references))
        try:
            return self._fetched(images, text, request)
        finally:
            images.close()

    def _fetched(self, images: Images, text: str, request: FetchRequest) -> Mapping[str, Any]:
        tag = request.contents.locked_tag
        selection = request.contents.source.get("tagSelection")
        if selection is not None:
            tag = self._selected(images, text, selection)
            text = f"{text}:{tag}"
        reference = self._pulled(images, text, request)
        tag = tag or _tag_in(text)
        return {_REFERENCE_KEYS[self._kind]: reference, **({"tag": tag} if tag else {})}

    def _selected(self, images: Images, repository: str, selection: Mapping[str, Any]) -> str:
        name = str(Reference.parse(repository).repo)
        try:
            return selected_tag(images.tags(name), selection)
        except InputError as e:
            raise InputError(f"Determining tag selection: {e}") from e

    def _pulled(self, images: Images, text: str, request: FetchRequest) -> str:
        digest = text.partition("@")[2]
        if self._cache and digest and self._cache.take(self._kind, digest, request.into):
            return text
        if self._kind == "image":
            pulled = images.pull_image(text, request.into)
        else:
            recursive = bool(request.contents.source.get("recursive"))
            pulled = images.pull_bundle(text, request.into, recursive=recursive)
        if self._cache and digest and (self._kind == "image" or pulled.relocated):
            self._cache.keep(self._kind, digest, request.into)
        return pulled.reference


def _refuse_unusable(text: str) -> None:
    """Before anything is looked up. Raises InputError for what is no reference."""
    if found := _WITH_PROTOCOL.fullmatch(text):
        raise InputError(f"Fetching image: Reference '{text}' should not include {found[1]} protocol prefix")
    Reference.parse(text)


def _tag_in(text: str) -> str:
    """The tag as given; a reference without one has none here."""
    name = text.partition("@")[0]
    return name.rsplit("/", 1)[-1].partition(":")[2]
