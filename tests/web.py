"""A web server for tests: answers from a table, and remembers what it was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """``body`` may be shorter than the Content-Length that ``headers`` announce: the connection then breaks.

    ``trickle``: seconds after each of its bytes.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    trickle: float = 0.0


@dataclass
class Web:
    """``asked``: path and headers of each request so far."""

    url: str
    answers: dict[str, Answer | Callable[[Mapping[str, str]], Answer]]
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def web_server(host: str = "127.0.0.1") -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.path, dict(self.headers.items())))
            found = web.answers.get(self.path, Answer(b"nothing here", 404))
            answer = found if isinstance(found, Answer) else found(dict(self.headers.items()))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self._send(answer)
            except OSError:
                self.close_connection = True  # it got too slow for the other side

        def _send(self, answer: Answer) -> None:
            if not answer.trickle:
                self.wfile.write(answer.body)
                return
            for at in range(len(answer.body)):
                self.wfile.write(answer.body[at : at + 1])
                time.sleep(answer.trickle)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    web = Web(f"http://{host}:{server.server_port}", {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
