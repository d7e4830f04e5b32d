"""Credential plugins of a kubeconfig (``users[].user.exec``): a program prints an ExecCredential."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lapstrake.errors import InputError


class CredentialPlugin:
    """Runs the program when needed and keeps what it said until it expires."""

    def __init__(self, spec: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._spec = spec
        self._environment = environment
        self._lock = threading.Lock()
        self._status: dict[str, Any] | None = None

    def token(self) -> str:
        return str(self._current().get("token") or "")

    def certificate(self) -> tuple[bytes, bytes]:
        status = self._current()
        return (status.get("clientCertificateData") or "").encode(), (
            status.get("clientKeyData") or ""
        ).encode()

    def _current(self) -> dict[str, Any]:
        with self._lock:
            if self._status is None or _expired(self._status):
                self._status = self._run()
            return self._status

    def _run(self) -> dict[str, Any]:
        command = str(self._spec.get("command") or "")
        request = {
            "apiVersion": self._spec.get("apiVersion"),
            "kind": "ExecCredential",
            "spec": {"interactive": False},
        }
        extra = {entry["name"]: str(entry.get("value") or "") for entry in self._spec.get("env") or []}
        environment = {**self._environment, **extra, "KUBERNETES_EXEC_INFO": json.dumps(request)}
        try:
            done = subprocess.run(
                [command, *map(str, self._spec.get("args") or [])],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=True,
            )
            status = json.loads(done.stdout).get("status")
        except (OSError, subprocess.SubprocessError, ValueError, AttributeError) as err:
            raise InputError(f"getting credentials: exec: {command} failed: {type(err).__name__}") from err
        if not isinstance(status, dict):
            raise InputError(f"getting credentials: exec plugin {command} didn't return a status field")
        return status


def _expired(status: Mapping[str, Any]) -> bool:
    stamp = status.get("expirationTimestamp")
    if not stamp:
        return False
    try:
        return datetime.fromisoformat(str(stamp)) <= datetime.now(UTC)
    except (ValueError, TypeError):
        return True
