from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from lapstrake.distribution.credentials import Credentialed, CredentialOptions, Credentials
from lapstrake.errors import InputError
from lapstrake.oci.reference import Repository

NONE = Credentials()


def of(
    repository: str, environment: dict[str, str], prefix: str = "IMGPKG", username: str = ""
) -> Credentials:
    return Credentialed(CredentialOptions(username=username), environment, prefix).of(
        Repository.parse(repository)
    )


def variables(hostname: str, suffix: str = "") -> dict[str, str]:
    return {
        f"IMGPKG_REGISTRY_HOSTNAME{suffix}": hostname,
        f"IMGPKG_REGISTRY_USERNAME{suffix}": f"user{suffix}",
        f"IMGPKG_REGISTRY_PASSWORD{suffix}": "secret",
    }


@pytest.mark.parametrize(
    ("hostname", "repository", "found"),
    [
        pytest.param("host.test", "host.test/app", True, id="host"),
        pytest.param("other.test", "host.test/app", False, id="another host"),
        pytest.param("*.test", "host.test/app", True, id="star"),
        pytest.param("*.test", "a.host.test/app", False, id="star is one part"),
        pytest.param("h*t.test", "host.test/app", True, id="star within a part"),
        pytest.param("host.test:5000", "host.test/app", False, id="port"),
        pytest.param("host.test/team", "host.test/team/app", True, id="path"),
        pytest.param("host.test/team", "host.test/other/app", False, id="another path"),
    ],
)
def test_environment_matches_hosts(hostname: str, repository: str, found: bool) -> None:
    expected = Credentials("user", "secret") if found else NONE
    assert of(repository, variables(hostname)) == expected


def test_environment_groups_by_suffix_in_reverse_order_of_hosts() -> None:
    environment = variables("host.test", "_0") | variables("host.test/team", "_1")
    assert of("host.test/team/app", environment).username == "user_1"
    assert of("host.test/app", environment).username == "user_0"


def test_environment_wins_over_flags() -> None:
    assert of("host.test/app", variables("host.test"), username="flag").username == "user"


def test_flags_win_over_the_short_variables() -> None:
    environment = {"IMGPKG_USERNAME": "variable", "IMGPKG_PASSWORD": "p"}
    assert of("host.test/app", environment).username == "variable"
    assert of("host.test/app", environment, username="flag").username == "flag"


def test_unknown_variable_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        of("host.test/app", {"IMGPKG_REGISTRY_HOSTNAMES": "x"})
    assert str(caught.value) == (
        "Unable retrieve credentials for registry: Unknown env variable 'IMGPKG_REGISTRY_HOSTNAMES'"
    )


def test_unknown_keychain_is_an_error() -> None:
    with pytest.raises(InputError) as caught:
        of("host.test/app", {"IMGPKG_ACTIVE_KEYCHAINS": "gke, nope"})
    assert str(caught.value) == (
        "Creating registry keychain: Unable to load keychain for nope, available keychains [aks, ecr, gke, github]"
    )


def test_github_keychain_uses_its_token() -> None:
    environment = {"IMGPKG_ACTIVE_KEYCHAINS": "github", "GITHUB_TOKEN": "t"}
    assert of("ghcr.io/team/app", environment).password == "t"
    assert of("host.test/app", environment) == NONE


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
    previous = os.environ["PATH"]
    os.environ["PATH"] = environment["PATH"]
    try:
        assert of("host.test/app", environment) == Credentials("host.test", "s")
    finally:
        os.environ["PATH"] = previous


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


def test_damaged_configuration_is_an_error(tmp_path: Path) -> None:
    environment = configured(tmp_path, {})
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"Unable retrieve credentials for registry: .*config\.json"):
        of("host.test/app", environment)


def test_credentials_do_not_show_their_secrets() -> None:
    assert "secret" not in repr(Credentials("me", "secret", "secret", "secret"))
