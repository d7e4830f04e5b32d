"""Describe a bundle: its images, nested bundles and signatures, and where each of them is."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.imgpkg import naming
from lapstrake.imgpkg.bundle_images import Bundle, BundleReader, FoundImage
from lapstrake.imgpkg.description import DescribedBundle, DescribedImage
from lapstrake.imgpkg.locks import LockedImage
from lapstrake.imgpkg.parcels import signature_of
from lapstrake.imgpkg.remote import Registry, RemoteImage, fetch_image, is_bundle, prefixed
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference


def describe(
    registry: Registry,
    reference: Reference,
    *,
    layers: bool = True,
    signatures: bool = True,
    concurrency: int = 5,
) -> DescribedBundle:
    """Raises InputError if the image is no bundle, and ``Retrieving Images from bundle: ...``."""
    with prefixed(f"Unable to check if {reference.original} is a bundle"):
        image = fetch_image(registry, reference)
    if not is_bundle(registry, image):
        raise InputError(f"Only bundles can be described, and {reference.original} is not a bundle")
    reader = BundleReader(registry, concurrency)
    with prefixed("Retrieving Images from bundle"):
        bundle = reader.read(image)
    return _Describer(registry, layers, signatures).bundle(bundle, LockedImage(image.reference))


class _Describer:
    def __init__(self, registry: Registry, layers: bool, signatures: bool) -> None:
        self._registry = registry
        self._layers = layers
        self._signatures = signatures

    def bundle(self, bundle: Bundle, locked: LockedImage) -> DescribedBundle:
        images = [self._image(found) for found in bundle.images if found.bundle is None]
        nested = [self.bundle(found.bundle, found.locked) for found in bundle.images if found.bundle]
        if bundle.locations:
            images.append(self._plain(bundle.locations, "Internal"))
        if self._signatures:
            images += [image for found in bundle.images for image in self._signature(found)]
        return DescribedBundle(
            str(bundle.image.reference),
            bundle.image.manifest.digest,
            str(locked.reference),
            tuple(sorted(images, key=lambda image: image.digest)),
            tuple(sorted(nested, key=lambda bundle: bundle.digest)),
            self._layers_of(bundle.image),
            locked.annotations,
        )

    def _image(self, found: FoundImage) -> DescribedImage:
        if found.reference.digest is None:
            raise AssertionError("a lock has references by digest")
        image = fetch_image(self._registry, found.reference) if self._layers else None
        return DescribedImage(
            str(found.reference),
            found.reference.digest,
            "Image",
            str(found.locked.reference),
            self._layers_of(image) if image else None,
            found.locked.annotations,
        )

    def _signature(self, found: FoundImage) -> list[DescribedImage]:
        image = signature_of(self._registry, found.reference)
        if image is None or found.reference.digest is None:
            return []
        tag = naming.signature_tag(found.reference.digest)
        return [self._plain(image, "Signature", tag)]

    def _plain(self, image: RemoteImage, kind: str, tag: str = "") -> DescribedImage:
        name = str(image.reference)
        notes = {"tag": tag} if tag else {}
        return DescribedImage(name, image.manifest.digest, kind, name, self._layers_of(image), notes)

    def _layers_of(self, image: RemoteImage) -> tuple[Digest, ...] | None:
        if not self._layers or image.manifest.is_index:
            return None
        return tuple(layer.digest for layer in image.layers)
