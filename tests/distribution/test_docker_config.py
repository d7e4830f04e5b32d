from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from lapstrake.distribution.credentials import Credentialed, CredentialOptions, Credentials
from lapstrake.distribution.docker_config import docker_credentials
from lapstrake.errors import InputError
from lapstrake.oci.reference import Repository

NONE = Credentials()
IMGPKG = "Unable retrieve credentials for registry: "


def of(repository: str, environment: dict[str, str], prefix: str = "IMGPKG") -> Credentials:
    return Credentialed(CredentialOptions(), environment, prefix).of(Repository.parse(repository))


def configured(folder: Path, config: dict[str, object]) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}


def entry(name: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:secret".encode()).decode()}


@pytest.mark.parametrize(
    ("key", "repository"),
    [
        pytest.param("host.test", "host.test/app", id="host"),
        pytest.param("https://host.test/v1/", "host.test/app", id="address"),
        pytest.param("host.test/team/app", "host.test/team/app", id="repository"),
        pytest.param("https://index.docker.io/v1/", "nginx", id="the hub"),
    ],
)
def test_docker_configuration(tmp_path: Path, key: str, repository: str) -> None:
    environment = configured(tmp_path, {"auths": {key: entry("me")}})
    assert of(repository, environment) == Credentials("me", "secret")
    assert of("elsewhere.test/app", environment) == NONE


def test_anonymous_does_not_look_at_docker(tmp_path: Path) -> None:
    environment = configured(tmp_path, {"auths": {"host.test": entry("me")}})
    assert of("host.test/app", environment | {"IMGPKG_ANON": "true"}) == NONE


def test_helper_program_is_asked(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-store"
    helper.write_text('#!/bin/sh\nread server\necho "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"\n')
    helper.chmod(0o755)
    environment = configured(tmp_path, {"credHelpers": {"host.test": "store"}})
    assert of("host.test/app", environment) == Credentials("host.test", "s")


def test_helper_that_is_missing_is_an_error(tmp_path: Path) -> None:
    reason = 'error getting credentials - err: exec: "docker-credential-absent": executable file not found in $PATH'
    with pytest.raises(InputError) as caught:
        of("host.test/app", configured(tmp_path, {"credsStore": "absent"}))
    assert (
        str(caught.value) == f"Unable retrieve credentials for registry: Retried 5 times: {reason}, out: ``"
    )


def test_podmans_file_is_read_if_docker_has_none(tmp_path: Path) -> None:
    path = tmp_path / "auth.json"
    path.write_text(json.dumps({"auths": {"host.test": entry("pod")}}))
    environment = {"REGISTRY_AUTH_FILE": str(path), "HOME": str(tmp_path)}
    assert of("host.test/app", environment).username == "pod"


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param("host.test/team", True, id="another path of the host"),
        pytest.param("https://host.test", True, id="scheme"),
        pytest.param("http://host.test/v2/", True, id="address of the interface"),
        pytest.param("https://host.test/any", True, id="any address"),
        pytest.param("host.test:443", False, id="port"),
        pytest.param("test", False, id="domain"),
    ],
)
def test_keys_are_compared_by_host(tmp_path: Path, key: str, found: bool) -> None:
    environment = configured(tmp_path, {"auths": {key: entry("me")}})
    assert of("host.test/team/app", environment) == (Credentials("me", "secret") if found else NONE)


@pytest.mark.parametrize(
    "key", ["docker.io", "index.docker.io", "https://index.docker.io/v2/", "registry-1.docker.io"]
)
def test_other_names_of_the_hub(tmp_path: Path, key: str) -> None:
    assert of("nginx", configured(tmp_path, {"auths": {key: entry("me")}})) == Credentials("me", "secret")


