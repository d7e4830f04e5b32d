"""Copy images and bundles: between repositories, to a tar file and from one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from lapstrake.adapters.image_tar import TarFileReader, unfinished, write_tar
from lapstrake.errors import InputError, RegistryError
from lapstrake.imgpkg import archive, naming
from lapstrake.imgpkg.bundle_images import BundleReader, fetch_bundle
from lapstrake.imgpkg.locks import BundleLock, ImageLocation, ImageLocations, ImagesLock, LockedImage
from lapstrake.imgpkg.parcels import (
    Parcel,
    parcels_of_bundle,
    parcels_of_image,
    parcels_of_lock,
    root_tag,
    with_signatures,
)
from lapstrake.imgpkg.remote import Registry as Readable
from lapstrake.imgpkg.remote import RemoteImage, images_lock_of, prefixed
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import Entry, pack
from lapstrake.oci.manifest import IMAGE_TYPES, INDEX_TYPES, Descriptor
from lapstrake.oci.read_ahead import read_ahead
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.concurrently import concurrently
from lapstrake.operations.push import push_layer
from lapstrake.operations.transfers import UNWATCHED, Transfers, watched

_UPLOADS_PER_IMAGE = 4
_WORTH_A_THREAD = 4 << 20  # bytes of a layer that is received and sent at the same time
Report = Callable[[str], None]
Chunks = Callable[[], Iterable[bytes]]


class Registry(Readable, Protocol):
    """What is read from and written to registries."""

    def push_blob(
        self,
        repository: Repository,
        digest: Digest,
        content: bytes | Chunks,
        *,
        size: int | None = None,
        mount_from: Repository | None = None,
    ) -> None: ...

    def check_push(self, ref: Reference) -> None: ...

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest: ...


class Source(Protocol):
    """Where the layers of parcels are."""

    def chunks(self, parcel: Parcel, layer: Descriptor) -> Iterable[bytes]: ...


@dataclass(frozen=True, slots=True)
class CopyOptions:
    concurrency: int = 5
    signatures: bool = False
    non_distributable: bool = False
    repository_tags: bool = False


class RegistrySource:
    """Layers still in the registry the parcels were found in."""

    def __init__(self, registry: Readable) -> None:
        self._registry = registry

    def chunks(self, parcel: Parcel, layer: Descriptor) -> Iterable[bytes]:
        pieces = self._registry.blob(parcel.repo, layer.digest, size=layer.size, urls=layer.urls)
        return read_ahead(pieces) if layer.size >= _WORTH_A_THREAD else pieces


class TarSource:
    """Layers in a tar file."""

    def __init__(self, tar: TarFileReader) -> None:
        self._tar = tar

    def parcels(self) -> list[Parcel]:
        return archive.read(b"".join(self._tar.chunks(archive.MANIFEST)))

    def chunks(self, parcel: Parcel, layer: Descriptor) -> Iterable[bytes]:
        return self._tar.chunks(archive.layer_name(layer.digest))


def image_parcels(registry: Readable, reference: Reference, options: CopyOptions) -> list[Parcel]:
    return _signed(registry, parcels_of_image(registry, reference), options)


def lock_parcels(registry: Readable, lock: ImagesLock, options: CopyOptions) -> list[Parcel]:
    return _signed(registry, parcels_of_lock(registry, lock, options.concurrency), options)


def bundle_parcels(
    registry: Readable, reference: Reference, options: CopyOptions, *, tag: str | None = None
) -> list[Parcel]:
    """A bundle with all its images. ``tag`` is the one of the lock file that names the bundle, and used instead of
    the reference's own; images so found are known by where they are, not by where they came from. Raises
    ``Reading Images from Bundle: ...`` if an image is missing or a lock cannot be read."""
    image = fetch_bundle(registry, reference)
    reader = BundleReader(registry, options.concurrency)
    with prefixed("Reading Images from Bundle"):
        bundle = reader.read(image)
    wanted = root_tag(reference) if tag is None else tag
    parcels = parcels_of_bundle(registry, bundle, wanted, options.concurrency)
    if tag is not None:
        parcels = [replace(parcel, original="") for parcel in parcels]
    return _signed(registry, parcels, options)


def _signed(registry: Readable, parcels: list[Parcel], options: CopyOptions) -> list[Parcel]:
    return with_signatures(registry, parcels, options.concurrency) if options.signatures else parcels


def report_export(parcels: Sequence[Parcel], report: Report) -> None:
    """The lines about what a registry is asked for."""
    report(f"copy | exporting {len(parcels)} images...")
    for parcel in parcels:
        report(f"copy | will export {parcel.reference}")
    report(f"copy | exported {len(parcels)} images")


def copy_to_repository(
    registry: Registry,
    parcels: Sequence[Parcel],
    source: Source,
    target: Repository,
    options: CopyOptions,
    report: Report = lambda _: None,
    transfers: Transfers = UNWATCHED,
) -> None:
    """Write all parcels to ``target``, tag them, and write down where each bundle's images are if one is the root.

    Old tars name no root; nobody knows then which bundles belong together. Raises InputError if a parcel is incomplete
    or the root no bundle.
    """
    report(f"copy | importing {len(parcels)} images...")
    for parcel in parcels:
        _check_complete(parcel)
    upload = _Upload(registry, source, target, options, transfers)
    upload.contents(parcels)
    concurrently(options.concurrency, upload.manifests, parcels)
    bundles = _related_bundles(parcels)
    for digest in sorted(bundles):
        _write_locations(registry, target.with_digest(digest), bundles)
    report("copy | Tagging images")
    for parcel in parcels:
        if parcel.tag:
            with prefixed(f"Tagging images: Tagging image {target.with_digest(parcel.digest)}"):
                tagged = target.with_tag(parcel.tag)
                registry.put_manifest(tagged, parcel.manifest.media_type, parcel.manifest.data)
    report_skipped(_each_once(parcels), options, report, target)


def _check_complete(parcel: Parcel) -> None:
    """Tars may lack images that their indexes name."""
    if not parcel.manifest.is_index:
        return
    present = {child.digest for child in parcel.children}
    for member in parcel.manifest.index().manifests:
        if member.digest not in present and member.media_type in IMAGE_TYPES | INDEX_TYPES:
            kind = "index" if member.media_type in INDEX_TYPES else "image"
            raise InputError(f"Expected to find {kind} '{member.digest}' by digest")
    for child in parcel.children:
        _check_complete(child)


def _related_bundles(parcels: Sequence[Parcel]) -> set[Digest]:
    """The bundles that came with their root; none without one."""
    roots = [parcel for parcel in parcels if parcel.is_root and not parcel.manifest.is_index]
    if not all(root.is_bundle for root in roots):
        raise InputError("Not a Bundle")
    return {parcel.digest for parcel in parcels if parcel.is_bundle} if roots else set()


def _each_once(parcels: Iterable[Parcel]) -> list[Parcel]:
    """Sorted by reference; a tar may hold one image several times."""
    once = {(str(parcel.reference), parcel.tag): parcel for parcel in parcels}
    return [once[key] for key in sorted(once)]


class _Upload:
    """First the contents of all images, each once, then the manifests that name them."""

    def __init__(
        self,
        registry: Registry,
        source: Source,
        target: Repository,
        options: CopyOptions,
        transfers: Transfers,
    ) -> None:
        self._registry = registry
        self._source = source
        self._target = target
        self._options = options
        self._transfers = transfers

    def contents(self, parcels: Sequence[Parcel]) -> None:
        layers = [partial(self._layer, *found) for found in layers_of(parcels, self._options)]
        configs = {Digest.of(image.config): image.config for parcel in parcels for image in parcel.images()}
        jobs = [*layers, *(partial(self._config, *found) for found in configs.items())]
        concurrently(self._options.concurrency * _UPLOADS_PER_IMAGE, lambda job: job(), jobs)

    def manifests(self, parcel: Parcel) -> None:
        """Those of a parcel, the outermost under the tag that keeps it."""
        tag = naming.digest_tag(parcel.digest)
        if self._options.repository_tags:
            tag = naming.repository_tag(
                Reference.parse(parcel.original or str(parcel.reference)), parcel.digest
            )
        put_manifests(self._registry, parcel, self._target.with_tag(tag))

    def _config(self, digest: Digest, config: bytes) -> None:
        self._registry.push_blob(self._target, digest, config, size=len(config))

    def _layer(self, parcel: Parcel, layer: Descriptor) -> None:
        send_layer(self._registry, self._source, self._target, parcel, layer, self._transfers)


def send_layer(
    registry: Registry,
    source: Source,
    target: Repository,
    parcel: Parcel,
    layer: Descriptor,
    transfers: Transfers = UNWATCHED,
) -> None:
    """A layer of the image ``parcel``. Registries take one of their own from where it is, if they let us."""
    same_registry = parcel.repo.registry == target.registry
    registry.push_blob(
        target,
        layer.digest,
        lambda: watched(transfers, f"layer {layer.digest}", layer.size, source.chunks(parcel, layer)),
        size=layer.size,
        mount_from=parcel.repo if same_registry else None,
    )


def put_manifests(registry: Registry, parcel: Parcel, reference: Reference) -> None:
    """The manifests of a parcel whose contents are there: those within it by digest, then its own at ``reference``."""
    for child in parcel.children:
        put_manifests(registry, child, reference.repo.with_digest(child.digest))
    registry.put_manifest(reference, parcel.manifest.media_type, parcel.manifest.data)


def _write_locations(registry: Registry, bundle: Reference, bundles: set[Digest]) -> None:
    if bundle.digest is None:
        raise AssertionError("a copied bundle is known by digest")
    image = RemoteImage(bundle.repo, registry.manifest(bundle))
    lock = images_lock_of(registry, image)
    images = {ImageLocation(str(i.reference), i.reference.digest in bundles) for i in lock.images}
    locations = ImageLocations(tuple(images))
    layer = pack([Entry(".", 0o700, None), Entry(naming.LOCATIONS_FILE, 0o600, locations.to_yaml())])
    reference = bundle.with_tag(naming.locations_tag(bundle.digest))
    try:
        push_layer(registry, reference, layer, {})
    except RegistryError as error:
        if "immutable" not in str(error):
            raise
        registry.manifest(reference)


def copy_to_tar(
    parcels: Sequence[Parcel],
    source: Source,
    path: str,
    options: CopyOptions,
    *,
    resume: bool = False,
    report: Report = lambda _: None,
    transfers: Transfers = UNWATCHED,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Write all parcels to the file ``path``; with ``resume``, layers that it or its unfinished part holds are kept."""
    layers = layers_of(parcels, options)
    kept = _kept_layers(path, layers) if resume else None
    if kept:
        names = kept[1]
        report(f"copy | Going to reuse {len(names)} layers from the tar already in disk")

    def chunks(parcel: Parcel, layer: Descriptor) -> Iterable[bytes]:
        name = archive.layer_name(layer.digest)
        if kept and name in kept[1]:
            return kept[0].chunks(name)
        return watched(transfers, f"layer {layer.digest}", layer.size, source.chunks(parcel, layer))

    def members() -> Iterator[tuple[str, int, Chunks]]:
        """Asked for when there is a file to write to."""
        report("copy | writing layers...")
        manifest = archive.written(parcels)
        yield archive.MANIFEST, len(manifest), lambda: [manifest]
        for parcel, layer in layers:
            yield (
                archive.layer_name(layer.digest),
                layer.size,
                lambda parcel=parcel, layer=layer: chunks(parcel, layer),  # type: ignore[misc]
            )

    began = clock()
    try:
        for name in write_tar(path, members(), keep_unfinished=True):
            report(f"copy | done: file '{name}' ({(clock() - began) * 1000:.6f}ms)")
            began = clock()
    finally:
        if kept:
            kept[0].close()
    report_skipped(sorted(parcels, key=lambda parcel: parcel.digest), options, report)


