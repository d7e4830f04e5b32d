"""Reading vendir's configuration files: one Config, and the Secrets and ConfigMaps beside it.

Unknown keys are ignored and paths cleaned. Messages are the original tool's (vectors vendir/config).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.vendir import documents, schema
from lapstrake.vendir.config import (
    API_VERSION,
    COMPATIBLE_VERSION,
    DOCKER_CONFIG_TYPE,
    Config,
    Contents,
    Directory,
    References,
)
from lapstrake.versions import check_minimum

_REFUSED_PATHS = ("/", ".", "..", "")
_SHOWN_REFUSED = ", ".join(f"'{path}'" for path in _REFUSED_PATHS)


def read(files: Iterable[tuple[str, bytes]]) -> tuple[Config, References]:
    """The one configuration among ``files`` (name, content) and what it may refer to. Raises InputError."""
    gathered = _Gathered()
    for name, data in files:
        try:
            for document in documents.split(data):
                gathered.add(document)
        except documents.SeparatorError as e:
            raise InputError(f"Parsing config '{name}': {e}") from e
        except InputError as e:
            raise InputError(f"Parsing resource config '{name}': {e}") from e
    if not gathered.configs:
        raise InputError("Expected to find at least one config, but found none")
    if len(gathered.configs) > 1:
        raise InputError("Expected to find exactly one config, but found multiple")
    return gathered.configs[0], gathered.references()


def parse(body: Mapping[str, Any]) -> Config:
    """A Config document. Raises InputError."""
    try:
        config = schema.read(body, schema.CONFIG)
    except InputError as e:
        raise InputError(f"Unmarshaling config: {e}") from e
    minimum = config.get("minimumRequiredVersion", "")
    directories = config.get("directories", [])
    try:
        check_minimum("vendir", COMPATIBLE_VERSION, minimum)
        _validate(directories)
    except InputError as e:
        raise InputError(f"Validating config: {e}") from e
    return Config(tuple(_directory(d) for d in directories), minimum)


class _Gathered:
    """What stands in all files so far."""

    def __init__(self) -> None:
        self.configs: list[Config] = []
        self._secrets: dict[str, Mapping[str, bytes]] = {}
        self._docker_configs: set[str] = set()
        self._config_maps: dict[str, list[Mapping[str, bytes]]] = {}

    def add(self, document: bytes) -> None:
        try:
            body = documents.load(document)
            resource = schema.read(body, schema.RESOURCE)
        except InputError as e:
            raise InputError(f"Unmarshaling doc: {e}") from e
        kind = resource.get("apiVersion", ""), resource.get("kind", "")
        if kind == (API_VERSION, "Config"):
            try:
                self.configs.append(parse(body))
            except InputError as e:
                raise InputError(f"Unmarshaling config: {e}") from e
        elif kind == ("v1", "Secret"):
            self._add_secret(body)
        elif kind == ("v1", "ConfigMap"):
            self._add_config_map(body)
        else:
            raise InputError(f"Unknown apiVersion '{kind[0]}' or kind '{kind[1]}' for resource")

    def references(self) -> References:
        once = {name: found[0] for name, found in self._config_maps.items() if len(found) == 1}
        several = frozenset(name for name, found in self._config_maps.items() if len(found) > 1)
        return References(self._secrets, once, several, frozenset(self._docker_configs))

    def _add_secret(self, body: Any) -> None:
        """Equal Secrets may stand in several files; ``stringData`` is not looked at, as in the original."""
        found = _unmarshaled(body, schema.SECRET, "secret")
        name, data = _name(found), found.get("data", {})
        if self._secrets.setdefault(name, data) != data:
            raise InputError(f"Expected to find one secret '{name}', but found multiple")
        self._docker_configs.discard(name)
        if found.get("type") == DOCKER_CONFIG_TYPE:
            self._docker_configs.add(name)

    def _add_config_map(self, body: Any) -> None:
        found = _unmarshaled(body, schema.CONFIG_MAP, "config map")
        encoded = {key: text.encode() for key, text in found.get("data", {}).items()}
        self._config_maps.setdefault(_name(found), []).append(encoded)


def _unmarshaled(body: Any, kind: schema.Type, shown: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = schema.read(body, kind)
    except InputError as e:
        raise InputError(f"Unmarshaling {shown}: {e}") from e
    return found


def _name(found: Mapping[str, Any]) -> str:
    name: str = found.get("metadata", {}).get("name", "")
    return name


def _directory(body: Mapping[str, Any]) -> Directory:
    contents = tuple(_contents(c) for c in body.get("contents", []))
    return Directory(_clean(body.get("path", "")), contents, body.get("permissions"))


def _contents(body: Mapping[str, Any]) -> Contents:
    (kind,) = _kinds(body)
    legal = body.get("legalPaths")
    return Contents(
        path=_clean(body.get("path", "")),
        kind=kind,
        source=body[kind],
        lazy=body.get("lazy", False),
        include_paths=tuple(body.get("includePaths", ())),
        exclude_paths=tuple(body.get("excludePaths", ())),
        ignore_paths=tuple(body.get("ignorePaths", ())),
        legal_paths=None if legal is None else tuple(legal),
        new_root_path=body.get("newRootPath", ""),
        permissions=body.get("permissions"),
    )


def _kinds(contents: Mapping[str, Any]) -> list[str]:
    return [kind for kind in schema.SOURCES if kind in contents]


def _validate(directories: Sequence[Mapping[str, Any]]) -> None:
    for i, directory in enumerate(directories):
        try:
            _validate_directory(directory)
        except InputError as e:
            path = _clean(directory.get("path", ""))
            raise InputError(f"Validating directory '{path}' ({i}): {e}") from e
    _refuse_overlaps([d.get("path", "") for d in directories])
    _refuse_overlaps(list(_joined(directories)))


def _joined(directories: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for directory in directories:
        for contents in directory.get("contents", ()):
            yield posixpath.normpath(f"{directory['path']}/{contents.get('path', '')}")


def _validate_directory(directory: Mapping[str, Any]) -> None:
    path = _clean(directory.get("path", ""))
    if path in _REFUSED_PATHS:
        raise InputError(f"Expected path to not be one of {_SHOWN_REFUSED}")
    if set(path.split("/")) == {".."}:
        # it would take the place of a folder that holds the configuration
        raise InputError(f"Invalid path: {path}")
    contents = directory.get("contents", [])
    paths = [_clean(c.get("path", "")) for c in contents]
    if "." in paths and len(paths) > 1:
        raise InputError("Expected only one directory contents if path is set to '.'")
    for i, (own, raw) in enumerate(zip(paths, contents, strict=True)):
        try:
            _validate_contents(own, raw)
        except InputError as e:
            raise InputError(f"Validating directory contents '{own}' ({i}): {e}") from e


def _validate_contents(path: str, raw: Mapping[str, Any]) -> None:
    kinds = _kinds(raw)
    if not kinds:
        raise InputError("Expected directory contents type to be specified (one of git, manual, etc.)")
    if len(kinds) > 1:
        found = ", ".join(kinds)
        raise InputError(
            f"Expected exactly one directory contents type to be specified (multiple found: {found})"
        )
    if path != "." and path in _REFUSED_PATHS:
        raise InputError(f"Expected path to not be one of {_SHOWN_REFUSED}")
    if path.startswith("../"):
        raise InputError(f"Invalid path: {path}")


def _refuse_overlaps(paths: Sequence[str]) -> None:
    for i, outer in enumerate(paths):
        for j, path in enumerate(paths):
            if i != j and f"{path}/".startswith(f"{outer}/"):
                raise InputError(f"Expected to not manage overlapping paths: '{path}' and '{outer}'")


def _clean(path: str) -> str:
    return posixpath.normpath(path) if path else ""
