"""What is said of requests that got no answer: real ones where this machine can make them fail."""

from __future__ import annotations

import http.client

import pytest
import urllib3
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from lapstrake.http.failures import cause, is_temporary

POOL = urllib3.HTTPConnectionPool("h.test")
NEVER_CONNECTED = HTTPConnection("h.test", 443)


def new_connection(reason: Exception) -> NewConnectionError:
    error = NewConnectionError(NEVER_CONNECTED, "Failed to establish a new connection")
    error.__cause__ = reason
    return error


def broken(reason: Exception) -> ProtocolError:
    return ProtocolError("Connection aborted.", reason)


REFUSED = new_connection(ConnectionRefusedError(111, "Connection refused"))
SELF_SIGNED = (
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)"
)
EXPIRED = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1006)"
X509 = "tls: failed to verify certificate: x509: "


@pytest.mark.parametrize(
    ("error", "text", "temporary"),
    [
        pytest.param(REFUSED, "dial tcp h.test:443: connect: connection refused", False, id="refused"),
        pytest.param(
            new_connection(TimeoutError("timed out")), "dial tcp h.test:443: i/o timeout", True, id="slow"
        ),
        pytest.param(ConnectTimeoutError(), "dial tcp h.test:443: i/o timeout", True, id="slow to connect"),
        pytest.param(
            ReadTimeoutError(POOL, "/", ""), "net/http: timeout awaiting response headers", True, id="no answer"
        ),
        pytest.param(SSLError(SELF_SIGNED), f"{X509}certificate signed by unknown authority", False, id="unknown"),
        pytest.param(SSLError(EXPIRED), f"{X509}certificate has expired", False, id="expired"),
        pytest.param(
            SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number"),
            "http: server gave HTTP response to HTTPS client",
            False,
            id="no TLS",
        ),
        pytest.param(SSLError("[SSL: NO_CIPHERS] none"), "tls: [SSL: NO_CIPHERS] none", False, id="other TLS"),
        pytest.param(broken(http.client.RemoteDisconnected("")), "EOF", True, id="hung up"),
        pytest.param(
            broken(ConnectionResetError(104, "")),
            "read tcp h.test:443: read: connection reset by peer",
            True,
            id="reset",
        ),
        pytest.param(
            broken(BrokenPipeError(32, "")), "write tcp h.test:443: write: broken pipe", True, id="broken pipe"
        ),
        pytest.param(
            broken(http.client.BadStatusLine("what\r\n")),
            'net/http: HTTP/1.x transport connection broken: malformed HTTP response "what"',
            True,
            id="no HTTP",
        ),
        pytest.param(MaxRetryError(POOL, "/", REFUSED), cause("https://h.test/", REFUSED), False, id="gave up"),
        pytest.param(
            ProxyError("Unable to connect to proxy", REFUSED),
            "proxyconnect tcp: dial tcp h.test:443: connect: connection refused",
            False,
            id="proxy",
        ),
        pytest.param(
            ProxyError("", OSError("Tunnel connection failed: 403 Forbidden")), "Forbidden", False, id="tunnel"
        ),
        pytest.param(LocationParseError("h:x"), "invalid address", False, id="address"),
        pytest.param(
            OSError("see http://me:secret@h.test/"), "see http://h.test/", False, id="a text with a password"
        ),
    ],
)  # fmt: skip
def test_failure(error: Exception, text: str, temporary: bool) -> None:
    assert cause("https://h.test/a", error) == text
    assert is_temporary(error) is temporary


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://[::1]:1/", "dial tcp [::1]:1: connect: "),
        ("http://127.0.0.1:65536/x", "dial tcp: address 65536: invalid port"),
        ("http://name.invalid/", "dial tcp: lookup name.invalid: no such host"),
    ],
)
def test_failure_of_a_real_request(url: str, text: str) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError) as caught:
        urllib3.request("GET", url, retries=False, timeout=5.0)
    assert cause(url, caught.value).startswith(text)
