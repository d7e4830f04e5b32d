"""Tar streams: written with the bytes of imgpkg's layers, read from strangers within bounds.

Source: facts on imgpkg, "Layer tar". Reading knows ustar, GNU and PAX names and sizes, as images found
in registries have them; what it does not need (owners, times below a second) it passes over.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lapstrake.errors import InputError

BLOCK = 512
END = bytes(2 * BLOCK)

_USTAR = b"ustar\x0000"
_GNU = b"ustar  \x00"
_LONGEST_HEADER = 1 << 20  # bytes of a PAX or GNU name record
_OCTAL_MODES = 8**7  # of seven digits; Go's numbers for folders and for what runs as its owner are larger
_GO_DIRECTORY = 1 << 31
_GO_SPECIAL_BITS = ((0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20))  # setuid, setgid, sticky
_OLD_REGULAR = "\x00"  # of archives older than ustar, where a slash at the end of the name makes a folder


@dataclass(frozen=True, slots=True)
class Stream:
    """Content that is not held in memory: ``size`` bytes, read when ``pieces`` is called."""

    size: int
    pieces: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file (``data`` its content) or a folder (``data`` None) with its permission bits."""

    path: str
    mode: int
    data: bytes | Stream | None


@dataclass(frozen=True, slots=True)
class Member:
    """The header of an entry that was read. ``kind``: the tar type flag, "0" file, "5" folder."""

    name: str
    kind: str
    mode: int
    size: int
    mtime: int


def written(entries: Iterable[Entry], *, preserve_permissions: bool) -> Iterator[bytes]:
    """The pieces of the tar that holds ``entries`` in the order given.

    Raises InputError for a file that is shorter or longer than it was when it was found.
    """
    for entry in entries:
        if entry.data is None:
            mode = _GO_DIRECTORY | _go_mode(entry.mode) if preserve_permissions else 0o700
            yield _start(entry.path, b"5", mode, 0)
        else:
            mode = _go_mode(entry.mode) if preserve_permissions else entry.mode & 0o700
            yield from file_member(entry.path, mode, entry.data)
    yield END


def _go_mode(mode: int) -> int:
    return mode & 0o777 | sum(go for unix, go in _GO_SPECIAL_BITS if mode & unix)


def file_member(path: str, mode: int, data: bytes | Stream) -> Iterator[bytes]:
    """The pieces of one file: header, content, padding."""
    size = data.size if isinstance(data, Stream) else len(data)
    yield _start(path, b"0", mode, size)
    if isinstance(data, Stream):
        yield from _whole(path, data)
    else:
        yield data
    yield bytes(-size % BLOCK)


def _whole(path: str, data: Stream) -> Iterator[bytes]:
    left = data.size
    for piece in data.pieces():
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise InputError(f"Expected '{path}' to keep its size of {data.size} bytes while it is read")


def _start(path: str, kind: bytes, mode: int, size: int) -> bytes:
    """The header of an entry and what has to come before it. Large numbers of modes make it one in GNU's format."""
    if mode < _OCTAL_MODES:
        return _named(path, kind, _octal(mode, 8), size)
    name = path.encode(errors="surrogateescape")
    header = _header(name[:100], b"", kind, _octal(mode, 8), size, _GNU)
    return header if len(name) <= 100 else _gnu_long_name(name) + header


def _gnu_long_name(name: bytes) -> bytes:
    body = name + b"\x00"
    header = _header(b"././@LongLink", b"", b"L", _octal(0, 8), len(body), _GNU, devices=bytes(8))
    return header + body + bytes(-len(body) % BLOCK)


def _named(path: str, kind: bytes, mode: bytes, size: int) -> bytes:
    name = path.encode(errors="surrogateescape")
    if path.isascii() and len(name) <= 100:
        return _header(name, b"", kind, mode, size, _USTAR)
    split = _split(name) if path.isascii() else None
    if split:
        return _header(split[1], split[0], kind, mode, size, _USTAR)
    plain = _ascii(path)
    folder, base = posixpath.split(path)
    record_name = _ascii(posixpath.normpath(posixpath.join(folder, "PaxHeaders.0", base)))
    record = _pax_record("path", path)
    zero = _octal(0, 8)
    return (
        _header(record_name[:100].rstrip(b"/"), b"", b"x", zero, len(record), _USTAR, devices=bytes(8))
        + record
        + bytes(-len(record) % BLOCK)
        + _header(plain[:100], b"", kind, mode, size, _USTAR)
    )


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """(prefix, rest) at the last slash that leaves both short enough, else None."""
    at = name[:156].rfind(b"/")
    if at <= 0 or at > 155 or len(name) - at - 1 > 100 or at + 1 == len(name):
        return None
    return name[:at], name[at + 1 :]


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "ignore")


def _pax_record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode(errors="surrogateescape")
    size = len(body)
    while len(str(size)) + len(body) != size:
        size = len(str(size)) + len(body)
    return str(size).encode() + body


def _octal(value: int, width: int) -> bytes:
    """Octal digits and NUL; what is too large for those is written in base 256, as GNU has it."""
    digits = f"{value:0{width - 1}o}".encode()
    return digits + b"\x00" if len(digits) < width else b"\x80" + value.to_bytes(width - 1, "big")


