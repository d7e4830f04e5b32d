"""The ssh command that git and hg run with the key of a Secret."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping

KEYS_OF_SECRET = ("ssh-privatekey", "ssh-knownhosts", "username", "password")


def ssh_command(folder: str, credentials: Mapping[str, bytes], *, end_of_key: bytes = b"") -> str:
    """Writes the key and the known hosts, if there are some, into ``folder``; no other key is tried then."""
    words = ["ssh", "-o", "ServerAliveInterval=30", "-o", "ForwardAgent=no", "-F", "/dev/null"]
    if key := credentials.get("ssh-privatekey"):
        words += ["-i", write_private(folder, "private-key", key + end_of_key), "-o", "IdentitiesOnly=yes"]
    if (hosts := credentials.get("ssh-knownhosts")) is None:
        words += ["-o", "StrictHostKeyChecking=no"]
    else:
        path = write_private(folder, "known-hosts", hosts)
        words += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={path}"]
    return shlex.join(words)


def write_private(folder: str, name: str, data: bytes) -> str:
    """A file that only its owner can read; gives its path."""
    os.makedirs(folder, 0o700, exist_ok=True)
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    return path
