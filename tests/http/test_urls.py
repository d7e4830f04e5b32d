from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.http.urls import UrlError, refuse_unusable


@pytest.mark.parametrize(
    "url", ["http://e.test", "https://e.test:8443/a b", "HTTP://e.test/%41", "http://me:x@[::1]:80/?a=%zz"]
)
def test_usable_urls_pass(url):
    refuse_unusable(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("http://e.test:abc/x", 'parse "{}": invalid port ":abc" after host', id="port"),
        pytest.param("http://[::1", "parse \"{}\": missing ']' in host", id="bracket"),
        pytest.param(":", 'parse "{}": missing protocol scheme', id="colon"),
        pytest.param("1a:b", 'parse "{}": first path segment in URL cannot contain colon', id="no-scheme"),
        pytest.param("http://e.test/%zz", 'parse "{}": invalid URL escape "%zz"', id="escape"),
        pytest.param("http://a b/", 'parse "{}": invalid character " " in host name', id="blank"),
        pytest.param(
            "http://e.test/\n",
            'parse "http://e.test/\\n": net/url: invalid control character in URL',
            id="control",
        ),
    ],
)
def test_what_is_no_url_is_refused(url, message):
    with pytest.raises(UrlError) as caught:
        refuse_unusable(url)
    assert str(caught.value) == message.format(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param(
            "file:///etc/passwd", 'Get "file:///etc/passwd": unsupported protocol scheme "file"', id="file"
        ),
        pytest.param("x/y", 'Get "x/y": unsupported protocol scheme ""', id="path"),
        pytest.param("http://", 'Get "http:": http: no Host in request URL', id="host"),
        pytest.param(
            "ftp://me:secret@e.test",
            'Get "ftp://me:***@e.test": unsupported protocol scheme "ftp"',
            id="password",
        ),
    ],
)
def test_url_of_another_kind_is_refused(url, message):
    with pytest.raises(InputError) as caught:
        refuse_unusable(url)
    assert str(caught.value) == message
