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
from lapstrake.oci.manifest import Platform
from lapstrake.oci.reference import Reference

_SHOWN_PLATFORM = Platform("linux", "amd64")


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
            signed = [*(found.reference for found in bundle.images), bundle.image.reference]
            images += [image for reference in signed for image in self._signature(reference)]
        once = {image.digest: image for image in images}
        return DescribedBundle(
            str(bundle.image.reference),
            bundle.image.manifest.digest,
            str(locked.reference),
            tuple(once[digest] for digest in sorted(once)),
            tuple(sorted({part.digest: part for part in nested}.values(), key=lambda part: part.digest)),
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

    def _signature(self, reference: Reference) -> list[DescribedImage]:
        image = signature_of(self._registry, reference)
        if image is None or reference.digest is None:
            return []
        return [self._plain(image, "Signature", naming.signature_tag(reference.digest))]

    def _plain(self, image: RemoteImage, kind: str, tag: str = "") -> DescribedImage:
        name = str(image.reference)
        notes = {"tag": tag} if tag else {}
        return DescribedImage(name, image.manifest.digest, kind, name, self._layers_of(image), notes)

    def _layers_of(self, image: RemoteImage) -> tuple[Digest, ...] | None:
        """Of an index, those of its image for linux/amd64, as imgpkg shows them; none if it has no such image."""
        if not self._layers:
            return None
        if not image.manifest.is_index:
            return tuple(layer.digest for layer in image.layers)
        for child in image.manifest.index().manifests:
            platform = child.platform or _SHOWN_PLATFORM
            if (platform.os, platform.architecture) == (_SHOWN_PLATFORM.os, _SHOWN_PLATFORM.architecture):
                return self._layers_of(fetch_image(self._registry, image.repo.with_digest(child.digest)))
        return None
