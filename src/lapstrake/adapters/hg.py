"""The hg program (Mercurial), run on one working folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lapstrake.adapters import program
from lapstrake.errors import InputError
from lapstrake.http.redaction import without_passwords


@dataclass(frozen=True, slots=True)
class Hg:
    """``hear`` takes what hg prints."""

    folder: str
    hear: Callable[[str], None] = lambda text: None

    def run(self, args: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        """Its standard output. Raises InputError ``Hg [ARGS]: exit status N (stderr: ...)``."""
        shown = " ".join(args)
        self.hear(f"--> hg {shown}\n")
        try:
            done = program.run(
                ["hg", *args],
                folder=self.folder,
                environment={**os.environ, **(environment or {})},
                hear_output=self._hear,
                hear_errors=self._hear,
            )
        except InputError as e:
            raise InputError(f"Hg [{shown}]: {e} (stderr: )") from e
        if done.status != 0:
            stderr = without_passwords(done.error_text)
            raise InputError(f"Hg [{shown}]: exit status {done.status} (stderr: {stderr})")
        return done.stdout.decode("utf-8", "replace")

    def _hear(self, piece: bytes) -> None:
        self.hear(without_passwords(piece.decode("utf-8", "replace")))
