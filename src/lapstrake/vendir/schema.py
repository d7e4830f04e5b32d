"""The shape of vendir's documents: which keys are known, what their values must be, and how a wrong one is told.

Values are read as the original's JSON decoder does: keys without regard to case, numbers and booleans as text
where text is wanted. What comes out is cut to the keys that are known and to values that say something, which is
the form that is printed and whose digest is kept in the lock.
"""

from __future__ import annotations

import base64
import math
import string
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lapstrake.errors import InputError
from lapstrake.json_text import json_kind
from lapstrake.yamldoc.gojson import float_text

_SIGNED_64 = (-(1 << 63), 1 << 63)
_RANGES = {"fs.FileMode": (0, 1 << 32), "uint8": (0, 1 << 8)}
_BASE64 = frozenset(string.ascii_letters + string.digits + "+/")


@dataclass(frozen=True, slots=True)
class Type:
    """``name`` is the one in messages. Of an object ``fields`` are known, of a list or map all ``items`` are alike.

    ``kept``: a field of this type stays although it is empty. ``shown`` are fields that messages name otherwise.
    ``strict``: nothing but text is taken for text.
    """

    name: str
    fields: Mapping[str, Type] = field(default_factory=dict)
    items: Type | None = None
    kept: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False


class _Place(NamedTuple):
    """Where a value belongs, as messages show it: the innermost object and the fields on the way, no indexes."""

    owner: str = ""
    fields: tuple[str, ...] = ()

    def within(self, kind: Type, name: str) -> _Place:
        return _Place(kind.name.rpartition(".")[2], (*self.fields, kind.shown.get(name, name)))

    def __str__(self) -> str:
        return f"Go struct field {self.owner}.{'.'.join(self.fields)}" if self.fields else "Go value"


STRING = Type("string")
BOOL = Type("bool")
INT = Type("int")
_TEXT = Type("string", strict=True)
BYTES = Type("[]uint8")
_BYTE = Type("uint8")
STRINGS = Type("[]string", items=STRING)
KEPT_STRING = Type("string", kept=True)
TEXTS = Type("map[string]string", items=STRING)


def _object(name: str, /, **fields: Type) -> Type:
    return Type(name, fields)


def _untagged(name: str, /, **fields: Type) -> Type:
    """An object whose fields messages show with a capital letter."""
    return Type(name, fields, shown={key: key[0].upper() + key[1:] for key in fields})


def _list(of: Type) -> Type:
    return Type(f"[]{of.name}", items=of)


_REF = _object("config.DirectoryContentsLocalRef", name=STRING)
_PRERELEASES = _object("v1alpha1.VersionSelectionSemverPrereleases", identifiers=STRINGS)
_SEMVER = _object("v1alpha1.VersionSelectionSemver", constraints=STRING, prereleases=_PRERELEASES)
_SELECTION = _object("v1alpha1.VersionSelection", semver=_SEMVER)
_INLINE_REF = Type(
    "config.DirectoryContentsInlineSourceRef",
    {"directoryPath": STRING, "name": _TEXT},
    shown={"name": "DirectoryContentsLocalRef.name"},
)
_INLINE_SOURCE = _object(
    "config.DirectoryContentsInlineSource", secretRef=_INLINE_REF, configMapRef=_INLINE_REF
)
_HTTP = _object("config.DirectoryContentsHTTP", url=STRING, sha256=STRING, secretRef=_REF, disableUnpack=BOOL)

SOURCES: Mapping[str, Type] = {
    "git": _object(
        "config.DirectoryContentsGit",
        url=STRING,
        ref=STRING,
        refSelection=_SELECTION,
        verification=_object("config.DirectoryContentsGitVerification", publicKeysSecretRef=_REF),
        secretRef=_REF,
        lfsSkipSmudge=BOOL,
        dangerousSkipTLSVerify=BOOL,
        skipInitSubmodules=BOOL,
        depth=INT,
        forceHTTPBasicAuth=BOOL,
    ),
    "hg": _object("config.DirectoryContentsHg", url=STRING, ref=STRING, secretRef=_REF, evolve=BOOL),
    "http": _HTTP,
    "image": _object(
        "config.DirectoryContentsImage",
        url=STRING,
        tagSelection=_SELECTION,
        secretRef=_REF,
        responseHeaderTimeout=INT,
        dangerousSkipTLSVerify=BOOL,
    ),
    "githubRelease": _object(
        "config.DirectoryContentsGithubRelease",
        slug=KEPT_STRING,
        tag=KEPT_STRING,
        tagSelection=_SELECTION,
        latest=BOOL,
        url=STRING,
        checksums=TEXTS,
        disableAutoChecksumValidation=BOOL,
        assetNames=STRINGS,
        unpackArchive=_object("config.DirectoryContentsUnpackArchive", path=KEPT_STRING),
        secretRef=_REF,
        http=_HTTP,
    ),
    "helmChart": _object(
        "config.DirectoryContentsHelmChart",
        name=STRING,
        version=STRING,
        repository=_object("config.DirectoryContentsHelmChartRepo", url=STRING, secretRef=_REF),
        helmVersion=STRING,
    ),
    "manual": _object("config.DirectoryContentsManual"),
    "directory": _object("config.DirectoryContentsDirectory", path=KEPT_STRING),
    "inline": _object("config.DirectoryContentsInline", paths=TEXTS, pathsFrom=_list(_INLINE_SOURCE)),
    "imgpkgBundle": _object(
        "config.DirectoryContentsImgpkgBundle",
        image=STRING,
        tagSelection=_SELECTION,
        secretRef=_REF,
        responseHeaderTimeout=INT,
        dangerousSkipTLSVerify=BOOL,
        recursive=BOOL,
    ),
}
"""In the order in which the original looks for them."""

