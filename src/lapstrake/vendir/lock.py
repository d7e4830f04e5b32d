"""The lock file: what each of the contents came from when it was fetched."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.vendir import documents, schema
from lapstrake.vendir.config import API_VERSION, Config, Contents, Directory
from lapstrake.yamldoc import plain

KIND = "LockConfig"


@dataclass(frozen=True, slots=True)
class LockedContents:
    """``entry`` is what the source left under its ``kind``; ``config_digest`` is set for lazy contents.

    A lock that was read may have entries without any kind ("").
    """

    path: str
    kind: str
    entry: Mapping[str, Any]
    config_digest: str = ""

    def as_mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {"path": self.path}
        if self.kind:
            found[self.kind] = dict(self.entry)
        if self.config_digest:
            found["configDigest"] = self.config_digest
        return found


@dataclass(frozen=True, slots=True)
class LockedDirectory:
    path: str
    contents: tuple[LockedContents, ...]

    def find(self, path: str) -> LockedContents | None:
        return next((c for c in self.contents if c.path == path), None)


@dataclass(frozen=True, slots=True)
class Lock:
    directories: tuple[LockedDirectory, ...]

    def printed(self) -> str:
        directories = [
            {"path": d.path, "contents": [c.as_mapping() for c in d.contents] or None}
            for d in self.directories
        ]
        return plain.dump({"apiVersion": API_VERSION, "kind": KIND, "directories": directories or None})

    def find(self, directory: str, contents: str) -> LockedContents | None:
        found = self.directory(directory)
        return found.find(contents) if found else None

    def directory(self, path: str) -> LockedDirectory | None:
        return next((d for d in self.directories if d.path == path), None)

    def merged(self, newer: Lock) -> Lock:
        """This lock with the entries of ``newer`` in the place of those for the same folders; what is new comes last."""
        directories = list(self.directories)
        for directory in newer.directories:
            placed = False
            for contents in directory.contents:
                placed = _replaced(directories, directory.path, contents) or _appended(
                    directories, directory.path, contents
                )
            if not placed:
                directories.append(directory)
        return Lock(tuple(directories))


def _replaced(directories: list[LockedDirectory], path: str, contents: LockedContents) -> bool:
    """Whether there was an entry for the same folder, however it is divided into directory and contents."""
    folder = _folder(path, contents)
    for i, directory in enumerate(directories):
        for j, own in enumerate(directory.contents):
            if _folder(directory.path, own) == folder:
                changed = (*directory.contents[:j], contents, *directory.contents[j + 1 :])
                directories[i] = LockedDirectory(directory.path, changed)
                return True
    return False


def _appended(directories: list[LockedDirectory], path: str, contents: LockedContents) -> bool:
    for i, directory in enumerate(directories):
        if directory.path == path:
            directories[i] = LockedDirectory(path, (*directory.contents, contents))
            return True
    return False


def _folder(path: str, contents: LockedContents) -> str:
    return posixpath.normpath(f"{path}/{contents.path}")


def parse(text: str) -> Lock:
    """Raises InputError in the words of the original (vector vendir/lock/locked-errors)."""
    try:
        body = schema.read(documents.load(text.encode()), schema.LOCK)
    except InputError as e:
        raise InputError(f"Unmarshaling lock config: {e}") from e
    if body.get("apiVersion") != API_VERSION:
        raise InputError(
            f"Validating lock config: Validating apiVersion: Unknown version (known: {API_VERSION})"
        )
    if body.get("kind") != KIND:
        raise InputError(f"Validating lock config: Validating kind: Unknown kind (known: {KIND})")
    return Lock(tuple(_directory(d) for d in body.get("directories", ())))


def _directory(body: Mapping[str, Any]) -> LockedDirectory:
    contents = []
    for raw in body.get("contents", ()):
        kind = next((k for k in schema.SOURCES if k in raw), "")
        contents.append(
            LockedContents(raw.get("path", ""), kind, raw.get(kind, {}), raw.get("configDigest", ""))
        )
    return LockedDirectory(body.get("path", ""), tuple(contents))


def apply(config: Config, lock: Lock) -> Config:
    """The configuration that fetches exactly what ``lock`` names. Raises InputError where an entry is missing."""
    return replace(config, directories=tuple(_locked_directory(d, lock) for d in config.directories))


def _locked_directory(directory: Directory, lock: Lock) -> Directory:
    locked = lock.directory(directory.path)
    if locked is None:
        raise InputError(f"Expected to find directory '{directory.path}' within lock config, but did not")
    contents = []
    for own in directory.contents:
        entry = locked.find(own.path)
        if entry is None:
            raise InputError(
                f"Expected to find contents '{own.path}' within directory "
                f"'{directory.path}' in lock config, but did not"
            )
        contents.append(_locked_contents(own, entry))
    return replace(directory, contents=tuple(contents))


# kind → (its name in messages, key of the entry, that key's name in messages, key of the source it replaces)
_PINS = {
    "git": ("git", "sha", "SHA", "ref"),
    "hg": ("hg", "sha", "SHA", "ref"),
    "image": ("image", "url", "URL", "url"),
    "imgpkgBundle": ("imgpkg bundle", "image", "Image", "image"),
    "githubRelease": ("github release", "url", "URL", "url"),
    "helmChart": ("helm chart", "version", "version", "version"),
}
_NAMES_IF_ABSENT = {"imgpkgBundle": "image"}
"""Where a message names the kind differently if the lock has no entry of it."""


def _locked_contents(contents: Contents, locked: LockedContents) -> Contents:
    if contents.kind == "http" and locked.kind != "http":
        raise InputError("Expected HTTP lock configuration to be non-empty")
    if contents.kind not in _PINS:
        return contents
    name, key, shown, replaced = _PINS[contents.kind]
    if contents.kind != locked.kind:
        name = _NAMES_IF_ABSENT.get(contents.kind, name)
        raise InputError(f"Expected {name} lock configuration to be non-empty")
    value = locked.entry.get(key)
    if not value:
        raise InputError(f"Expected {name} {shown} to be non-empty")
    source = {**contents.source, replaced: value}
    tag = str(locked.entry.get("tag") or "")
    if contents.kind == "githubRelease":
        source["tag"] = tag
    if contents.kind not in ("image", "imgpkgBundle"):
        return replace(contents, source=source)
    source.pop("tagSelection", None)
    return replace(contents, source=source, locked_tag=tag)


def chosen(config: Config, wanted: Sequence[tuple[str, str]]) -> Config:
    """Only the contents named by (path, local folder or ""); a local folder becomes their source.

    No minimum version stays, as in the original. Raises InputError for a path that names none.
    """
    for path, local in wanted:
        if local:
            config = _with_local(config, path, local)
    paths = []
    for path, _ in wanted:
        if all(path != d.path_of(c) for d in config.directories for c in d.contents):
            raise InputError(f"Expected to match path '{path}' once, but did not match any")
        paths.append(path)
    directories = []
    for directory in config.directories:
        kept = tuple(c for c in directory.contents if directory.path_of(c) in paths)
        if kept:
            directories.append(replace(directory, contents=kept))
    return Config(tuple(directories))


def _with_local(config: Config, path: str, local: str) -> Config:
    matched = False

    def changed(directory: Directory, contents: Contents) -> Contents:
        nonlocal matched
        if directory.path_of(contents) != path:
            return contents
        matched = True
        return replace(contents, kind="directory", source={"path": local}, new_root_path="", permissions=None)

    directories = tuple(
        replace(d, contents=tuple(changed(d, c) for c in d.contents)) for d in config.directories
    )
    if not matched:
        raise InputError(
            f"Overriding '{path}' with local directory: "
            "Expected to match exactly one directory, but did not match any"
        )
    return replace(config, directories=directories)