def layers_of(parcels: Iterable[Parcel], options: CopyOptions) -> list[tuple[Parcel, Descriptor]]:
    """Each layer once, sorted by digest, with an image that has it."""
    layers: dict[Digest, tuple[Parcel, Descriptor]] = {}
    for parcel in parcels:
        for image in parcel.images():
            for layer in image.layers(non_distributable=options.non_distributable):
                layers.setdefault(layer.digest, (image, layer))
    return [layers[digest] for digest in sorted(layers)]


def _kept_layers(
    path: str, layers: Sequence[tuple[Parcel, Descriptor]]
) -> tuple[TarFileReader, frozenset[str]] | None:
    """The layers in an earlier tar whose content is right; None if there are none."""
    try:
        tar = TarFileReader(path if os.path.exists(path) else unfinished(path))
    except InputError:
        return None
    wanted = {archive.layer_name(layer.digest): layer.digest for _, layer in layers}
    names = frozenset(name for name, digest in wanted.items() if name in tar and tar.digest(name) == digest)
    if names:
        return tar, names
    tar.close()
    return None


def report_skipped(
    parcels: Sequence[Parcel], options: CopyOptions, report: Report, target: Repository | None = None
) -> None:
    """The notes about layers that were left behind, or that there was nothing to leave.

    Images are called by their place in ``target`` if there is one.
    """
    layers = [
        layer for parcel in parcels for image in parcel.images() for layer in image.manifest.image().layers
    ]
    if options.non_distributable:
        if all(layer.is_distributable for layer in layers):
            report(
                "copy | Warning: '--include-non-distributable-layers' flag provided, but no images contained a "
                "non-distributable layer."
            )
        return
    skipped = [
        (image, [str(layer.digest) for layer in image.manifest.image().layers if not layer.is_distributable])
        for parcel in parcels
        for image in parcel.images()
    ]
    skipped = [(image, digests) for image, digests in skipped if digests]
    if skipped:
        report(
            "copy | Warning: Skipped the followings layer(s) due to it being non-distributable. If you would like "
            "to include non-distributable layers, use the --include-non-distributable-layers flag"
        )
    for image, digests in skipped:
        report(f"copy |  - Image: {target.with_digest(image.digest) if target else image.reference}")
        report("copy |    Layers:")
        for digest in digests:
            report(f"copy |      - {digest}")


