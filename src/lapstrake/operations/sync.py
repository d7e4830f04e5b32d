"""vendir's sync: every directory is built beside its place and then put there as a whole.

Used by the command line, and by the reconciler, whose fetch step is one configuration in one folder. What is
fetched from where is the business of the ``fetchers``, one for each kind of source.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from lapstrake.adapters import file_tree
from lapstrake.errors import InputError, LapstrakeError
from lapstrake.messages import reason
from lapstrake.vendir import filters
from lapstrake.vendir.config import Config, Contents, Directory, References
from lapstrake.vendir.describe import source_line
from lapstrake.vendir.lock import Lock, LockedContents, LockedDirectory

INCOMING = {
    "git": "git",
    "hg": "hg",
    "http": "http",
    "image": "image",
    "imgpkgBundle": "imgpkg-bundle",
    "githubRelease": "github-release",
    "helmChart": "helm-chart",
}
"""Folders where content is brought together before it is moved to its place; error messages show them."""

_PERMISSION_BITS = 0o777  # other bits of Go's file modes mean something else than those of Unix

NAMES_IN_ERRORS = {
    "git": "git",
    "hg": "hg",
    "http": "HTTP",
    "image": "image",
    "imgpkgBundle": "imgpkgBundle",
    "githubRelease": "github release",
    "helmChart": "helm chart",
    "inline": "inline",
}


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One source to put into the folder ``into`` (it does not exist yet; what is not made has nothing in it).

    ``scratch`` is a folder of one's own for intermediate files; ``base`` the one that paths are relative to.
    ``output`` takes what programs print, from any thread.
    """

    contents: Contents
    into: str
    scratch: str
    base: str = "."
    references: References = field(default_factory=References)
    output: Callable[[str], None] = lambda text: None


Fetch = Callable[[FetchRequest], Mapping[str, Any]]
"""Gives the entry for the lock. Raises LapstrakeError."""


@runtime_checkable
class Cautious(Protocol):
    """A fetcher that can refuse contents before they are announced; the refusal does not name them."""

    def check(self, contents: Contents, references: References) -> None: ...

    def __call__(self, request: FetchRequest, /) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """``base``: the folder that paths are relative to, and stay in unless it is ``.``. ``partial``: leave contents that are not named alone.

    ``lazy`` false fetches lazy contents too; ``any_links`` allows links that lead out of a directory.
    ``scratch_name`` is the name of the working folder below ``base``; it is removed at the end.
    """

    base: str = "."
    lazy: bool = True
    partial: bool = False
    any_links: bool = False
    scratch_name: str = ".vendir-tmp-0"
    progress: Callable[[str], None] = lambda line: None
    output: Callable[[str], None] = lambda text: None


def sync(
    config: Config,
    references: References,
    fetchers: Mapping[str, Fetch],
    options: SyncOptions,
    former: Lock | None = None,
) -> Lock:
    """Bring the directories of ``config`` up to date; gives the lock of what is there now.

    ``former`` is the lock of the last sync, for lazy contents. Raises LapstrakeError with the whole chain of
    causes, as vendir prints it.
    """
    locked = []
    scratch = os.path.normpath(os.path.join(options.base, options.scratch_name))
    for directory in config.directories:
        try:
            try:
                run = _Run(directory, references, fetchers, options, former, scratch)
                locked.append(run.sync())
            finally:
                file_tree.remove(scratch)
        except LapstrakeError as e:
            raise InputError(f"Syncing directory '{directory.path}': {e}") from e
        except OSError as e:
            where = f"open {e.filename}: {reason(e)}" if e.filename else f"Writing content: {reason(e)}"
            raise InputError(f"Syncing directory '{directory.path}': {where}") from e
        if not options.any_links:
            file_tree.refuse_links_out(_below(options.base, directory.path))
    return Lock(tuple(locked))


