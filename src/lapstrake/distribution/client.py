"""A client of OCI registries: manifests, blobs, tags.

One client serves all threads of a command. Each registry is asked once how it wants to be spoken to
(https or http, which challenge). Source: OCI distribution specification, and facts on imgpkg,
"Registry access", for hosts, retries and credentials.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.distribution.authority import Authority, TemporaryError, ping, transport_error, unanswered
from lapstrake.distribution.credentials import Credentialed, CredentialOptions
from lapstrake.distribution.failures import refusal
from lapstrake.distribution.pools import HttpPools
from lapstrake.errors import InputError, RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    RawManifest,
    json_mapping,
)
from lapstrake.oci.reference import Reference, Repository

Content = bytes | Callable[[], Iterable[bytes]]  # of a blob; the function is called once per try

_ACCEPT = ",".join((DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX))
_LARGEST_MANIFEST = 16 << 20
_LARGEST_TAG_PAGE = 64 << 20
_LARGEST_REFUSAL = 64 << 10
_PIECE = 1 << 18
_RETRIED_STATUSES = frozenset({408, 500, 502, 503, 504})
_RETRIED_CODES = frozenset({"BLOB_UPLOAD_INVALID", "TOOMANYREQUESTS", "UNKNOWN", "UNAVAILABLE"})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds
_SESSION = uuid.uuid4().hex
_ONLY_REDIRECTS = urllib3.Retry(connect=0, read=0, status=0, other=0, redirect=10, raise_on_redirect=True)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """How to reach registries. ``env_prefix`` begins the names of the variables with credentials.

    ``retry_count`` is the number of tries in all; ``response_timeout`` is in seconds.
    """

    ca_cert_paths: tuple[str, ...] = ()
    verify_certs: bool = True
    insecure: bool = False
    credentials: CredentialOptions = field(default_factory=CredentialOptions)
    response_timeout: float = 30.0
    retry_count: int = 5
    env_prefix: str = "IMGPKG"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


class RegistryClient:
    """Speaks to any number of registries. Close it, or use it as a context manager.

    Every method raises RegistryError with the registry's own words, and InputError for credentials that
    cannot be read.
    """

    def __init__(
        self, options: RegistryOptions | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises InputError for certificate files and keychains that cannot be used."""
        self._options = options or RegistryOptions()
        self._credentials = Credentialed(
            self._options.credentials, self._options.environment, self._options.env_prefix
        )
        self._pools = _pools(self._options)
        self._sleep = sleep
        self._authorities: dict[str, Authority] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._pools.clear()

    def head(self, ref: Reference) -> Descriptor:
        """What stands at a reference. Asked by HEAD; a registry that does not answer that is asked by GET."""
        try:
            _, response = self._request("HEAD", ref.repo, f"manifests/{ref.identifier}", accept=_ACCEPT)
        except RegistryError as error:
            if not error.status:
                raise
            return self.manifest(ref).descriptor
        try:
            digest = Digest.parse(response.headers.get("Docker-Content-Digest", ""))
            size = int(response.headers["Content-Length"])
        except (InputError, KeyError, ValueError):
            return self.manifest(ref).descriptor
        if ref.digest and ref.digest != digest:
            raise _wrong_digest(ref, digest)
        return Descriptor(_media_type(response), size, digest)

    def manifest(self, ref: Reference) -> RawManifest:
        """The manifest or index at a reference, its digest checked if the reference has one."""
        url, response = self._request(
            "GET", ref.repo, f"manifests/{ref.identifier}", accept=_ACCEPT, stream=True
        )
        data = self._whole(url, response, _LARGEST_MANIFEST)
        manifest = RawManifest.of(_media_type(response), data)
        if ref.digest and manifest.digest != ref.digest:
            raise _wrong_digest(ref, manifest.digest)
        return manifest

    def blob(self, repository: Repository, digest: Digest) -> Iterator[bytes]:
        """The content in pieces; a wrong digest is an error after the last piece."""
        url, response = self._request("GET", repository, f"blobs/{digest}", stream=True)
        sha = hashlib.sha256()
        try:
            for piece in response.stream(_PIECE, decode_content=False):
                sha.update(piece)
                yield piece
        except HTTPError as error:
            raise unanswered("GET", url, error) from error
        finally:
            response.release_conn()
        if sha.hexdigest() != digest.hex:
            raise RegistryError(
                f'error verifying sha256 checksum; got "{sha.hexdigest()}", want "{digest.hex}"'
            )

    def blob_bytes(self, repository: Repository, digest: Digest, limit: int = _LARGEST_MANIFEST) -> bytes:
        """A small blob (an image's configuration) at once; ``limit`` in bytes."""
        data = bytearray()
        for piece in self.blob(repository, digest):
            data += piece
            if len(data) > limit:
                raise RegistryError(f"Expected blob '{digest}' to have at most {limit} bytes")
        return bytes(data)

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        try:
            self._request("HEAD", repository, f"blobs/{digest}")
        except RegistryError as error:
            if error.status == 404:
                return False
            raise
        return True

    def mount_blob(self, repository: Repository, digest: Digest, source: Repository) -> bool:
        """Make a blob of ``source`` (same registry) one of ``repository``; false if the registry would not."""
        query = urlencode({"mount": str(digest), "from": source.path})
        url, response = self._request(
            "POST", repository, f"blobs/uploads/?{query}", push=True, also=(source,), body=b""
        )
        if response.status == 201:
            return True
        self._abandon(repository, urljoin(url, response.headers.get("Location", "")))
        return False

    def push_blob(self, repository: Repository, digest: Digest, content: Content) -> None:
        """Upload a blob unless the repository has it."""
        if self._retried(lambda: self.has_blob(repository, digest), upload=True):
            return
        self._retried(lambda: self._upload(repository, digest, content), upload=True)

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest:
        """Write a manifest whose blobs are there already; gives its digest."""
        self._retried(
            lambda: self._request(
                "PUT", ref.repo, f"manifests/{ref.identifier}", push=True, body=data, content_type=media_type
            ),
            upload=True,
        )
        return Digest.of(data)

    def tags(self, repository: Repository) -> list[str]:
        """All tags in the registry's order."""
        tags: list[str] = []
        path = "tags/list?n=1000"
        seen: set[str] = set()
        while path not in seen:
            seen.add(path)
            url, response = self._request("GET", repository, path, stream=True)
            page = json_mapping(self._whole(url, response, _LARGEST_TAG_PAGE), "list of tags")
            tags += [str(tag) for tag in page.get("tags") or []]
            link = re.match(r'\s*<([^>]+)>\s*;.*rel="?next', response.headers.get("Link", ""))
            if not link:
                break
            path = _same_host(url, urljoin(url, link[1]))
        return tags

    def _upload(self, repository: Repository, digest: Digest, content: Content) -> None:
        url, response = self._request("POST", repository, "blobs/uploads/", push=True, body=b"", retry=False)
        location = urljoin(url, response.headers.get("Location", ""))
        body = content if isinstance(content, bytes) else content()
        _, response = self._request(
            "PATCH",
            repository,
            location,
            push=True,
            body=body,
            content_type="application/octet-stream",
            retry=False,
        )
        location = urljoin(location, response.headers.get("Location", location))
        location += ("&" if "?" in location else "?") + urlencode({"digest": str(digest)})
        self._request("PUT", repository, location, push=True, body=b"", retry=False)

    def _abandon(self, repository: Repository, location: str) -> None:
        try:
            self._request("DELETE", repository, location, push=True, retry=False)
        except RegistryError:
            pass  # the registry forgets it in its own time

    def _request(
        self,
        method: str,
        repository: Repository,
        path: str,
        *,
        accept: str = "",
        body: bytes | Iterable[bytes] | None = None,
        content_type: str = "",
        push: bool = False,
        also: tuple[Repository, ...] = (),
        stream: bool = False,
        retry: bool = True,
    ) -> tuple[str, urllib3.BaseHTTPResponse]:
        """Send one request below the repository (or to an absolute ``path``); (its URL, the answer)."""
        authority = self._authority(repository)
        url = path if "://" in path else f"{authority.base}/v2/{repository.path}/{path}"
        headers = {"imgpkg-session-id": _SESSION, "User-Agent": "lapstrake"}
        headers |= {"Accept": accept} if accept else {}
        headers |= {"Content-Type": content_type} if content_type else {}

        def send() -> urllib3.BaseHTTPResponse:
            return self._send(authority, method, url, headers, body, (repository, *also), push)

        response = self._retried(send, upload=False) if retry else send()
        if response.status >= 300:
            failure = response.read(_LARGEST_REFUSAL) if method != "HEAD" else b""
            response.release_conn()
            raise refusal(method, url, response.status, failure)
        if not stream:
            response.read(_LARGEST_REFUSAL)
            response.release_conn()
        return url, response

    def _send(
        self,
        authority: Authority,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | Iterable[bytes] | None,
        repositories: tuple[Repository, ...],
        push: bool,
    ) -> urllib3.BaseHTTPResponse:
        """One try, with credentials; once more if a token has run out."""
        own_host = urlsplit(url).netloc == urlsplit(authority.base).netloc
        for renew in (False, True):
            extra = authority.headers(repositories, push=push, renew=renew) if own_host else {}
            try:
                response = self._pools.request(
                    method,
                    url,
                    headers={**headers, **extra},
                    body=body,
                    preload_content=False,
                    retries=_ONLY_REDIRECTS,
                    redirect=method in ("GET", "HEAD"),
                )
            except HTTPError as error:
                raise unanswered(method, url, error) from error
            replayable = body is None or isinstance(body, bytes)
            if response.status != 401 or renew or not authority.renewable or not replayable:
                break
            response.drain_conn()
        return response

    def _authority(self, repository: Repository) -> Authority:
        with self._lock:
            known = self._authorities.get(repository.registry)
            if known is None:
                known = self._retried(lambda: self._ping(repository), upload=False)
                self._authorities[repository.registry] = known
            return known

    def _ping(self, repository: Repository) -> Authority:
        schemes = ["http", "https"] if self._options.insecure or repository.is_local else ["https"]
        failures: list[RegistryError] = []
        for scheme in schemes:
            try:
                return ping(self._pools, f"{scheme}://{repository.registry}", self._credentials)
            except RegistryError as error:
                failures.insert(0, error)
        raise transport_error(failures, told_apart=self._options.env_prefix == "IMGPKG")

    def _retried(self, attempt: Callable[[], _T], *, upload: bool) -> _T:
        """Repeat what failed for a reason that may pass; an upload also after some of the registry's answers."""
        pause = _FIRST_PAUSE
        for left in range(max(1, self._options.retry_count) - 1, -1, -1):
            try:
                return attempt()
            except RegistryError as error:
                passing = isinstance(error, TemporaryError) or (
                    upload and (error.status in _RETRIED_STATUSES or error.code in _RETRIED_CODES)
                )
                if not passing or not left:
                    raise
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError("unreachable")

    def _whole(self, url: str, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
        try:
            data = response.read(limit + 1)
        except HTTPError as error:
            raise unanswered("GET", url, error) from error
        finally:
            response.release_conn()
        if len(data) > limit:
            raise RegistryError(f"GET {url}: Expected an answer of at most {limit} bytes")
        return data


def _pools(options: RegistryOptions) -> HttpPools:
    return HttpPools(
        ca_cert_paths=options.ca_cert_paths,
        verify_certs=options.verify_certs,
        timeout=urllib3.Timeout(connect=30.0, read=options.response_timeout or None),
        environment=options.environment,
    )


def _media_type(response: urllib3.BaseHTTPResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip()


def _same_host(url: str, following: str) -> str:
    """``following`` if it is an address of the same host; a registry may not send us elsewhere for a page."""
    if urlsplit(url)[:2] != urlsplit(following)[:2]:
        raise RegistryError(f"GET {url}: Expected the next page to be at the same host")
    return following


def _wrong_digest(ref: Reference, found: Digest) -> RegistryError:
    return RegistryError(
        f'manifest digest: "{found}" does not match requested digest: "{ref.digest}" for "{ref}"'
    )
