"""Transfers through a proxy that misbehaves: they succeed within the tries they have, or fail with a clear error,
and never leave wrong content anywhere without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.distribution.credentials import CredentialOptions
from lapstrake.errors import RegistryError
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import DOCKER_MANIFEST, manifest_of
from lapstrake.oci.reference import Reference, Repository
from lapstrake.registry.server import serve
from tests.distribution.fault_proxy import Fault, Faults, canned, fault_proxy

BLOB = bytes(range(256)) * 12288  # 3 MiB
DIGEST = Digest.of(BLOB)
MANIFEST = manifest_of(b"{}", []).data
MIB = 1 << 20

BUSY = canned("503 Service Unavailable", "busy")
SLOW_DOWN = canned("429 Too Many Requests", '{"errors":[{"code":"TOOMANYREQUESTS"}]}', Retry_After="7")


class Setting:
    """A registry, the proxy before it, a client of the proxy, and one that speaks to the registry itself."""

    def __init__(self, host: str, faults: Faults) -> None:
        self.faults = faults
        self.sleeps: list[float] = []
        self.client = RegistryClient(
            RegistryOptions(environment={}, response_timeout=0.3), sleep=self.sleeps.append
        )
        self.direct = RegistryClient(RegistryOptions(environment={}, retry_count=1))
        self.repository = Repository.parse(f"{faults.host}/some/app")
        self.behind = Repository.parse(f"{host}/some/app")

    def stock(self) -> None:
        self.direct.push_blob(self.behind, DIGEST, BLOB)

    def download(self, size: int | None = len(BLOB)) -> bytes:
        return b"".join(self.client.blob(self.repository, DIGEST, size=size))


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with (
        serve("127.0.0.1", 0, str(tmp_path), sweep_seconds=3600) as running,
        fault_proxy(running.host) as faults,
    ):
        setting = Setting(running.host, faults)
        with setting.client, setting.direct:
            yield setting


RECOVERED = [
    pytest.param(Fault(drop_answer_after=0), id="closed before the body"),
    pytest.param(Fault(drop_answer_after=2 * MIB), id="closed in the middle"),
    pytest.param(Fault(drop_answer_after=len(BLOB) - 1), id="closed before the last byte"),
    pytest.param(Fault(drop_answer_after=100_000, reset=True), id="reset in the middle"),
    pytest.param(Fault(lose_answer=True), id="closed before the answer"),
    pytest.param(Fault(lose_answer=True, reset=True), id="reset before the answer"),
    pytest.param(Fault(stall_answer_after=MIB), id="stalled"),
    pytest.param(Fault(trickle=True), id="a byte now and then"),
    pytest.param(Fault(cut_answer_to=MIB), id="short, and said to be"),
    pytest.param(Fault(answer=BUSY), id="503"),
    pytest.param(Fault(answer=canned("502 Bad Gateway")), id="502"),
    pytest.param(Fault(answer=canned("500 Internal Server Error")), id="500"),
    pytest.param(Fault(answer=SLOW_DOWN), id="429"),
    pytest.param(Fault(answer=b"GARBAGE\r\n\r\n"), id="no HTTP"),
    pytest.param(Fault(answer=b"HTTP/1.1 200 OK\r\nA: " + b"x" * (1 << 20)), id="huge header"),
    pytest.param(Fault(answer=b"HTTP/1.1 200 OK\r\n" + b"A: x\r\n" * 1000 + b"\r\n"), id="many headers"),
]


@pytest.mark.parametrize("fault", RECOVERED)
def test_download_survives(setting: Setting, fault: Fault) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", fault)
    assert setting.download() == BLOB


def test_broken_download_asks_for_the_rest_only(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=MIB))
    setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=MIB))
    assert setting.download(size=None) == BLOB
    asked = [each.partition(" bytes=")[2] for each in setting.faults.asked if "/blobs/" in each]
    assert asked == ["", f"{MIB}-", f"{2 * MIB}-"]


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(Fault(without_range=True), id="answered in full"),
        pytest.param(Fault(headers={"Content-Range": "bytes 5-9/10"}), id="another part"),
        pytest.param(Fault(headers={"Content-Range": ""}), id="no word which part"),
        pytest.param(Fault(answer=canned("416 Range Not Satisfiable")), id="refused"),
    ],
)
def test_registry_that_does_not_resume_is_asked_for_all(setting: Setting, rest: Fault) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=MIB + 7))
    setting.faults.add("GET", "/blobs/", rest)
    assert setting.download() == BLOB


def test_download_that_comes_on_keeps_its_tries(setting: Setting) -> None:
    """More failures than tries: what brings a megabyte does not count."""
    setting.stock()
    for _ in range(2):
        setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=0), times=3)
        setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=MIB))
    assert setting.download() == BLOB


def test_download_gives_up(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=1000), times=9)
    with pytest.raises(RegistryError, match=r"^unexpected EOF$"):
        setting.download()
    assert setting.faults.count("GET", "/blobs/") == 5
    assert setting.sleeps == [0.1, 0.2, 0.4, 0.8]


def test_registry_says_how_long_to_wait(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(answer=SLOW_DOWN))
    setting.faults.add("GET", "/blobs/", Fault(answer=canned("503 Service Unavailable", Retry_After="86400")))
    setting.download()
    assert setting.sleeps == [7.0, 30.0]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        pytest.param(
            Fault(flip_answer_at=MIB), "error verifying sha256 checksum after reading", id="flipped"
        ),
        pytest.param(
            Fault(more=b"x"),
            f"Content-Length header {len(BLOB) + 1} does not match expected size {len(BLOB)}",
            id="too long",
        ),
        pytest.param(
            Fault(headers={"Content-Length": ""}, more=b"x"),
            "error verifying size",
            id="too long, without a word",
        ),
        pytest.param(
            Fault(headers={"Content-Length": ""}, cut_answer_to=5), "unexpected EOF", id="too short"
        ),
        pytest.param(
            Fault(answer=canned("200 OK", "short")), "Content-Length header 5 does not match", id="other"
        ),
    ],
)
def test_wrong_content_is_told(setting: Setting, fault: Fault, message: str) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", fault, times=9)
    with pytest.raises(RegistryError, match=message):
        setting.download()


def test_wrong_content_is_never_given_in_full(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(flip_answer_at=5))
    got: list[bytes] = []
    with pytest.raises(RegistryError, match="error verifying"):
        got.extend(setting.client.blob(setting.repository, DIGEST))
    assert sum(map(len, got)) < len(BLOB)


def test_oversized_content_ends_at_the_size(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(headers={"Content-Length": ""}, more=bytes(20 * MIB)), times=9)
    got: list[bytes] = []
    with pytest.raises(RegistryError, match="error verifying size"):
        got.extend(setting.client.blob(setting.repository, DIGEST, size=len(BLOB)))
    assert sum(map(len, got)) <= len(BLOB)


def test_damaged_configuration_is_asked_for_again(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(flip_answer_at=0))
    assert setting.client.blob_bytes(setting.repository, DIGEST) == BLOB
    setting.faults.add("GET", "/blobs/", Fault(flip_answer_at=0), times=2)
    with pytest.raises(RegistryError, match="error verifying"):
        setting.client.blob_bytes(setting.repository, DIGEST)


def test_download_left_in_the_middle_leaves_no_answer_to_the_next(setting: Setting) -> None:
    setting.stock()
    next(setting.client.blob(setting.repository, DIGEST))
    assert setting.client.has_blob(setting.repository, DIGEST)
    assert setting.download() == BLOB


def pieces() -> Iterator[bytes]:
    yield BLOB[:100]
    yield BLOB[100:]


UPLOADS = [
    pytest.param("PUT", Fault(drop_request_after=MIB), id="closed in the content"),
    pytest.param("PUT", Fault(drop_request_after=MIB, reset=True), id="reset in the content"),
    pytest.param("PUT", Fault(lose_answer=True), id="the answer is lost"),
    pytest.param("PUT", Fault(flip_request_at=2 * MIB), id="flipped"),
    pytest.param("PUT", Fault(answer=BUSY), id="503"),
    pytest.param("PUT", Fault(answer=SLOW_DOWN), id="429"),
    pytest.param("POST", Fault(lose_answer=True), id="closed at the beginning"),
    pytest.param("POST", Fault(answer=canned("500 Internal Server Error")), id="500 at the beginning"),
    pytest.param("HEAD", Fault(lose_answer=True, reset=True), id="closed when asked"),
    pytest.param("HEAD", Fault(answer=canned("429 Too Many Requests")), id="429 when asked"),
]


@pytest.mark.parametrize(("method", "fault"), UPLOADS)
@pytest.mark.parametrize("content", [pytest.param(BLOB, id="bytes"), pytest.param(pieces, id="pieces")])
def test_upload_survives(setting: Setting, method: str, fault: Fault, content: object) -> None:
    setting.faults.add(method, "/blobs/", fault)
    setting.client.push_blob(setting.repository, DIGEST, content, size=len(BLOB))  # type: ignore[arg-type]
    assert b"".join(setting.direct.blob(setting.behind, DIGEST)) == BLOB


@pytest.mark.parametrize("content", [pytest.param(BLOB, id="bytes"), pytest.param(pieces, id="pieces")])
def test_broken_upload_sends_the_rest_only(setting: Setting, content: object) -> None:
    setting.faults.add("PUT", "/blobs/", Fault(drop_request_after=MIB))
    setting.faults.add("PUT", "/blobs/", Fault(drop_request_after=MIB))
    setting.client.push_blob(setting.repository, DIGEST, content, size=len(BLOB))  # type: ignore[arg-type]
    assert b"".join(setting.direct.blob(setting.behind, DIGEST)) == BLOB
    assert setting.faults.count("POST", "/blobs/uploads/") == 1
    assert setting.faults.lengths("PUT", "/blobs/") == [3 * MIB, 2 * MIB, MIB]


def test_upload_that_comes_on_keeps_its_tries(setting: Setting) -> None:
    setting.faults.add("PUT", "/blobs/", Fault(drop_request_after=len(BLOB) // 8), times=7)
    setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert b"".join(setting.direct.blob(setting.behind, DIGEST)) == BLOB


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        pytest.param("GET", Fault(answer=canned("404 Not Found")), id="forgotten"),
        pytest.param("GET", Fault(answer=BUSY), id="busy"),
        pytest.param("GET", Fault(headers={"Range": ""}), id="no word how much"),
        pytest.param("GET", Fault(headers={"Range": "0-0"}), id="nothing"),
        pytest.param("GET", Fault(headers={"Range": f"0-{len(BLOB)}"}), id="more than there is"),
        pytest.param("GET", Fault(headers={"Range": "0-99"}), id="less than there is"),
        pytest.param("GET", Fault(headers={"Range": f"0-{len(BLOB) - 1}"}), id="all of it, wrongly"),
        pytest.param("PUT", Fault(answer=canned("416 Range Not Satisfiable")), id="the rest refused"),
        pytest.param("PUT", Fault(flip_request_at=5), id="the rest damaged"),
    ],
)
def test_upload_that_cannot_go_on_begins_again(setting: Setting, method: str, fault: Fault) -> None:
    setting.faults.add("PUT", "/blobs/", Fault(drop_request_after=MIB))
    setting.faults.add(method, "/blobs/uploads/", fault)
    setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert b"".join(setting.direct.blob(setting.behind, DIGEST)) == BLOB
    assert setting.faults.count("POST", "/blobs/uploads/") == 2


def test_upload_that_begins_again_and_again_gives_up(setting: Setting) -> None:
    """A registry that keeps what came, and then refuses to go on."""
    for _ in range(9):
        setting.faults.add("PUT", "/blobs/", Fault(drop_request_after=2 * MIB))
        setting.faults.add("PUT", "/blobs/", Fault(answer=canned("416 Range Not Satisfiable")))
    with pytest.raises(RegistryError):
        setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert setting.faults.count("PUT", "/blobs/") <= 8


@pytest.mark.parametrize(
    "fault", [Fault(drop_request_after=MIB), Fault(flip_request_at=5), Fault(lose_answer=True)]
)
def test_upload_of_unknown_size_survives(setting: Setting, fault: Fault) -> None:
    setting.faults.add("PATCH", "/blobs/", fault)
    setting.client.push_blob(setting.repository, DIGEST, pieces)
    assert b"".join(setting.direct.blob(setting.behind, DIGEST)) == BLOB


@pytest.mark.parametrize(
    ("fault", "message", "tries"),
    [
        pytest.param(Fault(flip_request_at=5), "DIGEST_INVALID", 2, id="flipped each time"),
        pytest.param(Fault(drop_request_after=1000), "Put .*: (EOF|.*reset|.*broken pipe)", 5, id="dropped"),
        pytest.param(
            Fault(answer=canned("403 Forbidden", '{"errors":[{"code":"DENIED","message":"no"}]}')),
            "DENIED: no",
            1,
            id="refused",
        ),
    ],
)
def test_upload_gives_up_and_leaves_nothing(setting: Setting, fault: Fault, message: str, tries: int) -> None:
    setting.faults.add("PUT", "/blobs/", fault, times=9)
    with pytest.raises(RegistryError, match=message):
        setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert setting.faults.count("PUT", "/blobs/") == tries
    assert not setting.direct.has_blob(setting.behind, DIGEST)


@pytest.mark.parametrize(
    ("method", "answer", "message"),
    [
        pytest.param("HEAD", canned("200 OK", "hello"), "", id="yes to everything"),
        pytest.param("PUT", canned("200 OK"), "PUT .*: unexpected status code 200 OK", id="not stored"),
        pytest.param("POST", canned("200 OK"), "POST .*: unexpected status code 200 OK", id="not begun"),
        pytest.param("POST", canned("202 Accepted"), "POST .*: missing Location header", id="no address"),
    ],
)
def test_answer_that_means_nothing_is_no_success(
    setting: Setting, method: str, answer: bytes, message: str
) -> None:
    setting.faults.add(method, "/blobs/", Fault(answer=answer))
    if message:
        with pytest.raises(RegistryError, match=message):
            setting.client.push_blob(setting.repository, DIGEST, BLOB)
    else:
        setting.client.push_blob(setting.repository, DIGEST, BLOB)
        assert setting.direct.has_blob(setting.behind, DIGEST)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(lose_answer=True), id="the answer is lost"),
        pytest.param(Fault(answer=BUSY), id="503"),
        pytest.param(Fault(drop_request_after=10), id="closed in the content"),
    ],
)
def test_manifest_survives_on_its_way(setting: Setting, fault: Fault) -> None:
    setting.direct.push_blob(setting.behind, Digest.of(b"{}"), b"{}")
    setting.faults.add("PUT", "/manifests/", fault)
    reference = setting.repository.with_tag("v1")
    digest = setting.client.put_manifest(reference, DOCKER_MANIFEST, MANIFEST)
    setting.faults.add("GET", "/manifests/", fault)
    setting.faults.add("HEAD", "/manifests/", fault)
    assert setting.client.head(reference).digest == digest
    assert setting.client.manifest(reference).data == MANIFEST


@pytest.mark.parametrize(
    ("part", "body"),
    [
        pytest.param("/tags/", "garbage", id="no JSON"),
        pytest.param("/tags/", "[]", id="a list"),
        pytest.param("/tags/", '{"tags": 5}', id="tags are a number"),
        pytest.param("/tags/", "[" * 100_000, id="deep"),
    ],
)
def test_garbage_is_a_clean_error(setting: Setting, part: str, body: str) -> None:
    setting.faults.add("GET", part, Fault(answer=canned("200 OK", body)))
    with pytest.raises(RegistryError):
        setting.client.tags(setting.repository)


def test_redirects_come_to_an_end(setting: Setting) -> None:
    loop = Fault(answer=canned("307 Temporary Redirect", Location="http://{host}/v2/some/app/blobs/x"))
    setting.faults.add("GET", "/blobs/", loop, times=50)
    with pytest.raises(RegistryError, match="stopped after 10 redirects"):
        setting.download()
    assert setting.faults.count("GET", "/blobs/") == 10


@pytest.mark.parametrize(
    ("location", "message"),
    [
        pytest.param("file:///etc/passwd", 'unsupported protocol scheme "file"', id="file"),
        pytest.param("http://[::1", "invalid address", id="no address"),
        pytest.param("http://127.0.0.1:99999/", "invalid address|invalid port", id="no port"),
    ],
)
def test_redirect_to_nowhere_is_a_clean_error(setting: Setting, location: str, message: str) -> None:
    setting.faults.add("GET", "/blobs/", Fault(answer=canned("307 Temporary Redirect", Location=location)))
    with pytest.raises(RegistryError, match=message):
        setting.download()


TRICKLING = b"HTTP/1.1 %b\r\nContent-Length: 999\r\n\r\n"
HEAD_ONLY = b"HTTP/1.1 202 Accepted\r\nLocation: /"


@pytest.mark.parametrize(
    ("method", "part", "status"),
    [
        pytest.param("GET", "/v2/", b"200 OK", id="ping"),
        pytest.param("HEAD", "/blobs/", b"404 Not Found", id="no refusal, since HEAD has no body"),
        pytest.param("POST", "/blobs/", b"500 Internal Server Error", id="error"),
        pytest.param("PUT", "/blobs/", b"503 Service Unavailable", id="busy"),
    ],
)
def test_answer_that_trickles_is_not_waited_for(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, method: str, part: str, status: bytes
) -> None:
    monkeypatch.setattr("lapstrake.http.pools.SMALL_BODY_SECONDS", 0.3)
    setting.faults.add(method, part, Fault(answer=TRICKLING % status, trickle=True))
    begun = time.monotonic()
    setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert time.monotonic() - begun < 10
    assert setting.direct.has_blob(setting.behind, DIGEST)


def test_head_that_trickles_is_not_waited_for(setting: Setting) -> None:
    setting.faults.add("POST", "/blobs/", Fault(answer=HEAD_ONLY, trickle=True))
    begun = time.monotonic()
    setting.client.push_blob(setting.repository, DIGEST, BLOB)
    assert time.monotonic() - begun < 10


def test_ping_that_leads_nowhere_is_a_clean_error(setting: Setting) -> None:
    away = canned("302 Found", Location="http://[bad/x")
    setting.faults.add("GET", "/v2/", Fault(answer=away), times=9)
    with pytest.raises(RegistryError, match="invalid address"):
        setting.client.tags(setting.repository)


def test_part_with_an_absurd_beginning_is_no_part(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/blobs/", Fault(drop_answer_after=MIB + 7))
    setting.faults.add("GET", "/blobs/", Fault(headers={"Content-Range": f"bytes {'9' * 5000}-9/9"}))
    assert setting.download() == BLOB


def test_ping_survives(setting: Setting) -> None:
    setting.stock()
    setting.faults.add("GET", "/v2/", Fault(answer=SLOW_DOWN))
    setting.faults.add("GET", "/v2/", Fault(lose_answer=True))
    assert setting.client.has_blob(setting.repository, DIGEST)
    assert setting.sleeps == [7.0, 0.2]


def test_registry_that_is_gone_is_asked_as_often_as_allowed(setting: Setting) -> None:
    setting.faults.add("GET", "/v2/", Fault(lose_answer=True), times=99)
    with pytest.raises(RegistryError, match="Unable to create round tripper"):
        setting.client.manifest(Reference.parse(f"{setting.repository}:v1"))
    assert setting.faults.count("GET", "/v2/") == 5


def test_registry_that_repeats_what_it_was_shown_tells_no_secret(setting: Setting) -> None:
    setting.faults.add(
        "GET", "/manifests/", Fault(answer=canned("400 Bad Request", "bad header: Bearer t0ken-s3cret"))
    )
    options = RegistryOptions(environment={}, credentials=CredentialOptions(token="t0ken-s3cret"))
    with RegistryClient(options) as client, pytest.raises(RegistryError) as caught:
        client.manifest(Reference.parse(f"{setting.repository}:v1"))
    assert str(caught.value).endswith("400 Bad Request: bad header: Bearer REDACTED")
