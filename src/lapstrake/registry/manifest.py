"""What a registry has to know of a manifest that is pushed to it.

Source: OCI image specification 1.1 (manifest, index, descriptor) and distribution specification 1.1
("Pushing manifests", "Listing referrers").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import IMAGE_TYPES, INDEX_TYPES, ImageManifest, Index, json_mapping
from lapstrake.registry import refusals


@dataclass(frozen=True, slots=True)
class Inspected:
    """``named``: what the manifest keeps alive; ``needed``: the part of it that must be there beforehand.

    Layers that may be found elsewhere are named, not needed. The children of an index are manifests.
    """

    is_index: bool
    named: tuple[Digest, ...]
    needed: tuple[Digest, ...]
    subject: Digest | None = None
    artifact_type: str = ""
    annotations: Mapping[str, str] | None = None


def inspect(media_type: str, data: bytes) -> Inspected:
    """Refuses what is no manifest of ``media_type``."""
    try:
        if media_type in IMAGE_TYPES:
            return _image(media_type, data)
        if media_type in INDEX_TYPES:
            return _index(media_type, data)
    except InputError as error:
        raise refusals.invalid_manifest({}) from error
    raise refusals.invalid_manifest({})


def _image(media_type: str, data: bytes) -> Inspected:
    image = ImageManifest.parse(data)
    value = _unambiguous(data, media_type, "manifests")
    content = (image.config, *image.layers)
    return Inspected(
        False,
        tuple(descriptor.digest for descriptor in content),
        tuple(descriptor.digest for descriptor in content if descriptor.is_distributable),
        _subject(value),
        _text(value, "artifactType") or image.config.media_type,
        _annotations(value),
    )


def _index(media_type: str, data: bytes) -> Inspected:
    children = tuple(descriptor.digest for descriptor in Index.parse(data).manifests)
    value = _unambiguous(data, media_type, "config", "layers")
    artifact_type = _text(value, "artifactType")
    return Inspected(True, children, children, _subject(value), artifact_type, _annotations(value))


def _unambiguous(data: bytes, media_type: str, *others: str) -> Mapping[str, Any]:
    """The JSON of a manifest that nobody can take for one of the other kind (CVE-2021-41190)."""
    value = json_mapping(data, "manifest")
    if value.get("mediaType", media_type) != media_type or any(key in value for key in others):
        raise InputError("Parsing manifest: it is not what its media type says")
    return value


def _subject(value: Mapping[str, Any]) -> Digest | None:
    subject = value.get("subject")
    if subject is None:
        return None
    if not isinstance(subject, dict):
        raise InputError("Parsing manifest: expected subject to be a descriptor")
    return Digest.parse(_text(subject, "digest"))


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key, "")
    if not isinstance(text, str):
        raise InputError(f"Parsing manifest: expected {key} to be a string")
    return text


def _annotations(value: Mapping[str, Any]) -> Mapping[str, str] | None:
    annotations = value.get("annotations")
    if annotations is None:
        return None
    if not isinstance(annotations, dict) or not all(isinstance(text, str) for text in annotations.values()):
        raise InputError("Parsing manifest: expected annotations to be a map of strings")
    return annotations
