"""How many nodes an overlay item may match."""

from __future__ import annotations

import re

from lapstrake.errors import InputError
from lapstrake.ytt.fragment import go_type
from lapstrake.ytt.overlay.annotations import NOT_GIVEN
from lapstrake.ytt.overlay.host import is_callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from lapstrake.position import Position
    from lapstrake.ytt.overlay.annotations import Defaults
    from lapstrake.ytt.overlay.host import Host

_AT_LEAST = re.compile(r"([0-9]+)\+\Z").match


def applies(count: Defaults, matches: Sequence[Position], host: Host) -> bool:
    """Whether to go on with this number of matches; False if ``when`` says to skip the item.

    Raises InputError if the number is not the expected one, or an expectation is malformed.
    """
    given = [name for name in ("missing_ok", "when", "expects") if getattr(count, name) is not NOT_GIVEN]
    if len(given) > 1:
        names = ", ".join(f"'{name}'" for name in given[:2])
        raise InputError(f"Expected only one of keyword arguments ({names}) specified")
    if count.missing_ok is not NOT_GIVEN:
        if type(count.missing_ok) is not bool:
            raise InputError("Expected keyword argument 'missing_ok' to be a boolean")
        if not (count.missing_ok and not matches):
            _refuse(_number_problem(1, matches))
        return True
    if count.when is not NOT_GIVEN:
        return _problem("when", count.when, matches, host) is None
    expects = 1 if count.expects is NOT_GIVEN else count.expects
    _refuse(_problem("expects", expects, matches, host))
    return True


def _refuse(problem: str | None) -> None:
    if problem is not None:
        raise InputError(problem)


def _problem(keyword: str, wanted: Any, matches: Sequence[Position], host: Host) -> str | None:
    kind = type(wanted)
    if kind is int:
        return _number_problem(wanted, matches)
    if kind is str:
        return _at_least_problem(wanted, matches)
    if kind is list:
        return _alternatives_problem(keyword, wanted, matches, host)
    if is_callable(wanted):
        answer = host.call(wanted, (len(matches),))
        if type(answer) is not bool:
            raise InputError(
                f"Expected keyword argument '{keyword}' to have a function that returns a boolean"
            )
        return None if answer else "Expectation of number of matched nodes failed"
    raise InputError(
        f"Expected 'overlay/match' annotation keyword argument '{keyword}'"
        f" to be either int, string or function, but was {go_type(wanted)}"
    )


def _alternatives_problem(keyword: str, wanted: Any, matches: Sequence[Position], host: Host) -> str | None:
    """One of the list is enough; the last one is complained about, and an empty list allows anything."""
    problem = None
    for alternative in wanted:
        problem = _problem(keyword, alternative, matches, host)
        if problem is None:
            return None
    return problem


def _number_problem(wanted: int, matches: Sequence[Position]) -> str | None:
    if len(matches) == wanted:
        return None
    return f"Expected number of matched nodes to be {wanted}, but was {len(matches)}{_lines(matches)}"


def _at_least_problem(wanted: str, matches: Sequence[Position]) -> str | None:
    parsed = _AT_LEAST(wanted)
    if not parsed:
        raise InputError(f"Expected '{wanted}' to be in format 'i+' where i is an integer")
    if len(matches) >= int(parsed[1]):
        return None
    return f"Expected number of matched nodes to be >= {parsed[1]}, but was {len(matches)}{_lines(matches)}"


def _lines(matches: Sequence[Position]) -> str:
    return f" (lines: {', '.join(sorted(map(str, matches)))})" if matches else ""
