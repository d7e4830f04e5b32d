"""Images on their way from one place to another.

A parcel is what a copy moves: a manifest with what it needs, where it came from, and how it is to be
known at the other end. The list of parcels of a copy is its plan; nothing is written to make one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lapstrake.errors import InputError, RegistryError
from lapstrake.imgpkg import naming
from lapstrake.imgpkg.bundle_images import Bundle
from lapstrake.imgpkg.locks import ImagesLock, LockedImage
from lapstrake.imgpkg.remote import Registry, RemoteImage, fetch_image
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import Descriptor, ImageConfig, RawManifest
from lapstrake.oci.reference import Reference, Repository


@dataclass(frozen=True, slots=True)
class Parcel:
    """An image (with its configuration) or an index (with its images as ``children``).

    ``repo`` is where it was found, ``original`` the reference by which its bundle's lock knows it ("" where it is
    known by ``repo`` alone).
    """

    repo: Repository
    manifest: RawManifest
    config: bytes = b""
    children: tuple[Parcel, ...] = ()
    tag: str = ""
    original: str = ""
    is_root: bool = False

    @property
    def digest(self) -> Digest:
        return self.manifest.digest

    @property
    def reference(self) -> Reference:
        return self.repo.with_digest(self.digest)

    @property
    def is_bundle(self) -> bool:
        return bool(self.config) and naming.BUNDLE_LABEL in ImageConfig.parse(self.config).labels

    def images(self) -> Iterator[Parcel]:
        """The images in it: itself, or those of an index at any depth."""
        if not self.manifest.is_index:
            yield self
        for child in self.children:
            yield from child.images()

    def layers(self, *, non_distributable: bool) -> Sequence[Descriptor]:
        """The layers of an image that are to be moved."""
        layers = self.manifest.image().layers
        return [layer for layer in layers if non_distributable or layer.is_distributable]


def pack_image(registry: Registry, image: RemoteImage) -> Parcel:
    """The parcel for what a registry holds; an index brings its images."""
    if image.manifest.is_index:
        children = tuple(
            pack_image(registry, fetch_image(registry, image.repo.with_digest(child.digest)))
            for child in image.manifest.index().manifests
        )
        return Parcel(image.repo, image.manifest, children=children)
    described = image.manifest.image().config
    config = registry.blob_bytes(image.repo, described.digest, size=described.size)
    return Parcel(image.repo, image.manifest, config)


def parcels_of_image(registry: Registry, reference: Reference) -> list[Parcel]:
    """Raises InputError if the image is a bundle."""
    parcel = pack_image(registry, fetch_image(registry, reference))
    if parcel.is_bundle:
        raise InputError(
            "Expected bundle flag when copying a bundle (hint: Use -b instead of -i for bundles)"
        )
    return [replace(parcel, tag=_tag(reference))]


def parcels_of_lock(registry: Registry, lock: ImagesLock, concurrency: int) -> list[Parcel]:
    """Raises InputError if the lock names a bundle."""

    def packed(locked: LockedImage) -> Parcel:
        parcel = pack_image(registry, fetch_image(registry, locked.reference))
        if parcel.is_bundle:
            raise InputError(
                "Unable to copy bundles using an Images Lock file (hint: Create a bundle with these images)"
            )
        return parcel

    with ThreadPoolExecutor(max(1, concurrency)) as pool:
        return _unique(pool.map(packed, lock.images))


def parcels_of_bundle(registry: Registry, bundle: Bundle, tag: str, concurrency: int) -> list[Parcel]:
    """A bundle and all that it and its nested bundles name."""
    found = {image.reference.digest: image for part in (bundle, *bundle.nested()) for image in part.images}

    def packed(reference: Reference, original: Reference) -> Parcel:
        return replace(pack_image(registry, fetch_image(registry, reference)), original=str(original))

    with ThreadPoolExecutor(max(1, concurrency)) as pool:
        images = list(pool.map(lambda i: packed(i.reference, i.locked.reference), found.values()))
    root = pack_image(registry, bundle.image)
    return _unique([replace(root, tag=tag, original=str(root.reference), is_root=True), *images])


def with_signatures(registry: Registry, parcels: Sequence[Parcel], concurrency: int) -> list[Parcel]:
    """The parcels and those of the signatures that cosign put beside them."""
    with ThreadPoolExecutor(max(1, concurrency)) as pool:
        signatures = list(pool.map(lambda parcel: signature_of(registry, parcel.reference), parcels))
    found = [
        replace(pack_image(registry, image), tag=naming.signature_tag(parcel.digest))
        for parcel, image in zip(parcels, signatures, strict=True)
        if image is not None
    ]
    return _unique([*parcels, *found])


def signature_of(registry: Registry, reference: Reference) -> RemoteImage | None:
    """The image that holds the signature of another, None if there is none or we may not see it."""
    if reference.digest is None:
        return None
    try:
        signed = reference.with_tag(naming.signature_tag(reference.digest))
        return RemoteImage(reference.repo, registry.manifest(signed))
    except RegistryError as error:
        if error.status in (401, 403, 404):
            return None
        raise


def root_tag(reference: Reference) -> str:
    """The tag a copied bundle gets: that of its reference, none if it was named by digest."""
    return _tag(reference)


def _tag(reference: Reference) -> str:
    return "" if reference.digest else reference.tag or ""


def _unique(parcels: Iterable[Parcel]) -> list[Parcel]:
    """Sorted by reference, each digest once (with the tag of whichever has one)."""
    by_digest: dict[Digest, Parcel] = {}
    for parcel in parcels:
        known = by_digest.setdefault(parcel.digest, parcel)
        if not known.tag and parcel.tag:
            by_digest[parcel.digest] = replace(known, tag=parcel.tag)
    return sorted(by_digest.values(), key=lambda parcel: str(parcel.reference))