_CONTENTS = _object(
    "config.DirectoryContents",
    path=STRING,
    lazy=BOOL,
    **SOURCES,
    includePaths=STRINGS,
    excludePaths=STRINGS,
    ignorePaths=STRINGS,
    legalPaths=Type("[]string", items=STRING, kept=True),
    newRootPath=STRING,
    permissions=Type("fs.FileMode", kept=True),
)
_DIRECTORY = _object(
    "config.Directory",
    path=STRING,
    contents=_list(_CONTENTS),
    permissions=Type("fs.FileMode", kept=True),
)
_METADATA = _untagged("config.GenericMetadata", name=STRING)

RESOURCE = _object("config.resource", apiVersion=STRING, kind=STRING)
CONFIG = _object(
    "config.Config",
    apiVersion=STRING,
    kind=STRING,
    minimumRequiredVersion=STRING,
    directories=_list(_DIRECTORY),
)
SECRET = _untagged(
    "config.Secret", metadata=_METADATA, type=STRING, data=Type("map[string][]uint8", items=BYTES)
)
CONFIG_MAP = _untagged("config.ConfigMap", metadata=_METADATA, data=TEXTS)
_DOCKER_AUTH = _untagged("config.secretDockerConfigJSONAuth", username=_TEXT, password=_TEXT, auth=_TEXT)
DOCKER_CONFIG = _untagged(
    "config.secretDockerConfigJSON",
    auths=Type("map[string]config.secretDockerConfigJSONAuth", items=_DOCKER_AUTH),
)
CHART = _untagged("helmchart.chartMeta", version=STRING, appVersion=STRING)

_ASSET = Type(
    "githubrelease.ReleaseAssetAPI",
    {"url": _TEXT, "name": _TEXT, "size": Type("int64")},
    shown={"url": "URL", "name": "Name", "size": "Size"},
)
RELEASE = Type(
    "githubrelease.ReleaseAPI",
    {"tag_name": _TEXT, "url": _TEXT, "body": _TEXT, "assets": _list(_ASSET)},
    shown={"body": "Body", "assets": "Assets"},
)
TAGS = _list(_object("githubrelease.Tag", name=_TEXT))

_LOCKED_IMAGE = {"url": KEPT_STRING, "tag": STRING}
LOCK = _object(
    "config.LockConfig",
    apiVersion=STRING,
    kind=STRING,
    directories=_list(
        _object(
            "config.LockDirectory",
            path=STRING,
            contents=_list(
                _object(
                    "config.LockDirectoryContents",
                    path=STRING,
                    configDigest=STRING,
                    git=_object(
                        "config.LockDirectoryContentsGit",
                        sha=KEPT_STRING,
                        tags=STRINGS,
                        commitTitle=KEPT_STRING,
                    ),
                    hg=_object(
                        "config.LockDirectoryContentsHg",
                        sha=KEPT_STRING,
                        tags=STRINGS,
                        changeSetTitle=KEPT_STRING,
                    ),
                    http=_object("config.LockDirectoryContentsHTTP"),
                    image=_object("config.LockDirectoryContentsImage", **_LOCKED_IMAGE),
                    imgpkgBundle=_object(
                        "config.LockDirectoryContentsImgpkgBundle", image=KEPT_STRING, tag=STRING
                    ),
                    githubRelease=_object("config.LockDirectoryContentsGithubRelease", **_LOCKED_IMAGE),
                    helmChart=_object(
                        "config.LockDirectoryContentsHelmChart", version=KEPT_STRING, appVersion=KEPT_STRING
                    ),
                    manual=_object("config.LockDirectoryContentsManual"),
                    directory=_object("config.LockDirectoryContentsDirectory"),
                    inline=_object("config.LockDirectoryContentsInline"),
                )
            ),
        )
    ),
)


def read(value: Any, kind: Type) -> Any:
    """``value`` (plain YAML) as ``kind``. Raises InputError ``error unmarshaling JSON: ...`` in Go's words."""
    _refuse_infinite(value)
    try:
        return decode(value, kind)
    except InputError as e:
        raise InputError(f"error unmarshaling JSON: while decoding JSON: {e}") from e


def decode(value: Any, kind: Type) -> Any:
    """As ``read``, for what was JSON from the start."""
    return _read(value, kind, _Place())


