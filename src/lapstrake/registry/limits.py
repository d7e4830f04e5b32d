"""How much a registry takes: of content, of uploads, of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds.

    ``total``: all content together, uploads among it, None for what the disk holds. ``free``: what stays free of the
    disk. ``idle``: how long an upload is kept without news. ``silence``: how long a client may let us
    wait in the middle of a request. ``unnamed``: how long a blob is kept that no manifest names yet.
    """

    blob: int = 64 << 30
    manifest: int = 4 << 20
    total: int | None = None
    free: int = 64 << 20
    uploads: int = 256
    connections: int = 1024
    idle: float = 3600.0
    silence: float = 120.0
    unnamed: float = 3600.0
