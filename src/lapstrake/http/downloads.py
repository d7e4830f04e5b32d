"""Plain downloads over HTTP: bounded in size and time, taken up again where a connection broke."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import urllib3

from lapstrake.errors import InputError
from lapstrake.http.failures import cause
from lapstrake.http.pools import HttpPools, small_body
from lapstrake.http.redaction import redacted, with_hidden_passwords, without_passwords
from lapstrake.http.urls import refuse_unusable

MOST_BYTES = 4 << 30
LONGEST = 3600.0  # seconds
_TIMEOUT = urllib3.Timeout(connect=30.0, read=120.0)
_PIECE = 1 << 18
_REDIRECTS = 9  # Go's client makes ten requests in all
_RESUMES = 4
_LONGEST_BODY = 4096  # bytes of an answer that are shown


@dataclass(frozen=True, slots=True)
class Request:
    """``headers`` may hold credentials; they are not sent on to another host. ``name`` is shown while it comes.

    ``good``: the statuses of answers that bring the content.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = ""
    good: Container[int] = (200,)


Watch = Callable[[str, int | None, Iterable[bytes]], Iterator[bytes]]
"""Given what is on its way, its size if known, and its pieces, gives the pieces."""


def _unwatched(what: str, size: int | None, pieces: Iterable[bytes]) -> Iterator[bytes]:
    return iter(pieces)


class StatusError(InputError):
    """The answer was not a good one; ``body`` is how it began."""

    def __init__(self, status: int, reason: str, body: str) -> None:
        super().__init__(f"Expected 200 OK, but was '{status} {reason}'")
        self.status = status
        self.reason = reason
        self.body = body


class BrokenError(InputError):
    """The answer began, but did not come to its end."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """``clock`` gives seconds; a download may take ``longest`` of them."""

    pools: HttpPools
    watch: Watch = _unwatched
    longest: float = LONGEST
    clock: Callable[[], float] = time.monotonic

    def save(self, request: Request, path: str) -> str:
        """Write what stands at the URL to ``path``; gives its sha256 (hex). Raises InputError and then leaves no file."""
        digest = hashlib.sha256()
        try:
            with open(path, "wb") as file, closing(self._pieces(request, MOST_BYTES)) as pieces:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
        except BaseException:
            if os.path.isfile(path):
                os.unlink(path)
            raise
        return digest.hexdigest()

    def read(self, request: Request, limit: int) -> bytes:
        """What stands at the URL, at most ``limit`` bytes. Raises InputError."""
        return b"".join(self._pieces(request, limit))

    def _pieces(self, request: Request, limit: int) -> Generator[bytes, None, None]:
        refuse_unusable(request.url)
        url, headers = _without_userinfo(request)
        run = _Run(self.pools, request.url, url, headers, self.clock() + self.longest, self.clock)
        response = run.begin(request.good)
        what = request.name or without_passwords(request.url).partition("?")[0]
        received = 0
        with closing(run.content(response)) as content:
            for piece in self.watch(what, _size(response), content):
                received += len(piece)
                if received > limit:
                    shown = with_hidden_passwords(request.url)
                    raise InputError(f"Expected at most {limit} bytes at '{shown}'")
                yield piece


def standard_downloads(environment: Mapping[str, str], watch: Watch = _unwatched) -> Downloads:
    """Downloads through the proxies that ``environment`` names, with the system's certificates."""
    return Downloads(
        HttpPools(ca_cert_paths=(), verify_certs=True, timeout=_TIMEOUT, environment=environment), watch
    )


def basic_authorization(username: bytes, password: bytes) -> Mapping[str, str]:
    """The header for a name and password (RFC 7617)."""
    return {"Authorization": f"Basic {base64.b64encode(username + b':' + password).decode()}"}


class _Run:
    """One download, with as many requests as it takes."""

    def __init__(
        self,
        pools: HttpPools,
        given: str,
        url: str,
        headers: Mapping[str, str],
        end: float,
        clock: Callable[[], float],
    ) -> None:
        self._pools = pools
        self._given = given
        self._url = url
        self._headers = {"Accept-Encoding": "identity", **headers}
        self._end = end
        self._clock = clock

    def begin(self, good: Container[int]) -> urllib3.BaseHTTPResponse:
        response = self._request(self._headers)
        if response.status not in good:
            location = response.headers.get("Location")
            if location and 300 < response.status < 309:
                response.close()
                refuse_unusable(urljoin(self._url, location))
                raise InputError(f'Get "{redacted(location)}": stopped after 10 redirects')
            raise StatusError(response.status, response.reason or "", _beginning(response))
        return response

    def content(self, response: urllib3.BaseHTTPResponse) -> Generator[bytes, None, None]:
        """What the answer brings, and further answers where it broke."""
        received = resumes = 0
        validator = _validator(response)
        while True:
            try:
                # What is at hand, not what fills a piece: a server that trickles must not keep us from the clock.
                while piece := response.read1(_PIECE, decode_content=False):
                    received += len(piece)
                    if self._clock() > self._end:
                        raise BrokenError("context deadline exceeded")
                    yield piece
                return
            except (urllib3.exceptions.HTTPError, OSError) as e:
                broken = e
            finally:
                response.close()
            resumes += 1
            following = self._resumed(received, validator) if validator and resumes <= _RESUMES else None
            if following is None:
                raise BrokenError("unexpected EOF") from broken
            response = following

    def _resumed(self, received: int, validator: str) -> urllib3.BaseHTTPResponse | None:
        """The rest of the same content, or None if it cannot be had."""
        headers = {**self._headers, "Range": f"bytes={received}-", "If-Range": validator}
        try:
            response = self._request(headers)
        except InputError:
            return None
        begins = response.headers.get("Content-Range", "").startswith(f"bytes {received}-")
        if response.status == 206 and begins:
            return response
        response.close()
        return None

    def _request(self, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        try:
            return self._pools.request("GET", self._url, headers=headers, redirects=_REDIRECTS)
        except (urllib3.exceptions.HTTPError, OSError) as e:
            raise InputError(f'Get "{with_hidden_passwords(self._given)}": {cause(self._url, e)}') from e


def _without_userinfo(request: Request) -> tuple[str, Mapping[str, str]]:
    """The URL as it is asked for, and the headers with the name and password that stood in it."""
    parts = urlsplit(request.url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return request.url, request.headers
    name, _, password = userinfo.partition(":")
    own = basic_authorization(unquote_to_bytes(name), unquote_to_bytes(password)) if name else {}
    return parts._replace(netloc=host).geturl(), {**own, **request.headers}


def _size(response: urllib3.BaseHTTPResponse) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def _validator(response: urllib3.BaseHTTPResponse) -> str:
    """What says that content is still the same (RFC 9110, 13.1.5), if the server gives parts; else empty."""
    if response.headers.get("Accept-Ranges", "").lower() != "bytes":
        return ""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _beginning(response: urllib3.BaseHTTPResponse) -> str:
    try:
        return small_body(response, _LONGEST_BODY).decode("utf-8", "replace")
    except (urllib3.exceptions.HTTPError, OSError):
        return ""
    finally:
        response.close()
