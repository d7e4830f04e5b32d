"""The images of a bundle: where each of them is, and which are bundles themselves.

An image of the lock is looked for in the bundle's own repository first, since a copied bundle has its
images with it, then where the lock says.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.imgpkg.locks import LockedImage
from lapstrake.imgpkg.remote import (
    Registry,
    RemoteImage,
    exists,
    fetch_image,
    images_lock_of,
    is_bundle,
    locations_of,
    prefixed,
)
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a bundle: what its lock says, where it is, and the bundle it is (None for a plain image)."""

    locked: LockedImage
    reference: Reference
    bundle: Bundle | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle with all that it names, nested bundles opened. ``locations`` is its locations image."""

    image: RemoteImage
    images: tuple[FoundImage, ...]
    locations: RemoteImage | None = None

    def nested(self) -> Iterator[Bundle]:
        """The bundles below this one, outer ones first; one that is named twice comes twice."""
        for found in self.images:
            if found.bundle:
                yield found.bundle
                yield from found.bundle.nested()


class BundleReader:
    """Opens bundles; what was opened once is not asked for again.

    ``missing`` begins the message about an image that is nowhere.
    """

    def __init__(
        self, registry: Registry, concurrency: int = 5, *, missing: str = "Checking image existence"
    ) -> None:
        self._registry = registry
        self._missing = missing
        self._concurrency = max(1, concurrency)
        self._known: dict[tuple[str, Digest], Bundle] = {}

    def read(self, image: RemoteImage) -> Bundle:
        """Raises RegistryError ``Checking image existence: ...`` for an image that is nowhere."""
        key = (str(image.repo), image.manifest.digest)
        if key not in self._known:
            self._known[key] = self._read(image)
        return self._known[key]

    def _read(self, image: RemoteImage) -> Bundle:
        lock = images_lock_of(self._registry, image)
        located = locations_of(self._registry, image.reference)
        kinds = {location.image: location.is_bundle for location in located[0].images} if located else {}
        with ThreadPoolExecutor(self._concurrency) as pool:
            found = list(pool.map(lambda locked: self._find(image, locked, kinds), lock.images))
        images = []
        for locked, reference, opened in found:
            bundle = self.read(opened) if opened else None
            images.append(FoundImage(locked, reference, bundle))
        return Bundle(image, tuple(images), located[1] if located else None)

    def _find(
        self, bundle: RemoteImage, locked: LockedImage, kinds: dict[str, bool]
    ) -> tuple[LockedImage, Reference, RemoteImage | None]:
        """Where an image is, and the image itself if it is a bundle."""
        digest = locked.reference.digest
        if digest is None:
            raise AssertionError("a lock has references by digest")
        reference = bundle.repo.with_digest(digest)
        if not kinds and not exists(self._registry, reference):
            reference = locked.reference
        known = kinds.get(str(locked.reference))
        if known is False:
            return locked, reference, None
        with prefixed(self._missing):
            image = RemoteImage(reference.repo, self._registry.manifest(reference))
        return locked, reference, image if known or is_bundle(self._registry, image) else None


class PlainImageError(InputError):
    """A bundle was asked for, and there is an image that is none."""

    def __init__(self) -> None:
        super().__init__("Expected bundle image but found plain image (hint: Did you use -i instead of -b?)")


def fetch_bundle(registry: Registry, reference: Reference) -> RemoteImage:
    """The image of a bundle. Raises PlainImageError if there is an image that is none."""
    image = fetch_image(registry, reference)
    if not is_bundle(registry, image):
        raise PlainImageError
    return image
