"""Answers kbld's questions about images by asking registries, and writes the tags it wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from lapstrake.errors import RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import Descriptor, Platform, RawManifest
from lapstrake.oci.reference import Reference, Repository

_WRITES = 5
_SECONDS_BETWEEN_WRITES = 1.0


class Registry(Protocol):
    """The part of a registry client that is needed here."""

    def head(self, ref: Reference) -> Descriptor: ...

    def manifest(self, ref: Reference) -> RawManifest: ...

    def tags(self, repository: Repository) -> Sequence[str]: ...

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest: ...


class RegistryResolver:
    """Opens its client with the first question, so that a run which a lock settles needs none."""

    def __init__(
        self, open_client: Callable[[], Registry], *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._open_client = open_client
        self._client: Registry | None = None
        self._sleep = sleep

    def digest(self, reference: Reference) -> str:
        """Asked twice, as registries behind one name may not agree yet. Raises RegistryError if they do not."""
        first, second = (self._registry.head(reference).digest for _ in range(2))
        if first != second:
            raise RegistryError("Expected digest resolution to be consistent over two separate requests")
        return str(first)

    def tags(self, repository: Repository) -> Sequence[str]:
        return self._registry.tags(repository)

    def platform_digests(self, reference: Reference, platform: Platform) -> Sequence[str] | None:
        """What ``platform`` leaves open may be anything, save system and architecture; of features it names some."""
        found = self._registry.manifest(reference)
        if not found.is_index:
            return None
        manifests = found.index().manifests
        return [str(d.digest) for d in manifests if d.platform and _fits(d.platform, platform)]

    def write_tag(self, image: Reference, tag: str) -> None:
        """Let ``tag`` stand for ``image``, which is given by digest; tried five times, a second apart.

        An empty tag is ``latest``. Raises InputError for what is no tag, RegistryError.
        """
        target = image.with_tag(tag or "latest")
        for attempt in range(1, _WRITES + 1):
            try:
                found = self._registry.manifest(image)
                self._registry.put_manifest(target, found.media_type, found.data)
                return
            except RegistryError as e:
                if attempt == _WRITES:
                    raise RegistryError(f"Writing image tag: Retried {_WRITES} times: {e}") from e
            self._sleep(_SECONDS_BETWEEN_WRITES)

    @property
    def _registry(self) -> Registry:
        if self._client is None:
            self._client = self._open_client()
        return self._client


def _fits(own: Platform, wanted: Platform) -> bool:
    return (
        own.os == wanted.os
        and own.architecture == wanted.architecture
        and wanted.variant in ("", own.variant)
        and wanted.os_version in ("", own.os_version)
        and set(wanted.os_features) <= set(own.os_features)
        and set(wanted.features) <= set(own.features)
    )
