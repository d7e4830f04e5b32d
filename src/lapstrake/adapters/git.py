"""The git program, run on one working folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lapstrake.adapters.redaction import without_passwords
from lapstrake.errors import InputError

_LONGEST_RUN = 900.0  # seconds


@dataclass(frozen=True, slots=True)
class Git:
    """``environment`` is added to one's own; git never asks for a password."""

    folder: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def run(self, args: Sequence[str]) -> str:
        """Its standard output. Raises InputError ``Git [ARGS]: exit status N (stderr: ...)``."""
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", **self.environment}
        try:
            done = subprocess.run(
                ["git", *args],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LONGEST_RUN,
                check=False,
            )
        except FileNotFoundError as e:
            raise InputError('Git: exec: "git": executable file not found in $PATH (stderr: )') from e
        except subprocess.TimeoutExpired as e:
            raise InputError(f"Git [{' '.join(args)}]: no answer in {_LONGEST_RUN:.0f} s") from e
        if done.returncode != 0:
            stderr = without_passwords(done.stderr.decode("utf-8", "replace"))
            raise InputError(f"Git [{' '.join(args)}]: exit status {done.returncode} (stderr: {stderr})")
        return done.stdout.decode("utf-8", "replace")
