"""Answers kbld's questions about images by asking registries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import Descriptor, ImageConfig, Platform, RawManifest
from lapstrake.oci.reference import Reference, Repository


class Registry(Protocol):
    """The part of a registry client that is needed here."""

    def head(self, ref: Reference) -> Descriptor: ...

    def manifest(self, ref: Reference) -> RawManifest: ...

    def tags(self, repository: Repository) -> Sequence[str]: ...

    def blob_bytes(self, repository: Repository, digest: Digest) -> bytes: ...


class RegistryResolver:
    """Opens its client with the first question, so that a run which a lock settles needs none."""

    def __init__(self, open_client: Callable[[], Registry]) -> None:
        self._open_client = open_client
        self._client: Registry | None = None

    def digest(self, reference: Reference) -> str:
        return str(self._registry.head(reference).digest)

    def tags(self, repository: Repository) -> Sequence[str]:
        return self._registry.tags(repository)

    def platform_digests(self, reference: Reference, platform: Platform) -> Sequence[str] | None:
        """What ``platform`` leaves open (variant, version of the system) may be anything."""
        found = self._registry.manifest(reference)
        if not found.is_index:
            return None
        return [str(d.digest) for d in found.index().manifests if self._fits(reference, d, platform)]

    def _fits(self, reference: Reference, descriptor: Descriptor, wanted: Platform) -> bool:
        own = descriptor.platform or self._configured(reference, descriptor)
        return (
            own.os == wanted.os
            and own.architecture == wanted.architecture
            and wanted.variant in ("", own.variant)
            and wanted.os_version in ("", own.os_version)
        )

    def _configured(self, reference: Reference, descriptor: Descriptor) -> Platform:
        manifest = self._registry.manifest(reference.with_digest(descriptor.digest))
        config = manifest.image().config
        return ImageConfig.parse(self._registry.blob_bytes(reference.repo, config.digest)).platform

    @property
    def _registry(self) -> Registry:
        if self._client is None:
            self._client = self._open_client()
        return self._client
