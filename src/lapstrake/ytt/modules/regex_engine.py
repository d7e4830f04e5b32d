"""Matches regular expressions in time linear in pattern times text, whatever the pattern.

A tree becomes instructions; a search walks them depth first, best alternative first (so that the match is the
one Go finds) and never goes twice through the same instruction at the same place of the text. What failed once
fails again whatever led there, so the marks also hold for all later searches in the same text.
"""

from __future__ import annotations

from lapstrake.ytt.modules.regex_syntax import PatternError, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TypeAlias

    from lapstrake.ytt.modules.regex_syntax import Node

    Groups: TypeAlias = tuple[int, ...]

MAX_PROGRAM = 10_000
MAX_STATES = 1 << 24
"""Instructions times places: a text of 800 KB for a pattern of twenty characters."""

_CHAR, _SPLIT, _SAVE, _AT, _DONE = range(5)


class TooCostly(Exception):
    """The text is too long for the pattern."""


class Regex:
    """A compiled pattern. Raises PatternError."""

    __slots__ = ("names", "program", "slots")

    def __init__(self, pattern: str) -> None:
        parsed = parse(pattern)
        self.names = parsed.names
        self.slots = 2 * (parsed.groups + 1)
        compiler = _Compiler()
        compiler.node(("group", parsed.root, 0))
        compiler.add(_DONE)
        self.program = [tuple(instruction) for instruction in compiler.program]

    def matches(self, text: str) -> Iterator[Groups]:
        """Begin and end of the whole match and of each group (-1: took no part), for match after match.

        Empty matches next to a match are given too. Raises TooCostly.
        """
        size = len(self.program)
        if size * (len(text) + 1) > MAX_STATES:
            raise TooCostly
        seen = bytearray(size * (len(text) + 1))
        start = 0
        while start <= len(text):
            found = self._first(text, start, seen)
            if found is None:
                return
            yield found
            start = found[1] if found[1] > found[0] else found[1] + 1
            # Only what was passed at the very end of the match did not fail.
            seen[start * size : (start + 1) * size] = bytes(size)

    def _first(self, text: str, start: int, seen: bytearray) -> Groups | None:
        for place in range(start, len(text) + 1):
            found = self._from(text, place, seen)
            if found is not None:
                return found
        return None

    def _from(self, text: str, start: int, seen: bytearray) -> Groups | None:
        program = self.program
        size = len(program)
        length = len(text)
        pending: list[tuple[int, int, Groups]] = [(0, start, (-1,) * self.slots)]
        while pending:
            at, place, groups = pending.pop()
            while True:
                state = place * size + at
                if seen[state]:
                    break
                seen[state] = 1
                kind, first, second = program[at]
                if kind == _CHAR:
                    if place == length or not first(text[place]):
                        break
                    place += 1
                    at += 1
                elif kind == _SPLIT:
                    pending.append((second, place, groups))
                    at = first
                elif kind == _SAVE:
                    groups = (*groups[:first], place, *groups[first + 1 :])
                    at += 1
                elif kind == _AT:
                    if not _stands_at(first, text, place):
                        break
                    at += 1
                else:
                    return groups
        return None


def _stands_at(what: str, text: str, place: int) -> bool:
    if what == "begin":
        return place == 0
    if what == "end":
        return place == len(text)
    if what == "line begin":
        return place == 0 or text[place - 1] == "\n"
    if what == "line end":
        return place == len(text) or text[place] == "\n"
    before = place > 0 and _in_word(text[place - 1])
    after = place < len(text) and _in_word(text[place])
    return (before != after) == (what == "word")


def _in_word(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalnum())


class _Compiler:
    """Instructions ``[kind, first, second]``; a split goes to ``first``, and if that fails to ``second``."""

    def __init__(self) -> None:
        self.program: list[list[Any]] = []

    def add(self, kind: int, first: Any = None, second: Any = None) -> int:
        if len(self.program) >= MAX_PROGRAM:
            raise PatternError("expression too large")
        self.program.append([kind, first, second])
        return len(self.program) - 1

    def node(self, node: Node) -> None:
        kind = node[0]
        if kind == "chars":
            self.add(_CHAR, node[1])
        elif kind == "at":
            self.add(_AT, node[1])
        elif kind == "cat":
            for inner in node[1]:
                self.node(inner)
        elif kind == "alt":
            self.alternatives(node[1])
        elif kind == "group":
            self.add(_SAVE, 2 * node[2])
            self.node(node[1])
            self.add(_SAVE, 2 * node[2] + 1)
        elif kind == "repeat":
            self.repeat(*node[1:])

    def alternatives(self, branches: list[Node]) -> None:
        leaving: list[int] = []
        for branch in branches[:-1]:
            split = self.add(_SPLIT, len(self.program) + 1)
            self.node(branch)
            leaving.append(self.add(_SPLIT))
            self.program[split][2] = len(self.program)
        self.node(branches[-1])
        for jump in leaving:
            self.program[jump][1] = self.program[jump][2] = len(self.program)

    def repeat(self, node: Node, least: int, most: int, greedy: bool) -> None:
        for _ in range(least):
            self.node(node)
        if most < 0:
            begin = self.add(_SPLIT)
            self.node(node)
            self.add(_SPLIT, begin, begin)
            self.split(begin, greedy)
            return
        splits = []
        for _ in range(most - least):
            splits.append(self.add(_SPLIT))
            self.node(node)
        for split in splits:
            self.split(split, greedy)

    def split(self, at: int, greedy: bool) -> None:
        """Let the split at ``at`` go on to the next instruction, or (rather, if not greedy) to the end."""
        into, past = at + 1, len(self.program)
        self.program[at][1:] = (into, past) if greedy else (past, into)
