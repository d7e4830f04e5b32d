"""Questions to the services of a cloud: small answers in JSON, asked for once and not for long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from lapstrake.errors import RegistryError
from lapstrake.http.pools import HttpPools

_LARGEST_ANSWER = 1 << 20


class Web:
    """``near``: services of the machine itself (metadata), never asked through a proxy and quickly given up."""

    def __init__(self, environment: Mapping[str, str], *, near: bool = False) -> None:
        timeout = urllib3.Timeout(connect=1.0, read=3.0) if near else urllib3.Timeout(connect=5.0, read=10.0)
        self._pools = HttpPools(
            ca_cert_paths=(), verify_certs=True, timeout=timeout, environment={} if near else environment
        )

    def text(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> str:
        """Raises RegistryError unless the answer is 200; it does not quote the answer, which may hold secrets."""
        try:
            response = self._pools.request(method, url, headers=headers, body=body)
            data = response.read(_LARGEST_ANSWER)
            response.release_conn()
        except HTTPError as error:
            raise RegistryError(f"{method} {url}: no answer") from error
        if response.status != 200:
            raise RegistryError(f"{method} {url}: status {response.status}", status=response.status)
        return data.decode(errors="replace")

    def object(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Mapping[str, Any]:
        """As :meth:`text`, of an answer that is a JSON object. Raises ValueError for another."""
        answer = json.loads(self.text(method, url, headers, body))
        if not isinstance(answer, dict):
            raise ValueError("expected a JSON object")
        return answer

    def form(self, url: str, **fields: str) -> Mapping[str, Any]:
        """The answer to a form with those fields."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.object("POST", url, headers, urlencode(fields).encode())
