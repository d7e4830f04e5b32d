"""Blobs to a registry, streamed.

Source: OCI distribution specification, "Pushing blobs": POST begins an upload, one PUT to the address it gives
carries the content and the digest. Content of unknown size goes in a PATCH of its own, before an empty PUT. After
a broken connection the registry is asked how much it has, and gets the rest; one that cannot tell gets all again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlencode

from lapstrake.distribution.retries import Retries, is_passing
from lapstrake.distribution.transport import Answer, Transport
from lapstrake.errors import InputError, RegistryError
from lapstrake.http.redaction import redacted
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Repository

Content = bytes | Callable[[], Iterable[bytes]]  # of a blob; the function is called once per try

_OCTETS = {"Content-Type": "application/octet-stream"}
_WORTH_RESUMING = 1 << 20  # bytes of content; so many that got through also give an upload its tries back


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
        self._budget = retries.budget()
        self._repository = repository
        self._digest = digest
        self._content = content
        self._size = len(content) if isinstance(content, bytes) else size
        self._mount_from = mount_from
        self._broken_off = ""  # the address of an upload that may be gone on with
        self._got_through = 0  # bytes that the registry said it has of it
        self._refilled_at = 0  # bytes, the most so far; never less, so that the tries come to an end
        self._damaged = 0
        self._source_failed = False

    def run(self) -> None:
        """Bring the blob there unless the repository has it, or can have it from ``mount_from``."""
        while True:
            try:
                self._attempt()
                return
            except RegistryError as error:
                if not self._deserves_another_try(error):
                    raise
                self._budget.spend(error)

    def _deserves_another_try(self, error: RegistryError) -> bool:
        """What was damaged on its way is sent once more; a source has tried what it could itself."""
        if self._source_failed:
            return False
        if error.code == "DIGEST_INVALID":
            self._broken_off = ""
            self._damaged += 1
            return self._damaged == 1
        if self._got_through and 400 <= error.status < 500:
            self._broken_off, self._got_through = "", 0  # going on was refused; beginning again may not be
            return True
        return is_passing(error)

    def _attempt(self) -> None:
        if self._is_there():
            return
        location = self._broken_off and self._kept()
        if not location:
            self._got_through = 0
            location = self._begin()
        if location:
            self._fill(location)

    def _kept(self) -> str:
        """The address at which the upload that broke off goes on, after the bytes that got through; "" if it does not.

        Source: OCI distribution specification, "Pushing a blob in chunks"; ``0-0`` is what registries say of nothing.
        """
        location, self._broken_off = self._broken_off, ""
        try:
            answer = self._transport.send("GET", self._repository, location, push=True, good=(204,))
        except RegistryError:
            return ""
        answer.drain()
        has = re.fullmatch(r"(?:bytes=)?0-(\d{1,18})", answer.header("Range"))
        end = int(has[1]) + 1 if has else 0
        if not answer.header("Location") or not 1 < end <= (self._size or 0):
            return ""
        if end - self._refilled_at >= _WORTH_RESUMING:
            self._refilled_at = end
            self._budget.refill()
        self._got_through = end
        return answer.location

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
            return
        whole = isinstance(self._content, bytes) and not self._got_through
        headers = {**_OCTETS, "Content-Length": str(self._size - self._got_through)}
        if 0 < self._got_through < self._size:
            headers["Content-Range"] = f"{self._got_through}-{self._size - 1}"
        if self._size >= _WORTH_RESUMING:
            self._broken_off = location
        self._send(
            "PUT", self._with_digest(location), self._content if whole else self._pieces, headers, (201,)
        )

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
        """The content, which must have the size told: a longer body would be taken for the next request.

        What got through before is left out.
        """
        left = self._size
        skip = self._got_through
        for piece in self._source():
            if left is not None:
                left -= len(piece)
                if left < 0:
                    break
            if skip < len(piece):
                yield piece[skip:] if skip else piece
            skip = max(skip - len(piece), 0)
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
