"""What a registry answers to somebody it does not know: the header WWW-Authenticate.

Source: RFC 9110, section 11.6.1: schemes with parameters, several in one header; values may be quoted and
hold commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|\s*$|\s*(?=,))")
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*')
_LARGEST_HEADER = 16 << 10


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in; ``scheme`` and the names of the parameters are in small letters."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(header: str) -> list[Challenge]:
    """All challenges of a header in their order; what cannot be read ends the list."""
    found: list[Challenge] = []
    parameters: dict[str, str] = {}
    at, header = 0, header[:_LARGEST_HEADER]
    while at < len(header):
        if header[at] in ", \t":
            at += 1
        elif found and (match := _PARAMETER.match(header, at)):
            value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2])
            parameters[match[1].lower()] = value
            at = match.end()
        elif match := _SCHEME.match(header, at):
            parameters = {}
            found.append(Challenge(match[1].lower(), parameters))
            at = match.end()
        else:
            break
    return found


def preferred(offered: list[Challenge], *, named: bool) -> Challenge:
    """The first we can answer; without a name (``named``) rather a token than nothing. Scheme "" if there is none."""
    known = [challenge for challenge in offered if challenge.scheme in ("bearer", "basic")]
    if not named:
        known.sort(key=lambda challenge: challenge.scheme != "bearer")
    return known[0] if known else Challenge("", {})
