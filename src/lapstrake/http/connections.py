"""Connections of strangers: what uvicorn and httptools take without end gets one here.

httptools gathers addresses, headers and trailers of any length, and uvicorn waits for them for ever.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LARGEST_HEAD = 1 << 16
_HEAD_SECONDS = 30.0


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose head, or trailer, is larger than 64 KiB or takes longer than 30 seconds."""

    _quiet = 0
    """Bytes that came since the parser last told of something but headers."""
    _waiting_for_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._waiting_for_head and self._timer is None:
            self._start_timer()
        self._quiet += len(data)
        super().data_received(data)
        if self._quiet > _LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("Request head too large.")

    def on_headers_complete(self) -> None:
        self._quiet = 0
        self._waiting_for_head = False
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._quiet = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._quiet = 0
        self._waiting_for_head = True
        super().on_message_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(_HEAD_SECONDS, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        self.transport.close()
