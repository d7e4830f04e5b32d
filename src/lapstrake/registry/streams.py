"""Blobs on their way through the server, at the pace of the slower side and with little memory each."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lapstrake.registry import refusals
from lapstrake.registry.uploads import Upload, Uploads

_BATCH = 1 << 20
_LEAST_BATCH = 1 << 16
_BATCHES = 16 << 20  # bytes that may wait to be written, of all uploads together
_SMALL = 1 << 16  # below it, writing is quicker than handing over to a thread
_PIECE = 1 << 18


class Intake:
    """Takes request bodies in: while one batch is hashed and written in a thread, the next comes in.

    The server stops reading from the connection at 64 KiB that nobody took, so at most two batches and that
    are in memory for each upload.
    """

    def __init__(self, uploads: Uploads, threads: Executor) -> None:
        self._uploads = uploads
        self._threads = threads
        self._receiving = 0

    async def receive(self, request: Request, upload: Upload) -> Sequence[bytes]:
        """Write the body, but for the last pieces, which are given back. What came before an error is kept."""
        if (length := request.headers.get("Content-Length", "")).isdecimal():
            self._uploads.announce(upload, int(length))
        pieces: list[bytes] = []
        size = 0
        writing: asyncio.Future[None] | None = None
        self._receiving += 1
        try:
            async for piece in request.stream():
                pieces.append(piece)
                size += len(piece)
                if size >= self._batch():
                    if writing is not None:
                        await writing
                    writing = self._begin(upload, pieces)
                    pieces, size = [], 0
            if writing is not None:
                await writing
            return pieces
        except BaseException:
            if writing is not None:
                await asyncio.wait([writing])
            if pieces and (writing is None or writing.exception() is None):
                self._uploads.write(upload, pieces)
            raise
        finally:
            self._receiving -= 1

    async def write(self, upload: Upload, pieces: Sequence[bytes]) -> None:
        if sum(map(len, pieces)) < _SMALL:
            self._uploads.write(upload, pieces)
        else:
            await self._begin(upload, pieces)

    def _batch(self) -> int:
        return min(_BATCH, max(_LEAST_BATCH, _BATCHES // 2 // self._receiving))

    def _begin(self, upload: Upload, pieces: Sequence[bytes]) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._threads, self._uploads.write, upload, pieces)


class FileResponse(Response):
    """The bytes from ``start`` to ``end`` of a file."""

    def __init__(
        self, path: str, start: int, end: int, status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(status_code=status, headers=headers, media_type=media_type)
        self._path = path
        self._start = start
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with open(self._path, "rb", buffering=0) as file:
            file.seek(self._start)
            left = self._end - self._start
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            if not self._end - self._start:
                await send({"type": "http.response.body", "body": b""})


def wanted_range(header: str, size: int) -> tuple[int, int] | None:
    """The one range asked for as (start, end); None if there is none, or several, which a server may ignore.

    Source: RFC 9110, section 14; nonsense is refused, as docker-registry does.
    """
    if not header or "," in header:
        return None
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header)
    if match and (match[1] or match[2]):
        start = int(match[1]) if match[1] else max(size - int(match[2]), 0)
        end = min(int(match[2]) + 1, size) if match[1] and match[2] else size
        if start < end:
            return start, end
    raise refusals.invalid_range(size)
