from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.registry_login import login, registry_secrets
from lapstrake.vendir.config import References

SOURCE = {"secretRef": {"name": "s"}}


def references(*, docker: bool = False, **data: bytes) -> References:
    named = {
        key.replace("_", "-") if key != "_dockerconfigjson" else ".dockerconfigjson": data[key]
        for key in data
    }
    return References({"s": named}, docker_configs=frozenset({"s"} if docker else ()))


def docker_config(text: str) -> References:
    return references(docker=True, _dockerconfigjson=text.encode(), ignored=b"x")


def test_login_without_secret_is_what_is_usual():
    assert dict(login({}, References()).variables) == {}


def test_token_is_for_any_registry_or_for_the_named_host():
    assert dict(login(SOURCE, references(token=b"t")).variables) == {"IMGPKG_TOKEN": "t"}
    assert dict(login(SOURCE, references(token=b"t", identity_token=b"i", hostname=b"h")).variables) == {
        "IMGPKG_REGISTRY_REGISTRY_TOKEN_0": "t",
        "IMGPKG_REGISTRY_IDENTITY_TOKEN_0": "i",
        "IMGPKG_REGISTRY_HOSTNAME_0": "h",
    }


@pytest.mark.parametrize("found", [references(identity_token=b"i"), references(_dockerconfigjson=b"{}")])
def test_key_that_means_nothing_without_host_or_type_is_refused(found):
    with pytest.raises(
        InputError, match=r"Unknown secret field '(identity-token|\.dockerconfigjson)' in secret 's'"
    ):
        login(SOURCE, found)


def test_docker_configuration_is_taken_apart_by_host():
    text = '{"auths": {"b.test": {"auth": "dTpwOnE="}, "a.test": {"username": "me", "password": "pw"}, "c.test": {}}}'
    assert [
        (one["hostname"], one["username"], one["password"])
        for one in registry_secrets(docker_config(text), {"name": "s"})
    ] == [(b"a.test", b"me", b"pw"), (b"b.test", b"u", b"p:q"), (b"c.test", b"", b"")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end of JSON input"),
        ("{", "unexpected end of JSON input"),
        ("[]", "json: cannot unmarshal array into Go value of type config.secretDockerConfigJSON"),
        (
            '{"auths": {"h": 1}}',
            (
                "json: cannot unmarshal number into Go struct field secretDockerConfigJSON.Auths "
                "of type config.secretDockerConfigJSONAuth"
            ),
        ),
        ('{"auths": {"h": {"auth": "%"}}}', "Decoding auth field: illegal base64 data at input byte 0"),
        (
            '{"auths": {"h": {"auth": "dXA="}}}',
            "Expected auth field to have 'username:password' format, but did not",
        ),
    ],
)
def test_unusable_docker_configuration_is_told(text, message):
    with pytest.raises(InputError) as caught:
        login(SOURCE, docker_config(text))
    assert str(caught.value) == message


def test_variables_do_not_show_in_the_printed_form():
    assert "secret" not in repr(login(SOURCE, references(password=b"secret")))
