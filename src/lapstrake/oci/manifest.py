"""Manifests, indexes and image configurations, as bytes and as values.

What was read keeps its bytes, since a digest is a property of them. What is written has exactly the
bytes that imgpkg writes (facts on imgpkg, "Image and bundle on the wire").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
from lapstrake.json_text import first_value, from_json, json_mismatch, json_record
from lapstrake.oci.digest import Digest

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

IMAGE_TYPES = frozenset({DOCKER_MANIFEST, OCI_MANIFEST})
INDEX_TYPES = frozenset({DOCKER_INDEX, OCI_INDEX})
NON_DISTRIBUTABLE_LAYERS = frozenset(
    {
        DOCKER_FOREIGN_LAYER,
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    }
)

LAYERS = NON_DISTRIBUTABLE_LAYERS | {
    DOCKER_LAYER,
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
}

_ZERO_TIME = "0001-01-01T00:00:00Z"
_GO_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"} | dict.fromkeys(
    range(0xD800, 0xE000),
    "\\ufffd",  # bytes that are no UTF-8
)


@dataclass(frozen=True, slots=True)
class Platform:
    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of a piece of content; ``size`` in bytes."""

    media_type: str
    size: int
    digest: Digest
    urls: tuple[str, ...] = ()
    platform: Platform | None = None

    @property
    def is_layer(self) -> bool:
        """Whether it is a tar of files, and not content of another kind that came in a layer's place."""
        return self.media_type in LAYERS

    @property
    def is_distributable(self) -> bool:
        return self.media_type not in NON_DISTRIBUTABLE_LAYERS


@dataclass(frozen=True, slots=True)
class RawManifest:
    """A manifest or index as a registry holds it. ``digest`` is that of ``data``."""

    media_type: str
    digest: Digest
    data: bytes

    @classmethod
    def of(cls, media_type: str, data: bytes) -> RawManifest:
        return cls(media_type, Digest.of(data), data)

    @property
    def is_image(self) -> bool:
        return self.media_type in IMAGE_TYPES

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(self.media_type, len(self.data), self.digest)

    def image(self) -> ImageManifest:
        """Raises InputError if this is no image manifest."""
        return ImageManifest.parse(self.data)

    def index(self) -> Index:
        """Raises InputError if this is no index."""
        return Index.parse(self.data)


@dataclass(frozen=True, slots=True)
class ImageManifest:
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> ImageManifest:
        value = json_mapping(data, "image manifest")
        if "config" not in value:
            raise InputError("Image manifest without config")
        layers = tuple(_descriptor(layer) for layer in _items(value, "layers"))
        return cls(
            _text(value, "mediaType"), _descriptor(value["config"]), layers, _texts(value.get("annotations"))
        )

    def to_bytes(self) -> bytes:
        return go_json(
            {
                "schemaVersion": 2,
                "mediaType": self.media_type,
                "config": _described(self.config),
                "layers": [_described(layer) for layer in self.layers],
            }
        )


@dataclass(frozen=True, slots=True)
class Index:
    media_type: str
    manifests: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, data: bytes) -> Index:
        value = json_mapping(data, "image index")
        manifests = tuple(_descriptor(child) for child in _items(value, "manifests"))
        return cls(_text(value, "mediaType"), manifests)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The part of an image's configuration that we read or write."""

    diff_ids: tuple[Digest, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: Platform = Platform()

    @classmethod
    def parse(cls, data: bytes) -> ImageConfig:
        """Raises InputError in the words of Go's JSON. Keys match in either case, and what follows the value is nothing."""
        value = json_record(first_value(data), "value of type v1.ConfigFile")
        rootfs = _mapping(value.get("rootfs") or {})
        inner = json_record(_in_any_case(value, "config"), "struct field ConfigFile.config of type v1.Config")
        labels = json_record(
            _in_any_case(inner, "Labels"), "struct field Config.config.Labels of type map[string]string"
        )
        for text in labels.values():
            if not isinstance(text, str | None):
                raise json_mismatch(text, "struct field Config.config.Labels of type string")
        platform = Platform(
            _text(value, "os"),
            _text(value, "architecture"),
            _text(value, "variant"),
            _text(value, "os.version"),
        )
        diff_ids = tuple(Digest.parse(str(text)) for text in _items(rootfs, "diff_ids"))
        return cls(diff_ids, {key: text or "" for key, text in labels.items()}, platform)

    def to_bytes(self) -> bytes:
        """As imgpkg writes it: no platform, times of the year one, one history entry."""
        history = [{"author": "imgpkg", "created": _ZERO_TIME, "created_by": "imgpkg"}]
        return go_json(
            {
                "architecture": "",
                "created": _ZERO_TIME,
                "history": history,
                "os": "",
                "rootfs": {"type": "layers", "diff_ids": [str(d) for d in self.diff_ids]},
                "config": {"Labels": dict(sorted(self.labels.items()))} if self.labels else {},
            }
        )


def manifest_of(config: bytes, layers: Iterable[Descriptor]) -> RawManifest:
    """The manifest that imgpkg writes for a configuration and its layers."""
    described = Descriptor(DOCKER_CONFIG, len(config), Digest.of(config))
    manifest = ImageManifest(DOCKER_MANIFEST, described, tuple(layers))
    return RawManifest.of(DOCKER_MANIFEST, manifest.to_bytes())


def go_json(value: object) -> bytes:
    """Compact JSON with the escapes of Go's encoder; keys stay in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES).encode()


def json_mapping(data: bytes, what: str) -> Mapping[str, Any]:
    """Raises InputError unless ``data`` is a JSON object (``what`` names it in the message)."""
    try:
        value = from_json(data)
    except InputError as error:
        raise InputError(f"Parsing {what}: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"Parsing {what}: expected a JSON object")
    return value


def _in_any_case(value: Mapping[str, Any], name: str) -> object:
    return next((value[key] for key in (name, *value) if key in value and key.lower() == name.lower()), None)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError("Parsing manifest: expected a JSON object")
    return value


def _items(value: Mapping[str, Any], key: str) -> Sequence[Any]:
    items = value.get(key) or []
    if not isinstance(items, list):
        raise InputError(f"Parsing manifest: expected {key} to be a list")
    return items


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key) or ""
    if not isinstance(text, str):
        raise InputError(f"Parsing manifest: expected {key} to be a string")
    return text


def _texts(value: object) -> Mapping[str, str]:
    return {str(key): str(text) for key, text in _mapping(value or {}).items()}


def _descriptor(value: object) -> Descriptor:
    fields = _mapping(value)
    size = fields.get("size", 0)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InputError("Parsing manifest: expected size to be a number of bytes")
    platform = None
    if fields.get("platform"):
        given = _mapping(fields["platform"])
        platform = Platform(
            _text(given, "os"),
            _text(given, "architecture"),
            _text(given, "variant"),
            _text(given, "os.version"),
            tuple(map(str, _items(given, "os.features"))),
            tuple(map(str, _items(given, "features"))),
        )
    urls = tuple(str(url) for url in _items(fields, "urls"))
    return Descriptor(_text(fields, "mediaType"), size, Digest.parse(_text(fields, "digest")), urls, platform)


def _described(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "size": descriptor.size, "digest": str(descriptor.digest)}
