"""Content on its way in: written to disk and hashed as it comes, bounded in size and number."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest, Hasher
from lapstrake.registry import refusals
from lapstrake.registry.shelf import ALGORITHMS, write_through
from lapstrake.registry.store import Store

_READ = 1 << 20
_MOST_PARTS = 512  # buffers that one writev takes; the system's bound is 1024


@dataclass(slots=True)
class Upload:
    """``size`` bytes have come so far. Written to by one request at a time, the one that has ``turn``."""

    id: str
    repository: str
    path: str
    last_news: float
    algorithm: str = "sha256"
    size: int = 0
    file: int = -1  # a descriptor, opened with the first bytes
    hasher: Hasher = field(init=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    guard: threading.RLock = field(default_factory=threading.RLock)
    """Held while the descriptor is used: one closed too early might be another upload's by then."""

    def __post_init__(self) -> None:
        self.hasher = Hasher(self.algorithm)


class Uploads:
    """The uploads of one server; they do not outlive it. All methods may be called from any thread."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._limits = store.limits
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._uploads)

    def begin(self, repository: str, algorithm: str = "") -> Upload:
        """``algorithm``: of the digest that will be given at the end, if the client knows it already."""
        path = self._store.upload_path(repository)
        with self._lock:
            if len(self._uploads) >= self._limits.uploads:
                raise refusals.too_many_uploads()
            upload = Upload(
                os.path.basename(path), repository, path, self._clock(), _algorithm(algorithm or "sha256")
            )
            self._uploads[upload.id] = upload
            return upload

    def find(self, repository: str, id: str) -> Upload:
        upload = self._uploads.get(id)
        if upload is None or upload.repository != repository:
            raise refusals.unknown_upload()
        return upload

    def expect(self, upload: Upload, digest_text: str) -> Digest:
        """The digest that the upload shall have, told before its last bytes come."""
        if not digest_text:
            raise refusals.invalid_digest("digest missing")
        try:
            digest = Digest.parse(digest_text)
        except InputError as error:
            raise refusals.invalid_digest("digest parsing failed") from error
        if not upload.size and digest.algorithm != upload.algorithm:
            upload.algorithm, upload.hasher = digest.algorithm, Hasher(digest.algorithm)
        return digest

    def announce(self, upload: Upload, more: int) -> None:
        """Refuse ``more`` bytes before they come, if they are too many."""
        if upload.size + more > self._limits.blob:
            self.abandon(upload)
            raise refusals.too_large(self._limits.blob)
        try:
            self._store.check_room(self._bytes + more)
        except refusals.Refusal:
            self.abandon(upload)
            raise

    def write(self, upload: Upload, pieces: Sequence[bytes]) -> None:
        """Takes its time. Refused content ends the upload."""
        with upload.guard:
            more = sum(map(len, pieces))
            self.announce(upload, more)
            try:
                _write(self._file(upload), pieces)
            except OSError as error:
                self.abandon(upload)
                raise (refusals.full() if refusals.is_for_want_of_room(error) else error) from error
            for piece in pieces:
                upload.hasher.update(piece)
            upload.size += more
            upload.last_news = self._clock()
            self._store.receiving(upload.repository)
            with self._lock:
                self._bytes += more

    def finish(self, upload: Upload, digest: Digest, last: Sequence[bytes] = ()) -> None:
        """Make the upload, with its ``last`` pieces, a blob of its repository. A wrong digest ends the upload.

        So does a disk that does not take it: asked once more, the system would say that all is written.
        """
        with upload.guard:
            self.write(upload, last)
            if upload.algorithm != digest.algorithm:
                upload.hasher = _hashed(upload.path, digest.algorithm)
            if upload.hasher.digest != digest:
                self.abandon(upload)
                raise refusals.invalid_digest({"Digest": str(digest), "Reason": {}})
            try:
                write_through(upload.file)
            except OSError:
                self.abandon(upload)
                raise
            self._forget(upload)
        try:
            self._store.add_blob(upload.repository, digest, upload.path)
        except BaseException:
            self._remove(upload)
            raise

    def abandon(self, upload: Upload) -> None:
        self._forget(upload)
        self._remove(upload)

    def sweep(self, now: float) -> None:
        """Give up the uploads that have had no news for long."""
        for upload in list(self._uploads.values()):
            if now - upload.last_news > self._limits.idle and not upload.turn.locked():
                self.abandon(upload)

    def close(self) -> None:
        for upload in list(self._uploads.values()):
            self.abandon(upload)

    def _file(self, upload: Upload) -> int:
        if upload.id not in self._uploads:
            raise refusals.unknown_upload()
        if upload.file < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            upload.file = os.open(upload.path, flags, 0o600)
        return upload.file

    def _remove(self, upload: Upload) -> None:
        try:
            os.unlink(upload.path)
        except FileNotFoundError:
            pass

    def _forget(self, upload: Upload) -> None:
        with upload.guard, self._lock:
            if self._uploads.pop(upload.id, None) is None:
                return
            self._bytes -= upload.size
            if upload.file >= 0:
                os.close(upload.file)


def _algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise refusals.invalid_digest("unsupported digest algorithm")
    return name


def _write(file: int, pieces: Sequence[bytes]) -> None:
    """All pieces, in as few calls as the system allows."""
    for first in range(0, len(pieces), _MOST_PARTS):
        part = pieces[first : first + _MOST_PARTS]
        written, whole = os.writev(file, part), sum(map(len, part))
        if written < whole:
            rest = memoryview(b"".join(part))[written:]
            while rest:
                rest = rest[os.write(file, rest) :]


def _hashed(path: str, algorithm: str) -> Hasher:
    hasher = Hasher(algorithm)
    with open(path, "rb") as file:
        while piece := file.read(_READ):
            hasher.update(piece)
    return hasher
