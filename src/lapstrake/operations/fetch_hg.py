"""The source ``hg`` (Mercurial), by way of the hg program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lapstrake.adapters.hg import Hg
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret_with
from lapstrake.operations.ssh_command import KEYS_OF_SECRET, ssh_command, write_private
from lapstrake.operations.sync import FetchRequest

_EVOLVE = "[extensions]\nevolve =\ntopic ="


def fetch_hg(request: FetchRequest) -> Mapping[str, Any]:
    """Pull into the folder and check out; gives sha and changeSetTitle."""
    try:
        return _fetch(request)
    except InputError as e:
        raise InputError(f"Fetching hg repository: {e}") from e


def _fetch(request: FetchRequest) -> Mapping[str, Any]:
    source = request.contents.source
    url, ref = str(source.get("url") or ""), str(source.get("ref") or "")
    if not url:
        raise InputError("Expected non-empty URL")
    if ref.startswith("-"):
        raise InputError("Expected ref to not begin with '-'")
    credentials = secret_with(request.references, source.get("secretRef"), KEYS_OF_SECRET)
    os.makedirs(request.into, 0o700, exist_ok=True)
    hg = Hg(request.into, request.output)
    hg.run(["init"])
    environment = _environment(request, url, credentials)
    write_private(os.path.join(request.into, ".hg"), "hgrc", f"[paths]\ndefault = {_line(url)}\n".encode())
    hg.run(["pull"], environment)
    hg.run(["checkout", ref], environment)
    sha = hg.run(["log", "-r", ".", "-T", "{node}"])
    title = hg.run(["log", "-l", "1", "-T", "{desc|firstline|strip}", "-r", sha])
    return {"sha": sha, "changeSetTitle": title}


def _environment(request: FetchRequest, url: str, credentials: Mapping[str, bytes]) -> Mapping[str, str]:
    """Settings for the commands that speak to the remote, in a file of their own."""
    settings = _EVOLVE if request.contents.source.get("evolve") else ""
    auth = os.path.join(os.path.abspath(request.scratch), "hg-auth")
    if credentials:
        settings += "\n" if settings else ""
        if credentials.get("username") and credentials.get("password"):
            settings += _login(url, credentials)
        settings += f"\n[ui]\nssh = {ssh_command(auth, credentials)}\n"
    return {"HGRCPATH": write_private(auth, "hgrc", settings.encode())} if settings else {}


def _login(url: str, credentials: Mapping[str, bytes]) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise InputError("Username/password authentication is only supported for https remotes")
    name, password = (_line(credentials[key].decode("utf-8", "replace")) for key in ("username", "password"))
    return (
        f"\n[auth]\nhgauth.prefix = https://{parts.netloc}\n"
        f"hgauth.username = {name}\nhgauth.password = {password}\n"
    )


def _line(text: str) -> str:
    """A value that cannot bring further settings."""
    if any(ord(char) < 0x20 for char in text):
        raise InputError("Expected URL, username and password to have no control characters")
    return text
