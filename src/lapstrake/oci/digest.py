"""Content digests: ``sha256:<64 hexadecimal digits>`` or ``sha512:<128>``.

Source: OCI image specification, "Digests"; both algorithms it registers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lapstrake.errors import InputError

_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest; ``str()`` gives ``<algorithm>:<hex>``. Made by :meth:`parse`, :meth:`of` and a :class:`Hasher`."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Raises InputError with the reason as the Carvel tools word it."""
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise InputError(f"cannot parse digest: {text!r}")
        if algorithm not in _HEX_LENGTHS:
            raise InputError("unsupported digest algorithm")
        if len(value) != _HEX_LENGTHS[algorithm]:
            raise InputError("invalid checksum digest length")
        if not _HEX_DIGITS.issuperset(value):
            raise InputError("invalid checksum digest format")
        return cls(algorithm, value)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def tag_prefix(self) -> str:
        """``sha256-<hex>``, the form in which a digest stands inside a tag."""
        return f"{self.algorithm}-{self.hex}"


class Hasher:
    """Makes the digest of content that comes in pieces."""

    __slots__ = ("_algorithm", "_hash", "update")

    def __init__(self, algorithm: str = "sha256") -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.update = self._hash.update

    @property
    def digest(self) -> Digest:
        """Of what has come so far."""
        return Digest(self._algorithm, self._hash.hexdigest())
