"""vendir's configuration: directories, their contents, and one source for each.

Sources keep the shape of their YAML, cut to the keys that are known and to values that are not empty, since
that form is printed and its digest is kept in the lock.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lapstrake.yamldoc import plain

API_VERSION = "vendir.k14s.io/v1alpha1"
DOCKER_CONFIG_TYPE = "kubernetes.io/dockerconfigjson"
COMPATIBLE_VERSION = "0.40.0"
"""The release of the original whose configurations are understood."""

_SUFFIXES = "{,.md,.txt,.rst}"
DEFAULT_LEGAL_PATHS = tuple(
    name + _SUFFIXES
    for name in ("{LICENSE,LICENCE,License,Licence}", "{COPYRIGHT,Copyright}", "{NOTICE,Notice}")
)


@dataclass(frozen=True, slots=True)
class Contents:
    """One folder below a directory. ``kind`` is a key of SOURCE_KEYS, ``source`` what stands under it.

    ``legal_paths`` None: the usual names of licence files at the top. ``permissions`` None: not set;
    of a number only the lowest nine bits count.
    ``locked_tag`` is the tag that a lock names beside the digest; it is no part of the configuration.
    """

    path: str
    kind: str
    source: Mapping[str, Any] = field(default_factory=dict)
    lazy: bool = False
    include_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    ignore_paths: tuple[str, ...] = ()
    legal_paths: tuple[str, ...] | None = None
    new_root_path: str = ""
    permissions: int | None = None
    locked_tag: str = ""

    def as_mapping(self) -> dict[str, Any]:
        """As it stands in YAML, without empty values."""
        found = {
            "path": self.path,
            "lazy": self.lazy,
            "includePaths": list(self.include_paths),
            "excludePaths": list(self.exclude_paths),
            "ignorePaths": list(self.ignore_paths),
            "newRootPath": self.new_root_path,
        }
        always: dict[str, Any] = {self.kind: dict(self.source)}
        if self.legal_paths is not None:
            always["legalPaths"] = list(self.legal_paths)
        if self.permissions is not None:
            always["permissions"] = self.permissions
        return {key: value for key, value in found.items() if value} | always

    @property
    def digest(self) -> str:
        """Says whether lazy contents must be fetched again."""
        return hashlib.sha256(plain.dump(self.as_mapping()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Directory:
    path: str
    contents: tuple[Contents, ...]
    permissions: int | None = None

    def path_of(self, contents: Contents) -> str:
        """The folder of ``contents``, from where the configuration is."""
        return posixpath.normpath(f"{self.path}/{contents.path}")

    def as_mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": self.path}
        if self.contents:
            found["contents"] = [c.as_mapping() for c in self.contents]
        if self.permissions is not None:
            found["permissions"] = self.permissions
        return found


@dataclass(frozen=True, slots=True)
class References:
    """Secrets and ConfigMaps that sources refer to: name → key → content.

    ``several_config_maps`` are names that more than one ConfigMap has; none of them can be used.
    ``docker_configs`` are the names of Secrets that hold a docker configuration (by their type).
    """

    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    several_config_maps: frozenset[str] = frozenset()
    docker_configs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Config:
    directories: tuple[Directory, ...]
    minimum_version: str = ""

    def printed(self) -> str:
        """The configuration in use, as vendir shows it when flags or a lock changed it."""
        found: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Config",
            "minimumRequiredVersion": self.minimum_version,
        }
        if self.directories:
            found["directories"] = [d.as_mapping() for d in self.directories]
        return plain.dump(found)
