"""Images and bundles as a registry holds them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from lapstrake.errors import InputError, LapstrakeError, RegistryError
from lapstrake.imgpkg import naming
from lapstrake.imgpkg.locks import ImageLocations, ImagesLock
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import unpack
from lapstrake.oci.manifest import DOCKER_LAYER, Descriptor, ImageConfig, RawManifest
from lapstrake.oci.reference import Reference, Repository

_LARGEST_LOCK = 32 << 20  # bytes


class Registry(Protocol):
    """What is read from registries."""

    def head(self, ref: Reference) -> Descriptor: ...

    def manifest(self, ref: Reference) -> RawManifest: ...

    def blob(
        self, repository: Repository, digest: Digest, *, size: int | None = None, urls: Sequence[str] = ()
    ) -> Iterator[bytes]: ...

    def blob_bytes(self, repository: Repository, digest: Digest, *, size: int | None = None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """A manifest or index and the repository it was found in."""

    repo: Repository
    manifest: RawManifest

    @property
    def reference(self) -> Reference:
        return self.repo.with_digest(self.manifest.digest)

    @property
    def layers(self) -> Sequence[Descriptor]:
        return self.manifest.image().layers


def fetch_image(registry: Registry, reference: Reference) -> RemoteImage:
    """Raises RegistryError ``Fetching image: ...``, and InputError for a reference written as a URL."""
    with prefixed("Fetching image"):
        reference.refuse_protocol()
        return RemoteImage(reference.repo, registry.manifest(reference))


def config_of(registry: Registry, image: RemoteImage) -> ImageConfig:
    config = image.manifest.image().config
    return ImageConfig.parse(registry.blob_bytes(image.repo, config.digest, size=config.size))


def is_bundle(registry: Registry, image: RemoteImage) -> bool:
    """An image with imgpkg's label; its value does not matter."""
    return image.manifest.is_image and naming.BUNDLE_LABEL in config_of(registry, image).labels


def file_of(registry: Registry, image: RemoteImage, path: str, *, anywhere: bool = False) -> bytes | None:
    """One file of an image's layers, in any folder if ``anywhere``; None if there is none. It may have 32 MiB."""
    for layer in image.layers:
        found = None
        # The layer is read to its end, since only there its digest is known to be right.
        for file in unpack(registry.blob(image.repo, layer.digest, size=layer.size)):
            name = posixpath.basename(file.path) if anywhere else file.path
            if name == path and found is None:
                if file.size > _LARGEST_LOCK:
                    raise InputError(f"Expected '{path}' to have at most {_LARGEST_LOCK} bytes")
                found = b"".join(file.chunks())
        if found is not None:
            return found
    return None


def images_lock_of(registry: Registry, image: RemoteImage) -> ImagesLock:
    """The lock inside a bundle. Raises InputError ``Reading ImagesLock file: ...``."""
    data = file_of(registry, image, naming.IMAGES_LOCK)
    if data is None:
        raise InputError(f"Reading ImagesLock file: Expected to find {naming.IMAGES_LOCK} in bundle image")
    with prefixed(
        f"Reading ImagesLock file: Unmarshalling ImagesLock from image with Digest '{image.manifest.digest}'"
    ):
        return ImagesLock.parse(data)


def locations_of(registry: Registry, bundle: Reference) -> tuple[ImageLocations, RemoteImage] | None:
    """Where a copied bundle's images are, None if nobody wrote that down.

    Raises InputError ``Reading fetched location image: ...`` for what imgpkg would not have written.
    """
    if bundle.digest is None:
        return None
    try:
        manifest = registry.manifest(bundle.with_tag(naming.locations_tag(bundle.digest)))
    except RegistryError as error:
        if error.status in (401, 403, 404):
            return None
        raise RegistryError(
            f"Fetching location image: {error}", status=error.status, code=error.code
        ) from error
    image = RemoteImage(bundle.repo, manifest)
    with prefixed("Reading fetched location image"):
        return _locations_in(registry, image), image


def _locations_in(registry: Registry, image: RemoteImage) -> ImageLocations:
    layers = image.layers
    if len(layers) != 1:
        raise InputError(f"Expected locations OCI Image to only have a single layer, got {len(layers)}")
    if layers[0].media_type != DOCKER_LAYER:
        raise InputError(f"Expected layer to have docker layer media type, was {layers[0].media_type}")
    data = file_of(registry, image, naming.LOCATIONS_FILE, anywhere=True)
    if data is None:
        raise InputError(f"Expected to find {naming.LOCATIONS_FILE} in location image")
    return ImageLocations.parse(data)


def exists(registry: Registry, reference: Reference) -> bool:
    try:
        registry.head(reference)
    except RegistryError:
        return False
    return True


@contextmanager
def prefixed(prefix: str) -> Iterator[None]:
    """An error of what is done inside gets ``prefix`` in front, and stays of its kind."""
    try:
        yield
    except RegistryError as error:
        raise RegistryError(f"{prefix}: {error}", status=error.status, code=error.code) from error
    except LapstrakeError as error:
        raise InputError(f"{prefix}: {error}") from error
