"""A small HTTP client for the server under test."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lapstrake.apiserver.serve import ApiServer

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Client:
    """One connection per request, JSON in and out."""

    server: ApiServer
    open_streams: list[http.client.HTTPConnection] = field(default_factory=list)

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection, response = self._send(method, path, body, headers)
        text = response.read().decode()
        connection.close()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, text)

    def _send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        address = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection.request(method, path, sent, {"User-Agent": "test/1", **(headers or {})})
        return connection, connection.getresponse()

    def create(self, path: str, name: str, **rest: Any) -> Any:
        """A ConfigMap unless ``rest`` says otherwise; the object as it was created."""
        obj = {"metadata": {"name": name, **rest.pop("metadata", {})}, **rest}
        answer = self("POST", path, obj)
        assert answer.status == 201, answer.text
        return answer.json

    def watch(self, path: str) -> http.client.HTTPResponse:
        """An open stream; ``json.loads(stream.readline())`` is the next event."""
        connection, response = self._send("GET", path)
        self.open_streams.append(connection)
        assert response.status == 200
        return response

    def until(self, path: str, wanted: Callable[[Answer], bool]) -> Answer:
        """Ask again until the background controllers have done their part."""
        end = time.monotonic() + 5
        while True:
            answer = self("GET", path)
            if wanted(answer):
                return answer
            assert time.monotonic() < end, answer.text
            time.sleep(0.01)
