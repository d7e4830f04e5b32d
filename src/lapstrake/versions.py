"""Semantic versions, ranges of them, and the choice of the highest version that fits.

Ranges are those of the original tools: a blank means "and", ``||`` between blanks means "or", comparators are
``=``, ``==``, ``!``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, and ``x`` stands for the last part (``1.2.x``, ``1.x``).
There is no ``^``, no ``~`` and no comma. Build metadata counts, other than semver.org has it: 1.0.0+1 is above
1.0.0. A range does not know about prereleases; they are filtered before it is asked.
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
_LARGEST = (1 << 64) - 1

_Parts = tuple[tuple[int, int, str], ...]
Key = tuple[int, int, int, int, _Parts, _Parts]


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
        """Orders versions by precedence (semver.org, clause 11): numbers before words, a release last.

        Where that is equal, by build metadata, none of it first.
        """
        parts = _parts_key(self.prerelease)
        return (self.major, self.minor, self.patch, 0 if parts else 1, parts, _parts_key(self.build))

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


def _parts_key(parts: Sequence[str]) -> _Parts:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


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
        raise VersionError(f"Invalid character(s) found in {name} number {_quoted(text)}")
    if len(text) > 1 and text[0] == "0":
        raise VersionError(f'{title} number must not contain leading zeroes "{text}"')
    return _unsigned(text)


def _unsigned(text: str) -> int:
    if not text:
        raise VersionError('strconv.ParseUint: parsing "": invalid syntax')
    if int(text) > _LARGEST:
        raise VersionError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _prerelease_part(text: str) -> str:
    _check_part(text, "PreRelease")
    if text.isdigit() and len(text) > 1 and text[0] == "0":
        raise VersionError(f'Numeric PreRelease version must not contain leading zeroes "{text}"')
    return text


def _build_part(text: str) -> str:
    _check_part(text, "BuildMeta")
    return text


def _check_part(text: str, name: str) -> None:
    if not text:
        raise VersionError(f"{name} is empty")
    if not _IDENTIFIER.match(text):
        raise VersionError(f"Invalid character(s) found in {name} {_quoted(text)}")
    if text.isdigit():
        _unsigned(text)


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", r"\\"), ('"', r"\""), ("\n", r"\n"), ("\t", r"\t"), ("\r", r"\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


class Range:
    """A set of versions, read from text such as ``>=1.0.0 <2.0.0 || 3.x``."""

    __slots__ = ("_alternatives", "text")

    def __init__(self, text: str, alternatives: Sequence[Sequence[Callable[[Version], bool]]]) -> None:
        self.text = text
        self._alternatives = alternatives

    @classmethod
    def parse(cls, text: str) -> Range:
        """Raises VersionError, in the words of the original library."""
        alternatives: list[list[str]] = [[]]
        pieces = _pieces(text)
        for i, piece in enumerate(pieces):
            if piece != "||":
                alternatives[-1].append(piece)
            elif i == 0:
                raise VersionError("First element in range is '||'")
            elif not alternatives[-1]:
                raise VersionError("Nothing stands between '||' and '||'")  # the original breaks down
            else:
                alternatives.append([])
        if not pieces or pieces[-1] == "||":
            raise VersionError("Last element in range is '||'")
        expanded = [[one for piece in pieces for one in _expanded(piece)] for pieces in alternatives]
        return cls(text, [[_condition(piece) for piece in pieces] for pieces in expanded])

    def __contains__(self, version: Version) -> bool:
        return any(all(fits(version) for fits in conditions) for conditions in self._alternatives)


def _pieces(text: str) -> list[str]:
    """Cut at blanks, but not behind the sign of a comparator. A piece of one character is passed over."""
    pieces: list[str] = []
    start, last = 0, ""
    for i, char in enumerate(text):
        if char != " ":
            last = char
        elif last not in ("<", ">", "="):
            pieces.append(text[start:i])
            start = i + 1
    pieces.append(text[start:])
    return [piece.replace(" ", "") for piece in pieces if len(piece) > 1]


def _taken_apart(piece: str) -> tuple[str, str]:
    """The comparator and what begins with a digit."""
    digit = re.search(r"\d", piece)
    if digit is None:
        raise VersionError(f"Could not get version from string: {_quoted(piece)}")
    return piece[: digit.start()].strip(), piece[digit.start() :]


def _expanded(piece: str) -> list[str]:
    """A comparison with a wildcard as comparisons with versions, all of which have to hold.

    They need not make sense: what is not ``1.x`` is below both bounds and above them, and ``x`` elsewhere than
    at the end leaves a comparator without version.
    """
    if "x" not in piece:
        return [piece]
    comparator, body = _taken_apart(piece)
    low = body.replace(".x.x", ".x", 1).replace(".x", ".0", 1)
    if low.count(".") == 1:
        low += ".0"
    above = _above(body, low)
    if comparator in ("", "=", "=="):
        return [f">={low}", f"<{above}"]
    if comparator in ("!", "!="):
        return [f"<{low}", f">={above}"]
    return [{">": f">={above}", ">=": f">={low}", "<": f"<{low}", "<=": f"<{above}"}.get(comparator, low)]


def _above(body: str, low: str) -> str:
    """The first version that the wildcard does not stand for; empty if there is none."""
    parts = body.split(".")
    numbers = low.split(".")
    raised = len(parts) - 2
    if parts[-1] != "x" or raised not in (0, 1) or not numbers[raised].isdigit():
        return ""
    numbers[raised] = str(int(numbers[raised]) + 1)
    return ".".join(numbers)


def _condition(piece: str) -> Callable[[Version], bool]:
    """The test that one comparator and its version stand for."""
    comparator, body = _taken_apart(piece)
    if comparator not in _COMPARATORS:
        raise VersionError(
            f"Could not parse Range {_quoted(piece)}: "
            f"Could not parse comparator {_quoted(comparator)} in {_quoted(comparator + body)}"
        )
    try:
        bound = _parse(body, body)
    except VersionError as e:
        raise VersionError(
            f"Could not parse Range {_quoted(piece)}: "
            f"Could not parse version {_quoted(body)} in {_quoted(comparator + body)}: {e}"
        ) from e
    return _compare(comparator, bound)


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
