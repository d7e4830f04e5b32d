"""What the registry has done since its start, as Prometheus reads it.

Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_STORED = {
    "repositories": "Repositories that ever held a manifest.",
    "manifests": "Manifests that repositories hold.",
    "tags": "Tags that repositories hold.",
    "contents": "Blobs and manifests on the disk, each once.",
    "bytes": "Bytes of all content on the disk.",
}


class Metrics:
    """Counted on the event loop, except for sweeps, which have a thread of their own."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.received = 0
        self.sent = 0
        self.sweeps = 0
        self.ended_tags = 0

    def answered(self, method: str, status: int) -> None:
        """Foreign method names are one, lest strangers make as many series as they like."""
        self.requests[method if method in _METHODS else "other", f"{status // 100}xx"] += 1

    def page(self, uploads: int, stored: Mapping[str, int]) -> str:
        """``stored``: the store's counts."""
        requests = {
            f'{{method="{method}",status="{status}"}}': count
            for (method, status), count in sorted(self.requests.items())
        }
        lines = [
            *_series("requests_total", "counter", "Requests answered.", requests),
            *_series("received_bytes_total", "counter", "Bytes of request bodies.", {"": self.received}),
            *_series("sent_bytes_total", "counter", "Bytes of response bodies.", {"": self.sent}),
            *_series("uploads", "gauge", "Uploads that are not finished.", {"": uploads}),
            *_series(
                "sweeps_total", "counter", "Times that was looked for what has ended.", {"": self.sweeps}
            ),
            *_series("ended_tags_total", "counter", "Tags that came to their end.", {"": self.ended_tags}),
        ]
        for name, help in _STORED.items():
            lines += _series(f"stored_{name}", "gauge", help, {"": stored[name]})
        return "\n".join(lines) + "\n"


def _series(name: str, kind: str, help: str, values: Mapping[str, int]) -> list[str]:
    full = f"lapstrake_registry_{name}"
    head = [f"# HELP {full} {help}", f"# TYPE {full} {kind}"]
    return [*head, *(f"{full}{labels} {value}" for labels, value in values.items())]
