"""Blobs from a registry, streamed: resumed where a connection broke, and checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lapstrake.distribution.failures import TemporaryError
from lapstrake.distribution.retries import Retries, is_passing
from lapstrake.distribution.transport import Answer, Transport
from lapstrake.errors import RegistryError
from lapstrake.http.redaction import redacted
from lapstrake.oci.digest import Digest, Hasher
from lapstrake.oci.reference import Repository

_WORTH_A_REFILL = 1 << 20  # bytes since the last failure that give a transfer all of its tries back


class WrongContent(RegistryError):
    """What came has another digest than it should."""


_FOREIGN = ("https://", "http://")


class Download:
    """One blob. ``size`` in bytes, if known, is held against what comes.

    ``urls``: where else the blob is, for those that a registry need not have (OCI image specification, "Descriptors").
    """

    def __init__(
        self,
        transport: Transport,
        retries: Retries,
        repository: Repository,
        digest: Digest,
        size: int | None,
        urls: Sequence[str] = (),
    ) -> None:
        self._transport = transport
        self._budget = retries.budget()
        self._repository = repository
        self._digest = digest
        self._size = size
        self._places = [f"blobs/{digest}", *(url for url in urls if url.startswith(_FOREIGN))]
        self._got = 0
        self._by_range = True

    def pieces(self) -> Iterator[bytes]:
        """The content. Its last piece is given only once the digest has been found right."""
        hasher = Hasher(self._digest.algorithm)
        held = b""
        refilled_at = 0
        while True:
            try:
                for piece in self._rest():
                    hasher.update(piece)
                    self._got += len(piece)
                    if held:
                        yield held
                    held = piece
                break
            except RegistryError as error:
                if not is_passing(error):
                    raise
                if self._got - refilled_at >= _WORTH_A_REFILL:
                    refilled_at = self._got
                    self._budget.refill()
                self._budget.spend(error)
        if hasher.digest != self._digest:
            raise WrongContent(
                f"error verifying {self._digest.algorithm} checksum after reading {self._got} bytes; "
                f'got "{hasher.digest}", want "{self._digest}"'
            )
        if held:
            yield held

    def _rest(self) -> Iterator[bytes]:
        """What we do not have yet, from one request."""
        answer = self._ask()
        try:
            skip = 0 if answer.status == 206 else self._got
            for piece in answer.pieces():
                if skip >= len(piece):
                    skip -= len(piece)
                    continue
                piece, skip = piece[skip:] if skip else piece, 0
                if self._size is not None and self._got + len(piece) > self._size:
                    raise RegistryError(
                        f"error verifying size; got more than the {self._size} bytes expected"
                    )
                yield piece
        finally:
            answer.close()
        if self._size is not None and self._got < self._size:
            raise TemporaryError("unexpected EOF")

    def _ask(self) -> Answer:
        from_here = {"Range": f"bytes={self._got}-"} if self._got and self._by_range else None
        try:
            good = (200, 206) if from_here else (200,)
            place = self._places[0]
            answer = self._transport.send("GET", self._repository, place, headers=from_here, good=good)
        except RegistryError as error:
            if error.status == 416 and from_here:
                return self._ask_from_zero()
            if error.status == 404 and len(self._places) > 1 and not self._got:
                del self._places[0]
                return self._ask()
            raise
        if answer.status == 206 and not _starts_at(answer.header("Content-Range"), self._got):
            answer.close()
            return self._ask_from_zero()
        told = answer.header("Content-Length")
        if answer.status == 200 and self._size is not None and told not in ("", str(self._size)):
            answer.close()
            raise TemporaryError(
                f"GET {redacted(answer.url)}: Content-Length header {told} does not match expected size {self._size}"
            )
        return answer

    def _ask_from_zero(self) -> Answer:
        """For a registry that cannot be asked for a part."""
        self._by_range = False
        return self._ask()


def _starts_at(content_range: str, offset: int) -> bool:
    return content_range.startswith(f"bytes {offset}-")
