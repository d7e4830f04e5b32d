"""The source ``helmChart``, by way of the helm program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.adapters import program
from lapstrake.adapters.file_tree import move, remove
from lapstrake.errors import InputError
from lapstrake.http.redaction import without_passwords
from lapstrake.messages import unread
from lapstrake.operations.fetch_inline import secret_with
from lapstrake.operations.registry_login import refuse_unknown, registry_secrets
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir import documents, schema

_STABLE = "https://kubernetes-charts.storage.googleapis.com"
_INITIAL_STABLE = "https://charts.helm.sh/stable"
_HOMES = ("HELM_HOME", "TEMP", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
_KEYS_OF_SECRET = ("username", "password")
_LONGEST_RUN = 900.0  # seconds


class Charts:
    """Fetches charts with ``program`` (a path, or a name looked up in PATH), by default helm or helm3."""

    def __init__(self, program: str = "") -> None:
        self._program = program

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        source = request.contents.source
        program = self._program or ("helm3" if source.get("helmVersion") == "3" else "helm")
        return _Fetch(program, source, request).run()


class _Fetch:
    def __init__(self, program: str, source: Mapping[str, Any], request: FetchRequest) -> None:
        self._program = program
        self._request = request
        self._name = str(source.get("name") or "")
        self._version = str(source.get("version") or "")
        self._repository: Mapping[str, Any] | None = source.get("repository")
        self._url = str((self._repository or {}).get("url") or "")
        self._password = ""

    def run(self) -> Mapping[str, Any]:
        if not self._name:
            raise InputError("Expected non-empty name")
        if any(text.startswith("-") for text in (self._name, self._version, self._url)):
            raise InputError("Expected name, version and repository URL to not begin with '-'")
        os.makedirs(self._request.into, 0o700)
        if self._url.startswith("oci://"):
            self._pull_from_registry()
        else:
            self._fetch_from_repository()
        return self._placed()

    def _pull_from_registry(self) -> None:
        if not self._version:
            raise InputError("Expected non-empty version")
        credentials = self._credentials_of_registry()
        if credentials:
            login = ["registry", "login", self._url.removeprefix("oci://")]
            if "username" in credentials:
                login += ["--username", credentials["username"]]
            if "password" in credentials:
                login.append("--password-stdin")
            self._helm("Helm registry login", login, credentials.get("password", ""))
        reference = f"{self._url}/{self._name}"
        into = ["--untar", "--untardir", self._request.into]
        self._helm("Helm chart pull", ["pull", reference, "--version", self._version, *into])

    def _fetch_from_repository(self) -> None:
        self._init()
        name, url = self._name, self._url
        if self._repository is not None and not url:
            raise InputError("Expected non-empty repository URL")
        if name.startswith("stable/"):
            name, url = name.removeprefix("stable/"), url or _STABLE
        found = self._credentials("Adding helm chart auth info")
        credentials = [word for key in sorted(found) for word in (f"--{key}", found[key])]
        if url:
            self._helm("Add helm chart repository", ["repo", "add", "vendir-unused", url, *credentials])
        args = ["fetch", name, "--untar", "--untardir", self._request.into]
        if self._version:
            args += ["--version", self._version]
        if url:
            args += ["--repo", url, *credentials]
        self._helm("Fetching helm chart", args)

    def _init(self) -> None:
        try:
            self._helm("Init helm", ["init", "--client-only", "--stable-repo-url", _INITIAL_STABLE])
        except InputError as e:
            # helm 3 has no such command
            if "unknown command" not in str(e):
                raise

    def _credentials_of_registry(self) -> Mapping[str, str]:
        ref = (self._repository or {}).get("secretRef")
        try:
            found = registry_secrets(self._request.references, ref)
            if len(found) > 1:
                raise InputError(f"Expected 0 or 1 registry auth credential, but found {len(found)}")
            for one in found:
                refuse_unknown(one, ref, (*_KEYS_OF_SECRET, "hostname"))
        except InputError as e:
            raise InputError(f"Adding helm auth info: {e}") from e
        return self._decoded(found[0] if found else {})

    def _credentials(self, doing: str) -> Mapping[str, str]:
        try:
            ref = (self._repository or {}).get("secretRef")
            found = secret_with(self._request.references, ref, _KEYS_OF_SECRET)
        except InputError as e:
            raise InputError(f"{doing}: {e}") from e
        return self._decoded(found)

    def _decoded(self, found: Mapping[str, bytes]) -> Mapping[str, str]:
        """Name and password, which is not told from now on."""
        decoded = {
            key: value.decode("utf-8", "replace") for key, value in found.items() if key in _KEYS_OF_SECRET
        }
        self._password = decoded.get("password", "")
        return decoded

    def _helm(self, doing: str, args: Sequence[str], given: str = "") -> None:
        home = os.path.join(self._request.scratch, "helm-home")
        os.makedirs(home, 0o700, exist_ok=True)
        environment = {**os.environ, **dict.fromkeys(_HOMES, home)}
        try:
            done = program.run(
                [self._program, *args],
                folder=".",
                environment=environment,
                given=given.encode(),
                longest=_LONGEST_RUN,
            )
        except InputError as e:
            raise InputError(f"{doing}: {e} (stderr: )") from e
        if done.status != 0:
            raise InputError(f"{doing}: exit status {done.status} (stderr: {self._told(done.error_text)})")

    def _told(self, text: str) -> str:
        """What helm says of itself, which may repeat what it was given."""
        return without_passwords(text.replace(self._password, "***") if self._password else text)

    def _placed(self) -> Mapping[str, Any]:
        """Let the one chart take the place of the folder it was put into; gives its versions."""
        folder = self._request.into
        charts = sorted(
            entry.name
            for entry in os.scandir(folder)
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(".tgz")
        )
        if len(charts) != 1:
            found = " ".join(charts)
            raise InputError(
                f"Finding single helm chart: Expected single directory in charts directory, but was: [{found}]"
            )
        try:
            chart = _metadata(os.path.join(folder, charts[0], "Chart.yaml"))
        except InputError as e:
            raise InputError(f"Retrieving helm chart metadata: {e}") from e
        aside = os.path.join(self._request.scratch, "helm-chart-found")
        move(os.path.join(folder, charts[0]), aside)
        remove(folder)
        os.rename(aside, folder)
        return {"version": chart["version"], "appVersion": chart.get("appVersion", "")}


def _metadata(path: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError as e:
        raise InputError(f"Reading Chart.yaml: {unread(path, e)}") from e
    chart: Mapping[str, Any] = schema.read(documents.load(text), schema.CHART)
    if not chart.get("version"):
        raise InputError("Expected non-empty chart version")
    return chart
