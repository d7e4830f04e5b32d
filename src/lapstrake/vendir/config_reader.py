"""Reading vendir's configuration files: one Config, and the Secrets and ConfigMaps beside it.

Unknown keys are ignored and paths cleaned. Messages are the original tool's (vectors vendir/config).
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.vendir.config import (
    API_VERSION,
    COMPATIBLE_VERSION,
    SOURCE_KEYS,
    Config,
    Contents,
    Directory,
    References,
    without_empty,
)
from lapstrake.versions import check_minimum
from lapstrake.yamldoc import plain

_REFUSED_PATHS = ("/", ".", "..", "")


def read(files: Iterable[tuple[str, bytes]]) -> tuple[Config, References]:
    """The one configuration among ``files`` (name, content) and what it may refer to. Raises InputError."""
    configs: list[Config] = []
    secrets: dict[str, Mapping[str, bytes]] = {}
    config_maps: dict[str, Mapping[str, bytes]] = {}
    for name, data in files:
        try:
            for body in _documents(data):
                _sort(body, configs, secrets, config_maps)
        except InputError as e:
            raise InputError(f"Parsing resource config '{name}': {e}") from e
    if not configs:
        raise InputError("Expected to find at least one config, but found none")
    if len(configs) > 1:
        raise InputError("Expected to find exactly one config, but found multiple")
    return configs[0], References(secrets, config_maps)


def parse(body: Mapping[str, Any]) -> Config:
    """A Config document. Raises InputError."""
    directories = tuple(_directory(d) for d in _sequence(body.get("directories"), "directories"))
    minimum = str(body.get("minimumRequiredVersion") or "")
    try:
        check_minimum("vendir", COMPATIBLE_VERSION, minimum)
        _validate(directories)
    except InputError as e:
        raise InputError(f"Validating config: {e}") from e
    return Config(tuple(_only_sources(d) for d in directories), minimum)


def _documents(data: bytes) -> list[Mapping[str, Any]]:
    try:
        values = plain.load_all(data.decode("utf-8", "replace"), "")
    except InputError as e:
        raise InputError(f"Unmarshaling doc: error converting YAML to JSON: {e}") from e
    found = []
    for value in values:
        if isinstance(value, Mapping):
            found.append(value)
        elif value is not None:
            raise InputError(
                "Unmarshaling doc: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
                f"{_json_kind(value)} into Go value of type config.resource"
            )
    return found


def _sort(
    body: Mapping[str, Any],
    configs: list[Config],
    secrets: dict[str, Mapping[str, bytes]],
    config_maps: dict[str, Mapping[str, bytes]],
) -> None:
    if not body:
        return
    api_version, kind = body.get("apiVersion") or "", body.get("kind") or ""
    if (api_version, kind) == (API_VERSION, "Config"):
        try:
            configs.append(parse(body))
        except InputError as e:
            raise InputError(f"Unmarshaling config: {e}") from e
    elif (api_version, kind) == ("v1", "Secret"):
        _add(secrets, body, "secret", _decoded(body))
    elif (api_version, kind) == ("v1", "ConfigMap"):
        data = _mapping(body.get("data"))
        _add(config_maps, body, "config map", {str(k): str(v).encode() for k, v in data.items()})
    else:
        raise InputError(f"Unknown apiVersion '{api_version}' or kind '{kind}' for resource")


def _add(
    known: dict[str, Mapping[str, bytes]], body: Mapping[str, Any], kind: str, data: Mapping[str, bytes]
) -> None:
    name = str(_mapping(body.get("metadata")).get("name") or "")
    if known.setdefault(name, data) != data:
        raise InputError(f"Expected to find one {kind} '{name}', but found multiple")


def _decoded(body: Mapping[str, Any]) -> Mapping[str, bytes]:
    try:
        data = {str(k): base64.b64decode(str(v)) for k, v in _mapping(body.get("data")).items()}
    except (binascii.Error, ValueError) as e:
        raise InputError("Unmarshaling secret: illegal base64 data") from e
    return data | {str(k): str(v).encode() for k, v in _mapping(body.get("stringData")).items()}


class _Raw:
    """Contents before it is known that they have exactly one source."""

    __slots__ = ("contents", "kinds")

    def __init__(self, contents: Contents, kinds: Sequence[str]) -> None:
        self.contents = contents
        self.kinds = tuple(kinds)


class _RawDirectory:
    __slots__ = ("contents", "path", "permissions")

    def __init__(self, path: str, contents: Sequence[_Raw], permissions: int) -> None:
        self.path = path
        self.contents = tuple(contents)
        self.permissions = permissions


def _directory(raw: Any) -> _RawDirectory:
    body = _mapping(raw)
    contents = [_contents(_mapping(c)) for c in _sequence(body.get("contents"), "contents")]
    return _RawDirectory(_clean(body.get("path")), contents, _mode(body.get("permissions")))


def _contents(body: Mapping[str, Any]) -> _Raw:
    kinds = [kind for kind in SOURCE_KEYS if body.get(kind) is not None]
    kind = kinds[0] if kinds else "manual"
    source = {k: v for k, v in _mapping(body.get(kind)).items() if k in SOURCE_KEYS[kind]}
    legal = body.get("legalPaths")
    contents = Contents(
        path=_clean(body.get("path")),
        kind=kind,
        source=without_empty(source),
        lazy=bool(body.get("lazy")),
        include_paths=_texts(body, "includePaths"),
        exclude_paths=_texts(body, "excludePaths"),
        ignore_paths=_texts(body, "ignorePaths"),
        legal_paths=None if legal is None else _texts(body, "legalPaths"),
        new_root_path=_text(body.get("newRootPath")),
        permissions=_mode(body.get("permissions")),
    )
    return _Raw(contents, kinds)


def _only_sources(raw: _RawDirectory) -> Directory:
    return Directory(raw.path, tuple(c.contents for c in raw.contents), raw.permissions)


def _validate(directories: Sequence[_RawDirectory]) -> None:
    for i, directory in enumerate(directories):
        try:
            _validate_directory(directory)
        except InputError as e:
            raise InputError(f"Validating directory '{directory.path}' ({i}): {e}") from e
    _refuse_overlaps([d.path for d in directories])


def _validate_directory(directory: _RawDirectory) -> None:
    _refuse_path(directory.path, _REFUSED_PATHS)
    paths = [c.contents.path for c in directory.contents]
    if "." in paths and len(paths) > 1:
        raise InputError("Expected only one directory contents if path is set to '.'")
    for i, raw in enumerate(directory.contents):
        try:
            _validate_contents(raw)
        except InputError as e:
            raise InputError(f"Validating directory contents '{raw.contents.path}' ({i}): {e}") from e
    _refuse_overlaps([posixpath.join(directory.path, p) for p in paths])


def _validate_contents(raw: _Raw) -> None:
    _refuse_path(raw.contents.path, ("/", "..", ""))
    if raw.contents.path.startswith(("/", "../")):
        raise InputError(f"Invalid path: {raw.contents.path}")
    if not raw.kinds:
        raise InputError("Expected directory contents type to be specified (one of git, manual, etc.)")
    if len(raw.kinds) > 1:
        found = ", ".join(raw.kinds)
        raise InputError(
            f"Expected exactly one directory contents type to be specified (multiple found: {found})"
        )


def _refuse_path(path: str, refused: Sequence[str]) -> None:
    if path in refused:
        shown = ", ".join(f"'{p}'" for p in refused)
        raise InputError(f"Expected path to not be one of {shown}")


def _refuse_overlaps(paths: Sequence[str]) -> None:
    for i, path in enumerate(paths):
        for other in paths[i + 1 :]:
            if f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/"):
                raise InputError(f"Expected to not manage overlapping paths: '{path}' and '{other}'")


def _clean(path: Any) -> str:
    text = _text(path)
    return posixpath.normpath(text) if text else ""


def _text(value: Any) -> str:
    """A text, also where YAML took it for something else: ``y`` reads as true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def _mode(value: Any) -> int:
    return value & 0o7777 if isinstance(value, int) and not isinstance(value, bool) else 0


def _texts(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_text(text) for text in _sequence(body.get(key), key))


def _sequence(value: Any, key: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InputError(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
            f"{_json_kind(value)} into Go struct field Config.{key} of type []config.Directory"
        )
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _json_kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object" if isinstance(value, Mapping) else "number"
