from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping

import pytest
import urllib3

from lapstrake.errors import InputError
from lapstrake.http.downloads import BrokenError, Downloads, Request, StatusError, basic_authorization
from lapstrake.http.pools import HttpPools
from tests.web import Answer, Web, web_server


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


def downloads(environment: Mapping[str, str] | None = None, **more: object) -> Downloads:
    opener = HttpPools(
        ca_cert_paths=(), verify_certs=True, timeout=urllib3.Timeout(5.0), environment=environment or {}
    )
    return Downloads(opener, **more)  # type: ignore[arg-type]


def test_content_is_saved_and_its_digest_given(web, tmp_path):
    web.answers["/f"] = Answer(b"content")
    digest = downloads().save(Request(f"{web.url}/f"), str(tmp_path / "f"))
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert (tmp_path / "f").read_bytes() == b"content"


def test_status_is_told_with_the_beginning_of_the_answer(web):
    web.answers["/f"] = Answer(b"x" * 10_000, 403)
    with pytest.raises(StatusError) as caught:
        downloads().read(Request(f"{web.url}/f"), 100)
    assert str(caught.value) == "Expected 200 OK, but was '403 Forbidden'"
    assert caught.value.body == "x" * 4096


def test_large_content_is_refused(web, tmp_path):
    web.answers["/f"] = Answer(b"x" * 101)
    with pytest.raises(InputError) as caught:
        downloads().read(Request(f"{web.url}/f"), 100)
    assert str(caught.value) == f"Expected at most 100 bytes at '{web.url}/f'"


def test_name_and_password_of_the_url_are_sent_and_not_shown(web):
    web.answers["/f"] = Answer(b"")
    downloads().read(Request(web.url.replace("://", "://me:p%20w@") + "/f"), 1)
    assert web.asked[0][1]["Authorization"] == basic_authorization(b"me", b"p w")["Authorization"]
    with pytest.raises(InputError) as caught:
        downloads().read(Request("http://me:secret@127.0.0.1:1/f"), 1)
    assert str(caught.value) == (
        'Get "http://me:***@127.0.0.1:1/f": dial tcp 127.0.0.1:1: connect: connection refused'
    )


def test_credentials_stay_with_their_host(web):
    with web_server() as other:
        other.answers["/f"] = Answer(b"1")
        web.answers["/away"] = Answer(status=302, headers={"Location": f"{other.url}/f"})
        assert downloads().read(Request(f"{web.url}/away", {"Authorization": "token t"}), 9) == b"1"
        assert web.asked[0][1]["Authorization"] == "token t"
        assert "Authorization" not in other.asked[0][1]


def test_endless_redirects_end(web):
    web.answers["/f"] = Answer(status=302, headers={"Location": "/f"})
    with pytest.raises(InputError) as caught:
        downloads().read(Request(f"{web.url}/f"), 9)
    assert str(caught.value) == 'Get "/f": stopped after 10 redirects'
    assert len(web.asked) == 10


@pytest.mark.parametrize("location", ["http://[bad/x", "http://[::1", "//[x"])
def test_redirect_to_nowhere_is_a_clean_error(web, location):
    web.answers["/f"] = Answer(status=302, headers={"Location": location})
    with pytest.raises(InputError) as caught:
        downloads().read(Request(f"{web.url}/f"), 9)
    assert str(caught.value) == f'Get "{web.url}/f": invalid address'


def test_secrets_of_a_redirect_are_not_shown(web):
    location = f"{web.url}/f?X-Amz-Signature=s3cret"
    web.answers["/f"] = web.answers["/f?X-Amz-Signature=s3cret"] = Answer(
        status=302, headers={"Location": location}
    )
    with pytest.raises(InputError) as caught:
        downloads().read(Request(f"{web.url}/f"), 9)
    assert "stopped after 10 redirects" in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("length", ["\u00b2", "9" * 5000, "-1"])
def test_length_that_means_nothing_is_none(web, length):
    web.answers["/f"] = Answer(b"x", headers={"Content-Length": length, "Connection": "close"})
    assert downloads().read(Request(f"{web.url}/f"), 9) in (b"x", b"")


def test_download_that_trickles_ends(web):
    """However little comes at a time, and however long a piece is waited for."""
    web.answers["/f"] = Answer(b"x" * 1000, trickle=0.02)
    begun = time.monotonic()
    with pytest.raises(BrokenError, match="context deadline exceeded"):
        downloads(longest=0.2).read(Request(f"{web.url}/f"), 9999)
    assert time.monotonic() - begun < 10


def test_redirect_to_a_file_is_not_followed(web):
    web.answers["/f"] = Answer(status=302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(InputError) as caught:
        downloads().read(Request(f"{web.url}/f"), 9)
    assert str(caught.value) == 'Get "file:///etc/passwd": unsupported protocol scheme "file"'


def test_broken_download_is_told_and_leaves_nothing(web, tmp_path):
    web.answers["/f"] = Answer(b"abc", headers={"Content-Length": "100"})
    with pytest.raises(BrokenError) as caught:
        downloads().save(Request(f"{web.url}/f"), str(tmp_path / "f"))
    assert str(caught.value) == "unexpected EOF"
    assert list(tmp_path.iterdir()) == []
    assert len(web.asked) == 1


def test_broken_download_is_taken_up_where_the_server_gives_parts(web):
    def answer(headers: Mapping[str, str]) -> Answer:
        kept = {"Accept-Ranges": "bytes", "ETag": '"1"'}
        if headers.get("Range") == "bytes=3-" and headers["If-Range"] == '"1"':
            return Answer(b"def", 206, {**kept, "Content-Range": "bytes 3-5/6"})
        return Answer(b"abc", headers={**kept, "Content-Length": "6"})

    web.answers["/f"] = answer
    assert downloads().read(Request(f"{web.url}/f"), 9) == b"abcdef"


def test_content_that_changed_meanwhile_is_not_put_together(web):
    web.answers["/f"] = Answer(
        b"abc", headers={"Content-Length": "6", "Accept-Ranges": "bytes", "ETag": '"1"'}
    )
    with pytest.raises(BrokenError):
        downloads().read(Request(f"{web.url}/f"), 9)
    assert len(web.asked) == 2


def test_slow_download_ends(web):
    web.answers["/f"] = Answer(b"x")
    times = iter((0.0, 11.0))
    with pytest.raises(BrokenError) as caught:
        downloads(longest=10.0, clock=lambda: next(times)).read(Request(f"{web.url}/f"), 9)
    assert str(caught.value) == "context deadline exceeded"


def test_proxy_of_the_environment_is_asked(web):
    web.answers["http://e.test/f"] = Answer(b"through the proxy")
    proxied = downloads({"HTTP_PROXY": web.url})
    assert proxied.read(Request("http://e.test/f"), 100) == b"through the proxy"


def test_progress_names_the_url_without_its_secrets(web):
    heard: list[tuple[str, int | None]] = []

    def watch(what, size, pieces):
        heard.append((what, size))
        return iter(pieces)

    web.answers["/f?key=secret"] = Answer(b"1234")
    secret_url = web.url.replace("://", "://me:secret@") + "/f?key=secret"
    downloads(watch=watch).read(Request(secret_url), 9)
    downloads(watch=watch).read(Request(secret_url, name="tool.tgz"), 9)
    assert heard == [(f"{web.url}/f", 4), ("tool.tgz", 4)]
