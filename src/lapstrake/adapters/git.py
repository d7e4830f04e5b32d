"""The git program, run on one working folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lapstrake.adapters import program
from lapstrake.errors import InputError
from lapstrake.http.redaction import without_passwords

_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


@dataclass(frozen=True, slots=True)
class Git:
    """``environment`` is added to one's own; git never asks for a password. ``hear`` takes what git prints."""

    folder: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    hear: Callable[[str], None] = lambda text: None

    def run(self, args: Sequence[str]) -> str:
        """Its standard output as text. Raises InputError as ``output`` does."""
        return self.output(args).decode("utf-8", "replace")

    def output(self, args: Sequence[str]) -> bytes:
        """Its standard output. Raises InputError ``Git [ARGS]: exit status N (stderr: ...)``."""
        shown = " ".join(args)
        own = {k: v for k, v in os.environ.items() if k not in _OF_ANOTHER_REPOSITORY}
        environment = {**own, "GIT_TERMINAL_PROMPT": "0", **self.environment}
        self.hear(f"--> git {without_passwords(shown)}\n")
        try:
            done = program.run(
                ["git", *args],
                folder=self.folder,
                environment=environment,
                hear_output=self._hear,
                hear_errors=self._hear,
            )
        except InputError as e:
            raise InputError(f"Git [{without_passwords(shown)}]: {e} (stderr: )") from e
        if done.status != 0:
            stderr = without_passwords(done.error_text)
            raise InputError(
                f"Git [{without_passwords(shown)}]: exit status {done.status} (stderr: {stderr})"
            )
        return done.stdout

    def _hear(self, piece: bytes) -> None:
        self.hear(without_passwords(piece.decode("utf-8", "replace")))