def lock_of_copy(
    parcels: Sequence[Parcel], target: Repository, images_lock: ImagesLock | None
) -> BundleLock | ImagesLock:
    """The lock file for what was copied: of the root bundle if there is one, else of the images and signatures.

    ``images_lock`` is the lock that was copied by; its order and notes are kept. Raises InputError if there are bundles
    but no root, as in tars of old versions.
    """
    for parcel in parcels:
        if parcel.is_root:
            return BundleLock(target.with_digest(parcel.digest), parcel.tag)
    if any(parcel.is_bundle for parcel in parcels):
        raise InputError(
            "Unable to determine correct root bundle to use for lock-output. hint: if copying from a tarball, "
            "try re-generating the tarball"
        )
    if images_lock:
        return ImagesLock(
            tuple(
                LockedImage(target.with_digest(i.reference.digest), i.annotations)
                for i in images_lock.images
                if i.reference.digest
            )
        )
    return ImagesLock(tuple(LockedImage(target.with_digest(parcel.digest)) for parcel in _each_once(parcels)))


def read_lock(data: bytes) -> BundleLock | ImagesLock:
    """Either kind of lock. Raises InputError with the reason why it is no ImagesLock."""
    try:
        return BundleLock.parse(data)
    except InputError:
        return ImagesLock.parse(data)
