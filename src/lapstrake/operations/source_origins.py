"""Where an image's source comes from: its folder, and the state of the git repository the folder is in."""

from __future__ import annotations

import os
import re

from lapstrake.adapters.program import run_program
from lapstrake.errors import InputError
from lapstrake.kbld.config import Origin

_USER = re.compile(r"((?:\w+://)?)[^@]*@")


def source_origins(path: str) -> tuple[Origin, ...]:
    """``local``, and ``git`` if the folder is in a repository.

    Raises InputError if the repository cannot say whether all is committed.
    """
    folder = os.path.abspath(path)
    local = {"local": {"path": folder}}
    if _asked(folder, "rev-parse", "--git-dir") is None:
        return (local,)
    details = {
        "remoteURL": _remote(folder),
        "sha": _asked(folder, "rev-parse", "HEAD") or "<no commits>",
        "dirty": _is_dirty(folder),
    }
    tags = _asked(folder, "describe", "--tags", "--exact-match", "HEAD")
    return local, {"git": {**details, "tags": tags.split("\n")} if tags else details}


def without_user(url: str) -> str:
    """The address of a repository without the name and password in it; ``git@`` is no secret."""
    return url if url.startswith("git@") else _USER.sub(r"\1_redacted_@", url, count=1)


def _remote(folder: str) -> str:
    url = _asked(folder, "ls-remote", "--get-url")
    return without_user(url) if url else "<unknown>"


def _is_dirty(folder: str) -> bool:
    try:
        return bool(run_program(["git", "status", "--short"], folder=folder).stdout)
    except InputError as e:
        raise InputError(f"Getting details from git for directory '{folder}': Checking status: {e}") from e


def _asked(folder: str, *question: str) -> str | None:
    """What git answers; None if it knows no answer, or is not there."""
    try:
        answer = run_program(["git", *question], folder=folder).stdout
    except InputError:
        return None
    return answer.decode("utf-8", "replace").strip()
