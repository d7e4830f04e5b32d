from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from lapstrake.distribution.keychains.aks import login
from tests.distribution.registry_at import Answer, Asked, canned

HOST = "team.azurecr.io"
ANYBODY = "00000000-0000-0000-0000-000000000000"


def azure(asked: Asked) -> Answer:
    """The directory, the metadata service and the registry at once."""
    if asked.path == "/oauth2/exchange":
        form = dict(parse_qsl(asked.body.decode()))
        refresh = f"refresh of {form['access_token']} for {form['service']} in {form.get('tenant', 'none')}"
        return Answer(body=json.dumps({"refresh_token": refresh}).encode())
    if asked.path.startswith("/metadata/identity/"):
        name = dict(parse_qsl(asked.path.partition("?")[2])).get("client_id", "the machine")
        return (
            Answer(body=json.dumps({"access_token": name}).encode())
            if asked.headers.get("metadata")
            else Answer(400)
        )
    form = dict(parse_qsl(asked.body.decode()))
    secret = form.get("client_secret") or form["client_assertion"]
    return Answer(body=json.dumps({"access_token": f"{form['client_id']} with {secret}"}).encode())


def of_environment(folder: Path) -> dict[str, str]:
    return {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}


def of_workload(folder: Path) -> dict[str, str]:
    (folder / "token").write_text("assertion\n")
    return {
        "AZURE_TENANT_ID": "t",
        "AZURE_CLIENT_ID": "c",
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
    }


def of_file(folder: Path) -> dict[str, str]:
    content = {
        "tenantId": "ft",
        "aadClientId": "fc",
        "aadClientSecret": "fs",
        "useManagedIdentityExtension": False,
    }
    (folder / "azure.json").write_text(json.dumps(content))
    return {"IMGPKG_REGISTRY_AZURE_CR_CONFIG": str(folder / "azure.json")}


def of_managed_file(folder: Path) -> dict[str, str]:
    (folder / "azure.json").write_text(json.dumps({"aadClientId": "msi", "userAssignedIdentityID": "mine"}))
    return {"IMGPKG_REGISTRY_AZURE_CR_CONFIG": str(folder / "azure.json")}


@pytest.mark.parametrize(
    ("environment", "refresh"),
    [
        pytest.param(of_environment, "refresh of c with s for team.azurecr.io in t", id="environment"),
        pytest.param(of_workload, "refresh of c with assertion for team.azurecr.io in t", id="workload"),
        pytest.param(of_file, "refresh of fc with fs for team.azurecr.io in ft", id="file"),
        pytest.param(of_managed_file, "refresh of mine for team.azurecr.io in none", id="identity of a file"),
        pytest.param(lambda _: {}, "refresh of the machine for team.azurecr.io in none", id="machine"),
        pytest.param(
            lambda _: {"AZURE_CLIENT_ID": "mine"},
            "refresh of mine for team.azurecr.io in none",
            id="identity",
        ),
    ],
)
def test_login_is_exchanged(
    tmp_path: Path, environment: Callable[[Path], dict[str, str]], refresh: str
) -> None:
    with canned(azure) as (service, _):
        base = f"http://{service}"
        variables = {"AZURE_AUTHORITY_HOST": f"{base}/", **environment(tmp_path)}
        assert login(HOST, variables, registry=base, metadata=base) == (ANYBODY, refresh)


@pytest.mark.parametrize("host", ["registry.test", "azurecr.io", "team.azurecr.io.test"])
def test_other_registries_are_none_of_azures(host: str) -> None:
    assert login(host, {}) is None
