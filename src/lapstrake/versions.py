"""Semantic versions, ranges of them, and the choice of the highest version that fits.

Ranges are those of the original tools: a blank means "and", ``||`` means "or", comparators are ``=``, ``==``,
``!``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, and ``x`` stands for the last or the last two parts (``1.2.x``,
``1.x``). There is no ``^``, no ``~`` and no comma. Build metadata never counts. A range does not know about
prereleases; they are filtered before it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lapstrake.errors import InputError

_COMPARATORS = ("", "=", "==", "!", "!=", "<", "<=", ">", ">=")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+\Z")
_REQUIREMENT = re.compile(
    r"\s*(?P<comparator>|=|!=|>|<|>=|<=|~>)\s*v?(?P<version>[0-9]+(?:\.[0-9]+)*)"
    r"(?P<prerelease>-[0-9][0-9A-Za-z~-]*(?:\.[0-9A-Za-z~-]+)*|[A-Za-z~-][0-9A-Za-z~-]*(?:\.[0-9A-Za-z~-]+)*)?"
    r"(?:\+[0-9A-Za-z~-]+(?:\.[0-9A-Za-z~-]+)*)?\s*"
)
_PIECE = re.compile(r"\s*(\|\||[<>=!]+\s*[^\s|]*|[^\s|]+|\|)")

Key = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


class VersionError(InputError):
    """A version or a range of versions cannot be read."""


class NoVersionError(InputError):
    """No version is left after the filters.

    ``summary`` is the message without the counters, which older tools print.
    """

    summary = "Expected to find at least one version, but did not"

    def __init__(self, counts: Sequence[tuple[str, int]]) -> None:
        steps = " -> ".join(f"{name}={count}" for name, count in counts)
        super().__init__(f"{self.summary} (details: {steps})")
        self.counts = tuple(counts)


@dataclass(frozen=True, slots=True)
class Version:
    """A full semantic version; ``text`` is what it was read from, with its leading ``v`` if it had one."""

    major: int
    minor: int
    patch: int
    prerelease: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``1.2.3-rc.1+build``; one leading ``v`` is allowed. Raises VersionError."""
        return _parse(text.removeprefix("v"), text)

    @property
    def key(self) -> Key:
        """Orders versions by precedence (semver.org, clause 11): numbers before words, a release last."""
        parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in self.prerelease)
        return (self.major, self.minor, self.patch, 0 if parts else 1, parts)

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    def __le__(self, other: Version) -> bool:
        return self.key <= other.key

    def __gt__(self, other: Version) -> bool:
        return self.key > other.key

    def __ge__(self, other: Version) -> bool:
        return self.key >= other.key

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Prereleases:
    """Which prereleases may be chosen: those with one of ``identifiers`` among their parts; all, if empty."""

    identifiers: tuple[str, ...] = ()

    def allow(self, version: Version) -> bool:
        if not version.prerelease or not self.identifiers:
            return True
        return any(identifier in version.prerelease for identifier in self.identifiers)


@dataclass(frozen=True, slots=True)
class Check:
    """One more filter for versions; ``name`` is its counter in the message when nothing is left."""

    name: str
    passes: Callable[[Version], bool]


def _parse(body: str, text: str) -> Version:
    if not body:
        raise VersionError("Version string empty")
    parts = body.split(".", 2)
    if len(parts) != 3:
        raise VersionError("No Major.Minor.Patch elements found")
    rest, plus, build = parts[2].partition("+")
    patch, dash, prerelease = rest.partition("-")
    return Version(
        _number(parts[0], "Major", "major"),
        _number(parts[1], "Minor", "minor"),
        _number(patch, "Patch", "patch"),
        tuple(_prerelease_part(p) for p in prerelease.split(".")) if dash else (),
        tuple(_build_part(p) for p in build.split(".")) if plus else (),
        text,
    )


def _number(text: str, title: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()) and text:
        raise VersionError(f'Invalid character(s) found in {name} number "{text}"')
    if not text:
        raise VersionError('strconv.ParseUint: parsing "": invalid syntax')
    if len(text) > 1 and text[0] == "0":
        raise VersionError(f'{title} number must not contain leading zeroes "{text}"')
    return int(text)


