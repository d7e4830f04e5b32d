"""Signatures of tags and commits, checked with the public keys of a Secret before anything is checked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from lapstrake.adapters import openpgp
from lapstrake.adapters.git import Git
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret
from lapstrake.operations.sync import FetchRequest

_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_HEADER = b"gpgsig "


def verify(git: Git, ref: str, verification: Mapping[str, Any], request: FetchRequest) -> None:
    """Raises InputError unless the tag or commit ``ref`` is signed with one of the keys."""
    keys_from = verification.get("publicKeysSecretRef")
    if keys_from is None:
        raise InputError("Expected verification to name a secret with public keys (publicKeysSecretRef)")
    found = secret(request.references, keys_from)
    with _key_ring([found[name].decode("utf-8", "replace") for name in sorted(found)], request) as keys:
        content, signature = _signed(replace(git, hear=lambda text: None), ref)
        try:
            keys.check(signature, content)
        except InputError as e:
            hint = (
                " (hint: provided public key does not match signature)" if "unknown entity" in str(e) else ""
            )
            raise InputError(f"Checking signature: {e}{hint}") from e


@contextmanager
def _key_ring(texts: Sequence[str], request: FetchRequest) -> Iterator[openpgp.KeyRing]:
    with ExitStack() as opened:
        try:
            keys = opened.enter_context(openpgp.key_ring(texts, request.scratch))
        except InputError as e:
            raise InputError(f"Reading armored key ring: {e}") from e
        yield keys


def _signed(git: Git, ref: str) -> tuple[bytes, bytes]:
    """What was signed, and the signature of it."""
    try:
        tag = git.output(["cat-file", "tag", ref])
    except InputError:
        return _signed_commit(git, ref)
    at = tag.rfind(b"\n" + _SIGNATURE) + 1
    if not at:
        raise InputError(_missing("tag"))
    return tag[:at], tag[at:]


def _signed_commit(git: Git, ref: str) -> tuple[bytes, bytes]:
    try:
        commit = git.output(["cat-file", "commit", ref])
    except InputError as e:
        raise InputError(f"Reading git object for '{ref}': {e}") from e
    header, blank, message = commit.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    inside = False
    for line in header.split(b"\n"):
        inside = line.startswith(_HEADER) or (inside and line.startswith(b" "))
        (signature if inside else kept).append(line)
    if not signature:
        raise InputError(_missing("commit"))
    armored = b"\n".join(line.removeprefix(_HEADER).removeprefix(b" ") for line in signature)
    return b"\n".join(kept) + blank + message, armored + b"\n"


def _missing(kind: str) -> str:
    return f"Expected to find {kind} signature: Expected to find section 'PGP SIGNATURE', but did not"
