"""Logging in by password and by token, over HTTP; the challenges are docker-registry's."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
import urllib3

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.registry import logins
from lapstrake.registry.accounts import (
    Account,
    AccountsFile,
    is_password,
    new_account,
    read_accounts,
    write_account,
)
from lapstrake.registry.server import Auth, RunningRegistry, serve
from lapstrake.registry.tokens import Grant, Tokens, scopes, signing_key
from tests.registry.conftest import Clock

WRITER, READER = new_account("alice", "wonderland"), new_account("bob", "builder", may_write=False)
BLOB = b"content"
DIGEST = Digest.of(BLOB)
PULL = ("repository", "a/b", "pull")


class Client:
    def __init__(self, registry: RunningRegistry) -> None:
        self.host = registry.host
        self._pool = urllib3.PoolManager()

    def __call__(
        self, method: str, path: str, *, by: str = "", body: bytes | None = None, **more: str
    ) -> urllib3.BaseHTTPResponse:
        """``by``: name:password, or a token."""
        headers = {"Content-Type": more.get("content_type", "application/octet-stream")}
        if by:
            kind, value = ("Basic", base64.b64encode(by.encode()).decode()) if ":" in by else ("Bearer", by)
            headers["Authorization"] = f"{kind} {value}"
        return self._pool.request(
            method, f"http://{self.host}{path}", body=body, headers=headers, redirect=False, retries=False
        )

    def push(self, by: str) -> int:
        return self("POST", f"/v2/a/b/blobs/uploads/?digest={DIGEST}", by=by, body=BLOB).status

    def token(self, by: str, *scope: str, **more: str) -> urllib3.BaseHTTPResponse:
        query = urlencode([("service", "lapstrake-registry"), *[("scope", s) for s in scope], *more.items()])
        return self("GET", f"/token?{query}", by=by)

    def post_token(self, **form: str) -> urllib3.BaseHTTPResponse:
        return self(
            "POST", "/token", body=urlencode(form).encode(), content_type="application/x-www-form-urlencoded"
        )

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture
def users(tmp_path: Path) -> Path:
    file = tmp_path / "users"
    file.write_text(f"# who may use it\n\n{WRITER.to_line()}\n{READER.to_line()}\n")
    return file


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path, users: Path) -> Iterator[Client]:
    """By the marks of the test: ``tokens``, ``anonymous_pull``."""
    options = getattr(request, "param", {})
    with serve("127.0.0.1", 0, str(tmp_path / "content"), auth=Auth(str(users), **options)) as running:
        client = Client(running)
        yield client
        client.close()


def by_password(**more: bool) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", [more], indirect=True, ids=["password"])


def by_token(**more: bool) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", [{"tokens": True, **more}], indirect=True, ids=["token"])


@by_password()
def test_without_a_password_nothing_is_told(client: Client) -> None:
    answer = client("GET", "/v2/a/b/tags/list")
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="lapstrake-registry"'
    assert answer.status == 401
    assert answer.json()["errors"] == [
        {
            "code": "UNAUTHORIZED",
            "message": "authentication required",
            "detail": [{"Type": "repository", "Class": "", "Name": "a/b", "Action": "pull"}],
        }
    ]
    assert client("GET", "/v2/").status == 401
    assert client("GET", "/metrics").status == 401
    assert client("GET", "/token").status == 404


@by_password()
@pytest.mark.parametrize("by", ["alice:builder", "nobody:wonderland", "alice:", ":", "no-token"])
def test_wrong_password_is_none(client: Client, by: str) -> None:
    assert client("GET", "/v2/", by=by).status == 401
    assert client.push(by) == 401


@by_password()
def test_accounts_may_do_what_they_may(client: Client) -> None:
    assert client.push("alice:wonderland") == 201
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}", by="bob:builder").data == BLOB
    refused = client("POST", "/v2/a/b/blobs/uploads/", by="bob:builder")
    assert (refused.status, refused.json()["errors"][0]["code"]) == (403, "DENIED")
    assert client("DELETE", f"/v2/a/b/blobs/{DIGEST}", by="bob:builder").status == 403
    assert client("GET", "/v2/_catalog", by="bob:builder").status == 200
    assert client("GET", "/metrics", by="bob:builder").status == 200
    assert client("DELETE", f"/v2/a/b/blobs/{DIGEST}", by="alice:wonderland").status == 202


@by_password(anonymous_pull=True)
def test_everybody_may_pull_if_so_wished(client: Client) -> None:
    assert client.push("alice:wonderland") == 201
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}").data == BLOB
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}", by="alice:wrong").status == 401
    for path in ("/v2/", "/v2/_catalog", "/metrics"):
        assert client("GET", path).status == 401, path
    assert client.push("") == 401


@by_password()
def test_change_of_the_accounts_counts_at_once(client: Client, users: Path) -> None:
    assert client("GET", "/v2/", by="alice:wonderland").status == 200
    write_account(str(users), "alice", new_account("alice", "looking-glass"))
    assert client("GET", "/v2/", by="alice:wonderland").status == 401
    assert client("GET", "/v2/", by="alice:looking-glass").status == 200
    users.write_text("broken")
    assert client("GET", "/v2/", by="alice:looking-glass").status == 200, "the last good ones stay"


@by_token()
def test_challenge_tells_where_tokens_are(client: Client) -> None:
    realm = f'Bearer realm="http://{client.host}/token",service="lapstrake-registry"'
    for method, path, scope in (
        ("GET", "/v2/", ""),
        ("GET", "/v2/_catalog", ',scope="registry:catalog:*"'),
        ("GET", "/v2/a/b/tags/list", ',scope="repository:a/b:pull"'),
        ("PUT", "/v2/a/b/manifests/x", ',scope="repository:a/b:pull,push"'),
        ("DELETE", f"/v2/a/b/blobs/{DIGEST}", ',scope="repository:a/b:delete"'),
        (
            "POST",
            f"/v2/z/blobs/uploads/?mount={DIGEST}&from=x/y",
            ',scope="repository:z:pull,push repository:x/y:pull"',
        ),
        ("POST", f"/v2/z/blobs/uploads/?mount={DIGEST}&from=%22%0D%0A", ',scope="repository:z:pull,push"'),
    ):
        answer = client(method, path)
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, realm + scope)
    spoilt = client("GET", "/v2/", by="x.y.z")
    assert spoilt.headers["WWW-Authenticate"] == f'{realm},error="invalid_token"'


@by_token()
def test_token_is_good_for_what_it_says(client: Client) -> None:
    answer = client.token("alice:wonderland", "repository:a/b:pull,push")
    body = answer.json()
    assert (answer.status, body["expires_in"], body["token"]) == (200, 300, body["access_token"])
    assert client("GET", "/v2/", by=body["token"]).status == 200
    assert client.push(body["token"]) == 201
    for method, path in (
        ("GET", "/v2/c/d/tags/list"),
        ("DELETE", f"/v2/a/b/blobs/{DIGEST}"),
        ("GET", "/v2/_catalog"),
    ):
        refused = client(method, path, by=body["token"])
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].endswith('error="insufficient_scope"')


@by_token()
def test_read_only_account_gets_no_more_than_pull(client: Client) -> None:
    token = client.token("bob:builder", "repository:a/b:*", "registry:catalog:*").json()["token"]
    assert client("GET", "/v2/_catalog", by=token).status == 200
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}", by=token).status == 404
    assert client.push(token) == 401


@by_token()
def test_tokens_are_for_those_who_log_in(client: Client) -> None:
    for by in ("", "alice:builder"):
        answer = client.token(by, "repository:a/b:pull")
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (
            401,
            'Basic realm="lapstrake-registry"',
        )
    assert client("GET", "/v2/", by="alice:wonderland").status == 401


@by_token(anonymous_pull=True)
def test_anonymous_token_pulls(client: Client) -> None:
    push = client.token("alice:wonderland", "repository:a/b:pull,push").json()["token"]
    assert client.push(push) == 201
    token = client.token("", "repository:a/b:pull,push", "registry:catalog:*").json()["token"]
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}", by=token).data == BLOB
    assert client.push(token) == 401
    assert client("GET", "/v2/_catalog", by=token).status == 401


@by_token()
def test_token_by_form_and_by_refresh_token(client: Client, users: Path) -> None:
    answer = client.post_token(
        grant_type="password",
        username="alice",
        password="wonderland",
        service="lapstrake-registry",
        scope="repository:a/b:pull,push",
        access_type="offline",
    ).json()
    assert client.push(answer["token"]) == 201
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    again = client.post_token(**form, scope="repository:a/b:pull repository:c:pull").json()
    assert client("GET", f"/v2/a/b/blobs/{DIGEST}", by=again["access_token"]).status == 200
    assert client("GET", "/v2/", by=answer["refresh_token"]).status == 401, "it is for getting tokens only"
    write_account(str(users), "alice", new_account("alice", "other"))
    assert client.post_token(**form).status == 401


@by_token()
@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"grant_type": "password", "username": "alice", "password": "x"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 401),
        ({"grant_type": "other"}, 400),
        ({}, 400),
        ({"grant_type": "password", "password": "x" * 100_000}, 413),
    ],
)
def test_form_that_gets_nothing(client: Client, form: dict[str, str], status: int) -> None:
    assert client.post_token(**form).status == status


@by_token()
def test_tokens_of_an_account_that_was_taken_away_are_void(client: Client, users: Path) -> None:
    token = client.token("alice:wonderland", "repository:a/b:pull,push").json()["token"]
    assert client.push(token) == 201
    write_account(str(users), "alice", Account("alice", WRITER.hashed, may_write=False))
    assert client.push(token) == 401
    write_account(str(users), "alice", None)
    assert client("GET", "/v2/", by=token).status == 401


@by_password()
def test_many_wrong_passwords_do_not_hold_up_others(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logins, "_MOST_WAITING", 4)
    assert client("GET", "/v2/", by="alice:wonderland").status == 200
    with ThreadPoolExecutor(8) as threads:
        guesses = [threads.submit(client.push, f"alice:guess{n}") for n in range(8)]
        assert client("GET", "/v2/", by="alice:wonderland").status == 200
        assert not all(guess.done() for guess in guesses)
        assert {guess.result() for guess in guesses} == {401, 429}


# Tokens and accounts by themselves


def test_token_runs_out(clock: Clock) -> None:
    tokens = Tokens(b"k" * 32, clock)
    access = frozenset(scopes(["repository:a/b:pull"]))
    token = tokens.issue(Grant("alice", access))
    assert tokens.read(token) == Grant("alice", access)
    clock.now += 300
    assert tokens.read(token) is None


def test_token_of_another_key_or_without_a_signature_is_none(clock: Clock) -> None:
    import jwt

    token = Tokens(b"k" * 32, clock).issue(Grant("alice", frozenset()))
    assert Tokens(b"o" * 32, clock).read(token) is None
    claims = jwt.decode(token, options={"verify_signature": False})
    assert Tokens(b"k" * 32, clock).read(jwt.encode(claims, "", "none")) is None


def test_key_is_kept_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert signing_key(str(path)) == signing_key(str(path))
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["repository:a/b:pull"], {PULL}),
        (["repository:a/b:pull repository:c:push"], {PULL, ("repository", "c", "push")}),
        (["repository:host:5000/a:pull"], {("repository", "host:5000/a", "pull")}),
        (["repository:a/b:*"], {PULL, ("repository", "a/b", "push"), ("repository", "a/b", "delete")}),
        (["registry:catalog:*"], {("registry", "catalog", "*")}),
        (["registry:other:*", "repository:a/b:admin", "nonsense", ""], set()),
    ],
)
def test_scopes(texts: list[str], wanted: set[tuple[str, str, str]]) -> None:
    assert scopes(texts) == wanted


def test_password_is_kept_as_a_salted_hash() -> None:
    one, two = new_account("alice", "wonderland"), new_account("alice", "wonderland")
    assert one.hashed != two.hashed
    assert "wonderland" not in one.to_line()
    assert (is_password(one, "wonderland"), is_password(one, "Wonderland"), is_password(None, "")) == (
        True,
        False,
        False,
    )


def test_accounts_file_goes_there_and_back(tmp_path: Path) -> None:
    path = str(tmp_path / "users")
    assert not write_account(path, "alice", WRITER)
    assert not write_account(path, "bob", READER)
    assert read_accounts(Path(path).read_text().splitlines(), path) == {"alice": WRITER, "bob": READER}
    assert write_account(path, "alice", new_account("alice", "other"))
    assert write_account(path, "bob", None)
    assert not write_account(path, "bob", None)
    assert list(read_accounts(Path(path).read_text().splitlines(), path)) == ["alice"]
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("alice", "users:1: expected NAME:HASH or NAME:HASH:read-only"),
        (f"{WRITER.to_line()}:admin", "users:1: expected NAME:HASH or NAME:HASH:read-only"),
        (f"a b:{WRITER.hashed}", "users:1: expected NAME:HASH or NAME:HASH:read-only"),
        (
            "alice:$2y$05$abcdefghijklmnopqrstuuA0vov2GDneHB3.8.cv9UF9g.RdvScIW",
            "users:1: the password of 'alice' is not stored in a way that can be checked here; set it anew with 'lapstrake registry add-user alice'",
        ),
        (
            "alice:wonderland",
            "users:1: the password of 'alice' is not stored in a way that can be checked here; set it anew with 'lapstrake registry add-user alice'",
        ),
        (
            WRITER.to_line().replace("ln=14", "ln=40"),
            "users:1: the password of 'alice' is not stored in a way that can be checked here; set it anew with 'lapstrake registry add-user alice'",
        ),
        (
            WRITER.to_line().replace("ln=14,r=8", "ln=17,r=16"),
            "users:1: the password of 'alice' is not stored in a way that can be checked here; set it anew with 'lapstrake registry add-user alice'",
        ),
        (f"{WRITER.to_line()}\n{WRITER.to_line()}", "users:2: 'alice' has an account already"),
    ],
    ids=[
        "no hash",
        "unknown right",
        "blank in the name",
        "bcrypt",
        "plain",
        "too costly",
        "too much memory",
        "twice",
    ],
)
def test_accounts_that_cannot_be_read(line: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_accounts(line.splitlines(), "users")
    assert str(caught.value) == message


def test_accounts_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"Reading the accounts in '{tmp_path}/users': No such file"):
        AccountsFile(str(tmp_path / "users"))


def test_secrets_are_not_shown(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    from lapstrake.registry.logins import Credentials

    client("GET", "/v2/", by="alice:wonderland")
    client("GET", "/v2/", by="alice:wrong-guess")
    assert "wonder" not in repr(Credentials("alice", "wonderland"))
    shown = capfd.readouterr()
    assert "guess" not in shown.out + shown.err
    assert json.dumps(shown.err) == '""'


def test_costliest_password_that_is_accepted_can_be_checked() -> None:
    account = Account("alice", WRITER.hashed.replace("ln=14,r=8", "ln=17,r=15"), True)
    assert list(read_accounts([account.to_line()], "users")) == ["alice"]
    assert not is_password(account, "wonderland")
