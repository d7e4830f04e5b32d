"""The ASGI application: from a request to its answer, step by step."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson
from starlette.responses import Response

from lapstrake.apiserver import bodies, discovery, listing, openapi_v2, status
from lapstrake.apiserver.access import Access
from lapstrake.apiserver.answers import (
    Answers,
    form_of,
    json_response,
    refusal_response,
    text_response,
    warning_headers,
)
from lapstrake.apiserver.crud import Asked, Crud
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.requests import Query, Target, target_of, verb_of
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import Store
from lapstrake.apiserver.watches import BOOKMARK_SECONDS, Wakes, Watch, Wish, error_line

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.0+lapstrake",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "cpython",
    "platform": "linux/amd64",
}
_HEALTH = ("healthz", "livez", "readyz")
_WATCH_SECONDS = 1800.0

OpenApi = Callable[[str, Query], "tuple[bytes, str] | None"]
"""``(path below /openapi, query) -> (document, media type)``; None if there is no such document."""


class Server:
    """The application. ``close()`` ends the open watches and makes it refuse new ones."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        crud: Crud,
        access: Access,
        answers: Answers,
        openapi: OpenApi,
        address: str = "",
    ) -> None:
        self._store = store
        self._objects = objects
        self._crud = crud
        self._access = access
        self._answers = answers
        self._openapi = openapi
        self.address = address
        self._wakes = Wakes(store)
        self._aggregated: dict[bool, tuple[int, bytes]] = {}

    def close(self) -> None:
        self._wakes.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1000})
            return
        try:
            answer = await self._answer(scope, receive)
        except ApiError as refusal:
            answer = refusal_response(refusal)
        except bodies.Gone:
            return
        except Exception as error:
            _log.exception("%s %s failed", scope["method"], scope["path"])
            answer = refusal_response(
                ApiError(500, "InternalError", f"Internal error occurred: {type(error).__name__}")
            )
        if isinstance(answer, Response):
            await answer(scope, receive, send)
        else:
            await self._stream(answer, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | Opened:
        headers = _headers(scope)
        query = Query(scope["query_string"])
        method, path = scope["method"], scope["path"]
        user, impersonator = self._access.user(headers)
        target = target_of(path)
        if target is None:
            self._access.check_path(user, "get" if method == "GET" else _path_verb(method), path)
            return self._plain_path(method, path, query, headers.get("accept", ""))
        served = self._objects.registry.find(target.group, target.version, target.plural)
        verb = verb_of(method, target, query)
        self._access.check(user, verb, target, impersonator=impersonator)
        if served is None:
            return self._unserved(target)
        _check_verb(served, target, verb)
        if verb == "watch":
            return self._open_watch(served, target, query, headers)
        body = b"" if method in ("GET", "HEAD") else await bodies.read(receive)
        response, warnings = self._crud.answer(Asked(verb, target, served, query, headers, user, body))
        if warnings:
            response.raw_headers.extend(warning_headers(warnings))
        return response

    def _unserved(self, target: Target) -> Response:
        if self._objects.registry.in_group(target.group, target.version) or any(
            group.name == target.group and not self._only_custom(group.name)
            for group in self._objects.registry.groups()
        ):
            raise status.no_such_resource()
        return _page_not_found()

    def _only_custom(self, group: str) -> bool:
        return all(served.custom for served in self._objects.registry.all() if served.rt.group == group)

    # -- paths that are no resource

    def _plain_path(self, method: str, path: str, query: Query, accept: str) -> Response:
        parts = [part for part in path.split("/") if part]
        known = not parts or parts[0] in ("api", "apis", "openapi", "version", *_HEALTH)
        if method not in ("GET", "HEAD"):
            if known:
                raise status.method_not_allowed()
            return _page_not_found()
        match parts:
            case []:
                return json_response({"paths": discovery.root_paths(self._objects.registry)})
            case ["version"]:
                return json_response(VERSION)
            case ["api" | "apis"]:
                return self._groups(core=parts[0] == "api", accept=accept)
            case ["api", version]:
                return self._resource_list("", version)
            case ["apis", group]:
                document = discovery.group_document(self._objects.registry, group)
                return json_response(document) if document is not None else _page_not_found()
            case ["apis", group, version]:
                return self._resource_list(group, version)
            case ["openapi", "v2"]:
                body, media = openapi_v2.document(accept)
                return Response(body, media_type=media)
            case ["openapi", *rest]:
                found = self._openapi("/".join(rest), query)
                return Response(found[0], media_type=found[1]) if found is not None else _page_not_found()
            case [name, *rest] if name in _HEALTH:
                return _health(name, rest, query)
        return _page_not_found()

    def _groups(self, *, core: bool, accept: str) -> Response:
        registry = self._objects.registry
        if discovery.wants_aggregated(accept):
            cached = self._aggregated.get(core)
            if cached is None or cached[0] != registry.edition:
                cached = (registry.edition, orjson.dumps(discovery.aggregated(registry, core=core)))
                self._aggregated[core] = cached
            return Response(cached[1], media_type=discovery.AGGREGATED)
        form_of(accept)
        return json_response(discovery.api_versions(self.address) if core else discovery.group_list(registry))

    def _resource_list(self, group: str, version: str) -> Response:
        document = discovery.resource_list(self._objects.registry, group, version)
        if document is not None:
            return json_response(document)
        return self._unserved(Target(group, version, ""))

    # -- watches

    def _open_watch(self, served: Served, target: Target, query: Query, headers: dict[str, str]) -> Opened:
        version, seconds, initial = _watch_options(query)
        form = form_of(headers.get("accept", ""), query.text("includeObject"))
        if target.name:
            query = Query(f"fieldSelector=metadata.name={target.name}")
        wish = Wish(
            served,
            target.namespace,
            listing.selection(served, query),
            version,
            bookmarks=query.flag("allowWatchBookmarks"),
            initial_bookmark=initial,
            seconds=seconds,
        )
        encode = self._answers.watch_encoder(served, form)
        watch = Watch(self._store, self._objects.reading, wish, encode)
        warnings = [served.deprecation] if served.deprecation else []
        return Opened(watch, wish, form.media, warnings)

    async def _stream(self, opened: Opened, receive: Receive, send: Send) -> None:
        collection = opened.wish.served.collection
        signal = self._wakes.enter(collection)
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await send(opened.start())
            await self._follow(opened, signal, leaving, send)
            if not leaving.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            leaving.cancel()
            self._wakes.leave(collection, signal)

    async def _follow(
        self, opened: Opened, signal: asyncio.Event, leaving: asyncio.Future[None], send: Send
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + (opened.wish.seconds or _WATCH_SECONDS)
        next_bookmark = loop.time() + BOOKMARK_SECONDS
        while not (leaving.done() or self._wakes.closed):
            signal.clear()
            try:
                lines = opened.watch.more()
            except ApiError as refusal:
                lines, opened.watch.over = [error_line(refusal)], True
            now = loop.time()
            if opened.wish.bookmarks and now >= next_bookmark:
                lines.append(opened.watch.bookmark())
                next_bookmark = now + BOOKMARK_SECONDS
            if lines:
                await send({"type": "http.response.body", "body": b"".join(lines), "more_body": True})
            if opened.watch.over or now >= end:
                return
            wake = min(end, next_bookmark) if opened.wish.bookmarks else end
            waiting = asyncio.ensure_future(signal.wait())
            try:
                await asyncio.wait(
                    (waiting, leaving), timeout=max(0.0, wake - now), return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                waiting.cancel()


class Opened:
    """A watch that is about to be streamed."""

    __slots__ = ("media", "warnings", "watch", "wish")

    def __init__(self, watch: Watch, wish: Wish, media: str, warnings: list[str]) -> None:
        self.watch = watch
        self.wish = wish
        self.media = media
        self.warnings = warnings

    def start(self) -> Message:
        headers = [(b"content-type", self.media.encode()), *warning_headers(self.warnings)]
        return {"type": "http.response.start", "status": 200, "headers": headers}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _watch_options(query: Query) -> tuple[int | None, float | None, bool]:
    """The version to begin after (None: with what exists), the seconds, and whether to mark the initial end."""
    seconds = query.number("timeoutSeconds")
    initial = query.flag("sendInitialEvents")
    match = query.text("resourceVersionMatch")
    causes = []
    if initial and match != "NotOlderThan":
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(status.cause("FieldValueForbidden", "resourceVersionMatch", text))
        if match:
            text = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
            causes.append(status.cause("FieldValueNotSupported", "resourceVersionMatch", text))
    elif match and not query.given("sendInitialEvents"):
        text = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        causes.append(status.cause("FieldValueForbidden", "resourceVersionMatch", text))
    if causes:
        raise status.invalid("ListOptions", "meta.k8s.io", "", causes)
    try:
        version = listing.version_number(query.text("resourceVersion"))
    except ValueError as error:
        raise status.internal(str(error)) from None
    return (
        (None if initial or not version else version),
        seconds,
        initial and query.flag("allowWatchBookmarks"),
    )


def _check_verb(served: Served, target: Target, verb: str) -> None:
    if target.subresource:
        below = served.subresource(target.subresource)
        if below is None:
            raise status.no_such_resource()
        if verb not in below.verbs:
            raise status.method_not_allowed()
        return
    on_name = verb in ("get", "update", "patch", "delete")
    if verb not in served.rt.verbs or (not target.name if on_name else verb == "create" and target.name):
        raise status.method_not_allowed()
    if served.rt.namespaced and not target.namespace and verb not in ("list", "watch"):
        raise status.method_not_allowed()


def _path_verb(method: str) -> str:
    return {"POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete"}.get(method, method.lower())


def _headers(scope: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in found:
            separator = "\n" if name.startswith("impersonate-") else ","
            value = f"{found[name]}{separator}{value}"
        found[name] = value
    return found


def _health(name: str, rest: list[str], query: Query) -> Response:
    if rest and rest != ["ping"]:
        return _page_not_found()
    if query.given("verbose"):
        return text_response(f"[+]ping ok\n{name} check passed\n")
    return text_response("ok")


def _page_not_found() -> Response:
    return text_response("404 page not found\n", 404)
