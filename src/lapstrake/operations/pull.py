"""Pull images and bundles into folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lapstrake.adapters import files
from lapstrake.errors import InputError
from lapstrake.imgpkg import naming
from lapstrake.imgpkg.bundle_images import Bundle, BundleReader, fetch_bundle
from lapstrake.imgpkg.locks import ImagesLock, LockedImage
from lapstrake.imgpkg.remote import (
    Registry,
    RemoteImage,
    exists,
    fetch_image,
    is_bundle,
    locations_of,
    prefixed,
)
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import Limits, unpack
from lapstrake.oci.manifest import Descriptor
from lapstrake.oci.read_ahead import read_ahead
from lapstrake.oci.reference import Reference
from lapstrake.operations.transfers import UNWATCHED, Transfers, watched

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PulledBundle:
    """``reference`` is by digest; ``relocated``: the lock now names the bundle's own repository."""

    reference: Reference
    relocated: bool


def pull_image(
    registry: Registry,
    reference: Reference,
    write_to: str,
    *,
    check_bundle: bool = True,
    report: Report = lambda _: None,
    transfers: Transfers = UNWATCHED,
) -> Reference:
    """Let a folder with an image's files take the place of ``write_to``; gives its reference by digest.

    Raises InputError for an index, and for a bundle unless ``check_bundle`` is false.
    """
    image = fetch_image(registry, reference)
    if not image.manifest.is_image:
        raise InputError(
            "Unable to pull non-images, such as image indexes. (hint: provide a specific digest to the image instead)"
        )
    if check_bundle and is_bundle(registry, image):
        raise InputError(
            "Expected bundle flag when pulling a bundle (hint: Use -b instead of -i for bundles)"
        )
    report(f"Pulling image '{image.reference}'")
    with _taking_the_place_of(write_to, "image") as folder:
        _extract(registry, image, folder, report, transfers, "image")
    return image.reference


def pull_bundle(
    registry: Registry,
    reference: Reference,
    write_to: str,
    *,
    recursive: bool = False,
    report: Report = lambda _: None,
    transfers: Transfers = UNWATCHED,
) -> PulledBundle:
    """Let a folder with a bundle's files take the place of ``write_to``.

    If the bundle's repository holds all its images, the lock is rewritten to name them there. With
    ``recursive``, nested bundles go to ``.imgpkg/bundles/sha256-HEX``. ``report`` gets lines about progress.
    """
    image = fetch_bundle(registry, reference)
    report(f"Pulling bundle '{image.reference}'")
    with _taking_the_place_of(write_to, "bundle") as folder:
        _extract(registry, image, folder, lambda line: report(f"  {line}"), transfers)
        pulled = {image.manifest.digest: (image, folder)}
        lock = ImagesLock.parse(files.read_file(os.path.join(folder, naming.IMAGES_LOCK)))
        if recursive:
            bundle = BundleReader(registry, missing="Fetching image").read(image)
            if any(found.bundle for found in bundle.images):
                report("\nNested bundles")
            _pull_nested(registry, bundle, folder, pulled, lambda line: report(f"  {line}"), transfers)
        relocated = _relocate(registry, image, lock, folder)
        for nested, nested_folder in list(pulled.values())[1:]:
            nested_lock = ImagesLock.parse(files.read_file(os.path.join(nested_folder, naming.IMAGES_LOCK)))
            _relocate(registry, nested, nested_lock, nested_folder)
    report("\nLocating image lock file images...")
    if relocated:
        report(
            f"The bundle repo ({image.repo}) is hosting every image specified in the bundle's Images Lock file "
            "(.imgpkg/images.yml)"
        )
    else:
        report("One or more images not found in bundle repo; skipping lock file update")
    return PulledBundle(image.reference, relocated)


def _pull_nested(
    registry: Registry,
    bundle: Bundle,
    root: str,
    pulled: dict[Digest, tuple[RemoteImage, str]],
    report: Report,
    transfers: Transfers,
) -> None:
    """Nested bundles into the outermost folder, each once; deeper ones are reported further in."""
    for found in bundle.images:
        if found.bundle is None:
            continue
        image = found.bundle.image
        if image.manifest.digest in pulled:
            report(f"Pulling nested bundle '{found.locked.reference}'")
            report("Skipped, already downloaded")
            continue
        report(f"Pulling nested bundle '{image.reference}'")
        folder = os.path.join(root, naming.NESTED_FOLDER, image.manifest.digest.tag_prefix)

        def report_below(line: str) -> None:
            report(f"  {line}")

        with files.new_folder(folder) as new:
            _extract(registry, image, new, report_below, transfers)
        pulled[image.manifest.digest] = (image, folder)
        _pull_nested(registry, found.bundle, root, pulled, report_below, transfers)


@contextmanager
def _taking_the_place_of(path: str, what: str) -> Iterator[str]:
    with ExitStack() as stack:
        with prefixed(f"Extracting {what} into directory"):
            folder = stack.enter_context(files.new_folder(path))
        yield folder


def _extract(
    registry: Registry,
    image: RemoteImage,
    folder: str,
    report: Report,
    transfers: Transfers,
    what: str = "bundle",
) -> None:
    """Last layer first, each over what is there, as imgpkg does."""
    layers = image.layers
    for number, layer in enumerate(reversed(layers), 1):
        report(f"Extracting layer '{layer.digest}' ({number}/{len(layers)})")
        with prefixed(f"Extracting {what} into directory"):
            pieces = _pieces(registry, image, layer, transfers)
            files.extract(unpack(pieces, Limits.of_layer(layer.size), others=True), folder)


def _pieces(
    registry: Registry, image: RemoteImage, layer: Descriptor, transfers: Transfers
) -> Iterator[bytes]:
    pieces = registry.blob(image.repo, layer.digest, size=layer.size)
    return watched(transfers, f"layer {layer.digest}", layer.size, read_ahead(pieces))


def _relocate(registry: Registry, image: RemoteImage, lock: ImagesLock, folder: str) -> bool:
    """Let the lock in ``folder`` name the bundle's repository, if all images are there."""
    moved = tuple(
        LockedImage(image.repo.with_digest(locked.reference.digest), locked.annotations)
        for locked in lock.images
        if locked.reference.digest is not None
    )
    located = locations_of(registry, image.reference)
    if not located and not all(exists(registry, locked.reference) for locked in moved):
        return False
    path = os.path.join(folder, naming.IMAGES_LOCK)
    files.write_atomically(path, ImagesLock(moved).to_yaml(), 0o600)
    return True
