"""Checking passwords without holding up the server: in threads, few at a time, remembered for a moment."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lapstrake.registry import refusals
from lapstrake.registry.accounts import Account, AccountsFile, is_password

_THREADS = 2  # each takes 16 MiB while it works
_MOST_WAITING = 32
_MOST_REMEMBERED = 1024
_RIGHT_SECONDS, _WRONG_SECONDS = 60.0, 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.name!r})"


class Logins:
    """Passwords are not remembered, only that a keyed hash of them was right or wrong."""

    def __init__(self, accounts: AccountsFile) -> None:
        self._accounts = accounts
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="registry login")
        self._key = secrets.token_bytes(32)
        self._stamp = accounts.stamp
        self._remembered: dict[bytes, tuple[float, Account | None]] = {}
        self._waiting: dict[bytes, asyncio.Future[bool]] = {}

    async def account(self, credentials: Credentials) -> Account | None:
        """The account, or None if the password is wrong or there is none of that name."""
        self._forget_if_changed()
        key = hmac.digest(self._key, f"{credentials.name}\0{credentials.password}".encode(), "sha256")
        until, known = self._remembered.get(key, (0.0, None))
        if time.monotonic() < until:
            return known
        account = self._accounts.find(credentials.name)
        right = await self._check(key, account, credentials.password)
        found = account if right else None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        seconds = _RIGHT_SECONDS if right else _WRONG_SECONDS
        self._remembered[key] = (time.monotonic() + seconds, found)
        return found

    def of_name(self, name: str) -> Account | None:
        """The account as the file has it now, for what was issued to it before."""
        self._forget_if_changed()
        return self._accounts.find(name)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    async def _check(self, key: bytes, account: Account | None, password: str) -> bool:
        """Requests with the same password at the same time, as clients send them, are checked once."""
        waiting = self._waiting.get(key)
        if waiting is None:
            if len(self._waiting) >= _MOST_WAITING:
                raise refusals.too_many_logins()
            loop = asyncio.get_running_loop()
            waiting = loop.run_in_executor(self._threads, is_password, account, password)
            self._waiting[key] = waiting
            waiting.add_done_callback(lambda _: self._waiting.pop(key, None))
        return await asyncio.shield(waiting)

    def _forget_if_changed(self) -> None:
        stamp = self._accounts.stamp
        if stamp != self._stamp:
            self._stamp = stamp
            self._remembered.clear()


def basic_credentials(header: str) -> Credentials | None:
    """Of an Authorization header; None if it has none of the kind Basic."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(name, password) if colon else None