def _prerelease_part(text: str) -> str:
    if not text:
        raise VersionError("Prerelease is empty")
    if not _IDENTIFIER.match(text):
        raise VersionError(f'Invalid character(s) found in prerelease "{text}"')
    if text.isdigit() and len(text) > 1 and text[0] == "0":
        raise VersionError(f'Numeric PreRelease version must not contain leading zeroes "{text}"')
    return text


def _build_part(text: str) -> str:
    if not text:
        raise VersionError("Build meta data is empty")
    if not _IDENTIFIER.match(text):
        raise VersionError(f'Invalid character(s) found in build meta data "{text}"')
    return text


class Range:
    """A set of versions, read from text such as ``>=1.0.0 <2.0.0 || 3.x``."""

    __slots__ = ("_alternatives", "text")

    def __init__(self, text: str, alternatives: Sequence[Sequence[Callable[[Version], bool]]]) -> None:
        self.text = text
        self._alternatives = alternatives

    @classmethod
    def parse(cls, text: str) -> Range:
        """Raises VersionError, in the words of the original library."""
        alternatives: list[list[Callable[[Version], bool]]] = [[]]
        pieces = [re.sub(r"\s+", "", m.group(1)) for m in _PIECE.finditer(text)]
        if not pieces:
            raise VersionError("empty range")
        for i, piece in enumerate(pieces):
            if piece != "||":
                alternatives[-1].append(_condition(piece))
            elif i == 0:
                raise VersionError("First element in range is '||'")
            elif i == len(pieces) - 1:
                raise VersionError("Last element in range is '||'")
            else:
                alternatives.append([])
        return cls(text, alternatives)

    def __contains__(self, version: Version) -> bool:
        return any(all(fits(version) for fits in conditions) for conditions in self._alternatives)


def _condition(piece: str) -> Callable[[Version], bool]:
    """The test that one comparator and its version stand for."""
    digit = re.search(r"\d", piece)
    if digit is None:
        raise VersionError(f'Could not get version from string: "{piece}"')
    comparator, body = piece[: digit.start()].strip(), piece[digit.start() :]
    if comparator not in _COMPARATORS:
        raise VersionError(
            f'Could not parse Range "{piece}": Could not parse comparator "{comparator}" in "{piece}"'
        )
    if "x" in body.split("-")[0].split("+")[0]:
        return _wildcard(comparator, body, piece)
    return _compare(comparator, _bound(body, piece))


def _bound(body: str, piece: str) -> Version:
    try:
        return _parse(body, body)
    except VersionError as e:
        raise VersionError(
            f'Could not parse Range "{piece}": Could not parse version "{body}" in "{piece}": {e}'
        ) from e


def _compare(comparator: str, bound: Version) -> Callable[[Version], bool]:
    key = bound.key
    if comparator in ("", "=", "=="):
        return lambda v: v.key == key
    if comparator in ("!", "!="):
        return lambda v: v.key != key
    if comparator == "<":
        return lambda v: v.key < key
    if comparator == "<=":
        return lambda v: v.key <= key
    if comparator == ">":
        return lambda v: v.key > key
    return lambda v: v.key >= key


def _wildcard(comparator: str, body: str, piece: str) -> Callable[[Version], bool]:
    """``1.x`` and ``1.2.x`` stand for all versions from their own zero up to the next of their last number."""
    parts = body.split(".")
    fixed = parts[: parts.index("x")] if "x" in parts else []
    if not fixed or len(parts) > 3 or any(p != "x" for p in parts[len(fixed) :]):
        raise VersionError(f'Could not parse Range "{piece}": Could not parse version "{body}" in "{piece}"')
    zeros = ["0"] * (3 - len(fixed))
    low = _bound(".".join([*fixed, *zeros]), piece).key
    high = _bound(".".join([*fixed[:-1], str(int(fixed[-1]) + 1), *zeros]), piece).key
    if comparator in ("", "=", "=="):
        return lambda v: low <= v.key < high
    if comparator in ("!", "!="):
        return lambda v: not low <= v.key < high
    if comparator == "<":
        return lambda v: v.key < low
    if comparator == "<=":
        return lambda v: v.key < high
    if comparator == ">":
        return lambda v: v.key >= high
    return lambda v: v.key >= low


