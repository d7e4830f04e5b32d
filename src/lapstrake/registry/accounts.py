"""Who may log in: a file of names and scrypt hashes, one of them a line.

::

    alice:$scrypt$ln=14,r=8,p=1$<salt>$<hash>
    robot:$scrypt$ln=14,r=8,p=1$<salt>$<hash>:read-only

The hash is in the PHC string format, with salt and hash in base64 without padding. Lines that begin with ``#`` are comments.
The cost (16 MiB, some 50 ms) is that of interactive logins: a registry is asked many times for each image.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from lapstrake.errors import InputError

_COST, _BLOCK, _PARALLEL = 14, 8, 1
_MEMORY = 256 << 20
_SALT, _HASH = 16, 32
_LARGEST_FILE = 1 << 20
_HASHED = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{8,86})\$([A-Za-z0-9+/]{22,86})"
)
_NAME = re.compile(r"[^\s:#\x00-\x1f\x7f][^\s:\x00-\x1f\x7f]{0,127}")
_READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class Account:
    """``mark`` changes with the password, so that what was issued for the old one can be told."""

    name: str
    hashed: str
    may_write: bool = True

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.hashed.encode()).hexdigest()[:16]

    def to_line(self) -> str:
        return f"{self.name}:{self.hashed}" + ("" if self.may_write else f":{_READ_ONLY}")


def new_account(name: str, password: str, *, may_write: bool = True) -> Account:
    """Raises InputError if the name cannot stand in the file or the password is empty."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name}' is no name for an account, which has up to 128 characters without spaces and colons"
        )
    if not password:
        raise InputError("The password is empty")
    salt = secrets.token_bytes(_SALT)
    key = _scrypt(password, salt, (_COST, _BLOCK, _PARALLEL), _HASH)
    hashed = f"$scrypt$ln={_COST},r={_BLOCK},p={_PARALLEL}${_encoded(salt)}${_encoded(key)}"
    return Account(name, hashed, may_write)


def is_password(account: Account | None, password: str) -> bool:
    """Compares in constant time, and takes as long if there is no such account. Some 50 ms."""
    match = _HASHED.fullmatch(account.hashed if account else _NOBODY)
    assert match is not None, "accounts are checked when they are read"
    salt, key = _decoded(match[4]), _decoded(match[5])
    given = _scrypt(password, salt, (int(match[1]), int(match[2]), int(match[3])), len(key))
    return hmac.compare_digest(given, key) and account is not None


def read_accounts(lines: Iterable[str], source: str) -> dict[str, Account]:
    """By name. Raises InputError that names the line, and nothing of a hash."""
    accounts: dict[str, Account] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            account = _account(line.strip(), f"{source}:{number}")
            if account.name in accounts:
                raise InputError(f"{source}:{number}: '{account.name}' has an account already")
            accounts[account.name] = account
    return accounts


def write_account(path: str, name: str, account: Account | None) -> bool:
    """Put an account into a file, or take it out (None); other lines stay. Gives whether it was there before.

    Raises InputError if the file cannot be read or written.
    """
    try:
        lines = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        kept = [line for line in lines if line.partition(":")[0].strip() != name]
        if account is None and kept == lines:
            return False
        if account is not None:
            kept.append(account.to_line())
        draft = f"{path}.new"
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write("".join(f"{line}\n" for line in kept))
        os.replace(draft, path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise InputError(f"Writing the accounts in '{path}': {reason}") from error
    return len(lines) > len(kept) - (account is not None)


class AccountsFile:
    """Read again when it changes; a change that cannot be read leaves the accounts as they were."""

    def __init__(self, path: str) -> None:
        """Raises InputError if the file cannot be read."""
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._accounts: dict[str, Account] = {}
        self._read()

    @property
    def stamp(self) -> tuple[int, int, int] | None:
        """Another one each time that the accounts change."""
        try:
            self._read()
        except InputError:
            pass
        return self._stamp

    def find(self, name: str) -> Account | None:
        return self._accounts.get(name)

    def _read(self) -> None:
        try:
            status = os.stat(self._path)
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            with self._lock:
                if stamp == self._stamp:
                    return
                if status.st_size > _LARGEST_FILE:
                    raise InputError(f"{self._path}: larger than {_LARGEST_FILE >> 20} MiB")
                with open(self._path, encoding="utf-8") as file:
                    self._accounts = read_accounts(file, self._path)
                self._stamp = stamp
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise InputError(f"Reading the accounts in '{self._path}': {reason}") from error


def _account(line: str, where: str) -> Account:
    name, _, rest = line.partition(":")
    hashed, _, rights = rest.partition(":")
    if not _NAME.fullmatch(name) or not hashed or rights not in ("", "read-write", _READ_ONLY):
        raise InputError(f"{where}: expected NAME:HASH or NAME:HASH:{_READ_ONLY}")
    match = _HASHED.fullmatch(hashed)
    if match is None or not _is_payable(int(match[1]), int(match[2]), int(match[3])):
        raise InputError(
            f"{where}: the password of '{name}' is not stored in a way that can be checked here; "
            f"set it anew with 'lapstrake registry add-user {name}'"
        )
    try:
        _decoded(match[4]), _decoded(match[5])
    except binascii.Error as error:
        raise InputError(f"{where}: the hash of '{name}' is damaged") from error
    return Account(name, hashed, rights != _READ_ONLY)


def _is_payable(rounds: int, block: int, parallel: int) -> bool:
    """Whether scrypt takes these costs, and we have the memory for them (RFC 7914, section 2)."""
    if not (1 <= rounds <= 20 and block >= 1 and 1 <= parallel <= 16):
        return False
    return 128 * block * ((1 << rounds) + parallel + 2) <= _MEMORY


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    rounds, block, parallel = cost
    return hashlib.scrypt(
        password.encode(), salt=salt, n=1 << rounds, r=block, p=parallel, maxmem=_MEMORY, dklen=length
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


_NOBODY = f"$scrypt$ln={_COST},r={_BLOCK},p={_PARALLEL}${_encoded(bytes(_SALT))}${_encoded(bytes(_HASH))}"
