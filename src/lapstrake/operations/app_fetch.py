"""The fetch step: everything an App names, brought into one folder by vendir's sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import LapstrakeError
from lapstrake.messages import tool_error
from lapstrake.operations.cluster_access import CONFIG_MAPS, SECRETS, Cluster, file_contents
from lapstrake.operations.sync import Fetch, SyncOptions, sync
from lapstrake.packaging import fetch_config
from lapstrake.packaging.app_status import StepResult
from lapstrake.vendir import config_reader
from lapstrake.vendir.config import DOCKER_CONFIG_TYPE, References

Object = Mapping[str, Any]


def fetch(obj: Object, folder: str, *, cluster: Cluster, fetchers: Mapping[str, Fetch]) -> StepResult:
    """Fetch into ``folder``; the lock is the step's output. Never raises LapstrakeError."""
    entries = fetch_config.fetch_entries(obj)
    try:
        body = fetch_config.vendir_config(entries)
    except LapstrakeError as error:
        return StepResult.refused(str(error))
    try:
        references = _references(entries, obj["metadata"]["namespace"], cluster)
    except LapstrakeError as error:
        return StepResult.refused(f"Fetching: {error}")
    try:
        lock = sync(config_reader.parse(body), references, fetchers, SyncOptions(base=folder))
    except LapstrakeError as error:
        return StepResult.tool_failed("fetch", tool_error("vendir", str(error)) + "\n")
    return StepResult(stdout=lock.printed())


def secret_versions(obj: Object, *, cluster: Cluster) -> Mapping[str, str] | None:
    """Versions of the Secrets an image is fetched with; None if nothing that is fetched is an image."""
    entries = fetch_config.fetch_entries(obj)
    if not fetch_config.fetches_image(entries):
        return None
    versions = {}
    for name in fetch_config.references(entries).secrets:
        try:
            secret = cluster.get(SECRETS, obj["metadata"]["namespace"], name)
            versions[name] = str(secret["metadata"].get("resourceVersion", ""))
        except LapstrakeError:
            versions[name] = ""
    return versions


def _references(entries: Sequence[Object], namespace: str, cluster: Cluster) -> References:
    names = fetch_config.references(entries)
    secrets = {name: cluster.get(SECRETS, namespace, name) for name in names.secrets}
    return References(
        {name: file_contents(secret) for name, secret in secrets.items()},
        {name: file_contents(cluster.get(CONFIG_MAPS, namespace, name)) for name in names.config_maps},
        docker_configs=frozenset(
            n for n, secret in secrets.items() if secret.get("type") == DOCKER_CONFIG_TYPE
        ),
    )
