"""The kubeconfig of an embedded control plane, alone in its file or beside the user's other clusters."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import yaml

from lapstrake.errors import InputError

NAME = "lapstrake"


def document(server: str, ca: bytes, token: str) -> dict[str, Any]:
    """A kubeconfig with one context, ``lapstrake``, in the namespace ``default``."""
    cluster = {"certificate-authority-data": base64.b64encode(ca).decode(), "server": server}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": cluster}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "namespace": "default", "user": NAME}}],
        "current-context": NAME,
        "preferences": {},
        "users": [{"name": NAME, "user": {"token": token}}],
    }


def merged(existing: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """``existing`` with our entries in the place of entries of the same name, and our context current."""
    result = {**existing, "apiVersion": "v1", "kind": "Config", "current-context": ours["current-context"]}
    for section in ("clusters", "contexts", "users"):
        kept = [entry for entry in existing.get(section) or [] if entry.get("name") != NAME]
        result[section] = [*kept, *ours[section]]
    return result


def write(file: Path, ours: dict[str, Any]) -> None:
    """Write ``ours`` into ``file``, keeping the other clusters in it. Raises InputError if it is no kubeconfig."""
    content = ours
    if file.exists() and (text := file.read_text()).strip():
        try:
            existing = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InputError(
                f"Reading kubeconfig '{file}': {error}", hint="name another file with --kubeconfig"
            ) from error
        if not isinstance(existing, dict):
            raise InputError(
                f"Reading kubeconfig '{file}': expected a map", hint="name another file with --kubeconfig"
            )
        content = merged(existing, ours)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(file.name + ".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            yaml.safe_dump(content, stream, sort_keys=False)
        temporary.replace(file)
    except OSError as error:
        raise InputError(f"Writing kubeconfig '{file}': {error.strerror}") from error
