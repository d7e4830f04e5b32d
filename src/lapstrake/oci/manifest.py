"""Manifests, indexes and image configurations, as bytes and as values.

What was read keeps its bytes, since a digest is a property of them. What is written has exactly the
bytes that imgpkg writes (facts on imgpkg, "Image and bundle on the wire").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError
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

_HALF = re.compile("[\ud800-\udfff]")  # of a character that takes two in UTF-16
_MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")  # as JSON writes it, or UTF-8 must not


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
        value = go_record(first_value(data), "value of type v1.ConfigFile")
        rootfs = _mapping(value.get("rootfs") or {})
        inner = go_record(_go_field(value, "config"), "struct field ConfigFile.config of type v1.Config")
        labels = go_record(
            _go_field(inner, "Labels"), "struct field Config.config.Labels of type map[string]string"
        )
        for text in labels.values():
            if not isinstance(text, str | None):
                raise go_mismatch(text, "struct field Config.config.Labels of type string")
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
        value = strangers_json(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"Parsing {what}: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"Parsing {what}: expected a JSON object")
    return value


def json_reason(data: bytes) -> str:
    """Why ``data`` is no JSON, in Go's words."""
    text = data.decode(errors="replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            return "unexpected end of JSON input"
        where = "after top-level value" if error.msg == "Extra data" else "looking for beginning of value"
        return f"invalid character '{text[error.pos]}' {where}"
    except RecursionError:
        return "exceeded max depth"
    return "json: cannot unmarshal into an object"


def stream_reason(data: bytes) -> str:
    """As :func:`json_reason`, where Go reads from a stream and so tells its end otherwise."""
    if not data.strip():
        return "EOF"
    return json_reason(data).replace("unexpected end of JSON input", "unexpected EOF")


def first_value(data: bytes) -> object:
    """The JSON value that ``data`` begins with, as Go reads one from a stream. Raises InputError in Go's words."""
    text = data.decode(errors="replace").lstrip(" \t\r\n")
    try:
        value: object = json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError) as error:
        raise InputError(stream_reason(data)) from error
    return value


def go_record(value: object, place: str) -> Mapping[str, Any]:
    """A JSON object, or null for an empty one; else InputError as of :func:`go_mismatch`."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise go_mismatch(value, place)
    return value


def _go_field(record: Mapping[str, Any], name: str) -> object:
    return next(
        (record[key] for key in (name, *record) if key in record and key.lower() == name.lower()), None
    )


def go_mismatch(value: object, place: str) -> InputError:
    """What Go says of a JSON value that is not of the type of its ``place``, such as "value of type string"."""
    kinds = ((dict, "object"), (list, "array"), (str, "string"), (bool, "bool"))
    found = next((name for kind, name in kinds if isinstance(value, kind)), "number")
    return InputError(f"json: cannot unmarshal {found} into Go {place}")


def strangers_json(data: bytes) -> Any:
    """What ``data`` says. Halves of characters are replaced, as in Go: no text could be made of them again.

    Raises ValueError and RecursionError.
    """
    value = json.loads(data)
    return _whole_characters(value) if _MAYBE_HALF.search(data) else value


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_whole_characters(key): _whole_characters(member) for key, member in value.items()}
    return [_whole_characters(member) for member in value] if isinstance(value, list) else value


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