class _Run:
    """The sync of one directory."""

    def __init__(
        self,
        directory: Directory,
        references: References,
        fetchers: Mapping[str, Fetch],
        options: SyncOptions,
        former: Lock | None,
        scratch: str,
    ) -> None:
        self._directory = directory
        self._references = references
        self._fetchers = fetchers
        self._options = options
        self._former = former
        self._staging = os.path.join(scratch, "staging")
        self._incoming = os.path.join(scratch, "incoming")
        self._target = _below(options.base, directory.path)

    def sync(self) -> LockedDirectory:
        os.makedirs(self._staging, 0o700)
        entries = tuple(self._sync_contents(contents) for contents in self._directory.contents)
        if self._options.partial:
            self._replace_named()
        else:
            _put(self._staging, self._target)
        if self._directory.permissions is not None:
            os.chmod(self._target, self._directory.permissions & _PERMISSION_BITS)
        return LockedDirectory(self._directory.path, entries)

    def _replace_named(self) -> None:
        file_tree.make_private_folders(self._target)
        for contents in self._directory.contents:
            if contents.path == ".":
                _put(self._staging, self._target)
            else:
                _put(self._staged(contents), os.path.normpath(f"{self._target}/{contents.path}"))

    def _sync_contents(self, contents: Contents) -> LockedContents:
        staged = self._staged(contents)
        if kept := self._kept_lazily(contents):
            self._announce(contents, skipped=True)
            self._keep_old(contents, staged)
            return kept
        fetcher = self._fetchers.get(contents.kind)
        if isinstance(fetcher, Cautious):
            fetcher.check(contents, self._references)
        self._announce(contents)
        entry = self._fetch(contents, staged)
        if contents.kind != "manual":
            self._filter(contents, staged)
            self._new_root(contents, staged)
            self._keep_ignored(contents, staged)
        mode = self._directory.permissions if contents.permissions is None else contents.permissions
        if mode is not None:
            os.chmod(staged, mode & _PERMISSION_BITS)
        return LockedContents(contents.path, contents.kind, entry, contents.digest if contents.lazy else "")

    def _announce(self, contents: Contents, *, skipped: bool = False) -> None:
        where = f"{self._directory.path} + {contents.path}"
        if skipped:
            line = f"Skipping fetch: {where} (flagged as lazy, config has not changed since last sync)"
        else:
            line = f"Fetching: {where} ({source_line(contents)})"
        self._options.progress(line)

    def _kept_lazily(self, contents: Contents) -> LockedContents | None:
        if not (contents.lazy and self._options.lazy and self._former):
            return None
        found = self._former.find(self._directory.path, contents.path)
        return found if found and found.config_digest == contents.digest else None

    def _keep_old(self, contents: Contents, staged: str) -> None:
        old = os.path.normpath(f"{self._target}/{contents.path}")
        try:
            file_tree.copy_tree(old, staged)
        except InputError as e:
            raise InputError(
                f"Lazy content missing. Run sync with --lazy=false to fix. '{self._directory.path}': {e}"
            ) from e

    def _fetch(self, contents: Contents, staged: str) -> Mapping[str, Any]:
        if contents.kind == "manual":
            self._keep_manual(contents, staged)
            return {}
        if contents.kind == "directory":
            return self._copy_directory(contents, staged)
        name = NAMES_IN_ERRORS[contents.kind]
        file_tree.make_private_folders(os.path.dirname(staged))
        os.makedirs(self._incoming, 0o700, exist_ok=True)
        try:
            return self._fetch_into(self._folder_for(contents, staged), contents, staged)
        except LapstrakeError as e:
            raise InputError(f"Syncing directory '{contents.path}' with {name} contents: {e}") from e
        finally:
            file_tree.remove(self._incoming)

    def _folder_for(self, contents: Contents, staged: str) -> str:
        incoming = INCOMING.get(contents.kind)
        return os.path.abspath(os.path.join(self._incoming, incoming) if incoming else staged)

    def _fetch_into(self, folder: str, contents: Contents, staged: str) -> Mapping[str, Any]:
        fetch = self._fetchers.get(contents.kind)
        if fetch is None:
            raise InputError("This source is not supported")
        options = self._options
        scratch = os.path.abspath(self._incoming)
        entry = fetch(FetchRequest(contents, folder, scratch, options.base, self._references, options.output))
        if folder != os.path.abspath(staged) and os.path.lexists(folder):
            file_tree.move(folder, staged)
        return entry

    def _keep_manual(self, contents: Contents, staged: str) -> None:
        old = os.path.normpath(f"{self._target}/{contents.path}")
        why = ""
        if not os.path.lexists(old):
            why = "no such file or directory"
        elif staged == self._staging:
            why = "file exists"  # the original cannot keep the whole of a directory either
        if why:
            raise InputError(f"Moving directory '{old}' to staging dir: rename {old} {staged}: {why}")
        file_tree.copy_tree(old, staged)

    def _copy_directory(self, contents: Contents, staged: str) -> Mapping[str, Any]:
        source = str(contents.source.get("path") or "")
        try:
            if not source:
                raise InputError("lstat : no such file or directory")
            base = self._options.base
            origin = source if base == "." else _below(base, source)  # as it is written, for messages
            file_tree.refuse_copy_into_itself(origin, staged)
            file_tree.copy_tree(origin, staged)
        except InputError as e:
            raise InputError(
                f"Copying another directory contents into directory '{contents.path}': {e}"
            ) from e
        return {}

    def _filter(self, contents: Contents, staged: str) -> None:
        try:
            _refuse_other_than_folder(staged)
            file_tree.keep_only(staged, filters.kept(file_tree.files_below(staged), contents))
        except InputError as e:
            raise InputError(f"Filtering paths in directory '{contents.path}': {e}") from e

    def _new_root(self, contents: Contents, staged: str) -> None:
        if not contents.new_root_path:
            return
        try:
            root = file_tree.inner_path(staged, contents.new_root_path)
            if not os.path.exists(root):
                raise InputError(_no_folder(contents.new_root_path, os.path.dirname(root)))
            root = _without_links(root, staged)
        except InputError as e:
            raise InputError(f"Changing to new root path '{contents.path}': {e}") from e
        os.makedirs(self._incoming, 0o700, exist_ok=True)
        extracted = os.path.join(self._incoming, "sub-path-extract")
        os.rename(root, extracted)
        file_tree.move(extracted, staged)

    def _keep_ignored(self, contents: Contents, staged: str) -> None:
        old = os.path.normpath(f"{self._target}/{contents.path}")
        try:
            for path in filters.ignored(file_tree.files_below(old), contents):
                source, copy = os.path.join(old, path), os.path.join(staged, path)
                if not os.path.exists(source):
                    raise InputError(
                        f"Moving source file '{source}' to staging location '{copy}': "
                        f"Unable to read file info: {source}"
                    )
                file_tree.copy_content(source, copy, self._target)
        except InputError as e:
            raise InputError(f"Copying existing content to staging '{self._directory.path}': {e}") from e

    def _staged(self, contents: Contents) -> str:
        return os.path.normpath(f"{self._staging}/{contents.path}")


