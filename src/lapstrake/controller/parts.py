"""The real parts that the controller reconciles with: registries, sources, programs, kapp."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lapstrake.adapters.cluster import ClusterClient
from lapstrake.adapters.kubeconfig import load_access
from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.operations.app_template import TemplateTools
from lapstrake.operations.cluster_access import Access
from lapstrake.operations.kapp_steps import KappSteps
from lapstrake.operations.reconcile_app import AppSteps
from lapstrake.operations.reconcile_repository import RepositorySteps
from lapstrake.operations.registry_images import open_images
from lapstrake.operations.registry_resolver import RegistryResolver
from lapstrake.operations.sources import standard_fetchers
from lapstrake.packaging.downward_api import Surroundings

# A template program that runs longer than this is hanging (seconds).
_PROGRAM_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the controller needs besides the cluster it watches."""

    apps: AppSteps
    repositories: RepositorySteps
    registries: Registries
    access: Access

    def close(self) -> None:
        self.registries.close()
        self.access.close()


class Registries:
    """One registry client for all of kbld's questions, opened with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: RegistryClient | None = None

    def client(self) -> RegistryClient:
        with self._lock:
            if self._client is None:
                self._client = RegistryClient(RegistryOptions(env_prefix="KBLD"))
            return self._client

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()


def standard_parts(
    cluster: ClusterClient, *, controller_version: str, work_folder: Path | None = None
) -> Parts:
    """The parts for ``cluster``; fetched content is kept below ``work_folder`` while it is used.

    What an earlier run left there is removed.
    """
    if work_folder is not None:
        shutil.rmtree(work_folder, ignore_errors=True)
        work_folder.mkdir(parents=True, mode=0o700)
    folder = str(work_folder) if work_folder is not None else None
    access = Access(
        cluster,
        from_kubeconfig=lambda text: ClusterClient(load_access(contents=text)),
        now=time.time,
    )
    registries = Registries()
    tools = TemplateTools(
        cluster=cluster,
        resolver=lambda: RegistryResolver(registries.client),
        surroundings=Surroundings(
            kubernetes_version=cluster.server_version,
            controller_version=controller_version,
            group_versions=lambda: sorted({rt.api_version for rt in cluster.resource_types()}),
        ),
        programs=SystemPrograms(),
    )
    fetchers = standard_fetchers(os.environ, open_images)
    kapp = KappSteps()
    return Parts(
        apps=AppSteps(cluster, access, fetchers, tools, kapp, folder),
        repositories=RepositorySteps(cluster, fetchers, tools, kapp, folder),
        registries=registries,
        access=access,
    )


class SystemPrograms:
    """Programs on the PATH."""

    def find(self, name: str) -> str | None:
        return shutil.which(name)

    def run(self, arguments: Sequence[str], *, stdin: bytes, folder: str) -> tuple[int, str, str]:
        try:
            ended = subprocess.run(
                list(arguments),
                input=stdin,
                cwd=folder,
                capture_output=True,
                timeout=_PROGRAM_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 1, "", f"{arguments[0]} did not end within {_PROGRAM_TIMEOUT:.0f} seconds\n"
        return ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")
