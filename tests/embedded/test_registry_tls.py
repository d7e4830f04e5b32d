from __future__ import annotations

from pathlib import Path

import urllib3

from lapstrake.embedded.registry_tls import self_signed
from lapstrake.registry.server import serve


def test_certificate_is_made_once_and_anew_for_another_address(tmp_path: Path) -> None:
    _, authority = self_signed(tmp_path, "127.0.0.1")
    first = authority.read_bytes()
    for host in ("127.0.0.1", "localhost", "::1"):
        self_signed(tmp_path, host)
        assert authority.read_bytes() == first
    self_signed(tmp_path, "registry.test")
    assert authority.read_bytes() != first
    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o777 == 0o600


def test_registry_everywhere_answers_on_this_machine(tmp_path: Path) -> None:
    tls, authority = self_signed(tmp_path, "0.0.0.0")
    with (
        serve("0.0.0.0", 0, str(tmp_path), tls=tls) as running,
        urllib3.PoolManager(ca_certs=str(authority)) as pool,
    ):
        assert running.url == f"https://0.0.0.0:{running.port}"
        assert pool.request("GET", f"https://localhost:{running.port}/v2/").status == 200
