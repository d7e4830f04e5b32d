"""Pulls images and bundles for vendir's sources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import InputError
from lapstrake.imgpkg.bundle_images import PlainImageError
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations import pull
from lapstrake.operations.fetch_image import Pulled
from lapstrake.operations.registry_login import RegistryLogin
from lapstrake.operations.transfers import UNWATCHED, Transfers


class RegistryImages:
    """Registries as seen with one login. Close it when done."""

    def __init__(
        self, login: RegistryLogin, environment: Mapping[str, str], transfers: Transfers = UNWATCHED
    ) -> None:
        self._transfers = transfers
        self._client = RegistryClient(
            RegistryOptions(verify_certs=login.verify_certs, environment={**login.variables, **environment})
        )

    def tags(self, repository: str) -> Sequence[str]:
        return self._client.tags(Repository.parse(repository))

    def pull_image(self, reference: str, into: str) -> Pulled:
        found = pull.pull_image(
            self._client, Reference.parse(reference), into, check_bundle=False, transfers=self._transfers
        )
        return Pulled(str(found))

    def pull_bundle(self, reference: str, into: str, *, recursive: bool) -> Pulled:
        try:
            found = pull.pull_bundle(
                self._client, Reference.parse(reference), into, recursive=recursive, transfers=self._transfers
            )
        except PlainImageError as e:
            raise InputError("The provided image is not a bundle") from e
        return Pulled(str(found.reference), found.relocated)

    def close(self) -> None:
        self._client.close()


def open_images(login: RegistryLogin) -> RegistryImages:
    """With this process's environment."""
    return RegistryImages(login, os.environ)
