"""The source ``git``, by way of the git program."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from lapstrake.adapters.git import Git
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret_with
from lapstrake.operations.git_verification import verify
from lapstrake.operations.ssh_command import KEYS_OF_SECRET, ssh_command, write_private
from lapstrake.operations.sync import FetchRequest
from lapstrake.operations.tag_selection import selected_tag


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
    if url.startswith("-") or ref.removeprefix("origin/").startswith("-"):
        raise InputError("Expected URL and ref to not begin with '-'")
    credentials = secret_with(request.references, source.get("secretRef"), KEYS_OF_SECRET)
    if _has_password(credentials) and urlsplit(url).scheme != "https":
        raise InputError("Username/password authentication is only supported for https remotes")
    auth = os.path.join(os.path.abspath(request.scratch), "git-auth")
    os.makedirs(request.into, 0o700, exist_ok=True)
    git = Git(request.into, _environment(source, url, credentials, auth), request.output)
    _connect(git, source, url, credentials, auth)
    _download(git, source, ref)
    ref = _chosen_ref(git, source, ref)
    if (verification := source.get("verification")) is not None:
        verify(git, ref, verification, request)
    git.run(["-c", "advice.detachedHead=false", "checkout", ref])
    if not source.get("skipInitSubmodules"):
        git.run(["submodule", "update", "--init", "--recursive"])
    return _entry(git)


def _connect(
    git: Git, source: Mapping[str, Any], url: str, credentials: Mapping[str, bytes], auth: str
) -> None:
    git.run(["init"])
    store = os.path.join(auth, ".git-credentials")
    git.run(["config", "credential.helper", f"store --file {store}"])
    if _has_password(credentials) and not source.get("forceHTTPBasicAuth"):
        host = urlsplit(url).netloc.rpartition("@")[2]
        name, password = (quote(credentials[key], safe="") for key in ("username", "password"))
        write_private(auth, ".git-credentials", f"https://{name}:{password}@{host}\n".encode())
    git.run(["remote", "add", "origin", url])
    git.run(["config", "remote.origin.tagOpt", "--tags"])


def _has_password(credentials: Mapping[str, bytes]) -> bool:
    return bool(credentials.get("username") and credentials.get("password"))


def _download(git: Git, source: Mapping[str, Any], ref: str) -> None:
    args = ["fetch", "origin"]
    if ref.startswith("origin/"):
        args.append(ref.removeprefix("origin/"))
    if (source.get("depth") or 0) > 0:
        args += ["--depth", str(source["depth"])]
    git.run(args)


def _chosen_ref(git: Git, source: Mapping[str, Any], ref: str) -> str:
    if ref:
        return ref.removeprefix("origin/")
    if (selection := source.get("refSelection")) is None:
        raise InputError("Expected either ref or ref selection to be specified")
    return selected_tag(git.run(["tag", "-l"]).splitlines(), selection)


def _entry(git: Git) -> Mapping[str, Any]:
    sha = git.run(["rev-parse", "HEAD"]).strip()
    entry: dict[str, Any] = {"sha": sha}
    try:
        entry["tags"] = git.run(["describe", "--tags", sha]).split()
    except InputError:
        pass  # a commit that no tag describes has no tags in the lock
    title, _, more = git.run(["log", "-n", "1", "--pretty=%B", sha]).strip().partition("\n")
    return {**entry, "commitTitle": f"{title}..." if more else title}


def _environment(
    source: Mapping[str, Any], url: str, credentials: Mapping[str, bytes], auth: str
) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if source.get("lfsSkipSmudge"):
        found["GIT_LFS_SKIP_SMUDGE"] = "1"
    if source.get("dangerousSkipTLSVerify"):
        found["GIT_SSL_NO_VERIFY"] = "true"
    if credentials:
        found["GIT_SSH_COMMAND"] = ssh_command(auth, credentials, end_of_key=b"\n")
    if source.get("forceHTTPBasicAuth") and _has_password(credentials):
        # The original writes this header into the repository's configuration, for every host. Here it is for
        # one host and stays out of what is fetched.
        name = b":".join(credentials[key] for key in ("username", "password"))
        found["GIT_CONFIG_COUNT"] = "1"
        found["GIT_CONFIG_KEY_0"] = f"http.https://{urlsplit(url).netloc.rpartition('@')[2]}/.extraHeader"
        found["GIT_CONFIG_VALUE_0"] = f"Authorization: Basic {base64.b64encode(name).decode()}"
    return found