def _refuse_infinite(value: Any) -> None:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _refuse_infinite(item)
    elif isinstance(value, float) and not math.isfinite(value):
        shown = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise InputError(f"error converting YAML to JSON: json: unsupported value: {shown}")


def _is_object(kind: Type) -> bool:
    return kind.name.startswith(("config.", "v1alpha1.", "helmchart.", "githubrelease."))


def _read(value: Any, kind: Type, at: _Place) -> Any:
    if _is_object(kind):
        return _read_object(value, kind, at)
    if kind.items is not None and kind.name.startswith("map"):
        if not isinstance(value, Mapping | None):
            raise _wrong(value, kind, at)
        return {key: _read((value or {})[key], kind.items, at) for key in sorted(value or {})}
    if kind.items is not None:
        if not isinstance(value, list | None):
            raise _wrong(value, kind, at)
        return [_read(v, kind.items, at) for v in value or ()]
    return _read_scalar(value, kind, at)


def _read_object(value: Any, kind: Type, at: _Place) -> dict[str, Any]:
    if not isinstance(value, Mapping | None):
        raise _wrong(value, kind, at)
    found: dict[str, Any] = {name: "" for name, type_ in kind.fields.items() if type_ is KEPT_STRING}
    for key in sorted(value or {}):
        name = _field(kind, key, value or {})
        inner = (value or {})[key]
        if name is None or inner is None:
            continue
        type_ = kind.fields[name]
        read_value = _read(inner, type_, at.within(kind, name))
        if read_value or type_.kept or _is_object(type_):
            found[name] = read_value
    return found


def _field(kind: Type, key: str, value: Mapping[str, Any]) -> str | None:
    """The field that ``key`` means; one in other letter cases counts if there is none as it is written."""
    if key in kind.fields:
        return key
    name = next((name for name in kind.fields if name.lower() == key.lower()), None)
    return None if name in value else name


def _read_scalar(value: Any, kind: Type, at: _Place) -> Any:
    if value is None:
        return {"bool": False, "string": "", "[]uint8": b""}.get(kind.name, 0)
    if kind.name == "string":
        if isinstance(value, str) or (isinstance(value, int | float) and not kind.strict):
            return text_of(value)
    elif kind.name == "bool":
        if isinstance(value, bool):
            return value
    elif kind.name == "[]uint8":
        if isinstance(value, str):
            return base64_decoded(value)
        if isinstance(value, list):
            return bytes(_read_scalar(item, _BYTE, at) for item in value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return _whole(value, kind, at)
    raise _wrong(value, kind, at)


def base64_decoded(text: str) -> bytes:
    """Raises InputError ``illegal base64 data at input byte N``."""
    fault = _fault_of_base64(text)
    if fault is not None:
        raise InputError(f"illegal base64 data at input byte {fault}")
    return base64.b64decode(text)


def _fault_of_base64(text: str) -> int | None:
    """Where Go's decoder stumbles: at a stray character, or where an unfinished group of four began."""
    held = 0
    for at, char in enumerate(text):
        if char in "\r\n":
            continue
        if char == "=" and held > 1:
            return _fault_of_padding(text, at + 1, missing=3 - held)
        if char not in _BASE64:
            return at
        held = (held + 1) % 4
    return len(text) - held if held else None


def _fault_of_padding(text: str, start: int, *, missing: int) -> int | None:
    """``missing`` more ``=`` have to come from ``start`` on, and then nothing."""
    rest = [at for at in range(start, len(text)) if text[at] not in "\r\n"]
    if missing and not rest:
        return len(text)
    if missing and text[rest[0]] != "=":
        return rest[0] - 1
    return rest[missing] if len(rest) > missing else None


def _whole(value: int | float, kind: Type, at: _Place) -> int:
    lowest, highest = _RANGES.get(kind.name, _SIGNED_64)
    broken = isinstance(value, float) and not value.is_integer()
    if broken or not lowest <= value < highest:
        shown = float_text(value) if isinstance(value, float) else str(value)
        raise InputError(f"json: cannot unmarshal number {shown} into {at} of type {kind.name}")
    return int(value)


def text_of(value: Any) -> str:
    """A scalar as text, also where YAML took it for something else: ``y`` reads as true, 1.10 as 1.1."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _single(value)
    return str(value)


def _single(value: float) -> str:
    """The shortest decimal that gives the same 32 bit float, as Go's FormatFloat with 'g' and 32."""
    single = struct.unpack("f", struct.pack("f", value))[0] if abs(value) < 3.4e38 else value
    for digits in range(1, 18):
        text = f"{single:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", single):
            break
    mantissa, e, exponent = text.partition("e")
    shortest = float(text)
    if e and -5 < int(exponent) < 21:
        return f"{shortest:.0f}" if shortest.is_integer() else repr(shortest)
    return f"{mantissa}e{exponent}" if e else text


def _wrong(value: Any, kind: Type, at: _Place) -> InputError:
    return InputError(f"json: cannot unmarshal {json_kind(value)} into {at} of type {kind.name}")
