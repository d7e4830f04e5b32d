from __future__ import annotations

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


@pytest.mark.parametrize(
    ("hostname", "found"),
    [
        pytest.param("http://host.test", True, id="scheme in front"),
        pytest.param("https://host.test/v1/", True, id="URL of an API"),
        pytest.param("host.test/v2/team", True, id="path below an API"),
        pytest.param("host.test/v2", False, id="path like that of an API"),
        pytest.param("host.test/te", True, id="part of a name"),
        pytest.param("host.test/team/", True, id="slash at the end"),
        pytest.param("host.test/team/app/x", False, id="longer path"),
        pytest.param("host.test/t*", False, id="star in the path"),
        pytest.param("hos?.test", False, id="question mark"),
        pytest.param("", False, id="empty"),
    ],
)
def test_environment_matches_as_imgpkg(hostname: str, found: bool) -> None:
    expected = Credentials("user", "secret") if found else NONE
    assert of("host.test/team/app", variables(hostname)) == expected


def test_environment_knows_the_hub_by_both_names() -> None:
    assert of("nginx", variables("docker.io")) == of("nginx", variables("index.docker.io")) != NONE


def test_group_without_credentials_means_anonymous() -> None:
    environment = {"IMGPKG_REGISTRY_HOSTNAME": "host.test", "IMGPKG_USERNAME": "u", "IMGPKG_PASSWORD": "p"}
    assert of("host.test/app", environment) == NONE
    assert of("other.test/app", environment) == Credentials("u", "p")


KBLD = {"KBLD_REGISTRY_USERNAME": "u", "KBLD_REGISTRY_PASSWORD": "p"}


def test_kbld_compares_hosts_exactly() -> None:
    assert of("host.test/app", KBLD | {"KBLD_REGISTRY_HOSTNAME": "host.test"}, "KBLD") == Credentials(
        "u", "p"
    )
    assert of("host.test/app", KBLD | {"KBLD_REGISTRY_HOSTNAME": "*.test"}, "KBLD") == NONE
    assert of("host.test/app", KBLD | {"IMGPKG_REGISTRY_HOSTNAME": "host.test"}, "KBLD") == NONE


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param({"KBLD_REGISTRY_FOO": "x"}, "Unknown env variable 'KBLD_REGISTRY_FOO'", id="unknown"),
        pytest.param(
            {"KBLD_REGISTRY_HOSTNAME": "host.test", "KBLD_REGISTRY_HOSTNAME_1": ""},
            "Parsing registry hostname: strict validation requires the registry to be explicitly defined "
            "(e.g. gcr.io, index.docker.io)",
            id="empty",
        ),
        pytest.param(
            KBLD | {"KBLD_REGISTRY_HOSTNAME": "a b"},
            "Parsing registry hostname: registries must be valid RFC 3986 URI authorities: a b "
            "(e.g. gcr.io, index.docker.io)",
            id="blank",
        ),
        pytest.param(
            KBLD | {"KBLD_REGISTRY_HOSTNAME": "host.test/team"},
            "Parsing registry hostname: registries must be valid RFC 3986 URI authorities: host.test/team "
            "(e.g. gcr.io, index.docker.io)",
            id="path",
        ),
    ],
)
def test_kbld_tells_errors_in_its_own_words(environment: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        of("host.test/app", environment, "KBLD")
    assert str(caught.value) == message


def test_sources_are_asked_again_after_a_while() -> None:
    now, environment = [0.0], variables("host.test")
    known = Credentialed(CredentialOptions(), environment, "IMGPKG", clock=lambda: now[0])
    repository = Repository.parse("host.test/app")
    assert known.of(repository).username == "user"
    environment["IMGPKG_REGISTRY_USERNAME"] = "other"
    assert known.of(repository).username == "user"
    now[0] = 301.0
    assert known.of(repository).username == "other"


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


@pytest.mark.parametrize(
    ("active", "unknown"),
    [
        pytest.param("gke, nope", "nope", id="no such keychain"),
        pytest.param("gke,,ecr", "", id="nothing between commas"),
        pytest.param("gke,", "", id="nothing after a comma"),
    ],
)
def test_unknown_keychain_is_an_error(active: str, unknown: str) -> None:
    with pytest.raises(InputError) as caught:
        of("host.test/app", {"IMGPKG_ACTIVE_KEYCHAINS": active})
    assert str(caught.value) == (
        f"Creating registry keychain: Unable to load keychain for {unknown}, "
        "available keychains [aks, ecr, gke, github]"
    )


@pytest.mark.parametrize(
    ("hostname", "message"),
    [
        pytest.param("a b", 'parse "https://a b": invalid character " " in host name', id="a blank"),
        pytest.param("host.test:x", 'parse "https://host.test:x": invalid port ":x" after host', id="port"),
        pytest.param("http://[::1", "parse \"http://[::1\": missing ']' in host", id="with a scheme"),
        pytest.param("host.test/%zz", 'parse "https://host.test/%zz": invalid URL escape "%zz"', id="path"),
    ],
)
def test_hostname_that_is_no_part_of_a_url_is_an_error(hostname: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        of("host.test/app", variables(hostname))
    assert str(caught.value) == (
        f"Unable retrieve credentials for registry: Parsing registry hostname: {message} "
        "(e.g. gcr.io, index.docker.io)"
    )


def test_credentials_do_not_show_their_secrets() -> None:
    assert "secret" not in repr(Credentials("me", "secret", "secret", "secret"))
