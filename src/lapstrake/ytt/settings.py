"""The settings of a run that all its parts look at."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Settings:
    """What holds for a whole run. ``write`` takes what print() and warnings say."""

    __slots__ = ("ignore_unknown_comments", "implicit_overrides", "max_steps", "strict", "write")

    def __init__(
        self,
        *,
        write: Callable[[str], None],
        strict: bool = False,
        ignore_unknown_comments: bool = False,
        implicit_overrides: bool = False,
        max_steps: int = 0,
    ) -> None:
        self.write = write
        self.strict = strict
        self.ignore_unknown_comments = ignore_unknown_comments
        self.implicit_overrides = implicit_overrides
        self.max_steps = max_steps
