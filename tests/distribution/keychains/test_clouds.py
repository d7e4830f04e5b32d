from __future__ import annotations

from collections.abc import Callable

import pytest

from lapstrake.distribution.credentials import Credentialed, CredentialOptions, Credentials
from lapstrake.distribution.keychains.clouds import cloud_login
from lapstrake.oci.reference import Repository
from tests.distribution.registry_at import Answer, Asked, canned

ALL = ("gke", "ecr", "aks", "github")


def test_token_of_github() -> None:
    environment = {"GITHUB_TOKEN": "t"}
    assert cloud_login(("github",), "ghcr.io", environment) == ("unset", "t")
    assert cloud_login(("github",), "registry.test", environment) is None
    assert cloud_login((), "ghcr.io", environment) is None


@pytest.mark.parametrize(
    "host", ["registry.test", "gcr.io.evil.test", "123456789012.dkr.ecr.eu-west-1.evil.test", "azurecr.io"]
)
def test_hosts_of_nobody_are_not_asked_about(host: str) -> None:
    with canned(lambda asked: Answer(500)) as (metadata, asked):
        environment = {
            "GCE_METADATA_HOST": metadata,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{metadata}",
        }
        assert cloud_login(ALL, host, environment) is None
    assert asked == []


@pytest.mark.parametrize(
    "respond",
    [
        pytest.param(lambda asked: Answer(500, b"no"), id="refused"),
        pytest.param(lambda asked: Answer(200, b"garbage"), id="garbage"),
        pytest.param(lambda asked: Answer(200, b"[]"), id="a list"),
        pytest.param(lambda asked: Answer(200, b'{"authorizationData": 5}'), id="other fields"),
    ],
)
@pytest.mark.parametrize("host", ["gcr.io", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"])
def test_cloud_that_cannot_be_asked_means_anonymous(respond: Callable[[Asked], Answer], host: str) -> None:
    with canned(respond) as (service, _):
        environment = {
            "GCE_METADATA_HOST": service,
            "AWS_ENDPOINT_URL": f"http://{service}",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        assert cloud_login(ALL, host, environment) is None


@pytest.mark.parametrize(
    "switch", [{"IMGPKG_ENABLE_IAAS_AUTH": "true"}, {"IMGPKG_ACTIVE_KEYCHAINS": "github, gke"}]
)
def test_keychains_that_are_switched_on_come_before_flags(switch: dict[str, str]) -> None:
    with canned(lambda asked: Answer(body=b'{"access_token": "t"}')) as (metadata, asked):
        environment = {"GCE_METADATA_HOST": metadata, **switch}
        known = Credentialed(CredentialOptions("flag", "p"), environment, "IMGPKG")
        assert known.of(Repository.parse("gcr.io/team/app")) == Credentials("_token", "t")
        assert known.of(Repository.parse("registry.test/app")) == Credentials("flag", "p")
    assert [each.headers["metadata-flavor"] for each in asked] == ["Google"]


def test_keychains_are_switched_off_at_first() -> None:
    known = Credentialed(CredentialOptions(), {"GITHUB_TOKEN": "t"}, "IMGPKG")
    assert known.of(Repository.parse("ghcr.io/team/app")) == Credentials()
