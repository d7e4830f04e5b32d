from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.sources import standard_fetchers
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import Contents, References
from tests.web import Answer, Web, web_server


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


def fetched(tmp_path: Path, secrets=None, **source: object) -> dict[str, bytes]:
    (tmp_path / "scratch").mkdir()
    request = FetchRequest(
        Contents("a", "http", source),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=References(secrets or {}),
    )
    assert standard_fetchers({}, lambda login: pytest.fail("no image"))["http"](request) == {}
    into = tmp_path / "into"
    return {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}


def failure(tmp_path: Path, **source: object) -> str:
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, **source)
    return str(caught.value)


def tar_of(*entries: tuple[str, bytes | None]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if data is None else tarfile.REGTYPE
            member.size = len(data or b"")
            opened.addfile(member, io.BytesIO(data or b""))
    return out.getvalue()


def test_file_is_named_by_the_path_of_the_url(tmp_path, web):
    web.answers["/dl/note.txt?a=b/c"] = Answer(b"text")
    assert fetched(tmp_path, url=f"{web.url}/dl/note.txt?a=b/c") == {"note.txt": b"text"}


@pytest.mark.parametrize(
    ("path", "source", "name"),
    [
        pytest.param("/dl/", {}, "content", id="no-name"),
        pytest.param("/dl/", {"disableUnpack": True}, "dl", id="packed-folder"),
        pytest.param("/x.tgz?a=b/c", {"disableUnpack": True}, "c", id="packed-query"),
        pytest.param("/dl/%C3%BC%20b", {}, "ü b", id="escapes"),
        pytest.param("/dl/a%2Fb", {}, "b", id="escaped-slash"),
        pytest.param("/dl/%C3%BC", {"disableUnpack": True}, "%C3%BC", id="packed-escapes"),
    ],
)
def test_last_part_of_the_url_names_the_file(tmp_path, web, path, source, name):
    web.answers[path] = Answer(b"text")
    assert fetched(tmp_path, url=f"{web.url}{path}", **source) == {name: b"text"}


def test_password_in_the_url_names_no_file(tmp_path, web):
    web.answers["/"] = Answer(b"text")
    host = web.url.removeprefix("http://")
    assert fetched(tmp_path, url=f"http://me:secret@{host}/", disableUnpack=True) == {host: b"text"}


def test_archive_is_put_beside_what_came_before_a_link(tmp_path, web):
    archive = tar_of(("a", b"1"), ("link", None), ("b", b"2"))
    web.answers["/x.tar"] = Answer(archive)
    assert fetched(tmp_path, url=f"{web.url}/x.tar") == {"a": b"1", "x.tar": archive}


def test_archive_may_stay_packed(tmp_path, web):
    web.answers["/x.tar"] = Answer(tar_of(("a", b"1")))
    assert list(fetched(tmp_path, url=f"{web.url}/x.tar", disableUnpack=True)) == ["x.tar"]
    assert (tmp_path / "into/x.tar").stat().st_mode & 0o777 == 0o600


def test_secret_brings_name_and_password(tmp_path, web):
    web.answers["/f"] = Answer(b"1")
    secrets = {"s": {"username": b"me", "password": b"x"}}
    fetched(tmp_path, secrets, url=f"{web.url}/f", secretRef={"name": "s"})
    assert web.asked[0][1]["Authorization"] == "Basic bWU6eA=="


@pytest.mark.parametrize(
    ("secret", "sent"),
    [
        ({"username": b"", "password": b"p"}, "Basic OnA="),
        ({"username": b"\xff"}, "Basic /zo="),
        ({"password": b"p"}, None),
    ],
)
def test_name_is_sent_as_it_is(tmp_path, web, secret, sent):
    web.answers["/f"] = Answer(b"1")
    fetched(tmp_path, {"s": secret}, url=f"{web.url}/f", secretRef={"name": "s"})
    assert web.asked[0][1].get("Authorization") == sent


def test_digest_is_compared(tmp_path, web):
    web.answers["/f"] = Answer(b"1")
    actual = hashlib.sha256(b"1").hexdigest()
    assert failure(tmp_path, url=f"{web.url}/f", sha256="abc") == (
        f"Downloading URL: Expected digest to match 'sha256:abc', but was 'sha256:{actual}'"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("/none", "Downloading URL: Expected 200 OK, but was '404 Not Found'", id="status"),
        pytest.param("/short", "Downloading URL: Writing downloaded content: unexpected EOF", id="broken"),
        pytest.param("/evil.tar", "Unpacking archive: Invalid path: ../evil", id="archive"),
        pytest.param(
            "/cut.tar", "Unpacking archive: Copying into dst file: unexpected EOF", id="archive-without-end"
        ),
    ],
)
def test_failure_names_its_step(tmp_path, web, path, message):
    web.answers["/short"] = Answer(b"1", headers={"Content-Length": "5"})
    web.answers["/evil.tar"] = Answer(tar_of(("../evil", b"1")))
    web.answers["/cut.tar"] = Answer(tar_of(("a", b"1" * 1000))[:1000])
    assert failure(tmp_path, url=web.url + path) == message
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param({}, "Expected non-empty URL", id="none"),
        pytest.param(
            {"url": ":"}, 'Downloading URL: Building request: parse ":": missing protocol scheme', id="url"
        ),
        pytest.param(
            {"url": "file:///etc/passwd"},
            'Downloading URL: Initiating URL download: Get "file:///etc/passwd": unsupported protocol scheme "file"',
            id="scheme",
        ),
        pytest.param(
            {"url": ":", "secretRef": {"name": "s"}},
            'Downloading URL: Building request: parse ":": missing protocol scheme',
            id="url-before-secret",
        ),
        pytest.param(
            {"url": "http://e.test", "secretRef": {"name": "s"}},
            "Downloading URL: Adding auth to request: Expected to find one secret 's', but found none",
            id="secret",
        ),
    ],
)
def test_bad_source_is_refused(tmp_path, source, message):
    assert failure(tmp_path, **source) == message
