"""A client of OCI registries: manifests, blobs, tags.

One client serves all threads of a command. Source: OCI distribution specification, and facts on imgpkg,
"Registry access", for hosts, retries and credentials.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from lapstrake.distribution.downloads import Download, WrongContent
from lapstrake.distribution.failures import NotLetIn
from lapstrake.distribution.options import RegistryOptions
from lapstrake.distribution.retries import Retries, is_passing
from lapstrake.distribution.transport import Answer, Transport
from lapstrake.distribution.uploads import Content, Upload
from lapstrake.errors import InputError, RegistryError
from lapstrake.http.redaction import redacted
from lapstrake.json_text import first_value, json_mismatch, json_record
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    RawManifest,
)
from lapstrake.oci.reference import Reference, Repository

__all__ = ["Content", "RegistryClient", "RegistryOptions"]

_ACCEPT = {"Accept": ",".join((DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX))}
_LARGEST_MANIFEST = 16 << 20
_LARGEST_TAG_PAGE = 64 << 20
_MOST_TAG_PAGES = 10_000


class RegistryClient:
    """Speaks to any number of registries. Close it, or use it as a context manager.

    Every method raises RegistryError with the registry's own words, and InputError for credentials that
    cannot be read.
    """

    def __init__(
        self, options: RegistryOptions | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises InputError for certificate files and keychains that cannot be used."""
        options = options or RegistryOptions()
        self._retries = Retries(options.retry_count, sleep)
        self._transport = Transport(options)

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def head(self, ref: Reference) -> Descriptor:
        """What stands at a reference. Asked by HEAD; a registry that does not answer that is asked by GET."""
        try:
            answer = self._transport.send("HEAD", ref.repo, f"manifests/{ref.identifier}", headers=_ACCEPT)
        except RegistryError as error:
            if isinstance(error, NotLetIn) and not is_passing(error):
                raise
            return self.manifest(ref).descriptor
        answer.drain()
        try:
            digest = Digest.parse(answer.header("Docker-Content-Digest"))
            size = int(answer.header("Content-Length"))
        except (InputError, ValueError):
            return self.manifest(ref).descriptor
        if ref.digest and ref.digest != digest:
            raise _wrong_digest(ref, digest)
        return Descriptor(_media_type(answer), size, digest)

    def manifest(self, ref: Reference) -> RawManifest:
        """The manifest or index at a reference, its digest checked if the reference has one."""
        answer, data = self._whole(ref.repo, f"manifests/{ref.identifier}", _LARGEST_MANIFEST)
        digest = Digest.of(data, ref.digest.algorithm if ref.digest else "sha256")
        if ref.digest and ref.digest != digest:
            raise _wrong_digest(ref, digest)
        return RawManifest(_media_type(answer), digest, data)

    def blob(
        self, repository: Repository, digest: Digest, *, size: int | None = None, urls: Sequence[str] = ()
    ) -> Iterator[bytes]:
        """The content in pieces, of which the last comes only if digest and ``size`` are right.

        Whoever does not take all pieces has to bear in mind that nothing has been checked. What the registry does not
        have is looked for at ``urls``, one after the other, without credentials.
        """
        return Download(self._transport, self._retries, repository, digest, size, urls).pieces()

    def blob_bytes(
        self,
        repository: Repository,
        digest: Digest,
        limit: int = _LARGEST_MANIFEST,
        *,
        size: int | None = None,
    ) -> bytes:
        """A small blob (an image's configuration) at once; ``limit`` in bytes. Damaged content is asked for again."""
        try:
            return self._blob_bytes(repository, digest, limit, size)
        except WrongContent:
            return self._blob_bytes(repository, digest, limit, size)

    def _blob_bytes(self, repository: Repository, digest: Digest, limit: int, size: int | None) -> bytes:
        data = bytearray()
        for piece in self.blob(repository, digest, size=size):
            data += piece
            if len(data) > limit:
                raise RegistryError(f"Expected blob '{digest}' to have at most {limit} bytes")
        return bytes(data)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        try:
            self._retries.run(
                lambda: self._transport.send("HEAD", repository, f"blobs/{digest}").drain(),
            )
        except RegistryError as error:
            if error.status == 404:
                return False
            raise
        return True

    def push_blob(
        self,
        repository: Repository,
        digest: Digest,
        content: Content,
        *,
        size: int | None = None,
        mount_from: Repository | None = None,
    ) -> None:
        """Upload a blob unless the repository has it, or the registry takes it from ``mount_from`` by itself.

        ``size`` is that of ``content`` in bytes; InputError if the content turns out to have another.
        """
        upload = Upload(
            self._transport, self._retries, repository, digest, content, size=size, mount_from=mount_from
        )
        upload.run()

    def check_push(self, ref: Reference) -> None:
        """Raises RegistryError if we may not even look at ``ref`` as who will write there: before anything is sent."""
        path = f"manifests/{ref.identifier}"

        def look() -> None:
            self._transport.send("HEAD", ref.repo, path, headers=_ACCEPT, push=True, good=(200, 404)).drain()

        self._retries.run(look)

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest:
        """Write a manifest whose blobs are there already; gives its digest."""

        def put() -> None:
            headers = {"Content-Type": media_type}
            path = f"manifests/{ref.identifier}"
            good = (200, 201, 202)
            self._transport.send(
                "PUT", ref.repo, path, push=True, body=data, headers=headers, good=good
            ).drain()

        self._retries.run(put)
        return Digest.of(data)

    def tags(self, repository: Repository) -> list[str]:
        """All tags in the registry's order."""
        tags: list[str] = []
        path = "tags/list?n=1000"
        for _ in range(_MOST_TAG_PAGES):
            answer, data = self._whole(repository, path, _LARGEST_TAG_PAGE)
            tags += _tags_of(data)
            link = re.match(r'\s*<([^>]+)>\s*;.*rel="?next', answer.header("Link"))
            if not link:
                return tags
            path = _same_host(answer.url, link[1])
        raise RegistryError(f"GET {redacted(answer.url)}: Expected at most {_MOST_TAG_PAGES} pages of tags")

    def _whole(self, repository: Repository, path: str, limit: int) -> tuple[Answer, bytes]:
        def get() -> tuple[Answer, bytes]:
            answer = self._transport.send("GET", repository, path, headers=_ACCEPT)
            return answer, answer.whole(limit)

        return self._retries.run(get)


def _media_type(answer: Answer) -> str:
    return answer.header("Content-Type").partition(";")[0].strip()


def _tags_of(data: bytes) -> list[str]:
    try:
        tags = json_record(first_value(data), "value of type remote.Tags").get("tags") or []
        if not isinstance(tags, list):
            raise json_mismatch(tags, "struct field Tags.tags of type []string")
        for tag in tags:
            if not isinstance(tag, str):
                raise json_mismatch(tag, "struct field Tags.tags of type string")
    except InputError as error:
        raise RegistryError(str(error)) from error
    return tags


def _same_host(url: str, link: str) -> str:
    """The address ``link`` means; a registry may not send us elsewhere for a page."""
    try:
        following = urljoin(url, link)
        elsewhere = urlsplit(url)[:2] != urlsplit(following)[:2]
    except ValueError:
        elsewhere = True
    if elsewhere:
        raise RegistryError(f"GET {redacted(url)}: Expected the next page to be at the same host")
    return following


def _wrong_digest(ref: Reference, found: Digest) -> RegistryError:
    return RegistryError(
        f'manifest digest: "{found}" does not match requested digest: "{ref.digest}" for "{ref}"'
    )
