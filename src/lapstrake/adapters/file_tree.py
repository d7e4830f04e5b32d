"""Folders on disk: listing, copying, pruning, and writing files that cannot leave their folder."""

from __future__ import annotations

import errno
import os
import shutil
import stat

from lapstrake.errors import InputError
from lapstrake.messages import reason


def files_below(folder: str) -> list[str]:
    """Relative paths of all files and links, folder by folder in the order of names; an absent folder has none."""
    found = []
    for parent, folders, names in os.walk(folder):
        names += [name for name in folders if os.path.islink(os.path.join(parent, name))]
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names]
    return sorted((path.replace(os.sep, "/") for path in found), key=lambda path: path.split("/"))


def inner_path(folder: str, path: str) -> str:
    """``path`` below ``folder``; InputError ``Invalid path: ...`` if it leads out of it."""
    joined = os.path.normpath(os.path.join(folder, path.lstrip("/")))
    if joined != os.path.normpath(folder) and not joined.startswith(os.path.normpath(folder) + os.sep):
        raise InputError(f"Invalid path: {path}")
    return joined


def make_private_folders(path: str) -> None:
    """Make a folder and those above it that are absent, for the owner alone."""
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        make_private_folders(parent)
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)


def write_file(folder: str, path: str, data: bytes, mode: int = 0o600) -> None:
    """Write below ``folder``; missing folders are made for the owner alone."""
    target = inner_path(folder, path)
    make_private_folders(os.path.dirname(target))
    with open(target, "wb") as file:
        file.write(data)
    os.chmod(target, mode)


def copy_tree(source: str, target: str) -> None:
    """Copy a folder (or a file) with its modes; links stay links. InputError if ``source`` is absent."""
    try:
        information = os.lstat(source)
    except OSError as e:
        raise InputError(f"lstat {source}: {reason(e)}") from e
    make_private_folders(os.path.dirname(target) or ".")
    if stat.S_ISDIR(information.st_mode):
        try:
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        except shutil.Error as e:
            origin, _, why = e.args[0][0]
            raise InputError(f"Copying '{origin}': {why}") from e
    else:
        shutil.copy2(source, target, follow_symlinks=False)


def copy_content(source: str, target: str, folder: str) -> None:
    """Copy the content of a file with the usual mode; a link is followed if it stays below ``folder``, else copied."""
    real, root = os.path.realpath(source), os.path.realpath(folder)
    if os.path.islink(source) and not (real.startswith(root + os.sep) and os.path.isfile(real)):
        remove(target)
        copy_tree(source, target)
        return
    make_private_folders(os.path.dirname(target))
    remove(target)
    shutil.copyfile(source, target)
    os.chmod(target, 0o644)


def refuse_copy_into_itself(source: str, target: str) -> None:
    """InputError if ``target`` is to be made below ``source``."""
    if f"{os.path.realpath(target)}{os.sep}".startswith(f"{os.path.realpath(source)}{os.sep}"):
        raise InputError(f"Expected '{source}' not to hold the place it is copied to")


def keep_only(folder: str, kept: set[str]) -> None:
    """Remove every file below ``folder`` that is not in ``kept``, then every folder left without files."""
    for path in files_below(folder):
        if path not in kept:
            os.unlink(os.path.join(folder, path))
    for parent, _, _ in os.walk(folder, topdown=False):
        if parent != folder and not os.listdir(parent):
            os.rmdir(parent)


def remove(path: str) -> None:
    """Remove a file, link or folder; nothing happens if it is absent."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def move(source: str, target: str) -> None:
    """Put ``source`` in the place of ``target``, which comes back if that fails or is interrupted."""
    former = f"{source}.former"
    make_private_folders(os.path.dirname(target) or ".")
    try:
        os.rename(target, former)
    except OSError:  # nothing is there, or it cannot go aside: it is on another disk, say
        remove(target)
    try:
        shutil.move(source, target)
    finally:
        if os.path.lexists(former) and not os.path.lexists(target):
            os.rename(former, target)
    remove(former)


def refuse_links_out(folder: str) -> None:
    """InputError if a link below the folder resolves to somewhere outside it, or to nothing."""
    root = os.path.realpath(folder)
    for path in files_below(folder):
        link = os.path.join(folder, path)
        if not os.path.islink(link):
            continue
        try:
            resolved = os.path.realpath(link, strict=True)
        except OSError as e:
            why = f"lstat {e.filename}: {reason(e)}"
            if e.errno == errno.ELOOP:
                why = "EvalSymlinks: too many links"
            raise InputError(f"Unable to resolve symlink: {why}") from e
        if resolved != root and not resolved.startswith(root + os.sep):
            raise InputError(f'Invalid symlink found to outside parent directory: "{resolved}"')
