"""The tokens that the registry issues: signed, short-lived, each for the rights that were asked for and granted.

Source: Docker, "Token Authentication Specification" and "JWT"; our own key, since nobody else checks them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.registry.accounts import Account
from lapstrake.registry.routes import Access

SERVICE = "lapstrake-registry"
SECONDS = 300
_REFRESH_SECONDS = 30 * 86400
_ALGORITHM = "HS256"
_KEY = 32
_MOST_SCOPES = 64


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: who, and which rights. ``name`` is "" for nobody in particular."""

    name: str
    access: frozenset[Access]


class Tokens:
    """``key`` signs; ``clock`` gives seconds since 1970."""

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock

    def issue(self, grant: Grant) -> str:
        names = sorted({(access.type, access.name) for access in grant.access})
        access = [
            {
                "type": type,
                "name": name,
                "actions": sorted(a.action for a in grant.access if (a.type, a.name) == (type, name)),
            }
            for type, name in names
        ]
        return self._sign("access", grant.name, SECONDS, {"access": access})

    def issue_refresh(self, account: Account) -> str:
        """A token to get others with, good until the password changes."""
        return self._sign("refresh", account.name, _REFRESH_SECONDS, {"mark": account.mark})

    def read(self, token: str) -> Grant | None:
        """None if we did not issue the token, or it has run out."""
        claims = self._verified(token, "access")
        if claims is None:
            return None
        access = {
            Access(entry["type"], entry["name"], action)
            for entry in claims["access"]
            for action in entry["actions"]
        }
        return Grant(claims["sub"], frozenset(access))

    def read_refresh(self, token: str) -> tuple[str, str] | None:
        """(name, mark) of the account, or None."""
        claims = self._verified(token, "refresh")
        return (claims["sub"], claims["mark"]) if claims else None

    def _sign(self, use: str, name: str, seconds: int, more: Mapping[str, object]) -> str:
        import jwt

        now = int(self._clock())
        claims = {
            "iss": SERVICE,
            "aud": SERVICE,
            "sub": name,
            "use": use,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "jti": secrets.token_urlsafe(12),
            **more,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    def _verified(self, token: str, use: str) -> dict[str, Any] | None:
        import jwt

        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                [_ALGORITHM],
                # Our clock decides about the times, below.
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
                audience=SERVICE,
                issuer=SERVICE,
            )
        except jwt.InvalidTokenError:
            return None
        return claims if claims["use"] == use and claims["exp"] > self._clock() else None


def scopes(texts: Iterable[str]) -> set[Access]:
    """The rights that ``repository:a/b:pull,push`` and its like ask for; what is unknown is passed over."""
    wanted: set[Access] = set()
    for scope in " ".join(texts).split()[:_MOST_SCOPES]:
        type, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        for action in actions.split(","):
            if type == "repository" and action == "*":
                wanted |= {Access(type, name, each) for each in ("pull", "push", "delete")}
            elif (type == "repository" and action in ("pull", "push", "delete")) or (
                type,
                name,
                action,
            ) == ("registry", "catalog", "*"):
                wanted.add(Access(type, name, action))
    return wanted


def signing_key(path: str) -> bytes:
    """The key in a file, which is made if there is none; readable by its owner only."""
    try:
        with open(path, "rb") as file:
            key = file.read(_KEY)
        if len(key) == _KEY:
            return key
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(_KEY)
    draft = f"{path}.new"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(key)
    os.replace(draft, path)
    return key
