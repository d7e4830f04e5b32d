"""What each address does: the OCI distribution API over a store.

Source: OCI distribution specification 1.1; headers and errors as Debian's docker-registry 2.8 sends them.
What only reads is done on the event loop, what writes in a thread, because it waits for the disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import OCI_INDEX
from lapstrake.registry import refusals
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.routes import Route
from lapstrake.registry.store import Referrer, Store
from lapstrake.registry.streams import FileResponse, Intake, wanted_range
from lapstrake.registry.uploads import Upload, Uploads

JSON = "application/json; charset=utf-8"
_MOST_LISTED = 1000
_LARGEST_REFERRERS = 3 << 20  # bytes of one page; clients take no manifest above 4 MiB
_TURN_SECONDS = 5.0

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Handlers:
    """``threads`` does what waits for the disk."""

    def __init__(self, store: Store, uploads: Uploads, threads: Executor) -> None:
        self._store = store
        self._uploads = uploads
        self._threads = threads
        self._intake = Intake(uploads, threads)

    def counts(self) -> tuple[int, dict[str, int]]:
        """Uploads under way, and what is stored."""
        return len(self._uploads), self._store.counts()

    async def base(self, request: Request, route: Route) -> Response:
        return Response(b"{}", media_type=JSON)

    async def catalog(self, request: Request, route: Route) -> Response:
        names, link = _page(request, self._store.repositories(), "/v2/_catalog", 100)
        return _json({"repositories": names}, link)

    async def tags(self, request: Request, route: Route) -> Response:
        await self._sweep_due()
        tags, link = _page(request, self._store.tags(route.name), f"/v2/{route.name}/tags/list", None)
        return _json({"name": route.name, "tags": tags or None}, link)

    async def get_manifest(self, request: Request, route: Route) -> Response:
        await self._sweep_due()
        manifest = self._store.manifest(route.name, route.rest)
        headers = {"Docker-Content-Digest": str(manifest.digest), "ETag": f'"{manifest.digest}"'}
        if _has_it(request, manifest.digest):
            return Response(status_code=304, headers=headers)
        return Response(manifest.data, headers=headers, media_type=manifest.media_type)

    async def put_manifest(self, request: Request, route: Route) -> Response:
        limit = self._store.limits.manifest
        pieces = bytearray()
        async for piece in request.stream():
            pieces += piece
            if len(pieces) > limit:
                raise refusals.too_large(limit)
        data = bytes(pieces)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = self._store.digest_for(route.rest, data)
        put = self._store.put_manifest
        inspected = await self._in_thread(put, route.name, route.rest, media_type, data)
        headers = {"Docker-Content-Digest": str(digest), "Location": f"/v2/{route.name}/manifests/{digest}"}
        if inspected.subject is not None:
            headers["OCI-Subject"] = str(inspected.subject)
        return Response(status_code=201, headers=headers)

    async def delete_manifest(self, request: Request, route: Route) -> Response:
        await self._in_thread(self._store.delete_manifest, route.name, route.rest)
        return Response(status_code=202)

    async def referrers(self, request: Request, route: Route) -> Response:
        subject = _parsed(route.rest)
        last = request.query_params.get("last", "")
        wanted = request.query_params.get("artifactType", "")
        found, more = await self._in_thread(self._referrers, route.name, subject, last, wanted)
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
        headers = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
        if more:
            query = {"last": found[-1]["digest"], **({"artifactType": wanted} if wanted else {})}
            path = f"/v2/{route.name}/referrers/{subject}?{urlencode(query)}"
            headers["Link"] = f'<{path}>; rel="next"'
        return Response(json.dumps(body, separators=(",", ":")), headers=headers, media_type=OCI_INDEX)

    def _referrers(
        self, name: str, subject: Digest, last: str, wanted: str
    ) -> tuple[list[dict[str, object]], bool]:
        """One page of descriptors, and whether there are more."""
        found: list[dict[str, object]] = []
        size = 0
        for referrer in self._store.referrers(name, subject, last):
            if wanted and referrer.artifact_type != wanted:
                continue
            descriptor = _descriptor(referrer)
            size += len(json.dumps(descriptor))
            if found and size > _LARGEST_REFERRERS:
                return found, True
            found.append(descriptor)
        return found, False

    async def get_blob(self, request: Request, route: Route) -> Response:
        digest = _parsed(route.rest)
        path = self._store.blob(route.name, digest)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "max-age=31536000",
            "Docker-Content-Digest": str(digest),
            "ETag": f'"{digest}"',
        }
        if _has_it(request, digest):
            return Response(status_code=304, headers=headers)
        size = os.path.getsize(path)
        start, end, status = 0, size, 200
        if request.headers.get("If-Range", f'"{digest}"') == f'"{digest}"':
            part = wanted_range(request.headers.get("Range", ""), size)
            if part is not None:
                start, end = part
                status = 206
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        headers["Content-Length"] = str(end - start)
        octets = "application/octet-stream"
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=octets)
        return FileResponse(path, start, end, status, headers, octets)

    async def delete_blob(self, request: Request, route: Route) -> Response:
        await self._in_thread(self._store.delete_blob, route.name, _parsed(route.rest))
        return Response(status_code=202)

    async def begin_upload(self, request: Request, route: Route) -> Response:
        query = request.query_params
        if mount := query.get("mount"):
            digest = _parsed(mount)
            if await self._in_thread(self._store.mount_blob, route.name, digest, query.get("from", "")):
                return _created(route.name, digest)
        upload = self._uploads.begin(route.name, query.get("digest-algorithm", ""))
        if not (whole := query.get("digest")):
            return Response(status_code=202, headers=_state(upload))
        try:
            return await self._finish(request, upload, whole)
        except BaseException:
            self._uploads.abandon(upload)  # nobody knows its address
            raise

    async def upload_state(self, request: Request, route: Route) -> Response:
        upload = self._uploads.find(route.name, route.rest)
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                async with upload.turn:  # what a broken connection brought is counted in
                    pass
        except TimeoutError:
            pass  # content is still coming in
        return Response(status_code=204, headers=_state(self._uploads.find(route.name, route.rest)))

    async def continue_upload(self, request: Request, route: Route) -> Response:
        upload = await self._turn(route)
        try:
            _check_start(request, upload)
            rest = await self._intake.receive(request, upload)
            await self._intake.write(upload, rest)
        finally:
            upload.turn.release()
        return Response(status_code=202, headers=_state(upload))

    async def finish_upload(self, request: Request, route: Route) -> Response:
        upload = await self._turn(route)
        try:
            _check_start(request, upload)
            return await self._finish(request, upload, request.query_params.get("digest", ""))
        finally:
            upload.turn.release()

    async def abandon_upload(self, request: Request, route: Route) -> Response:
        upload = await self._turn(route)
        try:
            await self._in_thread(self._uploads.abandon, upload)
        finally:
            upload.turn.release()
        return Response(status_code=204)

    async def _turn(self, route: Route) -> Upload:
        """The upload, for the caller alone. After a broken connection its former user may take a moment to notice."""
        upload = self._uploads.find(route.name, route.rest)
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await upload.turn.acquire()
        except TimeoutError:
            raise refusals.invalid_upload(_state(upload)) from None
        try:
            return self._uploads.find(route.name, route.rest)
        except Refusal:
            upload.turn.release()
            raise

    async def _finish(self, request: Request, upload: Upload, digest_text: str) -> Response:
        digest = self._uploads.expect(upload, digest_text)
        rest = await self._intake.receive(request, upload)
        await self._in_thread(self._uploads.finish, upload, digest, rest)
        return _created(upload.repository, digest)

    async def _sweep_due(self) -> None:
        """What has ended is not shown, even if the sweeper has not come by yet."""
        if self._store.is_due():
            await self._in_thread(self._store.sweep_due)

    async def _in_thread(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **_: _Arguments.kwargs
    ) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)


def _parsed(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InputError as error:
        raise refusals.invalid_digest({}) from error


def _has_it(request: Request, digest: Digest) -> bool:
    """Whether the client says that it has the content already."""
    named = request.headers.get("If-None-Match", "")
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in named.split(",")}
    return str(digest) in tags or named.strip() == "*"


def _check_start(request: Request, upload: Upload) -> None:
    """Chunks come in order: the first byte of one is the one after the last of the one before."""
    if wanted := request.headers.get("Content-Range"):
        match = re.fullmatch(r"(?:bytes )?(\d{1,18})-\d{1,18}(?:/.*)?", wanted)
        if not match or int(match[1]) != upload.size:
            raise refusals.invalid_upload(_state(upload))


def _state(upload: Upload) -> dict[str, str]:
    return {
        "Docker-Upload-UUID": upload.id,
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size - 1, 0)}",
    }


def _created(name: str, digest: Digest) -> Response:
    headers = {"Docker-Content-Digest": str(digest), "Location": f"/v2/{name}/blobs/{digest}"}
    return Response(status_code=201, headers=headers)


def _descriptor(referrer: Referrer) -> dict[str, object]:
    manifest = referrer.manifest
    descriptor: dict[str, object] = {
        "mediaType": manifest.media_type,
        "digest": str(manifest.digest),
        "size": len(manifest.data),
    }
    if referrer.artifact_type:
        descriptor["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        descriptor["annotations"] = referrer.annotations
    return descriptor


def _json(value: object, link: str) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return Response(body, headers={"Link": link} if link else {}, media_type=JSON)


def _page(request: Request, names: list[str], path: str, default: int | None) -> tuple[list[str], str]:
    """The names after ``last``, at most ``n``, and the link to those that follow ("" at the end)."""
    last = request.query_params.get("last", "")
    names = [name for name in names if name > last] if last else names
    wanted = request.query_params.get("n", "")
    if wanted and not re.fullmatch(r"\d{1,9}", wanted):
        raise Refusal(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested", {"n": wanted})
    count = min(int(wanted), _MOST_LISTED) if wanted else default
    if count is None or count >= len(names):
        return names, ""
    if not count:
        return [], ""
    query = urlencode({"last": names[count - 1], "n": count})
    return names[:count], f'<{quote(path)}?{query}>; rel="next"'
