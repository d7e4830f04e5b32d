"""Blobs to a registry, streamed.

Source: OCI distribution specification, "Pushing blobs": POST begins an upload, one PUT to the address it gives
carries the content and the digest. Content of unknown size goes in a PATCH of its own, before an empty PUT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlencode

from lapstrake.distribution.failures import redacted
from lapstrake.distribution.retries import Retries, is_passing
from lapstrake.distribution.transport import Answer, Transport
from lapstrake.errors import InputError, RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository

Content = bytes | Callable[[], Iterable[bytes]]  # of a blob; the function is called once per try

_OCTETS = {"Content-Type": "application/octet-stream"}


class Upload:
    """One blob on its way to ``repository``."""

    def __init__(
        self,
        transport: Transport,
        retries: Retries,
        repository: Repository,
        digest: Digest,
        content: Content,
        *,
        size: int | None,
        mount_from: Repository | None,
    ) -> None:
        self._transport = transport
        self._retries = retries
        self._repository = repository
        self._digest = digest
        self._content = content
        self._size = len(content) if isinstance(content, bytes) else size
        self._mount_from = mount_from
        self._damaged = 0
        self._source_failed = False

    def run(self) -> None:
        """Bring the blob there unless the repository has it, or can have it from ``mount_from``."""
        self._retries.run(self._attempt, self._is_passing)

    def _is_passing(self, error: RegistryError) -> bool:
        """What was damaged on its way is sent once more; a source has tried what it could itself."""
        if self._source_failed:
            return False
        if error.code == "DIGEST_INVALID":
            self._damaged += 1
            return self._damaged == 1
        return is_passing(error)

    def _attempt(self) -> None:
        if self._is_there():
            return
        location = self._begin()
        if location:
            self._fill(location)

    def _is_there(self) -> bool:
        """A length that is not the content's is the answer of somebody who says yes to everything."""
        try:
            answer = self._transport.send("HEAD", self._repository, f"blobs/{self._digest}", push=True)
        except RegistryError as error:
            if error.status == 404:
                return False
            raise
        answer.drain()
        return self._size is None or answer.header("Content-Length") in ("", "0", str(self._size))

    def _begin(self) -> str:
        """The address of a new upload; "" if the registry has mounted the blob instead."""
        source = self._mount_from
        if source and source.registry == self._repository.registry and source != self._repository:
            query = urlencode({"mount": str(self._digest), "from": source.path})
            try:
                answer = self._post(f"blobs/uploads/?{query}", (201, 202), also=(source,))
            except RegistryError as error:
                if is_passing(error) or not 400 <= error.status < 500:
                    raise
                self._mount_from = None  # we may not read the source, or not mount
            else:
                return "" if answer.status == 201 else _location_of(answer)
        return _location_of(self._post("blobs/uploads/", (202,)))

    def _post(self, path: str, good: tuple[int, ...], also: tuple[Repository, ...] = ()) -> Answer:
        answer = self._transport.send(
            "POST", self._repository, path, body=b"", push=True, also=also, good=good
        )
        answer.drain()
        return answer

    def _fill(self, location: str) -> None:
        if self._size is None:
            location = self._send("PATCH", location, self._pieces, _OCTETS, (201, 202, 204))
            self._send("PUT", self._with_digest(location), b"", {}, (201,))
        else:
            body = self._content if isinstance(self._content, bytes) else self._pieces
            headers = {**_OCTETS, "Content-Length": str(self._size)}
            self._send("PUT", self._with_digest(location), body, headers, (201,))

    def _send(
        self,
        method: str,
        location: str,
        body: bytes | Callable[[], Iterable[bytes]],
        headers: dict[str, str],
        good: tuple[int, ...],
    ) -> str:
        answer = self._transport.send(
            method, self._repository, location, body=body, headers=headers, push=True, good=good
        )
        answer.drain()
        return answer.location

    def _with_digest(self, location: str) -> str:
        return location + ("&" if "?" in location else "?") + urlencode({"digest": str(self._digest)})

    def _pieces(self) -> Iterator[bytes]:
        """The content, which must have the size told: a longer body would be taken for the next request."""
        left = self._size
        for piece in self._source():
            if left is not None:
                left -= len(piece)
                if left < 0:
                    break
            yield piece
        if left:
            raise InputError(f"Expected the content of blob '{self._digest}' to have {self._size} bytes")

    def _source(self) -> Iterator[bytes]:
        try:
            yield from self._content() if callable(self._content) else (self._content,)
        except Exception:
            self._source_failed = True
            raise


def _location_of(answer: Answer) -> str:
    if not answer.header("Location"):
        raise RegistryError(f"POST {redacted(answer.url)}: missing Location header")
    return answer.location