def constraint(text: str) -> Range:
    """The range ``text``, with the tools' own words in front of the library's if it cannot be read."""
    try:
        return Range.parse(text)
    except VersionError as e:
        raise VersionError(f"Parsing version constraint '{text}': {e}") from e


def valid(texts: Iterable[str]) -> list[Version]:
    """Those of ``texts`` that are versions, lowest first."""
    found = []
    for text in texts:
        try:
            found.append(Version.parse(text))
        except VersionError:
            continue
    return sorted(found, key=lambda version: version.key)


def select(
    texts: Iterable[str],
    constraints: str = "",
    prereleases: Prereleases | None = None,
    *,
    checks: Sequence[Check] = (),
) -> list[Version]:
    """All versions that fit, lowest first; what is no version is passed over.

    Filters run in this order: prereleases (None drops them all), ``checks``, ``constraints`` (empty: any).
    Raises VersionError for constraints that cannot be read, NoVersionError if nothing is left.
    """
    found = valid(texts)
    counts = [("all", len(found))]
    found = [v for v in found if (prereleases.allow(v) if prereleases else not v.prerelease)]
    counts.append(("after-prereleases-filter", len(found)))
    for check in checks:
        found = [v for v in found if check.passes(v)]
        counts.append((check.name, len(found)))
    if constraints:
        try:
            wanted = constraint(constraints)
        except VersionError as e:
            raise VersionError(f"Selecting versions: {e}") from e
        found = [v for v in found if v in wanted]
        counts.append(("after-constraints-filter", len(found)))
    if not found:
        raise NoVersionError(counts)
    return found


def highest(
    texts: Iterable[str],
    constraints: str = "",
    prereleases: Prereleases | None = None,
    *,
    checks: Sequence[Check] = (),
) -> Version:
    """The last of ``select``."""
    return select(texts, constraints, prereleases, checks=checks)[-1]


def is_exact_prerelease(constraints: str) -> bool:
    """Whether ``constraints`` is one version and that a prerelease: it then needs no leave for prereleases."""
    try:
        return bool(_parse(constraints.strip(), constraints).prerelease)
    except VersionError:
        return False


def check_minimum(tool: str, own: str, minimum: str) -> None:
    """Hold ``minimumRequiredVersion`` of a configuration against the release ``own``; empty asks for nothing.

    As in the original, the text follows ``>=`` in a list of requirements, so that it may go on with others after a
    comma, and a version in it has any number of parts. Raises InputError if one is not met or cannot be read.
    """
    if not minimum:
        return
    if minimum.startswith("v"):
        raise InputError("Validating minimum version: Must not have prefix 'v' (e.g. '0.8.0')")
    met = [_is_met(requirement, _parts(own)) for requirement in f">={minimum}".split(",")]
    if not all(met):
        raise InputError(f"{tool} version '{own}' does not meet the minimum required version '{minimum}'")


def _is_met(requirement: str, own: list[int]) -> bool:
    """Raises InputError for what is no requirement."""
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise InputError(f"Parsing minimum version constraint: Malformed constraint: {requirement}")
    for part in found["version"].split("."):
        if int(part) >= 1 << 63:
            raise InputError(
                "Parsing minimum version constraint: Error parsing version: "
                f'strconv.ParseInt: parsing "{part}": value out of range'
            )
    wanted = _parts(found["version"])
    # We are a release, and greater than its prereleases.
    order = (own > wanted) - (own < wanted) or (1 if found["prerelease"] else 0)
    match found["comparator"]:
        case "" | "=":
            return order == 0
        case "!=":
            return order != 0
        case ">":
            return order > 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case "~>":
            fixed = found["version"].count(".")
            return not found["prerelease"] and order >= 0 and own[:fixed] == wanted[:fixed]
    return order >= 0


def _parts(version: str) -> list[int]:
    """At least three numbers, without zeros after those."""
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 3 and not numbers[-1]:
        numbers.pop()
    return numbers + [0] * (3 - len(numbers))