def test_repository_comes_before_its_host(tmp_path: Path) -> None:
    auths = {"host.test": entry("host"), "host.test/team/app": entry("app")}
    assert of("host.test/team/app", configured(tmp_path, {"auths": auths})).username == "app"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"username": "u", "password": "p"}, Credentials("u", "p"), id="name and password"),
        pytest.param(
            entry("me") | {"username": "x", "password": "y"}, Credentials("me", "secret"), id="both"
        ),
        pytest.param(
            {"auth": base64.b64encode(b"<token>:").decode(), "identitytoken": "i"},
            Credentials("<token>", "", "i"),
            id="identity token",
        ),
        pytest.param({"registrytoken": "r"}, Credentials(registry_token="r"), id="registry token"),
        pytest.param({}, NONE, id="empty"),
        pytest.param("text", NONE, id="no entry"),
    ],
)
def test_fields_of_an_entry(tmp_path: Path, fields: object, expected: Credentials) -> None:
    assert of("host.test/app", configured(tmp_path, {"auths": {"host.test": fields}})) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("{", "unexpected EOF", id="cut"),
        pytest.param("garbage", "invalid character 'g' looking for beginning of value", id="no JSON"),
        pytest.param(
            "[]", "json: cannot unmarshal array into Go value of type configfile.ConfigFile", id="list"
        ),
        pytest.param(
            '{"auths": []}',
            "json: cannot unmarshal array into Go struct field ConfigFile.auths of type map[string]types.AuthConfig",
            id="auths are a list",
        ),
        pytest.param(
            '{"auths": {"z": {"auth": "!!!"}}}', "illegal base64 data at input byte 0", id="no base64"
        ),
        pytest.param(
            '{"auths": {"z": {"auth": "dTpwcA"}}}', "illegal base64 data at input byte 4", id="unpadded"
        ),
        pytest.param(
            '{"auths": {"z": {"auth": "bm9jb2xvbg=="}}}', "Invalid auth configuration file", id="no colon"
        ),
    ],
)
@pytest.mark.parametrize(
    ("prefix", "told"),
    [("IMGPKG", f"{IMGPKG}Retried 5 times: loading config file: {{}}: : "), ("KBLD", "{}: ")],
)
def test_damaged_configuration(tmp_path: Path, text: str, reason: str, prefix: str, told: str) -> None:
    environment = configured(tmp_path, {})
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError) as caught:
        of("host.test/app", environment, prefix)
    assert str(caught.value) == told.format(tmp_path / "config.json") + reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("null", NONE, id="null"),
        pytest.param(
            json.dumps({"auths": {"host.test": entry("me")}}) + "rest", Credentials("me", "secret"), id="rest"
        ),
    ],
)
def test_configuration_is_read_as_a_stream(tmp_path: Path, text: str, expected: Credentials) -> None:
    environment = configured(tmp_path, {})
    (tmp_path / "config.json").write_text(text)
    assert of("host.test/app", environment) == expected


@pytest.mark.parametrize("folder", ["missing", "config.json"])
def test_configuration_that_is_not_there(tmp_path: Path, folder: str) -> None:
    (tmp_path / "config.json").write_text("")
    assert (
        docker_credentials(Repository.parse("host.test/app"), {"DOCKER_CONFIG": str(tmp_path / folder)}) == {}
    )
    assert docker_credentials(Repository.parse("host.test/app"), {"DOCKER_CONFIG": str(tmp_path)}) == {}


def helper(folder: Path, script: str) -> None:
    path = folder / "docker-credential-it"
    path.write_text(f'#!/bin/sh\nread server\necho "$server" >> {folder}/asked\n{script}\n')
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "expected", "asked"),
    [
        pytest.param("""echo '{"Username":"u","Secret":"s"}'""", Credentials("u", "s"), 1, id="name"),
        pytest.param(
            """echo '{"Username":"<token>","Secret":"s"}'""", Credentials(identity_token="s"), 1, id="token"
        ),
        pytest.param("echo credentials not found in native keychain; exit 1", NONE, 2, id="knows nothing"),
        pytest.param("""echo '{"Username":"","Secret":""}'""", NONE, 2, id="empty"),
        pytest.param("echo '[]'", NONE, 2, id="no object"),
    ],
)
def test_answers_of_a_helper(tmp_path: Path, script: str, expected: Credentials, asked: int) -> None:
    """``auths`` are not looked at where a helper keeps what is in them."""
    helper(tmp_path, script)
    environment = configured(tmp_path, {"credsStore": "it", "auths": {"host.test": entry("me")}})
    assert of("host.test/app", environment) == expected
    assert (tmp_path / "asked").read_text().split() == ["host.test/app", "host.test"][:asked]


@pytest.mark.parametrize(
    ("script", "message", "asked"),
    [
        pytest.param(
            "echo problem; exit 3",
            "Retried 5 times: error getting credentials - err: exit status 3, out: `problem`",
            5,
            id="fails",
        ),
        pytest.param(
            "echo no credentials server URL; exit 1",
            "error getting credentials - err: no credentials server URL, out: `no credentials server URL`",
            1,
            id="misused",
        ),
        pytest.param(
            "echo x", "Retried 5 times: invalid character 'x' looking for beginning of value", 1, id="garbage"
        ),
    ],
)
def test_helper_that_fails(tmp_path: Path, script: str, message: str, asked: int) -> None:
    helper(tmp_path, script)
    with pytest.raises(InputError) as caught:
        of("host.test/app", configured(tmp_path, {"credHelpers": {"host.test/app": "it"}}))
    assert str(caught.value) == IMGPKG + message
    assert len((tmp_path / "asked").read_text().split()) == asked


def test_helper_with_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Expected the name of a credential helper"):
        of("host.test/app", configured(tmp_path, {"credsStore": "../../bin/sh"}))
