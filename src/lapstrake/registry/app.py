"""The registry's routes: the OCI distribution API over a store.

Source: OCI distribution specification 1.1; headers and errors as Debian's docker-registry 2.8 sends them.
Files are read and written on the event loop in pieces small enough not to hold up the other requests.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.registry import refusals
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.shelf import is_name
from lapstrake.registry.store import Store
from lapstrake.registry.uploads import Upload, Uploads

_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0", "X-Content-Type-Options": "nosniff"}
_JSON = "application/json; charset=utf-8"
_LARGEST_MANIFEST = 4 << 20
_PIECE = 1 << 18
_MOST_LISTED = 1000

Handler = Callable[[Request], Awaitable[Response]]


def application(store: Store, uploads: Uploads) -> Starlette:
    """An ASGI application; it keeps nothing but what ``store`` and ``uploads`` keep."""
    registry = _Registry(store, uploads)
    name = "/v2/{name:path}"
    routes = [
        Route("/v2/", _answering(registry.base), methods=["GET"]),
        Route("/v2/_catalog", _answering(registry.catalog), methods=["GET"]),
        Route(f"{name}/tags/list", _answering(registry.tags), methods=["GET"]),
        Route(f"{name}/manifests/{{reference}}", _answering(registry.get_manifest), methods=["GET"]),
        Route(f"{name}/manifests/{{reference}}", _answering(registry.put_manifest), methods=["PUT"]),
        Route(f"{name}/manifests/{{reference}}", _answering(registry.delete_manifest), methods=["DELETE"]),
        Route(f"{name}/blobs/uploads/", _answering(registry.begin_upload), methods=["POST"]),
        Route(f"{name}/blobs/uploads/{{id}}", _answering(registry.upload_state), methods=["GET"]),
        Route(f"{name}/blobs/uploads/{{id}}", _answering(registry.continue_upload), methods=["PATCH"]),
        Route(f"{name}/blobs/uploads/{{id}}", _answering(registry.finish_upload), methods=["PUT"]),
        Route(f"{name}/blobs/uploads/{{id}}", _answering(registry.abandon_upload), methods=["DELETE"]),
        Route(f"{name}/blobs/{{digest}}", _answering(registry.get_blob), methods=["GET"]),
        Route(f"{name}/blobs/{{digest}}", _answering(registry.delete_blob), methods=["DELETE"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: _not_found})


def _answering(handler: Handler) -> Handler:
    """The handler with refusals made into answers, and names checked first."""

    async def endpoint(request: Request) -> Response:
        try:
            _check_origin(request)
            name = request.path_params.get("name")
            if name is not None and not is_name(name):
                raise refusals.invalid_name(name)
            response = await handler(request)
        except Refusal as refusal:
            response = Response(refusal.body(), refusal.status, media_type=_JSON)
        except ClientDisconnect:
            response = Response(status_code=400)
        response.headers.update(_VERSION)
        return response

    return endpoint


def _check_origin(request: Request) -> None:
    """Refuse what a page of another site lets a browser send; registry clients send no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise Refusal(403, "DENIED", "requested access to the resource is denied")


async def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("404 page not found\n", 404, headers=_VERSION)


