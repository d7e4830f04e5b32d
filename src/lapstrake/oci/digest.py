"""Content digests: ``sha256:<64 hexadecimal digits>``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from lapstrake.errors import InputError

_ALGORITHM = "sha256"
_HEX_LENGTH = 64
_HEX_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A sha256 digest; ``str()`` gives ``sha256:<hex>``. Made by :meth:`parse` and :meth:`of`."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Raises InputError with the reason as the Carvel tools word it."""
        algorithm, colon, value = text.partition(":")
        if not colon:
            raise InputError(f"cannot parse digest: {text!r}")
        if algorithm != _ALGORITHM:
            raise InputError("unsupported digest algorithm")
        if len(value) != _HEX_LENGTH:
            raise InputError("invalid checksum digest length")
        if not _HEX_DIGITS.issuperset(value):
            raise InputError("invalid checksum digest format")
        return cls(algorithm, value)

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls(_ALGORITHM, hashlib.sha256(data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def tag_prefix(self) -> str:
        """``sha256-<hex>``, the form in which a digest stands inside a tag."""
        return f"{self.algorithm}-{self.hex}"
