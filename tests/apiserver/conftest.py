"""An API server of its own for each test, over real HTTP, that lets everybody in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lapstrake.apiserver.resources import View
from lapstrake.apiserver.serve import ApiServer
from lapstrake.apiserver.store import Store
from tests.apiserver.api_client import Client


@pytest.fixture
def views() -> tuple[View, ...]:
    return ()


@pytest.fixture
def api(views: tuple[View, ...]) -> Iterator[Client]:
    store = Store()
    server = ApiServer(store, views=views)
    server.start()
    client = Client(server)
    yield client
    for connection in client.open_streams:
        connection.close()
    server.stop()
    store.close()