def _put(staged: str, target: str) -> None:
    try:
        file_tree.move(staged, target)
    except (NotADirectoryError, FileExistsError) as e:
        raise InputError(f"Deleting dir {target}: unlinkat {target}: not a directory") from e


def _refuse_other_than_folder(path: str) -> None:
    """A link is none either: what it leads to is not ours to prune."""
    if not os.path.lexists(path):
        raise InputError(f"lstat {path}: no such file or directory")
    if os.path.islink(path) and not os.path.exists(path):
        raise InputError(f"open {path}: no such file or directory")
    if os.path.islink(path) or not os.path.isdir(path):
        raise InputError(f"open {path}: not a directory")


def _no_folder(wanted: str, parent: str) -> str:
    found: list[str] = []
    if os.path.isdir(parent):
        found = sorted(entry.name for entry in os.scandir(parent) if entry.is_dir(follow_symlinks=False))
    above = os.path.dirname(os.path.normpath(wanted))
    others = ", ".join(os.path.join(above, name) for name in found)
    hint = f" (found other directories: {others})" if found else ""
    return f"Expected directory '{wanted}' (subpath) to exist{hint}"


def _below(base: str, path: str) -> str:
    """``path`` as seen from ``base``. From any other folder than one's own it may not lead out."""
    return os.path.normpath(path) if base == "." else file_tree.inner_path(base, path)


def _without_links(path: str, folder: str) -> str:
    """The real place of ``path``; InputError if a link takes it out of ``folder``."""
    real, root = os.path.realpath(path), os.path.realpath(folder)
    if not f"{real}{os.sep}".startswith(f"{root}{os.sep}"):
        raise InputError(f"Invalid path: {os.path.relpath(path, folder)}")
    return real
