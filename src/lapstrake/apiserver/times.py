"""Times as Kubernetes objects carry them."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """To the second, in UTC: ``2026-01-31T12:00:00Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed(text: str) -> datetime:
    """The inverse. Raises ValueError."""
    return datetime.fromisoformat(text)


def now() -> datetime:
    """The clock that servers use unless they are given another."""
    return datetime.now(UTC)
