from __future__ import annotations

import pytest

from lapstrake.distribution.challenges import challenges, preferred

BEARER = 'Bearer realm="https://auth.test/token",service="registry.test"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Negotiate", [("negotiate", {})], id="without parameters"),
        pytest.param(
            'Bearer realm="r",scope="repository:a:pull,push"',
            [("bearer", {"realm": "r", "scope": "repository:a:pull,push"})],
            id="comma in a value",
        ),
        pytest.param(
            'Basic realm="x, y", Bearer realm="r",service="s"',
            [("basic", {"realm": "x, y"}), ("bearer", {"realm": "r", "service": "s"})],
            id="two challenges",
        ),
        pytest.param(
            'Negotiate, Basic realm="x"',
            [("negotiate", {}), ("basic", {"realm": "x"})],
            id="bare, then another",
        ),
        pytest.param(r'Basic realm="a\"b\\c"', [("basic", {"realm": 'a"b\\c'})], id="escapes"),
        pytest.param(
            "bearer  REALM = http://h/t , service=s ",
            [("bearer", {"realm": "http://h/t", "service": "s"})],
            id="without quotes, with blanks",
        ),
        pytest.param('Basic realm=""', [("basic", {"realm": ""})], id="empty value"),
        pytest.param('Basic realm="open', [("basic", {"realm": ""})], id="open quotes"),
        pytest.param("\x00", [], id="no token"),
        pytest.param("B " * 200_000, None, id="long"),
    ],
)
def test_challenges_of_a_header(header: str, expected: list[tuple[str, dict[str, str]]] | None) -> None:
    found = [(challenge.scheme, dict(challenge.parameters)) for challenge in challenges(header)]
    if expected is not None:
        assert found == expected


@pytest.mark.parametrize(
    ("header", "named", "scheme"),
    [
        pytest.param(f'Basic realm="x", {BEARER}', True, "basic", id="the first"),
        pytest.param(f'Basic realm="x", {BEARER}', False, "bearer", id="without a name, a token"),
        pytest.param(f'Digest nonce="1", {BEARER}', True, "bearer", id="the first that we know"),
        pytest.param('Digest nonce="1"', True, "", id="none that we know"),
    ],
)
def test_preferred_challenge(header: str, named: bool, scheme: str) -> None:
    assert preferred(challenges(header), named=named).scheme == scheme
