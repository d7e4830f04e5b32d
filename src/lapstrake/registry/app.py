"""The registry as an ASGI application: from a request to its answer, whatever happens on the way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from lapstrake.registry import refusals
from lapstrake.registry.access import Gate
from lapstrake.registry.handlers import JSON, Handlers
from lapstrake.registry.metrics import CONTENT_TYPE, Metrics
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.routes import Route, needed_access, route
from lapstrake.registry.shelf import is_name

_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0", "X-Content-Type-Options": "nosniff"}
_LOG = logging.getLogger("lapstrake.registry")

_Handler = Callable[[Request, Route], Awaitable[Response]]


class Application:
    """Keeps nothing but what the parts keep. ``gate``: who may do what; None for everybody everything.

    ``silence``: seconds that a client may let us wait in the middle of a request or of its answer.
    """

    def __init__(self, handlers: Handlers, metrics: Metrics, gate: Gate | None, silence: float) -> None:
        self._metrics = metrics
        self._gate = gate
        self._silence = silence
        self._counts = handlers.counts
        get_token: dict[str, _Handler] = {"GET": self._token, "POST": self._token}
        self._handlers: dict[str, dict[str, _Handler]] = {
            "base": {"GET": handlers.base},
            "catalog": {"GET": handlers.catalog},
            "metrics": {"GET": self._page},
            "token": get_token if gate is not None and gate.issues_tokens else {},
            "tags": {"GET": handlers.tags},
            "manifest": {
                "GET": handlers.get_manifest,
                "PUT": handlers.put_manifest,
                "DELETE": handlers.delete_manifest,
            },
            "referrers": {"GET": handlers.referrers},
            "blob": {"GET": handlers.get_blob, "DELETE": handlers.delete_blob},
            "uploads": {"POST": handlers.begin_upload},
            "upload": {
                "GET": handlers.upload_state,
                "PATCH": handlers.continue_upload,
                "PUT": handlers.finish_upload,
                "DELETE": handlers.abandon_upload,
            },
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            async with asyncio.timeout(self._silence):
                message = await receive()
            self._metrics.received += len(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            self._metrics.sent += len(message.get("body", b""))
            async with asyncio.timeout(self._silence):
                await send(message)

        request = Request(scope, received)
        response = await self._answer(request)
        response.headers.update(_VERSION)
        self._metrics.answered(request.method, response.status_code)
        await response(scope, received, sent)

    async def _answer(self, request: Request) -> Response:
        """Refusals and accidents made into answers."""
        try:
            return await self._handle(request)
        except Refusal as error:
            refusal = error
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            refusal = refusals.stalled_upload()
        except Exception as error:
            refusal = _accident(request, error)
        return Response(refusal.body(), refusal.status, refusal.headers, JSON)

    async def _handle(self, request: Request) -> Response:
        path = request.scope["path"]
        found = route(path)
        handlers = self._handlers[found.kind] if found is not None else {}
        if found is None or not handlers:
            if path == "/v2":
                return Response(status_code=301, headers={"Location": "/v2/"})
            return PlainTextResponse("404 page not found\n", 404)
        method = "GET" if request.method == "HEAD" else request.method
        handler = handlers.get(method)
        if handler is None:
            allowed = sorted({*handlers, *(["HEAD"] if "GET" in handlers else [])})
            return PlainTextResponse("Method not allowed\n", 405, {"Allow": ", ".join(allowed)})
        _check_origin(request)
        if found.kind not in ("base", "catalog", "token", "metrics") and not is_name(found.name):
            raise refusals.invalid_name(found.name)
        await self._admit(request, found)
        return await handler(request, found)

    async def _admit(self, request: Request, found: Route) -> None:
        if self._gate is None or found.kind == "token":
            return
        if found.kind == "metrics":
            await self._gate.login(request)
        else:
            query = request.query_params
            mount_from = query.get("from", "") if found.kind == "uploads" and query.get("mount") else ""
            if not is_name(mount_from):
                mount_from = ""  # nothing will be mounted from there
            await self._gate.admit(request, needed_access(found, request.method, mount_from))

    async def _token(self, request: Request, found: Route) -> Response:
        assert self._gate is not None
        return await self._gate.token(request)

    async def _page(self, request: Request, found: Route) -> Response:
        return Response(self._metrics.page(*self._counts()), media_type=CONTENT_TYPE)


def _accident(request: Request, error: Exception) -> Refusal:
    """What can go wrong anywhere: a full disk, or something that is wrong with us."""
    if isinstance(error, OSError) and refusals.is_for_want_of_room(error):
        return refusals.full()
    _LOG.exception("%s %s failed", request.method, request.scope["path"])
    return refusals.unfinished(type(error).__name__)


def _check_origin(request: Request) -> None:
    """Refuse what a page of another site lets a browser send; registry clients send no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise refusals.denied()
