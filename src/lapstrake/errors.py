"""Everything that can go wrong for a reason outside the program.

::

    LapstrakeError              what, where, how to fix; exit status 1
    ├── InputError              a file, flag, template or document is wrong
    ├── RegistryError           an OCI registry refused or could not be reached
    ├── ClusterError            a Kubernetes API server refused or could not be reached
    │   ├── NotFoundError       404
    │   └── ConflictError       409 (also AlreadyExists; see ``reason``)
    └── TimedOutError           something did not become true in time

An exception that is not a LapstrakeError is a defect of ours and keeps its traceback.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lapstrake.position import Position


class LapstrakeError(Exception):
    """An error with a message for the user; ``str()`` of it is that message, without a tool's name."""

    exit_code = 1

    def __init__(self, message: str, *, position: Position | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class InputError(LapstrakeError):
    """What the user gave is wrong."""


class RegistryError(LapstrakeError):
    """An OCI registry answered with an error (``status``: HTTP status, 0 if there was no answer)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        position: Position | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, position=position, hint=hint)
        self.status = status
        self.code = code


class ClusterError(LapstrakeError):
    """A Kubernetes API server answered with a Status object (``status`` 0: no answer at all)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.reason = reason
        self.details = dict(details or {})


class NotFoundError(ClusterError):
    """404: there is no such object, or nobody serves its kind."""


class ConflictError(ClusterError):
    """409: the object exists already (reason AlreadyExists), or was changed meanwhile (Conflict)."""


class TimedOutError(LapstrakeError):
    """Something did not become true in the time given."""
