"""Plain downloads over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import urllib3

from lapstrake.adapters.redaction import without_passwords
from lapstrake.errors import InputError

MOST_BYTES = 4 << 30
_PIECE = 1 << 18
_TIMEOUT = urllib3.Timeout(connect=30.0, read=120.0)


@dataclass(frozen=True, slots=True)
class Request:
    """``headers`` may hold credentials; they are not sent on to another host."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def basic_authorization(username: str, password: str) -> Mapping[str, str]:
    return urllib3.util.make_headers(basic_auth=f"{username}:{password}") if username else {}


def download_to(request: Request, path: str) -> str:
    """Write what stands at the URL to ``path``; gives its sha256 (hex). Raises InputError."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:

        def keep(piece: bytes) -> None:
            digest.update(piece)
            file.write(piece)

        _receive(request, keep, MOST_BYTES)
    return digest.hexdigest()


def download(request: Request, limit: int) -> bytes:
    """What stands at the URL, at most ``limit`` bytes. Raises InputError."""
    pieces: list[bytes] = []
    _receive(request, pieces.append, limit)
    return b"".join(pieces)


def _receive(request: Request, keep: Callable[[bytes], None], limit: int) -> None:
    retries = urllib3.Retry(total=None, connect=0, read=0, redirect=10)
    try:
        with urllib3.PoolManager(timeout=_TIMEOUT) as pool:
            answer = pool.request(
                "GET", request.url, headers=dict(request.headers), preload_content=False, retries=retries
            )
            if answer.status != 200:
                raise InputError(f"Expected 200 OK, but was '{answer.status} {answer.reason}'")
            received = 0
            for piece in answer.stream(_PIECE):
                received += len(piece)
                if received > limit:
                    raise InputError(f"Expected at most {limit} bytes at '{request.url}'")
                keep(piece)
    except (urllib3.exceptions.HTTPError, OSError) as e:
        raise InputError(f"Initiating URL download: {failure(request.url, e)}") from e


def failure(url: str, error: BaseException) -> str:
    """Why nothing came, as Go's HTTP client says it."""
    shown = without_passwords(url)
    if "Connection refused" not in str(error):
        return f'Get "{shown}": {without_passwords(str(error))}'
    parsed = urllib3.util.parse_url(url)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    return f'Get "{shown}": dial tcp {parsed.host}:{port}: connect: connection refused'
