"""From the headers of a request to the user who sends it: the administrator's token, tokens of ServiceAccounts."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from lapstrake.apiserver.identity import ANONYMOUS, AUTHENTICATED, MASTERS, User
from lapstrake.apiserver.tokens import Tokens

ADMIN = User("admin", (MASTERS, AUTHENTICATED))


@dataclass(frozen=True, slots=True)
class Authenticator:
    """``admin_token`` opens everything; other bearer tokens belong to ServiceAccounts."""

    admin_token: str
    tokens: Tokens

    def authenticate(self, headers: Mapping[str, str]) -> User | None:
        """The user; ANONYMOUS without credentials; None if the credentials are wrong (401).

        ``headers``: names in lower case.
        """
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        if scheme.lower() != "bearer" or not token:
            return None
        token = token.strip()
        if hmac.compare_digest(token.encode(), self.admin_token.encode()):
            return ADMIN
        return self.tokens.user(token)


def impersonated(
    headers: Mapping[str, str], groups: tuple[str, ...], extra: Mapping[str, tuple[str, ...]]
) -> User | None:
    """The user that the request wants to act as (``Impersonate-User``), None if it does not.

    ``groups`` and ``extra`` are those of the Impersonate-Group and Impersonate-Extra- headers. Whether the
    sender may is the authorizer's question (verb ``impersonate``).
    """
    name = headers.get("impersonate-user", "")
    if not name:
        return None
    if name.startswith("system:serviceaccount:") and not groups:
        namespace = name.split(":")[2]
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if AUTHENTICATED not in groups and name != ANONYMOUS.name:
        groups = (*groups, AUTHENTICATED)
    return User(name, groups, headers.get("impersonate-uid", ""), extra)
