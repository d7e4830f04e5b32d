"""Detached OpenPGP signatures, checked by the gpg program in a home of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lapstrake.adapters import program
from lapstrake.errors import InputError

_KEY_BLOCK = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_LONGEST_RUN = 60.0  # seconds
_BAD = {
    "BADSIG": "openpgp: invalid signature: hash tag doesn't match",
    "EXPKEYSIG": "openpgp: key expired",
    "EXPSIG": "openpgp: signature expired",
    "REVKEYSIG": "openpgp: signature made by revoked key",
    "NO_PUBKEY": "openpgp: signature made by unknown entity",
    "ERRSIG": "openpgp: signature made by unknown entity",
}


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Public keys in a folder of gpg's."""

    home: str

    def check(self, signature: bytes, content: bytes) -> None:
        """Raises InputError unless ``signature`` (armored) of ``content`` was made by one of the keys."""
        paths = (
            _write(self.home, "signature.asc", signature),
            _write(self.home, "content", content),
        )
        done = _gpg(self.home, "--status-fd", "1", "--verify", *paths)
        told = [
            line.split()[1]
            for line in done.stdout.decode("utf-8", "replace").splitlines()
            if line.startswith("[GNUPG:] ")
        ]
        if bad := next((word for word in _BAD if word in told), None):
            raise InputError(_BAD[bad])
        if done.status != 0 or "VALIDSIG" not in told:
            raise InputError("openpgp: invalid data: no valid signature found")


@contextmanager
def key_ring(texts: Sequence[str], scratch: str) -> Iterator[KeyRing]:
    """The armored public keys among ``texts``. Raises InputError if there is none, or one cannot be read."""
    before, *blocks = "\n".join(texts).split(_KEY_BLOCK)
    if not blocks:
        raise InputError("Expected to find armored block, but did not")
    if before:
        raise InputError("Reading armored key [idx=0]: openpgp: invalid argument: no armored data found")
    with tempfile.TemporaryDirectory(prefix="gpg-", dir=scratch) as home:
        for index, block in enumerate(blocks, 1):
            path = _write(home, f"key-{index}.asc", f"{_KEY_BLOCK}{block}".encode())
            if _gpg(home, "--import", path).status != 0:
                raise InputError(f"Reading armored key [idx={index}]: unexpected EOF")
        yield KeyRing(home)


def _write(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def _gpg(home: str, *args: str) -> program.Done:
    environment = {**os.environ, "GNUPGHOME": home, "LC_ALL": "C"}
    usual = ("--batch", "--no-tty", "--no-autostart", "--no-auto-key-retrieve", "--trust-model", "always")
    return program.run(
        ["gpg", "--homedir", home, *usual, *args],
        folder=home,
        environment=environment,
        longest=_LONGEST_RUN,
    )
