"""Where an image's source comes from: its folder, and the state of the git repository the folder is in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any

from lapstrake.adapters.program import run
from lapstrake.errors import InputError
from lapstrake.kbld.config import Origin

_USER = re.compile(r"((?:\w+://)?)[^@]*@")


def source_origins(path: str) -> tuple[Origin, ...]:
    """``local``, and ``git`` if the folder is in a repository. Raises InputError if git cannot tell of it."""
    folder = os.path.abspath(path)
    local = {"local": {"path": folder}}
    git = _Git(folder)
    if not git.asked("rev-parse", "--git-dir").well:
        return (local,)
    details: dict[str, Any] = {"sha": git.head(), "remoteURL": git.remote(), "dirty": git.is_dirty()}
    tags = git.tags()
    return local, {"git": {**details, "tags": tags} if tags else details}


def without_user(url: str) -> str:
    """The address of a repository without the name and password in it; ``git@`` is no secret."""
    return url if url.startswith("git@") else _USER.sub(r"\1_redacted_@", url, count=1)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What git wrote, and why it failed: empty if it did not."""

    text: str
    errors: str
    failure: str

    @property
    def well(self) -> bool:
        return not self.failure


class _Git:
    """Questions about the repository a folder is in. Those of the last four raise InputError."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def asked(self, *question: str) -> _Answer:
        try:
            done = run(["git", *question], folder=self._folder, environment=os.environ)
        except InputError as e:
            return _Answer("", "", str(e))
        return _Answer(done.stdout.decode("utf-8", "replace").strip(), done.error_text, done.failure)

    def head(self) -> str:
        answer = self.asked("rev-parse", "HEAD")
        if answer.well:
            return answer.text
        commits = self.asked("rev-list", "-n", "1", "--all")
        if commits.well and not commits.text:
            return "<no commits>"
        raise self._error("Checking HEAD commit", answer)

    def remote(self) -> str:
        answer = self.asked("ls-remote", "--get-url")
        if answer.well:
            return without_user(answer.text)
        if "No remote configured to list refs from" in answer.errors:
            return "<unknown>"
        raise self._error("Determining remote", answer)

    def is_dirty(self) -> bool:
        answer = self.asked("status", "--short")
        if not answer.well:
            raise self._error("Checking status", _Answer("", "", answer.failure))
        return bool(answer.text)

    def tags(self) -> list[str]:
        """Those of the commit; git names one of them."""
        answer = self.asked("describe", "--tags", "--exact-match", "HEAD")
        if answer.well:
            return answer.text.split("\n")
        if "no tag exactly matches" in answer.errors or "No names found" in answer.errors:
            return []
        raise self._error("Checking HEAD tags", answer)

    def _error(self, what: str, answer: _Answer) -> InputError:
        said = f" (stderr '{answer.errors}')" if answer.errors else ""
        return InputError(
            f"Getting details from git for directory '{self._folder}': {what}: {answer.failure}{said}"
        )
