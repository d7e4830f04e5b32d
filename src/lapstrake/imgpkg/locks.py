"""The YAML files of imgpkg: ImagesLock, BundleLock and ImageLocations.

Source: facts on imgpkg, "Lock files", and its refusals observed. They are read strictly: YAML first, then keys and
types, apiVersion, kind, and the digests last. Keys match in either case, as everywhere in Go's JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
from lapstrake.json_text import json_kind
from lapstrake.oci.reference import Reference
from lapstrake.yamldoc import plain
from lapstrake.yamldoc.gojson import key_text
from lapstrake.yamldoc.nodes import Array, Map
from lapstrake.yamldoc.parser import parse as parse_yaml

API_VERSION = "imgpkg.carvel.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class _File:
    """How messages call a file, the type it has in Go, and whether keys that are unknown or come twice are refused."""

    name: str
    type: str
    package: str = "lockconfig"
    is_strict: bool = True


_IMAGES = _File("images lock", "ImagesLock")
_BUNDLE = _File("bundle lock", "BundleLock")
_LOCATIONS = _File("image locations config", "ImageLocationsConfig", "bundle", is_strict=False)


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
        value = _checked(data, _IMAGES, ("apiVersion", "kind", "images"))
        entries = []
        for item in _list(value.get("images"), "ImagesLock.images", "ImageRef", _IMAGES):
            entry = _record(_given(item), ("image", "annotations"), "ImagesLock.images", "ImageRef", _IMAGES)
            notes = _texts(entry.get("annotations"), "ImageRef.images.annotations")
            entries.append((_text(entry.get("image"), "ImageRef.images.image", _IMAGES), notes))
        _check_kind(value, _IMAGES, "ImagesLock")
        return cls(tuple(LockedImage(_locked(image, "images"), notes) for image, notes in entries))

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
        value = _checked(data, _BUNDLE, ("apiVersion", "kind", "bundle"))
        bundle = _record(
            _given(value.get("bundle")), ("image", "tag"), "BundleLock.bundle", "BundleRef", _BUNDLE
        )
        image = _text(bundle.get("image"), "BundleRef.bundle.image", _BUNDLE)
        tag = _text(bundle.get("tag"), "BundleRef.bundle.tag", _BUNDLE)
        _check_kind(value, _BUNDLE, "BundleLock")
        return cls(_locked(image, "bundle"), tag)

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
        """Raises InputError ``Unmarshaling image locations config: ...`` or ``Validating ...``; other keys are ignored."""
        value = _checked(data, _LOCATIONS, ("apiVersion", "kind", "images"))
        images = f"{_LOCATIONS.type}.images"
        entries = [
            _record(_given(item), ("image", "isBundle"), images, "ImageLocation", _LOCATIONS)
            for item in _list(value.get("images"), images, "ImageLocation", _LOCATIONS)
        ]
        for entry in entries:
            if not isinstance(entry.get("isBundle"), bool | None):
                raise _mismatch(entry["isBundle"], "ImageLocation.images.isBundle", "bool", _LOCATIONS)
        _check_kind(value, _LOCATIONS, "ImageLocations")
        return cls(tuple(ImageLocation(str(e.get("image") or ""), bool(e.get("isBundle"))) for e in entries))

    def to_yaml(self) -> bytes:
        ordered = sorted(self.images, key=lambda location: location.image)
        images = [{"image": location.image, "isBundle": location.is_bundle} for location in ordered]
        return _yaml({"apiVersion": API_VERSION, "kind": "ImageLocations", "images": images or None})


def _yaml(value: Mapping[str, object]) -> bytes:
    return b"---\n" + plain.dump(value).encode()


def _checked(data: bytes, file: _File, keys: Sequence[str]) -> Mapping[str, Any]:
    try:
        if file.is_strict:
            _refuse_duplicates(data)
        value = plain.load(data, "")
    except InputError as error:
        raise InputError(f"Unmarshaling {file.name}: error converting YAML to JSON: {error}") from error
    record = _record(_given(value), keys, "", file.type, file)
    _refuse_other_than_text(record, "apiVersion", file)
    return record


def _refuse_other_than_text(value: Mapping[str, Any], key: str, file: _File) -> None:
    """Unlike other texts, those that all locks have are not made of numbers and switches."""
    if not isinstance(value.get(key), str | None):
        part = "LockVersion." if file.is_strict else ""
        raise _mismatch(value[key], f"{file.type}.{part}{key}", "string", file)


def _refuse_duplicates(data: bytes) -> None:
    """Raises InputError ``yaml: unmarshal errors: ...`` for keys that come twice in a mapping."""
    documents = parse_yaml(data.decode(errors="replace"), "", comments=False, merge_lists=True).items
    found = [line for document in documents[:1] for line in _duplicates(document.value)]
    if found:
        raise InputError("\n".join(("yaml: unmarshal errors:", *found)))


def _duplicates(value: object) -> Iterator[str]:
    if isinstance(value, Map):
        seen: set[object] = set()
        for item in value.items:
            if item.key in seen:
                yield f'  line {item.position.line}: key "{item.key}" already set in map'
            seen.add(item.key)
            yield from _duplicates(item.value)
    elif isinstance(value, Array):
        for element in value.items:
            yield from _duplicates(element.value)


def _check_kind(value: Mapping[str, Any], file: _File, kind: str) -> None:
    _refuse_other_than_text(value, "kind", file)
    validating = f"Validating {file.name}: " if file.is_strict else ""
    if value.get("apiVersion") != API_VERSION:
        raise InputError(f"{validating}Validating apiVersion: Unknown version (known: {API_VERSION})")
    if value.get("kind") != kind:
        raise InputError(f"{validating}Validating kind: Unknown kind (known: {kind})")


def _record(value: object, known: Sequence[str], path: str, type_name: str, file: _File) -> Mapping[str, Any]:
    """The ``known`` keys of a mapping, written in any case; a file that is read strictly may have no others.

    ``path`` is "" for the whole file, else as Go has it: the structure that has the field, and the names that lead
    to it, without numbers.
    """
    if not isinstance(value, dict):
        raise _mismatch(value, path, f"{file.package}.{type_name}", file)
    by_folded = {key.casefold(): key for key in known}
    record: dict[str, Any] = {}
    for key in sorted(value):
        name = by_folded.get(key.casefold())
        if name is None and not file.is_strict:
            continue
        if name is None:
            raise InputError(f'{_decoding(file)}unknown field "{key}"')
        if name not in record or key == name:
            record[name] = value[key]
    return record


def _given(value: object) -> object:
    return {} if value is None else value


def _list(value: object, path: str, type_name: str, file: _File) -> Sequence[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _mismatch(value, path, f"[]{file.package}.{type_name}", file)
    return value


def _texts(value: object, path: str) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _mismatch(value, path, "map[string]string", _IMAGES)
    return {key: _text(text, path, _IMAGES) for key, text in sorted(value.items())}


def _text(value: object, path: str, file: _File) -> str:
    """Numbers and switches are texts where a text is wanted."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        raise _mismatch(value, path, "string", file)
    return value if isinstance(value, str) else key_text(value)


def _mismatch(value: object, path: str, wanted: str, file: _File) -> InputError:
    where = f"Go struct field {path}" if path else "Go value"
    return InputError(f"{_decoding(file)}cannot unmarshal {json_kind(value)} into {where} of type {wanted}")


def _decoding(file: _File) -> str:
    return f"Unmarshaling {file.name}: error unmarshaling JSON: while decoding JSON: json: "


def _locked(text: str, what: str) -> Reference:
    """``text`` as a reference by digest, its tag dropped."""
    refusal = InputError(f"Validating {what} lock: Expected ref to be in digest form, got '{text}'")
    try:
        reference = Reference.parse(text)
    except InputError as error:
        raise refusal from error
    if reference.digest is None:
        raise refusal
    return reference.with_digest(reference.digest)
