"""The source ``git``, by way of the git program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from lapstrake.adapters.git import Git
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret
from lapstrake.operations.sync import FetchRequest
from lapstrake.operations.tag_selection import selected_tag

_KEYS_OF_SECRET = ("ssh-privatekey", "ssh-knownhosts", "username", "password")


def fetch_git(request: FetchRequest) -> Mapping[str, Any]:
    """Clone into the folder and check out; gives sha, commitTitle and tags."""
    try:
        return _fetch(request)
    except InputError as e:
        raise InputError(f"Fetching git repository: {e}") from e


def _fetch(request: FetchRequest) -> Mapping[str, Any]:
    source = request.contents.source
    url, ref = str(source.get("url") or ""), str(source.get("ref") or "")
    if not url:
        raise InputError("Expected non-empty URL")
    if not ref and source.get("refSelection") is None:
        raise InputError("Expected non-empty ref (could be branch, tag, commit) or ref selection")
    if url.startswith("-") or ref.startswith("-"):
        raise InputError("Expected URL and ref to not begin with '-'")
    if source.get("verification"):
        raise InputError("Verifying signatures is not supported")
    os.makedirs(request.into, 0o700, exist_ok=True)
    git = Git(request.into, _environment(request, url))
    _connect(git, request, url)
    _download(git, source, ref)
    ref = _chosen_ref(git, source, ref)
    git.run(["-c", "advice.detachedHead=false", "checkout", "--detach", ref])
    if not source.get("skipInitSubmodules"):
        git.run(["submodule", "update", "--init", "--recursive"])
    return _entry(git)


def _connect(git: Git, request: FetchRequest, url: str) -> None:
    git.run(["init"])
    credentials = secret(request.references, request.contents.source.get("secretRef"))
    if credentials.get("username"):
        if urlsplit(url).scheme != "https":
            raise InputError("Username/password authentication is only supported for https remotes")
        store = os.path.join(os.path.abspath(request.scratch), "git-credentials")
        name, password = (quote(credentials.get(k, b"").decode(), safe="") for k in ("username", "password"))
        with open(os.open(store, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(f"https://{name}:{password}@{urlsplit(url).netloc}\n")
        git.run(["config", "credential.helper", f"store --file {store}"])
    git.run(["remote", "add", "origin", url])
    git.run(["config", "remote.origin.tagOpt", "--tags"])


def _download(git: Git, source: Mapping[str, Any], ref: str) -> None:
    args = ["fetch", "origin"]
    if ref.startswith("origin/"):
        args.append(ref.removeprefix("origin/"))
    if source.get("depth"):
        args += ["--depth", str(source["depth"])]
    git.run(args)


def _chosen_ref(git: Git, source: Mapping[str, Any], ref: str) -> str:
    selection = source.get("refSelection")
    return ref if selection is None else selected_tag(git.run(["tag", "-l"]).splitlines(), selection)


def _entry(git: Git) -> Mapping[str, Any]:
    sha = git.run(["rev-parse", "HEAD"]).strip()
    title, _, more = git.run(["log", "-n", "1", "--pretty=%B", "HEAD"]).strip().partition("\n")
    entry: dict[str, Any] = {"sha": sha, "commitTitle": f"{title}..." if more else title}
    try:
        entry["tags"] = git.run(["describe", "--tags", sha]).split()
    except InputError:
        pass  # a commit that no tag describes has no tags in the lock
    return entry


def _environment(request: FetchRequest, url: str) -> Mapping[str, str]:
    source = request.contents.source
    found: dict[str, str] = {}
    if source.get("lfsSkipSmudge"):
        found["GIT_LFS_SKIP_SMUDGE"] = "1"
    credentials = secret(request.references, source.get("secretRef"))
    if unknown := next((key for key in credentials if key not in _KEYS_OF_SECRET), None):
        raise InputError(f"Unknown secret field '{unknown}' in secret '{source['secretRef'].get('name')}'")
    if key := credentials.get("ssh-privatekey"):
        found["GIT_SSH_COMMAND"] = _ssh_command(request.scratch, key, credentials.get("ssh-knownhosts"))
    return found


def _ssh_command(scratch: str, key: bytes, known_hosts: bytes | None) -> str:
    folder = os.path.abspath(scratch)
    command = [
        "ssh",
        "-o",
        "ServerAliveInterval=30",
        "-i",
        _private(folder, "ssh-key", key),
        "-o",
        "IdentitiesOnly=yes",
    ]
    if known_hosts is None:
        command += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    else:
        hosts = _private(folder, "ssh-known-hosts", known_hosts)
        command += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={hosts}"]
    return " ".join(command)


def _private(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    return path
