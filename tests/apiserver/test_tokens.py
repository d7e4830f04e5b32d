from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lapstrake.apiserver.authn import ADMIN, Authenticator, impersonated
from lapstrake.apiserver.identity import ANONYMOUS
from lapstrake.apiserver.tokens import Tokens
from lapstrake.embedded import pki


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys(tmp_path: Path) -> pki.Pki:
    return pki.ensure(tmp_path / "pki")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts() -> dict[tuple[str, str], dict[str, object]]:
    return {("ns", "robot"): {"metadata": {"name": "robot", "namespace": "ns", "uid": "u1"}}}


@pytest.fixture
def tokens(keys: pki.Pki, clock: Clock, accounts: dict[tuple[str, str], dict[str, object]]) -> Tokens:
    return Tokens(keys.token_key, lambda namespace, name: accounts.get((namespace, name)), clock)


def test_token_names_its_service_account(tokens: Tokens) -> None:
    issued = tokens.issue("ns", "robot", "u1")
    user = tokens.user(issued.token)
    assert user is not None
    assert user.name == "system:serviceaccount:ns:robot"
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated")
    assert user.uid == "u1"


def test_token_expires(tokens: Tokens, clock: Clock) -> None:
    issued = tokens.issue("ns", "robot", "u1", seconds=600)
    clock.now += 600
    assert tokens.user(issued.token) is None


def test_token_dies_with_its_account(
    tokens: Tokens, accounts: dict[tuple[str, str], dict[str, object]]
) -> None:
    issued = tokens.issue("ns", "robot", "u1")
    accounts["ns", "robot"] = {"metadata": {"uid": "u2"}}
    assert tokens.user(issued.token) is None


def test_token_is_for_its_audience_only(tokens: Tokens) -> None:
    issued = tokens.issue("ns", "robot", "u1", audiences=["other"])
    assert tokens.user(issued.token) is None
    assert tokens.user(issued.token, ["other"]) is not None


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_foreign_token_is_nobody(tokens: Tokens, token: str) -> None:
    assert tokens.user(token) is None


def test_token_of_another_key_is_nobody(tokens: Tokens, tmp_path: Path, clock: Clock) -> None:
    other = Tokens(pki.ensure(tmp_path / "other").token_key, lambda namespace, name: None, clock)
    assert tokens.user(other.issue("ns", "robot", "u1").token) is None


def test_authenticator_knows_the_administrator(keys: pki.Pki, tokens: Tokens) -> None:
    authenticator = Authenticator(keys.admin_token, tokens)
    assert authenticator.authenticate({"authorization": f"Bearer {keys.admin_token}"}) == ADMIN
    assert authenticator.authenticate({}) == ANONYMOUS
    assert authenticator.authenticate({"authorization": "Bearer nonsense"}) is None
    assert authenticator.authenticate({"authorization": "Basic eDp5"}) is None


def test_impersonated_user_is_authenticated() -> None:
    user = impersonated({"impersonate-user": "jo"}, ("team",), {})
    assert user is not None
    assert (user.name, user.groups) == ("jo", ("team", "system:authenticated"))
    assert impersonated({}, (), {}) is None


def test_keys_are_kept_and_private(tmp_path: Path) -> None:
    first, second = pki.ensure(tmp_path), pki.ensure(tmp_path)
    assert first.admin_token == second.admin_token
    assert first.certificates.ca_file.read_bytes() == second.certificates.ca_file.read_bytes()
    for name in ("ca.key", "server.key", "tokens.key", "admin.token"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