def _header(
    name: bytes,
    prefix: bytes,
    kind: bytes,
    mode: bytes,
    size: int,
    magic: bytes,
    devices: bytes = b"0000000\x00",
) -> bytes:
    number = _octal(0, 8)
    before = name.ljust(100, b"\x00") + mode + number + number + _octal(size, 12) + _octal(0, 12)
    after = kind + bytes(100) + magic + bytes(64) + devices + devices + prefix.ljust(155, b"\x00") + bytes(12)
    checksum = sum(before) + sum(after) + 8 * 0x20
    return before + f"{checksum:06o}".encode() + b"\x00 " + after


class TarStream:
    """The bytes of a tar that come in pieces, as many as asked for at a time; beyond ``most`` the error of ``too_many``."""

    def __init__(self, pieces: Iterator[bytes], most: int, too_many: Callable[[], InputError]) -> None:
        self._pieces = pieces
        self._left = most
        self._too_many = too_many
        self._pending = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Exactly ``size`` bytes, fewer only at the end."""
        parts = []
        while size and (part := self.some(size)):
            size -= len(part)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def some(self, size: int, /) -> bytes:
        """At most ``size`` bytes, as many as are at hand; empty only at the end."""
        if self._at == len(self._pending):
            self._pending, self._at = next(self._pieces, b""), 0
            self._left -= len(self._pending)
            if self._left < 0:
                raise self._too_many()
        part = self._pending[self._at : self._at + size]
        self._at += len(part)
        return part


class TarReader:
    """Goes through the members of a tar stream, once. ``read`` gives bytes of the member last yielded.

    Raises InputError for what is no tar, or ends early.
    """

    def __init__(self, stream: TarStream) -> None:
        self._stream = stream
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        attributes: dict[str, str] = {}
        while True:
            self._skip()
            block = self._stream.read(BLOCK)
            if not block or block == bytes(BLOCK):
                return
            header = _parsed_header(block)
            self._left, self._padding = header.size, -header.size % BLOCK
            if header.kind in "xg":
                found = _pax_records(self._record())
                attributes |= found if header.kind == "x" else {}
            elif header.kind in "LK":
                text = self._record().rstrip(b"\x00").decode(errors="surrogateescape")
                attributes |= {"path": text} if header.kind == "L" else {}
            else:
                member = _with_attributes(header, attributes)
                self._left, self._padding = member.size, -member.size % BLOCK
                attributes = {}
                yield member

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; empty at the end of the member."""
        size = min(size, self._left)
        if not size:
            return b""
        data = self._stream.some(size)
        if not data:
            raise InputError("unexpected EOF")
        self._left -= len(data)
        return data

    def _skip(self) -> None:
        self._left += self._padding
        self._padding = 0
        while self._left:
            self.read(1 << 16)

    def _record(self) -> bytes:
        if self._left > _LONGEST_HEADER:
            raise InputError("archive/tar: header field too long")
        pieces = []
        while piece := self.read(_LONGEST_HEADER):
            pieces.append(piece)
        return b"".join(pieces)


def _parsed_header(block: bytes) -> Member:
    if len(block) < BLOCK:
        raise InputError("unexpected EOF")
    checksum = sum(block) - sum(block[148:156]) + 8 * 0x20
    if _number(block[148:156]) != checksum:
        raise InputError("archive/tar: invalid tar header")
    name = _text(block[:100])
    if block[257:262] == b"ustar" and block[257:265] != _GNU and block[345]:
        name = f"{_text(block[345:500])}/{name}"
    kind = chr(block[156])
    size = _number(block[124:136]) if kind not in "123456" else 0
    return Member(name, kind, _number(block[100:108]) & 0o7777, size, _number(block[136:148]))


def _text(field: bytes) -> str:
    return field.partition(b"\x00")[0].decode(errors="surrogateescape")


def _number(field: bytes) -> int:
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40:
            raise InputError("archive/tar: invalid tar header")
        return value
    text = field.partition(b"\x00")[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError as error:
        raise InputError("archive/tar: invalid tar header") from error


def _pax_records(record: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while record:
        digits, blank, _ = record.partition(b" ")
        if not blank or not digits.isdigit() or len(digits) > 8:
            raise InputError("archive/tar: invalid tar header")
        size = int(digits)
        key, equals, value = record[len(digits) + 1 : size - 1].partition(b"=")
        if not equals or size <= len(digits) or record[size - 1 : size] != b"\n":
            raise InputError("archive/tar: invalid tar header")
        found[key.decode(errors="surrogateescape")] = value.decode(errors="surrogateescape")
        record = record[size:]
    return found


def _with_attributes(header: Member, attributes: Mapping[str, str]) -> Member:
    name, kind = attributes.get("path", header.name), header.kind
    size, mtime = header.size, header.mtime
    if kind == _OLD_REGULAR:
        kind = "5" if name.endswith("/") else "0"
    try:
        if "size" in attributes and kind == "0":
            size = int(attributes["size"])
        if "mtime" in attributes:
            mtime = int(float(attributes["mtime"]))
    except (ValueError, OverflowError) as error:
        raise InputError("archive/tar: invalid tar header") from error
    if size < 0:
        raise InputError("archive/tar: invalid tar header")
    return Member(name, kind, header.mode, size, mtime)
