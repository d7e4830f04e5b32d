"""The source ``helmChart``, by way of the helm program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.adapters.file_tree import move
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret
from lapstrake.operations.sync import FetchRequest
from lapstrake.yamldoc import plain

_STABLE = "https://kubernetes-charts.storage.googleapis.com"
_LONGEST_RUN = 600.0  # seconds


class Charts:
    """Fetches charts with the program named (a path, or a name looked up in PATH)."""

    def __init__(self, program: str = "helm") -> None:
        self._program = program

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        source = request.contents.source
        name = str(source.get("name") or "")
        if not name:
            raise InputError("Expected non-empty name")
        self._init(request)
        url = self._repository(request)
        if "/" in name:
            name = name.split("/", 1)[1]
        into = os.path.join(request.scratch, "helm-chart")
        os.makedirs(into, 0o700)
        args = ["fetch", name, "--untar", "--untardir", os.path.abspath(into)]
        if source.get("version"):
            args += ["--version", str(source["version"])]
        if url:
            args += ["--repo", url, *self._credentials(request)]
        self._run("Fetching helm chart", args, request)
        return self._placed(into, request)

    def _init(self, request: FetchRequest) -> None:
        try:
            self._run("Init helm", ["init", "--client-only", "--stable-repo-url", _STABLE], request)
        except InputError as e:
            # helm 3 has no such command
            if "unknown command" not in str(e):
                raise

    def _repository(self, request: FetchRequest) -> str:
        repository = request.contents.source.get("repository") or {}
        url = str(repository.get("url") or "")
        if not url and str(request.contents.source.get("name")).startswith("stable/"):
            url = _STABLE
        if url:
            self._run("Add helm chart repository", ["repo", "add", "vendir-unused", url], request)
        return url

    def _credentials(self, request: FetchRequest) -> Sequence[str]:
        repository = request.contents.source.get("repository") or {}
        found = secret(request.references, repository.get("secretRef"))
        if not found:
            return ()
        return (
            "--username",
            found.get("username", b"").decode(),
            "--password",
            found.get("password", b"").decode(),
        )

    def _run(self, doing: str, args: Sequence[str], request: FetchRequest) -> None:
        home = os.path.join(os.path.abspath(request.scratch), "helm-home")
        environment = {**os.environ, "HOME": home, "HELM_HOME": home}
        try:
            done = subprocess.run(
                [self._program, *args],
                env=environment,
                capture_output=True,
                timeout=_LONGEST_RUN,
                check=False,
            )
        except FileNotFoundError as e:
            raise InputError(
                f'{doing}: exec: "{self._program}": executable file not found in $PATH (stderr: )'
            ) from e
        except subprocess.TimeoutExpired as e:
            raise InputError(f"{doing}: no answer in {_LONGEST_RUN:.0f} s") from e
        if done.returncode != 0:
            stderr = done.stderr.decode("utf-8", "replace")
            raise InputError(f"{doing}: exit status {done.returncode} (stderr: {stderr})")

    def _placed(self, folder: str, request: FetchRequest) -> Mapping[str, Any]:
        charts = [name for name in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, name))]
        if len(charts) != 1:
            raise InputError(f"Expected single directory in charts directory, but was {len(charts)}")
        move(os.path.join(folder, charts[0]), request.into)
        try:
            with open(os.path.join(request.into, "Chart.yaml"), encoding="utf-8") as file:
                chart = plain.load(file.read(), "Chart.yaml") or {}
        except OSError as e:
            raise InputError(
                "Retrieving helm chart metadata: open Chart.yaml: no such file or directory"
            ) from e
        entry = {"version": chart.get("version"), "appVersion": chart.get("appVersion")}
        return {key: str(value) for key, value in entry.items() if value}
