"""kbld's older ways of moving the images of a configuration: into a tar, out of one, or to another registry.

The tar is imgpkg's of an older shape, without tags and labels; either tool reads the other's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lapstrake.adapters.image_tar import TarFileReader, write_tar
from lapstrake.errors import InputError, LapstrakeError, RegistryError
from lapstrake.imgpkg import archive
from lapstrake.imgpkg.parcels import Parcel, pack_image
from lapstrake.imgpkg.remote import fetch_image
from lapstrake.json_text import from_json
from lapstrake.kbld import rules
from lapstrake.kbld.config import ImageMatch, Override
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import go_json
from lapstrake.oci.reference import DEFAULT_REGISTRY, Reference, Repository
from lapstrake.operations.concurrently import concurrently
from lapstrake.operations.copy import (
    CopyOptions,
    Registry,
    RegistrySource,
    Source,
    TarSource,
    layers_of,
    put_manifests,
    send_layer,
)
from lapstrake.operations.resolve import Inputs, ResolveResult, read_inputs
from lapstrake.operations.template import SourceFile

_WRITES = 5
_SECONDS_BETWEEN_WRITES = 1.0
_OPTIONS = CopyOptions()
_NO_IMAGES = b"null"
_ONLY_IN_NEW_TARS = ("Tag", "OrigRef", "Labels")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Move:
    """``command`` begins each line of ``report``; ``concurrency`` bounds the images that are moved at a time."""

    command: str
    report: Report
    concurrency: int = 5
    sleep: Callable[[float], None] = time.sleep

    def tell(self, text: str) -> None:
        self.report(f"{self.command} | {text}")


def read_by_digest(files: Iterable[SourceFile]) -> tuple[Inputs, list[str]]:
    """Inputs, and their images, which are all given by digest, as they must be to be fetched. Raises InputError.

    The results of locks among the inputs belong to the images; of other configurations only the search rules count.
    """
    inputs = read_inputs(files)
    locked = {override.new_image for override in inputs.config.overrides if override.preresolved}
    images = sorted({*inputs.images, *locked})
    for image in images:
        try:
            Reference.parse_digest(image)
        except InputError as e:
            raise InputError(f"Expected image '{image}' to be in digest form (i.e. image@digest)") from e
    return inputs, images


def package_images(registry: Registry, images: Sequence[str], path: str, move: Move) -> None:
    """Write all images into the tar ``path``. Raises LapstrakeError."""
    parcels = _exported(registry, images, move)
    layers = layers_of(parcels, _OPTIONS)
    source = RegistrySource(registry)
    manifest = _written(parcels)

    def members() -> Iterator[tuple[str, int, Callable[[], Iterable[bytes]]]]:
        move.tell("writing layers...")
        yield archive.MANIFEST, len(manifest), lambda: [manifest]
        for parcel, layer in layers:
            yield archive.layer_name(layer.digest), layer.size, partial(source.chunks, parcel, layer)

    began = time.monotonic()
    for name in write_tar(path, members(), keep_unfinished=False):
        move.tell(f"done: file '{name}' ({_duration(time.monotonic() - began)})")
        began = time.monotonic()


def unpackage_images(registry: Registry, path: str, target: Repository, move: Move) -> Mapping[str, str]:
    """Write all images of the tar ``path`` to ``target``; their references before → now. Raises LapstrakeError."""
    with TarFileReader(path, hint="") as tar:
        parcels = _read(b"".join(tar.chunks(archive.MANIFEST)))
        return _imported(registry, parcels, TarSource(tar), target, move)


def relocate_images(
    registry: Registry, images: Sequence[str], target: Repository, move: Move
) -> Mapping[str, str]:
    """Copy all images to ``target``; their references before → now. Raises LapstrakeError."""
    parcels = _exported(registry, images, move)
    return _imported(registry, parcels, RegistrySource(registry), target, move)


def lock_of_moved(inputs: Inputs, moved: Mapping[str, str]) -> str:
    """A configuration that resolves all moved images to where they are now, and first what locks among the inputs did.

    Raises InputError if an image of a lock was not moved.
    """
    overrides = []
    for override in inputs.config.overrides:
        if override.preresolved:
            if override.new_image not in moved:
                raise InputError(f"Expected to find imported image for '{override.new_image}'")
            overrides.append(Override(override.match, moved[override.new_image], True))
    overrides += [Override(ImageMatch(before), now, True) for before, now in sorted(moved.items())]
    return ResolveResult((), (), inputs.config).kbld_lock(dict.fromkeys(overrides))


def with_moved(inputs: Inputs, moved: Mapping[str, str]) -> ResolveResult:
    """The documents with their images replaced. Raises InputError that lists all that were not moved."""
    missing = [image for image in inputs.images if image not in moved]
    if missing:
        raise InputError("".join(f"\n- Expected to find image for '{image}'" for image in missing))
    bodies = (
        rules.rewrite(document.body, inputs.config.rules, moved.__getitem__) for document in inputs.documents
    )
    return ResolveResult(tuple(bodies), (), inputs.config)


def _exported(registry: Registry, images: Sequence[str], move: Move) -> list[Parcel]:
    move.tell(f"exporting {len(images)} images...")
    try:
        for image in images:
            _check_complete(image)
            move.tell(f"will export {image}")
        return concurrently(move.concurrency, partial(_packed, registry), images)
    finally:
        move.tell(f"exported {len(images)} images")


def _check_complete(image: str) -> None:
    """Raises InputError for a reference that leaves something to be completed."""
    reference = Reference.parse_digest(image)
    name = image.partition("@")[0]
    host, slash, path = name.partition("/")
    if not slash or not set(".:") & set(host):
        what = "registry to be explicitly defined"
    elif reference.registry == DEFAULT_REGISTRY and "/" not in path:
        what = "full repository path (missing 'library')"
    else:
        return
    if reference.tag is not None:
        Repository.parse(name)  # what is wrong is the tag then, as in the original
    raise InputError(f"strict validation requires the {what}")


def _packed(registry: Registry, image: str) -> Parcel:
    try:
        return replace(
            pack_image(registry, fetch_image(registry, Reference.parse_digest(image))), original=image
        )
    except LapstrakeError as e:
        why = str(e).removeprefix("Fetching image: ")
        if isinstance(e, RegistryError) and e.code == "MANIFEST_UNKNOWN":
            why = (
                "Encountered an error most likely because this image is in Docker Registry v1 format; "
                f"only v2 or OCI image format is supported (underlying error: {why})"
            )
        name = Reference.parse_digest(image)
        raise RegistryError(
            f"Collecting packaging metadata: Working with {name.repo}@{name.digest}: {why}"
        ) from e


def _written(parcels: Sequence[Parcel]) -> bytes:
    """manifest.json; an image stands in it under the reference that the configuration has for it."""
    if not parcels:
        return _NO_IMAGES
    ordered = sorted(parcels, key=lambda parcel: parcel.digest)
    entries: Any = json.loads(archive.written(ordered))
    for parcel, entry in zip(ordered, entries, strict=True):
        (entry["ImageIndex"] or entry["Image"])["Refs"] = [parcel.original]
    return go_json([_in_old_shape(entry) for entry in entries])


def _read(manifest: bytes) -> list[Parcel]:
    entries: Any = from_json(manifest)
    if entries is None:
        return []
    parcels = archive.read(manifest)
    names = (str((entry.get("ImageIndex") or entry["Image"])["Refs"][0]) for entry in entries)
    return [replace(parcel, original=name) for parcel, name in zip(parcels, names, strict=True)]


def _in_old_shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _in_old_shape(v) for k, v in value.items() if k not in _ONLY_IN_NEW_TARS}
    return [_in_old_shape(member) for member in value] if isinstance(value, list) else value


def _imported(
    registry: Registry, parcels: Sequence[Parcel], source: Source, target: Repository, move: Move
) -> dict[str, str]:
    moved: dict[str, str] = {}
    move.tell(f"importing {len(parcels)} images...")

    def bring(parcel: Parcel) -> None:
        now = target.with_digest(parcel.digest)
        move.tell(f"importing {parcel.original} -> {now}...")
        try:
            _again(lambda: _write(registry, parcel, source, target), move.sleep)
        except LapstrakeError as e:
            what = "image index" if parcel.children else "image"
            raise RegistryError(
                f"Importing image {parcel.original}: Importing {what} as {now}: Writing {what}: {e}"
            ) from e
        moved[parcel.original] = str(now)

    try:
        concurrently(move.concurrency, bring, parcels)
    finally:
        move.tell(f"imported {len(moved)} images")
    return moved


def _again(write: Callable[[], None], sleep: Callable[[float], None]) -> None:
    for attempt in range(1, _WRITES + 1):
        try:
            return write()
        except LapstrakeError as e:
            if attempt == _WRITES:
                raise RegistryError(f"Retried {_WRITES} times: {e}") from e
        sleep(_SECONDS_BETWEEN_WRITES)
    return None


def _write(registry: Registry, parcel: Parcel, source: Source, target: Repository) -> None:
    """The contents first, then the manifests that name them; the outermost gets a tag that keeps it."""
    for image, layer in layers_of([parcel], _OPTIONS):
        send_layer(registry, source, target, image, layer)
    for image in parcel.images():
        registry.push_blob(target, Digest.of(image.config), image.config, size=len(image.config))
    put_manifests(registry, parcel, target.with_tag(f"kbld-{parcel.digest.tag_prefix}"))


def _duration(seconds: float) -> str:
    """As Go shows a duration: its unit by its size."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            return f"{seconds * factor:.6f}".rstrip("0").rstrip(".") + unit
    raise AssertionError("the last unit takes all")
