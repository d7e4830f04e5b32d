"""The settings of a run that all its parts look at."""

from __future__ import annotations

from lapstrake.ytt.limits import UNLIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lapstrake.ytt.limits import Limits


class Settings:
    """What holds for a whole run. ``write`` takes what print() and warnings say."""

    __slots__ = (
        "ignore_unknown_comments",
        "implicit_overrides",
        "limits",
        "skip_validation",
        "strict",
        "write",
    )

    def __init__(
        self,
        *,
        write: Callable[[str], None],
        strict: bool = False,
        ignore_unknown_comments: bool = False,
        implicit_overrides: bool = False,
        limits: Limits = UNLIMITED,
        skip_validation: bool = False,
    ) -> None:
        self.write = write
        self.strict = strict
        self.ignore_unknown_comments = ignore_unknown_comments
        self.implicit_overrides = implicit_overrides
        self.limits = limits
        self.skip_validation = skip_validation

    def changed(self, **changes: bool) -> Settings:
        """The same settings but for those named."""
        same = {name: getattr(self, name) for name in self.__slots__}
        return Settings(**{**same, **changes})
