"""Tokens of ServiceAccounts: signed, bound to the account's uid, expiring (TokenRequest of Kubernetes)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lapstrake.apiserver.identity import User, service_account_user

ISSUER = "https://kubernetes.default.svc"
USUAL = 3600
"""Lifetime in seconds of a token for those who do not ask for another."""

Lookup = Callable[[str, str], Mapping[str, Any] | None]
"""(namespace, name) -> the ServiceAccount, or None."""


@dataclass(frozen=True, slots=True)
class Issued:
    token: str
    expires: float
    """Seconds since 1970."""


class Tokens:
    """Issues and checks tokens. ``clock`` gives seconds since 1970."""

    def __init__(self, key: str, accounts: Lookup, clock: Callable[[], float]) -> None:
        self._key = key
        self._public: Any = load_pem_private_key(key.encode(), None).public_key()
        self._accounts = accounts
        self._clock = clock

    def issue(
        self, namespace: str, name: str, uid: str, *, audiences: Sequence[str] = (), seconds: int = USUAL
    ) -> Issued:
        """A token of the ServiceAccount with this uid, for ``audiences`` (none: the server itself)."""
        now = int(self._clock())
        claims = {
            "aud": list(audiences) or [ISSUER],
            "exp": now + seconds,
            "iat": now,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        return Issued(jwt.encode(claims, self._key, algorithm="ES256"), now + seconds)

    def user(self, token: str, audiences: Sequence[str] = (ISSUER,)) -> User | None:
        """Whose token it is; None if it is not ours, not for ``audiences``, expired, or its account is gone."""
        try:
            # Times are compared with the server's own clock below, which tests can move.
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["ES256"],
                audience=list(audiences),
                issuer=ISSUER,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
            bound = claims["kubernetes.io"]
            namespace, name, uid = (
                bound["namespace"],
                bound["serviceaccount"]["name"],
                bound["serviceaccount"]["uid"],
            )
            expires, identifier = float(claims["exp"]), str(claims["jti"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return None
        account = self._accounts(namespace, name)
        if self._clock() >= expires or account is None or account["metadata"].get("uid") != uid:
            return None
        return service_account_user(
            namespace, name, uid, {"authentication.kubernetes.io/credential-id": (f"JTI={identifier}",)}
        )
