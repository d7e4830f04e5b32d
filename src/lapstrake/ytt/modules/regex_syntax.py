"""Regular expressions in Go's syntax: from the pattern to a tree.

::

    ("empty",)  ("chars", test)  ("at", what)  ("cat", nodes)  ("alt", nodes)
    ("group", node, number, name)  ("repeat", node, least, most or -1, greedy)

``test`` tells whether one character fits; ``what`` is ``begin``, ``end``, ``line begin``, ``line end``, ``word`` or
``no word``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Test: TypeAlias = Callable[[str], bool]
    Node: TypeAlias = tuple[Any, ...]
    Ranges: TypeAlias = list[tuple[str, str]]

MAX_REPEAT = 1000
MAX_NESTING = 100

_EMPTY: Node = ("empty",)
_DIGIT: Ranges = [("0", "9")]
_WORD: Ranges = [("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")]
_SPACE: Ranges = [("\t", "\n"), ("\f", "\r"), (" ", " ")]
_PERL = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_POSIX: dict[str, Ranges] = {
    "alnum": [("0", "9"), ("A", "Z"), ("a", "z")],
    "alpha": [("A", "Z"), ("a", "z")],
    "ascii": [("\0", "\x7f")],
    "blank": [("\t", "\t"), (" ", " ")],
    "cntrl": [("\0", "\x1f"), ("\x7f", "\x7f")],
    "digit": _DIGIT,
    "graph": [("!", "~")],
    "lower": [("a", "z")],
    "print": [(" ", "~")],
    "punct": [("!", "/"), (":", "@"), ("[", "`"), ("{", "~")],
    "space": [("\t", "\r"), (" ", " ")],
    "upper": [("A", "Z")],
    "word": _WORD,
    "xdigit": [("0", "9"), ("A", "F"), ("a", "f")],
}
_SCRIPTS = {
    "Arabic": "ARABIC ",
    "Cyrillic": "CYRILLIC ",
    "Greek": "GREEK ",
    "Han": "CJK ",
    "Hebrew": "HEBREW ",
    "Hiragana": "HIRAGANA ",
    "Katakana": "KATAKANA ",
    "Latin": "LATIN ",
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PLACES = {"A": "begin", "z": "end", "b": "word", "B": "no word"}


class PatternError(Exception):
    """What is wrong with a pattern, in Go's words."""


class Parsed:
    """``groups``: how many groups there are; ``names``: the numbers of those with a name."""

    __slots__ = ("groups", "names", "root")

    def __init__(self, root: Node, groups: int, names: dict[str, int]) -> None:
        self.root = root
        self.groups = groups
        self.names = names


