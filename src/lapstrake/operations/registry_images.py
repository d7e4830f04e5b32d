"""Pulls images and bundles for vendir's sources."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.distribution.credentials import CredentialOptions
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations import pull
from lapstrake.operations.fetch_image import Pulled, RegistryLogin
from lapstrake.operations.transfers import UNWATCHED, Transfers


class RegistryImages:
    """Registries as seen with one login. Close it when done."""

    def __init__(
        self, login: RegistryLogin, environment: Mapping[str, str], transfers: Transfers = UNWATCHED
    ) -> None:
        self._transfers = transfers
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        own = dict(environment)
        if login.docker_config:
            self._folder = tempfile.TemporaryDirectory(prefix="registry-login-")
            own["DOCKER_CONFIG"] = self._folder.name
            path = os.path.join(self._folder.name, "config.json")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
                file.write(login.docker_config)
        options = CredentialOptions(login.username, login.password, login.token)
        if login.hostname:
            own |= {
                "IMGPKG_REGISTRY_HOSTNAME": login.hostname,
                "IMGPKG_REGISTRY_USERNAME": login.username,
                "IMGPKG_REGISTRY_PASSWORD": login.password,
            }
            options = CredentialOptions()
        self._client = RegistryClient(
            RegistryOptions(verify_certs=login.verify_certs, credentials=options, environment=own)
        )

    def tags(self, repository: str) -> Sequence[str]:
        return self._client.tags(Repository.parse(repository))

    def pull_image(self, reference: str, into: str) -> Pulled:
        found = pull.pull_image(
            self._client, Reference.parse(reference), into, check_bundle=False, transfers=self._transfers
        )
        return Pulled(str(found))

    def pull_bundle(self, reference: str, into: str, *, recursive: bool) -> Pulled:
        found = pull.pull_bundle(
            self._client, Reference.parse(reference), into, recursive=recursive, transfers=self._transfers
        )
        return Pulled(str(found.reference), found.relocated)

    def close(self) -> None:
        self._client.close()
        if self._folder is not None:
            self._folder.cleanup()


def open_images(login: RegistryLogin) -> RegistryImages:
    """With this process's environment."""
    return RegistryImages(login, os.environ)
