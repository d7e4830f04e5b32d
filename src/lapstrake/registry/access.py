"""Who may do what: gates that a request passes, by password or by token.

Source: Docker, "Token Authentication Specification"; challenges and errors as Debian's docker-registry 2.8 sends them.
Read-only accounts may pull. Anonymous pull means just that: not the catalog, and `GET /v2/` still asks
for a login, since it is there that clients learn how one logs in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from lapstrake.registry import refusals
from lapstrake.registry.accounts import Account
from lapstrake.registry.logins import Credentials, Logins, basic_credentials
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.routes import Access
from lapstrake.registry.tokens import SECONDS, SERVICE, Grant, Tokens, scopes

_LARGEST_FORM = 1 << 16
_CHALLENGE = f'Basic realm="{SERVICE}"'


class Gate(Protocol):
    """Refuses with 401 who has not said who they are, with 403 who may not do what they want."""

    @property
    def issues_tokens(self) -> bool: ...

    async def admit(self, request: Request, wanted: Sequence[Access]) -> None: ...

    async def login(self, request: Request) -> None:
        """Any account will do, by name and password."""

    async def token(self, request: Request) -> Response: ...


class BasicGate:
    """Name and password with each request."""

    issues_tokens = False

    def __init__(self, logins: Logins, *, anonymous_pull: bool) -> None:
        self._logins = logins
        self._anonymous_pull = anonymous_pull

    async def admit(self, request: Request, wanted: Sequence[Access]) -> None:
        header = request.headers.get("Authorization", "")
        if not header and self._anonymous_pull and wanted and _only_pull(wanted):
            return
        account = await _account(self._logins, header)
        if account is None:
            raise _unauthorized(_CHALLENGE, wanted)
        if not _granted(account, set(wanted)).issuperset(wanted):
            raise refusals.denied()

    async def login(self, request: Request) -> None:
        await self.admit(request, ())

    async def token(self, request: Request) -> Response:
        raise refusals.denied()


class TokenGate:
    """Short-lived tokens with each request, which are got at ``/token`` for name and password."""

    issues_tokens = True

    def __init__(self, logins: Logins, tokens: Tokens, *, anonymous_pull: bool) -> None:
        self._logins = logins
        self._tokens = tokens
        self._anonymous_pull = anonymous_pull

    async def admit(self, request: Request, wanted: Sequence[Access]) -> None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthorized(_bearer(request, wanted), wanted)
        grant = self._tokens.read(value.strip())
        if grant is None or not self._still(grant):
            raise _unauthorized(_bearer(request, wanted, "invalid_token"), wanted)
        if not grant.access.issuperset(wanted):
            raise _unauthorized(_bearer(request, wanted, "insufficient_scope"), wanted)

    async def login(self, request: Request) -> None:
        if await _account(self._logins, request.headers.get("Authorization", "")) is None:
            raise _unauthorized(_CHALLENGE, ())

    async def token(self, request: Request) -> Response:
        """A token for the part of what is asked for that the account may have; it may be nothing."""
        account: Account | None
        if request.method == "POST":
            form = await _form(request)
            account, offline = await self._of_form(form), form.get("access_type") == "offline"
            asked: Iterable[str] = [form.get("scope", "")]
        else:
            header = request.headers.get("Authorization", "")
            account = await _account(self._logins, header) if header else None
            offline = request.query_params.get("offline_token") == "true"
            asked = request.query_params.getlist("scope")
            if account is None and (header or not self._anonymous_pull):
                raise _unauthorized(_CHALLENGE, ())
        wanted = scopes(asked)
        access = _granted(account, wanted) if account else {a for a in wanted if a.action == "pull"}
        return self._issued(account, access, offline=offline)

    async def _of_form(self, form: Mapping[str, str]) -> Account:
        if form.get("grant_type") == "refresh_token":
            known = self._tokens.read_refresh(form.get("refresh_token", ""))
            account = self._logins.of_name(known[0]) if known else None
            if account is None or known is None or account.mark != known[1]:
                raise _unauthorized(_CHALLENGE, ())
            return account
        if form.get("grant_type") != "password":
            raise Refusal(400, "UNSUPPORTED", "expected the grant_type password or refresh_token")
        account = await self._logins.account(Credentials(form.get("username", ""), form.get("password", "")))
        if account is None:
            raise _unauthorized(_CHALLENGE, ())
        return account

    def _issued(self, account: Account | None, access: set[Access], *, offline: bool) -> Response:
        token = self._tokens.issue(Grant(account.name if account else "", frozenset(access)))
        body = {
            "token": token,
            "access_token": token,
            "expires_in": SECONDS,
            "issued_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if offline and account is not None:
            body["refresh_token"] = self._tokens.issue_refresh(account)
        headers = {"Cache-Control": "no-store"}
        return Response(json.dumps(body), headers=headers, media_type="application/json")

    def _still(self, grant: Grant) -> bool:
        """Whether the account may still do it; one that was taken away may nothing from then on."""
        if not grant.name:
            return self._anonymous_pull
        account = self._logins.of_name(grant.name)
        return account is not None and _granted(account, set(grant.access)) == grant.access


async def _account(logins: Logins, header: str) -> Account | None:
    credentials = basic_credentials(header)
    return await logins.account(credentials) if credentials else None


def _granted(account: Account, wanted: set[Access]) -> set[Access]:
    return wanted if account.may_write else {access for access in wanted if access.action in ("pull", "*")}


def _only_pull(wanted: Sequence[Access]) -> bool:
    return all(access.action == "pull" for access in wanted)


def _unauthorized(challenge: str, wanted: Sequence[Access]) -> Refusal:
    return refusals.unauthorized(challenge, [(access.type, access.name, access.action) for access in wanted])


def _bearer(request: Request, wanted: Sequence[Access], error: str = "") -> str:
    challenge = f'Bearer realm="{_own_url(request)}/token",service="{SERVICE}"'
    names = dict.fromkeys((access.type, access.name) for access in wanted)
    texts = [
        f"{type}:{name}:" + ",".join(a.action for a in wanted if (a.type, a.name) == (type, name))
        for type, name in names
    ]
    if texts:
        challenge += f',scope="{" ".join(texts)}"'
    return challenge + (f',error="{error}"' if error else "")


async def _form(request: Request) -> dict[str, str]:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > _LARGEST_FORM:
            raise refusals.too_large(_LARGEST_FORM)
    try:
        fields = parse_qs(data.decode(), max_num_fields=64)
    except ValueError as error:
        raise Refusal(400, "UNSUPPORTED", "expected a form") from error
    return {name: " ".join(values) if name == "scope" else values[0] for name, values in fields.items()}


def _own_url(request: Request) -> str:
    """The registry's address as the client knows it."""
    host = request.headers.get("Host", "")
    if not re.fullmatch(r"[A-Za-z0-9._\-\[\]:]{1,255}", host):
        raise Refusal(400, "UNSUPPORTED", "invalid Host header")
    return f"{request.url.scheme}://{host}"