def parse(pattern: str) -> Parsed:
    """Raises PatternError."""
    parser = _Parser(pattern)
    root = parser.alternatives("")
    if parser.at < len(pattern):
        raise PatternError(f"unexpected ): `{pattern}`")
    return Parsed(root, parser.groups, parser.names)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups = 0
        self.names: dict[str, int] = {}
        self.depth = 0
        self.flags = ""
        # Where the last repetition operator begins and ends.
        self.repeated = (-1, -1)

    def alternatives(self, flags: str) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise PatternError(f"expression nests too deeply: `{self.pattern}`")
        self.flags = flags
        branches = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.sequence())
        self.depth -= 1
        return branches[0] if len(branches) == 1 else ("alt", branches)

    def sequence(self) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.pattern) and self.peek() not in "|)":
            if self.repetition(nodes):
                continue
            found = self.piece()
            if found is not None:
                nodes.append(found)
        return ("cat", nodes) if nodes else _EMPTY

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    # -- one piece

    def piece(self) -> Node | None:
        char = self.peek()
        if char == "(":
            return self.group()
        if char == "[":
            return ("chars", self.char_class())
        if char == "\\":
            return self.escape()
        self.at += 1
        if char == ".":
            return ("chars", _anything if "s" in self.flags else _no_line_end)
        if char == "^":
            return ("at", "line begin" if "m" in self.flags else "begin")
        if char == "$":
            return ("at", "line end" if "m" in self.flags else "end")
        return self.literal(char)

    def literal(self, char: str) -> Node:
        return ("chars", self.folded([(char, char)], False))

    def folded(self, ranges: Ranges, negated: bool, extra: tuple[Test, ...] = ()) -> Test:
        return _test(ranges, extra, negated, "i" in self.flags)

    def group(self) -> Node | None:
        start = self.at
        self.at += 1
        flags, number, name = self.flags, 0, ""
        if self.peek() == "?":
            self.at += 1
            if self.pattern.startswith(("P<", "<"), self.at) and not self.pattern.startswith(
                ("<=", "<!"), self.at
            ):
                name = self.group_name(start)
            else:
                inner = self.group_flags(start)
                if inner is None:
                    return None
                node = self.alternatives(inner)
                self.close(flags)
                return node
        self.groups += 1
        number = self.groups
        if name:
            self.names[name] = number
        node = self.alternatives(flags)
        self.close(flags)
        return ("group", node, number)

    def close(self, flags: str) -> None:
        if self.peek() != ")":
            raise PatternError(f"missing closing ): `{self.pattern}`")
        self.at += 1
        self.flags = flags

    def group_name(self, start: int) -> str:
        end = self.pattern.find(">", self.at)
        if end < 0:
            raise PatternError(f"invalid named capture: `{self.pattern[start:]}`")
        name = self.pattern[self.pattern.index("<", self.at) + 1 : end]
        shown = self.pattern[start : end + 1]
        if not name or not all(char.isalnum() or char == "_" for char in name):
            raise PatternError(f"invalid named capture: `{shown}`")
        if name in self.names:
            raise PatternError(f"duplicate capture group name: `{shown}`")
        self.at = end + 1
        return name

    def group_flags(self, start: int) -> str | None:
        """The flags inside ``(?flags:``; None after ``(?flags)``, which change those that hold from here."""
        flags, negative = set(self.flags), False
        while True:
            char = self.peek()
            self.at += 1
            if char and char in "imsU":
                flags.discard(char) if negative else flags.add(char)
            elif char == "-" and not negative:
                negative = True
            elif char == ":":
                return "".join(sorted(flags))
            elif char == ")":
                self.flags = "".join(sorted(flags))
                return None
            elif not char:
                raise PatternError(f"invalid or unsupported Perl syntax: `{self.pattern[start:]}`")
            else:
                raise PatternError(f"invalid or unsupported Perl syntax: `{self.pattern[start : self.at]}`")

    # -- repetition

    def repetition(self, nodes: list[Node]) -> bool:
        """Apply the operator that stands here, if there is one, to the last of ``nodes``."""
        start = self.at
        counts = self.counts()
        if counts is None:
            return False
        lazy = self.peek() == "?"
        self.at += lazy
        if not nodes:
            raise PatternError(f"missing argument to repetition operator: `{self.pattern[start : self.at]}`")
        if self.repeated[1] == start:
            begin = self.repeated[0]
            raise PatternError(f"invalid nested repetition operator: `{self.pattern[begin : self.at]}`")
        self.repeated = (start, self.at)
        nodes[-1] = ("repeat", nodes[-1], *counts, lazy == ("U" in self.flags))
        return True

    def counts(self) -> tuple[int, int] | None:
        char = self.peek()
        if char and char in "*+?":
            self.at += 1
            return {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[char]
        if char != "{":
            return None
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : end].partition(",") if end > 0 else ("", "", "")
        if not _is_number(low) or (high and not _is_number(high)):
            return None
        text = self.pattern[self.at : end + 1]
        least = int(low)
        most = least if not comma else int(high) if high else -1
        if least > MAX_REPEAT or most > MAX_REPEAT or 0 <= most < least:
            raise PatternError(f"invalid repeat count: `{text}`")
        self.at = end + 1
        return least, most

    # -- escapes and classes

    def escape(self) -> Node | None:
        char = self.pattern[self.at + 1 : self.at + 2]
        if char and char in _PLACES:
            self.at += 2
            return ("at", _PLACES[char])
        if char == "Q":
            end = self.pattern.find("\\E", self.at)
            text = self.pattern[self.at + 2 : end] if end >= 0 else self.pattern[self.at + 2 :]
            self.at = end + 2 if end >= 0 else len(self.pattern)
            return ("cat", [self.literal(one) for one in text]) if text else None
        set_of = self.set_escape()
        if set_of is not None:
            return ("chars", self.folded([], False, (set_of,)))
        return self.literal(self.char_escape())

    def set_escape(self) -> Test | None:
        r"""``\d``, ``\pL`` and their kin; None if that is not what stands here."""
        start = self.at
        char = self.pattern[start + 1 : start + 2]
        if char and char in "dwsDWS":
            self.at += 2
            return _test(_PERL[char.lower()], (), char.isupper(), False)
        if not char or char not in "pP":
            return None
        name = self.pattern[start + 2 : start + 3]
        self.at = start + 3
        if name == "{":
            end = self.pattern.find("}", start)
            if end < 0:
                raise PatternError(f"invalid character class range: `{self.pattern[start:]}`")
            name, self.at = self.pattern[start + 3 : end], end + 1
        negated = (char == "P") != name.startswith("^")
        name = name.removeprefix("^")
        if name == "Any":
            return _test([("\0", "\U0010ffff")], (), negated, False)
        if name not in _SCRIPTS and name not in _categories():
            raise PatternError(f"invalid character class range: `{self.pattern[start : self.at]}`")
        return _test([], (_unicode(name),), negated, False)

    def char_escape(self) -> str:
        start = self.at
        char = self.pattern[start + 1 : start + 2]
        if not char:
            raise PatternError("trailing backslash at end of expression: ``")
        self.at += 2
        if char in _CONTROLS:
            return _CONTROLS[char]
        digits = ""
        if char == "x":
            if self.peek() == "{":
                end = self.pattern.find("}", self.at)
                digits, self.at = self.pattern[self.at + 1 : end], max(end + 1, self.at)
            else:
                digits = self.pattern[self.at : self.at + 2]
                self.at += 2
                digits = digits if len(digits) == 2 else ""
            return self.numbered(digits, 16, start)
        follows = self.peek()
        if char == "0" or (char in "1234567" and follows and follows in "01234567"):
            while len(char) < 3 and self.peek() and self.peek() in "01234567":
                char += self.peek()
                self.at += 1
            return chr(int(char, 8))
        if char.isascii() and not char.isalnum():
            return char
        raise PatternError(f"invalid escape sequence: `\\{char}`")

    def numbered(self, digits: str, base: int, start: int) -> str:
        hexadecimal = digits and all(char in "0123456789abcdefABCDEF" for char in digits)
        if not hexadecimal or len(digits) > 8 or int(digits, base) > 0x10FFFF:
            raise PatternError(f"invalid escape sequence: `{self.pattern[start : self.at]}`")
        return chr(int(digits, base))

    def char_class(self) -> Test:
        start = self.at
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        ranges: Ranges = []
        extra: list[Test] = []
        first = True
        while first or self.peek() != "]":
            if self.at >= len(self.pattern):
                raise PatternError(f"missing closing ]: `{self.pattern[start:]}`")
            first = False
            if self.pattern.startswith("[:", self.at) and (end := self.pattern.find(":]", self.at)) > 0:
                extra.append(self.posix_class(end))
            elif self.peek() == "\\" and (found := self.set_escape()) is not None:
                extra.append(found)
            else:
                ranges.append(self.class_range(start))
        self.at += 1
        return self.folded(ranges, negated, tuple(extra))

    def posix_class(self, end: int) -> Test:
        name = self.pattern[self.at + 2 : end]
        negated = name.startswith("^")
        if name.removeprefix("^") not in _POSIX:
            raise PatternError(f"invalid character class range: `{self.pattern[self.at : end + 2]}`")
        self.at = end + 2
        return _test(_POSIX[name.removeprefix("^")], (), negated, False)

    def class_range(self, start: int) -> tuple[str, str]:
        begun = self.at
        low = high = self.class_char(start)
        if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self.class_char(start)
            if high < low:
                raise PatternError(f"invalid character class range: `{self.pattern[begun : self.at]}`")
        return low, high

    def class_char(self, start: int) -> str:
        char = self.peek()
        if not char:
            raise PatternError(f"missing closing ]: `{self.pattern[start:]}`")
        if char == "\\":
            return self.char_escape()
        self.at += 1
        return char


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and (text == "0" or not text.startswith("0"))


