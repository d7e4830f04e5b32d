"""The YAML files of imgpkg: ImagesLock, BundleLock and ImageLocations.

Source: facts on imgpkg, "Lock files". They are read strictly: YAML first, then unknown keys, apiVersion,
kind, and the digests last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
from lapstrake.oci.reference import Reference
from lapstrake.yamldoc import plain

API_VERSION = "imgpkg.carvel.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class LockedImage:
    """An image of a lock: its reference by digest, completed, and what the lock notes about it."""

    reference: Reference
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImagesLock:
    images: tuple[LockedImage, ...]

    @classmethod
    def parse(cls, data: bytes) -> ImagesLock:
        """Raises InputError ``Validating images lock: ...`` or ``Unmarshaling images lock: ...``."""
        value = _checked(data, "images", ("apiVersion", "kind", "images"), "ImagesLock")
        entries = _mappings(value.get("images"), "images", "images")
        for entry in entries:
            _only(entry, ("image", "annotations"), "images")
        images = []
        for entry in entries:
            notes = entry.get("annotations") or {}
            annotations = {str(k): str(v) for k, v in notes.items()} if isinstance(notes, dict) else {}
            images.append(LockedImage(_locked(entry.get("image"), "images"), annotations))
        return cls(tuple(images))

    def to_yaml(self) -> bytes:
        images = []
        for locked in self.images:
            entry: dict[str, object] = {"image": str(locked.reference)}
            if locked.annotations:
                entry["annotations"] = dict(locked.annotations)
            images.append(entry)
        lock: dict[str, object] = {"apiVersion": API_VERSION, "kind": "ImagesLock"}
        return _yaml(lock | {"images": images} if images else lock)


@dataclass(frozen=True, slots=True)
class BundleLock:
    """``tag`` is the one the bundle was pushed with or found by, "" if it was found by digest."""

    bundle: Reference
    tag: str = ""

    @classmethod
    def parse(cls, data: bytes) -> BundleLock:
        """Raises InputError ``Validating bundle lock: ...`` or ``Unmarshaling bundle lock: ...``."""
        value = _checked(data, "bundle", ("apiVersion", "kind", "bundle"), "BundleLock")
        bundle = value.get("bundle") or {}
        if not isinstance(bundle, dict):
            raise InputError(_unmarshaling("bundle") + "json: cannot unmarshal into bundle")
        _only(bundle, ("image", "tag"), "bundle")
        return cls(_locked(bundle.get("image"), "bundle"), str(bundle.get("tag") or ""))

    def to_yaml(self) -> bytes:
        bundle = {"image": str(self.bundle)} | ({"tag": self.tag} if self.tag else {})
        return _yaml({"apiVersion": API_VERSION, "kind": "BundleLock", "bundle": bundle})


@dataclass(frozen=True, slots=True)
class ImageLocation:
    """An image of a bundle by its original reference, and whether it is a bundle itself."""

    image: str
    is_bundle: bool


@dataclass(frozen=True, slots=True)
class ImageLocations:
    images: tuple[ImageLocation, ...]

    @classmethod
    def parse(cls, data: bytes) -> ImageLocations:
        value = _checked(data, "image locations", ("apiVersion", "kind", "images"), "ImageLocations")
        entries = _mappings(value.get("images"), "images", "image locations")
        return cls(tuple(ImageLocation(str(e.get("image") or ""), bool(e.get("isBundle"))) for e in entries))

    def to_yaml(self) -> bytes:
        ordered = sorted(self.images, key=lambda location: location.image)
        images = [{"image": location.image, "isBundle": location.is_bundle} for location in ordered]
        return _yaml({"apiVersion": API_VERSION, "kind": "ImageLocations", "images": images or None})


def _yaml(value: Mapping[str, object]) -> bytes:
    return b"---\n" + plain.dump(value).encode()


def _unmarshaling(what: str) -> str:
    name = what if what == "image locations" else f"{what} lock"
    return f"Unmarshaling {name}: error unmarshaling JSON: while decoding JSON: "


def _checked(data: bytes, what: str, keys: Sequence[str], kind: str) -> Mapping[str, Any]:
    name = what if what == "image locations" else f"{what} lock"
    try:
        value = plain.load(data, "")
    except InputError as error:
        raise InputError(f"Unmarshaling {name}: error converting YAML to JSON: {error}") from error
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise InputError(_unmarshaling(what) + "json: cannot unmarshal into Go value")
    _only(value, keys, what)
    if value.get("apiVersion") != API_VERSION:
        raise InputError(f"Validating {name}: Validating apiVersion: Unknown version (known: {API_VERSION})")
    if value.get("kind") != kind:
        raise InputError(f"Validating {name}: Validating kind: Unknown kind (known: {kind})")
    return value


def _only(value: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    unknown = next((key for key in sorted(value) if key not in known), None)
    if unknown is not None:
        raise InputError(f'{_unmarshaling(what)}json: unknown field "{unknown}"')


def _mappings(value: object, key: str, what: str) -> Sequence[Mapping[str, Any]]:
    entries = value or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{_unmarshaling(what)}json: cannot unmarshal into field {key}")
    return entries


def _locked(text: object, what: str) -> Reference:
    """``text`` as a reference by digest, its tag dropped."""
    refusal = InputError(f"Validating {what} lock: Expected ref to be in digest form, got '{text or ''}'")
    try:
        reference = Reference.parse(str(text or ""))
    except InputError as error:
        raise refusal from error
    if reference.digest is None:
        raise refusal
    return reference.with_digest(reference.digest)