class _Registry:
    def __init__(self, store: Store, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads

    async def base(self, request: Request) -> Response:
        return Response(b"{}", media_type=_JSON)

    async def catalog(self, request: Request) -> Response:
        names, link = _page(request, self._store.repositories(), "/v2/_catalog", 100)
        return _json({"repositories": names}, link)

    async def tags(self, request: Request) -> Response:
        name = request.path_params["name"]
        tags, link = _page(request, self._store.tags(name), f"/v2/{name}/tags/list", None)
        return _json({"name": name, "tags": tags or None}, link)

    async def get_manifest(self, request: Request) -> Response:
        manifest = self._store.manifest(request.path_params["name"], _reference(request))
        headers = {"Docker-Content-Digest": str(manifest.digest), "ETag": f'"{manifest.digest}"'}
        if request.headers.get("If-None-Match") in (f'"{manifest.digest}"', str(manifest.digest)):
            return Response(status_code=304)
        return Response(manifest.data, headers=headers, media_type=manifest.media_type)

    async def put_manifest(self, request: Request) -> Response:
        name = request.path_params["name"]
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > _LARGEST_MANIFEST:
                raise refusals.too_large(_LARGEST_MANIFEST)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = self._store.put_manifest(name, _reference(request), media_type, bytes(data))
        headers = {"Docker-Content-Digest": str(digest), "Location": f"/v2/{name}/manifests/{digest}"}
        return Response(status_code=201, headers=headers)

    async def delete_manifest(self, request: Request) -> Response:
        self._store.delete_manifest(request.path_params["name"], _reference(request))
        return Response(status_code=202)

    async def get_blob(self, request: Request) -> Response:
        digest = _digest(request)
        path = self._store.blob(request.path_params["name"], digest)
        size = os.path.getsize(path)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "max-age=31536000",
            "Docker-Content-Digest": str(digest),
            "ETag": f'"{digest}"',
        }
        start, end, status = 0, size, 200
        if wanted := request.headers.get("Range"):
            start, end = _range(wanted, size)
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        headers["Content-Length"] = str(end - start)
        octets = "application/octet-stream"
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers, media_type=octets)
        return StreamingResponse(_pieces(path, start, end), status, headers, octets)

    async def delete_blob(self, request: Request) -> Response:
        self._store.delete_blob(request.path_params["name"], _digest(request))
        return Response(status_code=202)

    async def begin_upload(self, request: Request) -> Response:
        name = request.path_params["name"]
        if mount := request.query_params.get("mount"):
            digest = _parsed(mount)
            if self._store.mount_blob(name, digest, request.query_params.get("from", "")):
                return _created(name, digest)
        upload = self._uploads.begin(name)
        if whole := request.query_params.get("digest"):
            await self._receive(upload, request)
            return _created(name, self._uploads.finish(upload, whole))
        return _accepted(upload)

    async def upload_state(self, request: Request) -> Response:
        response = _accepted(self._upload(request))
        response.status_code = 204
        return response

    async def continue_upload(self, request: Request) -> Response:
        upload = self._upload(request)
        if wanted := request.headers.get("Content-Range"):
            match = re.fullmatch(r"(?:bytes )?(\d+)-\d+(?:/.*)?", wanted)
            if not match or int(match[1]) != upload.size:
                raise refusals.invalid_upload()
        await self._receive(upload, request)
        return _accepted(upload)

    async def finish_upload(self, request: Request) -> Response:
        upload = self._upload(request)
        await self._receive(upload, request)
        digest = self._uploads.finish(upload, request.query_params.get("digest", ""))
        return _created(upload.repository, digest)

    async def abandon_upload(self, request: Request) -> Response:
        self._uploads.abandon(self._upload(request))
        return Response(status_code=204)

    def _upload(self, request: Request) -> Upload:
        return self._uploads.find(request.path_params["name"], request.path_params["id"])

    async def _receive(self, upload: Upload, request: Request) -> None:
        if upload.busy:
            raise refusals.invalid_upload()
        upload.busy = True
        try:
            async for piece in request.stream():
                self._uploads.write(upload, piece)
        finally:
            upload.busy = False


def _reference(request: Request) -> str:
    return str(request.path_params["reference"])


def _digest(request: Request) -> Digest:
    return _parsed(str(request.path_params["digest"]))


def _parsed(text: str) -> Digest:
    try:
        return Digest.parse(text)
    except InputError as error:
        raise refusals.invalid_digest({}) from error


def _accepted(upload: Upload) -> Response:
    headers = {
        "Docker-Upload-UUID": upload.id,
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Range": f"0-{max(upload.size - 1, 0)}",
    }
    return Response(status_code=202, headers=headers)


def _created(name: str, digest: Digest) -> Response:
    headers = {"Docker-Content-Digest": str(digest), "Location": f"/v2/{name}/blobs/{digest}"}
    return Response(status_code=201, headers=headers)


def _json(value: object, link: str) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return Response(body, headers={"Link": link} if link else {}, media_type=_JSON)


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


def _range(wanted: str, size: int) -> tuple[int, int]:
    """The one range asked for, as (start, end)."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted)
    if match and (match[1] or match[2]):
        start = int(match[1]) if match[1] else max(size - int(match[2]), 0)
        end = min(int(match[2]) + 1, size) if match[1] and match[2] else size
        if start < end:
            return start, end
    raise Refusal(416, "RANGE_INVALID", "invalid content range")


async def _pieces(path: str, start: int, end: int) -> AsyncIterator[bytes]:
    with open(path, "rb") as file:
        file.seek(start)
        left = end - start
        while left and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            yield piece