def _anything(char: str) -> bool:
    return True


def _no_line_end(char: str) -> bool:
    return char != "\n"


def _test(ranges: Ranges, extra: tuple[Test, ...], negated: bool, fold: bool) -> Test:
    """Whether a character is in a set; what was found out is kept."""
    known: dict[str, bool] = {}

    def among(char: str) -> bool:
        return any(low <= char <= high for low, high in ranges) or any(one(char) for one in extra)

    def test(char: str) -> bool:
        found = known.get(char)
        if found is None:
            inside = among(char) or (fold and (among(char.lower()) or among(char.upper())))
            found = known[char] = inside != negated
        return found

    return test


def _categories() -> frozenset[str]:
    fine = [
        "Cc",
        "Cf",
        "Co",
        "Cs",
        "Ll",
        "Lm",
        "Lo",
        "Lt",
        "Lu",
        "Mc",
        "Me",
        "Mn",
        "Nd",
        "Nl",
        "No",
        "Pc",
        "Pd",
        "Pe",
        "Pf",
        "Pi",
        "Po",
        "Ps",
        "Sc",
        "Sk",
        "Sm",
        "So",
        "Zl",
        "Zp",
        "Zs",
    ]
    return frozenset([*fine, *{name[0] for name in fine}])


def _unicode(name: str) -> Test:
    """Whether a character is of a general category, or of a script."""
    import unicodedata

    prefix = _SCRIPTS.get(name)
    if prefix is not None:
        return lambda char: unicodedata.name(char, "").startswith(prefix)
    return lambda char: unicodedata.category(char).startswith(name)
