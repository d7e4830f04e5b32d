"""Azure's registries: a login of Azure's directory, exchanged for a refresh token of the registry.

Source: Azure's public documentation of the container registry's exchange of tokens, of managed identities, and
of the variables that name a client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from lapstrake.distribution.keychains.web import Web

_HOST = re.compile(r".+\.azurecr\.(?:io|cn|de|us)")
_ANYBODY = "00000000-0000-0000-0000-000000000000"  # the name that goes with a refresh token
_RESOURCE = "https://management.azure.com/"
_AUTHORITY = "https://login.microsoftonline.com"
_METADATA = "http://169.254.169.254"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def login(
    host: str, environment: Mapping[str, str], *, registry: str = "", metadata: str = _METADATA
) -> tuple[str, str] | None:
    """Name and password for ``host``, None for a registry that is not Azure's.

    ``registry`` and ``metadata`` are scheme and host of the two services, if not the usual ones.
    """
    if not _HOST.fullmatch(host):
        return None
    known = _configured(environment)
    tenant = known.get("tenantId") or environment.get("AZURE_TENANT_ID", "")
    fields = {
        "access_token": _directory_token(known, tenant, environment, metadata),
        "grant_type": "access_token",
        "service": host,
    }
    if tenant:
        fields["tenant"] = tenant
    answer = Web(environment).form(f"{registry or f'https://{host}'}/oauth2/exchange", **fields)
    return _ANYBODY, str(answer["refresh_token"])


def _configured(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The file with which clusters of Azure are configured, if one is named."""
    path = environment.get("IMGPKG_REGISTRY_AZURE_CR_CONFIG")
    if not path:
        return {}
    with open(path, "rb") as file:
        content = json.load(file)
    return {key: value for key, value in content.items() if isinstance(value, str)}


def _directory_token(
    known: Mapping[str, str], tenant: str, environment: Mapping[str, str], metadata: str
) -> str:
    client = known.get("aadClientId") or environment.get("AZURE_CLIENT_ID", "")
    secret = known.get("aadClientSecret") or environment.get("AZURE_CLIENT_SECRET", "")
    federated = environment.get("AZURE_FEDERATED_TOKEN_FILE")
    if client in ("", "msi") or not tenant or not (secret or federated):
        return _machine_token(known, client, environment, metadata)
    fields = {"client_id": client, "grant_type": "client_credentials", "scope": f"{_RESOURCE}.default"}
    if secret:
        fields["client_secret"] = secret
    elif federated:
        with open(federated, encoding="utf-8") as file:
            fields |= {"client_assertion": file.read().strip(), "client_assertion_type": _ASSERTION}
    authority = (environment.get("AZURE_AUTHORITY_HOST") or _AUTHORITY).rstrip("/")
    answer = Web(environment).form(f"{authority}/{tenant}/oauth2/v2.0/token", **fields)
    return str(answer["access_token"])


def _machine_token(
    known: Mapping[str, str], client: str, environment: Mapping[str, str], metadata: str
) -> str:
    """That of the managed identity."""
    query = {"api-version": "2018-02-01", "resource": _RESOURCE}
    identity = known.get("userAssignedIdentityID") or ("" if client == "msi" else client)
    if identity:
        query["client_id"] = identity
    url = f"{metadata}/metadata/identity/oauth2/token?{urlencode(query)}"
    return str(Web(environment, near=True).object("GET", url, {"Metadata": "true"})["access_token"])
