"""How we answer what registries ask for, against canned answers; the expected requests are those of imgpkg."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest
import urllib3

from lapstrake.distribution.authority import Authority
from lapstrake.distribution.challenges import challenges
from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.distribution.credentials import Credentialed, CredentialOptions
from lapstrake.errors import RegistryError
from lapstrake.http.pools import HttpPools
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository
from tests.distribution.registry_at import Answer, Asked, canned

BASIC = "Basic " + base64.b64encode(b"me:secret").decode()
BEARER = 'Bearer realm="http://HOST/token",service="registry.test"'
PREPARING = "Error while preparing a transport to talk with the registry: Unable to create round tripper: "
Tokens = Callable[[Asked], Answer]


def token(text: str = "t", **more: object) -> Tokens:
    return lambda asked: Answer(body=json.dumps({"token": text, **more}).encode())


def asking(challenge: str, *, tokens: Tokens | None = None, lets_in: str = "") -> Callable[[Asked], Answer]:
    """A registry that shows ``challenge`` to whoever does not send ``lets_in`` (default: anything)."""

    def respond(asked: Asked) -> Answer:
        if asked.path.startswith("/token"):
            return (tokens or token())(asked)
        shown = asked.headers.get("authorization", "")
        if shown and lets_in in ("", shown):
            return Answer(body=b'{"tags":["v1"]}')
        return Answer(401, headers={"WWW-Authenticate": challenge.replace("HOST", asked.headers["host"])})

    return respond


def tags(
    respond: Callable[[Asked], Answer],
    options: CredentialOptions | None = None,
    path: str = "team/app",
    environment: dict[str, str] | None = None,
    prefix: str = "IMGPKG",
) -> tuple[list[str], list[Asked]]:
    """The tags, asked for twice, and all requests after the ping."""
    with canned(respond) as (host, asked):
        variables = {name: value.replace("HOST", host) for name, value in (environment or {}).items()}
        registry = RegistryOptions(
            credentials=options or CredentialOptions(),
            environment=variables,
            env_prefix=prefix,
            retry_count=1,
        )
        with RegistryClient(registry) as client:
            repository = Repository.parse(f"{host}/{path}")
            client.tags(repository)
            return client.tags(repository), asked[1:]


ME = CredentialOptions(username="me", password="secret")
SCOPE = "repository:team/app:pull"


@pytest.mark.parametrize(
    ("challenge", "options", "shown"),
    [
        pytest.param("", ME, BASIC, id="open, with a name"),
        pytest.param("", CredentialOptions(token="x"), "Bearer x", id="open, with a token"),
        pytest.param('Basic realm="x"', ME, BASIC, id="basic"),
        pytest.param('Basic realm="x"', CredentialOptions(token="x"), "Bearer x", id="basic, with a token"),
        pytest.param("Negotiate", ME, BASIC, id="unknown challenge"),
        pytest.param(BEARER, ME, "Bearer t", id="bearer"),
        pytest.param(BEARER, CredentialOptions(), "Bearer t", id="bearer, anonymous"),
        pytest.param(BEARER, CredentialOptions(token="x"), "Bearer x", id="bearer, with a token"),
        pytest.param(f'Basic realm="x", {BEARER}', CredentialOptions(), "Bearer t", id="two, anonymous"),
        pytest.param(f'Basic realm="x", {BEARER}', ME, BASIC, id="two, with a name"),
    ],
)
def test_what_is_shown(challenge: str, options: CredentialOptions, shown: str) -> None:
    def respond(asked: Asked) -> Answer:
        if not challenge:
            return Answer(body=b'{"tags":["v1"]}')
        return asking(challenge)(asked)

    found, asked = tags(respond, options)
    assert found == ["v1"]
    assert {each.headers.get("authorization") for each in asked if "/tags/" in each.path} == {shown}


def test_name_without_password_is_not_shown() -> None:
    with pytest.raises(RegistryError, match="401 Unauthorized"):
        tags(asking('Basic realm="x"'), CredentialOptions(username="me"))


def test_token_is_asked_for_once_with_name_and_scope() -> None:
    _, asked = tags(asking(BEARER), ME)
    assert [each.path.partition("?")[0] for each in asked] == [
        "/token",
        "/v2/team/app/tags/list",
        "/v2/team/app/tags/list",
    ]
    assert parse_qsl(asked[0].path.partition("?")[2]) == [("scope", SCOPE), ("service", "registry.test")]
    assert asked[0].headers["authorization"] == BASIC


def test_anonymous_asks_for_a_token_without_a_name() -> None:
    _, asked = tags(asking(BEARER))
    assert "authorization" not in asked[0].headers


def test_access_token_comes_before_token() -> None:
    _, asked = tags(asking(BEARER, tokens=token("old", access_token="new")))
    assert asked[1].headers["authorization"] == "Bearer new"


IDENTITY = {"IMGPKG_REGISTRY_HOSTNAME": "HOST", "IMGPKG_REGISTRY_IDENTITY_TOKEN": "refresh"}


def test_identity_token_is_exchanged() -> None:
    _, asked = tags(asking(BEARER), environment=IDENTITY)
    assert (asked[0].method, asked[0].path) == ("POST", "/token")
    assert dict(parse_qsl(asked[0].body.decode())) == {
        "client_id": "lapstrake",
        "grant_type": "refresh_token",
        "refresh_token": "refresh",
        "scope": SCOPE,
        "service": "registry.test",
    }


def test_identity_token_and_a_server_that_knows_no_exchange() -> None:
    def tokens(asked: Asked) -> Answer:
        return Answer(404) if asked.method == "POST" else token()(asked)

    _, asked = tags(asking(BEARER, tokens=tokens), environment=IDENTITY)
    assert [each.method for each in asked] == ["POST", "GET", "GET", "GET"]


def test_token_that_ran_out_is_renewed() -> None:
    given: list[str] = []

    def tokens(asked: Asked) -> Answer:
        given.append(f"t{len(given)}")
        return token(given[-1])(asked)

    found, _ = tags(asking(BEARER, tokens=tokens, lets_in="Bearer t1"))
    assert (found, given) == (["v1"], ["t0", "t1"])


def test_refusal_names_what_else_is_needed() -> None:
    more = f'{BEARER},scope="repository:other:pull,push registry:catalog:*"'

    def respond(asked: Asked) -> Answer:
        if asked.path == "/v2/":
            return asking(BEARER)(asked)
        return asking(more, tokens=lambda a: token(a.path)(a), lets_in=wide)(asked)

    wide = (
        "Bearer /token?scope=repository%3Aother%3Apull%2Cpush+registry%3Acatalog%3A%2A"
        "&scope=repository%3Ateam%2Fapp%3Apull&service=registry.test"
    )
    assert tags(respond)[0] == ["v1"]


def test_registry_that_asks_only_when_it_must() -> None:
    def respond(asked: Asked) -> Answer:
        return Answer() if asked.path == "/v2/" else asking(BEARER)(asked)

    assert tags(respond)[0] == ["v1"]


def test_refusal_that_stays_is_told() -> None:
    def respond(asked: Asked) -> Answer:
        answer = asking(BEARER, lets_in="Bearer never")(asked)
        denied = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
        return Answer(401, denied, answer.headers) if answer.status == 401 else answer

    with pytest.raises(RegistryError, match=r"tags/list.*: UNAUTHORIZED: authentication required") as caught:
        tags(respond)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("challenge", "tokens", "message"),
    [
        pytest.param(
            'Bearer service="s"',
            token(),
            "malformed www-authenticate, missing realm: map[service:s]",
            id="no realm",
        ),
        pytest.param(
            'Bearer realm="ftp://h"', token(), 'Get "ftp://h": unsupported protocol scheme "ftp"', id="ftp"
        ),
        pytest.param(
            BEARER,
            lambda asked: Answer(403),
            "GET http://HOST/token?scope=repository%3Ateam%2Fapp%3Apull&service=registry.test: "
            "unexpected status code 403 Forbidden",
            id="refused",
        ),
        pytest.param(
            BEARER,
            lambda asked: Answer(body=b"garbage"),
            "invalid character 'g' looking for beginning of value",
            id="garbage",
        ),
        pytest.param(BEARER, lambda asked: Answer(body=b"{}"), "no token in bearer response", id="no token"),
    ],
)
@pytest.mark.parametrize(("prefix", "before"), [("IMGPKG", PREPARING), ("KBLD", "")])
def test_failure_to_get_a_token(
    challenge: str, tokens: Tokens, message: str, prefix: str, before: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        tags(asking(challenge, tokens=tokens), prefix=prefix)
    host = str(caught.value).partition("http://")[2].partition("/")[0]
    assert str(caught.value) == before + message.replace("HOST", host)


def test_wrong_password_is_shown_once() -> None:
    with (
        canned(asking(BEARER, tokens=lambda asked: Answer(401))) as (host, asked),
        RegistryClient(RegistryOptions(credentials=ME, environment={})) as client,
        pytest.raises(RegistryError, match="401 Unauthorized"),
    ):
        client.head(Repository.parse(f"{host}/team/app").with_tag("v1"))
    assert [each.path.partition("?")[0] for each in asked] == ["/v2/", "/token"]


def test_upload_asks_for_both_rights_and_for_those_of_the_source() -> None:
    blob = b"content"

    def respond(asked: Asked) -> Answer:
        answer = asking(BEARER)(asked)
        if answer.status != 200 or asked.path.startswith("/token"):
            return answer
        return Answer(404 if asked.method == "HEAD" else 201)

    with canned(respond) as (host, asked), RegistryClient(RegistryOptions(environment={})) as client:
        one, two = (Repository.parse(f"{host}/{name}") for name in ("one", "two"))
        client.push_blob(two, Digest.of(blob), blob, mount_from=one)
    scopes = [
        [value for name, value in parse_qsl(each.path.partition("?")[2]) if name == "scope"]
        for each in asked
        if each.path.startswith("/token")
    ]
    assert scopes == [
        ["repository:two:push,pull"],
        ["repository:two:push,pull", "repository:one:pull"],
    ]


def test_source_that_may_not_be_read_is_no_obstacle() -> None:
    blob, stored = b"content", []

    def respond(asked: Asked) -> Answer:
        if asked.path == "/v2/":
            return Answer()
        if asked.method in ("HEAD", "GET"):
            return Answer(404)
        if asked.method == "POST":
            return Answer(403) if "mount=" in asked.path else Answer(202, headers={"Location": "/up?x=1"})
        stored.append(asked.body)
        return Answer(201)

    with canned(respond) as (host, _), RegistryClient(RegistryOptions(environment={})) as client:
        one, two = (Repository.parse(f"{host}/{name}") for name in ("one", "two"))
        client.push_blob(two, Digest.of(blob), blob, mount_from=one)
    assert stored[-1] == blob


def authority(host: str, clock: Callable[[], float]) -> Authority:
    pools = HttpPools(ca_cert_paths=(), verify_certs=True, timeout=urllib3.Timeout(5), environment={})
    credentials = Credentialed(CredentialOptions(), {}, "IMGPKG")
    offered = challenges(BEARER.replace("HOST", host))
    return Authority(pools, f"http://{host}", offered, credentials, clock=clock)


@pytest.mark.parametrize(
    ("answer", "passed", "asked_for"),
    [
        pytest.param({"expires_in": 60}, 54.0, 1, id="still good"),
        pytest.param({"expires_in": 60}, 56.0, 2, id="about to end"),
        pytest.param({}, 1e9, 1, id="end unknown"),
        pytest.param({"expires_in": 10**400}, 1e9, 1, id="end that is beyond all numbers"),
        pytest.param({"expires_in": "soon"}, 1e9, 1, id="end that is no number"),
        pytest.param({"expires_in": 2}, 0.9, 1, id="short life"),
        pytest.param({"expires_in": 2}, 1.1, 2, id="short life over"),
    ],
)
def test_token_is_kept_while_it_lives(answer: dict[str, object], passed: float, asked_for: int) -> None:
    now = [0.0]
    with canned(token("t", **answer)) as (host, asked):
        known = authority(host, lambda: now[0])
        repositories = (Repository.parse(f"{host}/team/app"),)
        known.headers(repositories, push=False)
        now[0] = passed
        assert known.headers(repositories, push=False) == {"Authorization": "Bearer t"}
    assert len(asked) == asked_for


@pytest.mark.parametrize(
    "options",
    [
        CredentialOptions(token="s3cret\n"),
        CredentialOptions(token="s3cret\r\nX-More: 1"),
        CredentialOptions(token="\x7fs3cret"),
    ],
)
def test_token_that_cannot_be_sent_is_not_shown(options: CredentialOptions) -> None:
    with pytest.raises(RegistryError) as caught:
        tags(lambda asked: Answer(body=b"{}"), options)
    assert str(caught.value).endswith('net/http: invalid header field value for "Authorization"')
    assert "s3cret" not in str(caught.value)


def test_name_and_token_may_be_of_any_bytes() -> None:
    found, asked = tags(
        lambda asked: Answer(body=b'{"tags":[]}'), CredentialOptions(username="m\udcff", password="s")
    )
    expected = "Basic " + base64.b64encode(b"m\xff:s").decode()
    assert {each.headers.get("authorization") for each in asked if "/tags/" in each.path} == {expected}
    found, asked = tags(lambda asked: Answer(body=b'{"tags":[]}'), CredentialOptions(token="\u2603"))
    assert found == []
