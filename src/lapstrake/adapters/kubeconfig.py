"""Where the cluster is and who we are there: kubeconfig files, or the service account of a Pod.

Order: an explicit file, ``KUBECONFIG`` (several files, merged: the first to say something wins), ``~/.kube/config``,
the in-cluster service account. A service account's directory never wins over a kubeconfig.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lapstrake.errors import InputError

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """All that is needed to talk to one API server as one user. PEM contents, not file names."""

    server: str
    namespace: str = "default"
    ca: bytes = b""
    insecure: bool = False
    tls_server_name: str = ""
    proxy: str = ""
    client_certificate: bytes = b""
    client_key: bytes = b""
    username: str = ""
    password: str = ""
    token: Callable[[], str] | None = None


def load_access(
    explicit: str = "",
    context: str = "",
    *,
    contents: str = "",
    environment: Mapping[str, str] | None = None,
) -> ClusterAccess:
    """The access that applies here. ``contents`` is kubeconfig text given directly (``--kubeconfig-yaml``).

    Raises InputError if nothing is configured, or if what is configured cannot be read.
    """
    env = os.environ if environment is None else environment
    if contents:
        return access_of(_merged([(_parse(contents, "kubeconfig"), Path("."))]), context, env)
    paths = _kubeconfig_paths(explicit, env)
    if paths:
        return access_of(
            _merged([(_parse(_read_text(path), str(path)), path.parent) for path in paths]), context, env
        )
    if env.get("KUBERNETES_SERVICE_HOST") and (_SERVICE_ACCOUNT / "token").exists():
        return _in_cluster(env)
    raise InputError(
        "Building Kubernetes config: no kubeconfig found", hint="set KUBECONFIG or give --kubeconfig"
    )


def _kubeconfig_paths(explicit: str, env: Mapping[str, str]) -> list[Path]:
    if explicit:
        if not Path(explicit).exists():
            raise InputError(f"Building Kubernetes config: stat {explicit}: no such file or directory")
        return [Path(explicit)]
    if env.get("KUBECONFIG"):
        return [Path(part) for part in env["KUBECONFIG"].split(os.pathsep) if part and Path(part).exists()]
    home = Path(env.get("HOME", "~")).expanduser() / ".kube" / "config"
    return [home] if home.exists() else []


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise InputError(f"Building Kubernetes config: reading {path}: {err}") from err


def _parse(text: str, source: str) -> dict[str, Any]:
    from lapstrake.yamldoc.plain import load_all

    documents = list(load_all(text, source))
    value = documents[0] if documents else {}
    if not isinstance(value, dict):
        raise InputError(f"Building Kubernetes config: {source} is not a kubeconfig")
    return value


def _merged(files: list[tuple[dict[str, Any], Path]]) -> dict[str, Any]:
    """One kubeconfig from several; relative file names become absolute by the folder they came from."""
    result: dict[str, Any] = {"clusters": {}, "users": {}, "contexts": {}, "current-context": ""}
    for config, folder in files:
        result["current-context"] = result["current-context"] or config.get("current-context") or ""
        for section, key in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
            for entry in config.get(section) or []:
                values = {
                    name: str(folder / value)
                    if name in ("certificate-authority", "client-certificate", "client-key", "tokenFile")
                    else value
                    for name, value in (entry.get(key) or {}).items()
                }
                result[section].setdefault(entry.get("name"), values)
    return result


def access_of(config: Mapping[str, Any], context: str, environment: Mapping[str, str]) -> ClusterAccess:
    """The access of one context of a merged kubeconfig (sections as name → values)."""
    name = context or config["current-context"]
    if name and name not in config["contexts"]:
        raise InputError(f'Building Kubernetes config: context "{name}" does not exist')
    chosen = config["contexts"].get(name) or {}
    cluster = config["clusters"].get(chosen.get("cluster"))
    if not cluster or not cluster.get("server"):
        raise InputError("Building Kubernetes config: invalid configuration: no server has been configured")
    user = config["users"].get(chosen.get("user")) or {}
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    token = _token_source(user)
    if user.get("exec"):
        from lapstrake.adapters.credential_plugin import CredentialPlugin

        plugin = CredentialPlugin(user["exec"], environment)
        token = plugin.token
        certificate, key = plugin.certificate()
    return ClusterAccess(
        server=str(cluster["server"]).rstrip("/"),
        namespace=chosen.get("namespace") or "default",
        ca=_content(cluster, "certificate-authority"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=cluster.get("tls-server-name") or "",
        proxy=cluster.get("proxy-url") or "",
        client_certificate=certificate,
        client_key=key,
        username=user.get("username") or "",
        password=user.get("password") or "",
        token=token,
    )


def _content(values: Mapping[str, Any], name: str) -> bytes:
    """A PEM given inline (``NAME-data``, base64) or as a file (``NAME``); empty if not given."""
    if values.get(f"{name}-data"):
        try:
            return base64.b64decode(values[f"{name}-data"], validate=False)
        except ValueError as err:
            raise InputError(f"Building Kubernetes config: {name}-data is not base64") from err
    if values.get(name):
        try:
            return Path(values[name]).read_bytes()
        except OSError as err:
            raise InputError(
                f"Building Kubernetes config: unable to read {name} {values[name]}: {err.strerror}"
            ) from err
    return b""


def _token_source(user: Mapping[str, Any]) -> Callable[[], str] | None:
    if user.get("token"):
        fixed = str(user["token"])
        return lambda: fixed
    if user.get("tokenFile"):
        path = Path(user["tokenFile"])
        return lambda: _read_text(path).strip()
    return None


def _in_cluster(env: Mapping[str, str]) -> ClusterAccess:
    host, port = env["KUBERNETES_SERVICE_HOST"], env.get("KUBERNETES_SERVICE_PORT", "443")
    namespace = _SERVICE_ACCOUNT / "namespace"
    return ClusterAccess(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=_read_text(namespace).strip() if namespace.exists() else "default",
        ca=(_SERVICE_ACCOUNT / "ca.crt").read_bytes(),
        token=lambda: _read_text(_SERVICE_ACCOUNT / "token").strip(),  # read anew: the kubelet rotates it
    )
