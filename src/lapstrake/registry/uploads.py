"""Content on its way in: written to disk and hashed as it comes, bounded in size and number."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.registry import refusals
from lapstrake.registry.store import Store

_IDLE = 3600.0  # seconds after which an upload without news is given up


@dataclass(slots=True)
class Upload:
    """``size`` bytes have come so far. Written to by one request at a time."""

    id: str
    repository: str
    path: str
    file: BinaryIO
    size: int = 0
    last_news: float = 0.0
    busy: bool = False
    sha: hashlib._Hash = field(default_factory=hashlib.sha256)


class Uploads:
    """The uploads of one server; they do not outlive it."""

    def __init__(
        self, store: Store, clock: Callable[[], float], *, largest: int = 64 << 30, most: int = 256
    ) -> None:
        self._store = store
        self._clock = clock
        self._largest = largest
        self._most = most
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, repository: str) -> Upload:
        with self._lock:
            if len(self._uploads) >= self._most:
                raise refusals.too_many_uploads()
            path = self._store.upload_file()
            file = open(path, "ab")  # noqa: SIM115 - closed when the upload ends
            upload = Upload(os.path.basename(path), repository, path, file, last_news=self._clock())
            self._uploads[upload.id] = upload
            return upload

    def find(self, repository: str, id: str) -> Upload:
        upload = self._uploads.get(id)
        if upload is None or upload.repository != repository:
            raise refusals.unknown_upload()
        return upload

    def write(self, upload: Upload, piece: bytes) -> None:
        if upload.size + len(piece) > self._largest:
            self.abandon(upload)
            raise refusals.too_large(self._largest)
        upload.file.write(piece)
        upload.sha.update(piece)
        upload.size += len(piece)
        upload.last_news = self._clock()

    def finish(self, upload: Upload, digest_text: str) -> Digest:
        """Make the upload a blob of its repository. A wrong digest ends the upload."""
        if not digest_text:
            raise refusals.invalid_digest("digest missing")
        try:
            digest = Digest.parse(digest_text)
        except InputError as error:
            raise refusals.invalid_digest("digest parsing failed") from error
        self._forget(upload)
        if upload.sha.hexdigest() != digest.hex:
            os.unlink(upload.path)
            raise refusals.invalid_digest({"Digest": digest_text, "Reason": {}})
        self._store.add_blob(upload.repository, digest, upload.path)
        return digest

    def abandon(self, upload: Upload) -> None:
        self._forget(upload)
        if os.path.exists(upload.path):
            os.unlink(upload.path)

    def sweep(self, now: float) -> None:
        """Give up the uploads that have had no news for long."""
        for upload in list(self._uploads.values()):
            if now - upload.last_news > _IDLE and not upload.busy:
                self.abandon(upload)

    def close(self) -> None:
        for upload in list(self._uploads.values()):
            self.abandon(upload)

    def _forget(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)
        upload.file.close()
