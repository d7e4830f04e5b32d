from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.http.proxies import Proxies

P = "http://proxy.test:3128"
Q = "http://other.test:3128"


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        pytest.param({}, "https://h.test/", "", id="none"),
        pytest.param({"HTTPS_PROXY": P}, "https://h.test/", P, id="https"),
        pytest.param({"HTTPS_PROXY": P}, "http://h.test/", "", id="of the other scheme"),
        pytest.param({"https_proxy": P}, "https://h.test/", P, id="small letters"),
        pytest.param({"https_proxy": P, "HTTPS_PROXY": Q}, "https://h.test/", Q, id="capitals first"),
        pytest.param({"HTTP_PROXY": "proxy.test:3128"}, "http://h.test/", P, id="without scheme"),
        pytest.param({"HTTP_PROXY": P}, "http://localhost:5000/", "", id="localhost"),
        pytest.param({"HTTP_PROXY": P}, "http://127.3.4.5/", "", id="loopback"),
        pytest.param({"HTTP_PROXY": P}, "http://[::1]:80/", "", id="loopback of IPv6"),
    ],
)
def test_proxy_of_an_address(environment: dict[str, str], url: str, expected: str) -> None:
    assert Proxies(environment).proxy_of(url) == expected


@pytest.mark.parametrize(
    ("listed", "host", "direct"),
    [
        pytest.param("*", "h.test", True, id="all"),
        pytest.param("h.test", "h.test", True, id="name"),
        pytest.param("h.test", "a.h.test", True, id="its subdomain"),
        pytest.param("h.test", "oh.test", False, id="a longer name"),
        pytest.param(".h.test", "a.h.test", True, id="suffix"),
        pytest.param(".h.test", "h.test", False, id="suffix, the name itself"),
        pytest.param("*.h.test", "a.h.test", True, id="star and suffix"),
        pytest.param("*.h.test", "h.test", False, id="star, the name itself"),
        pytest.param("H.Test", "h.test", True, id="capitals"),
        pytest.param("a.test, h.test ,", "h.test", True, id="list"),
        pytest.param("h.test:443", "h.test", True, id="the usual port"),
        pytest.param("h.test:8443", "h.test", False, id="another port"),
        pytest.param("h.test:8443", "h.test:8443", True, id="that port"),
        pytest.param(".h.test:8443", "a.h.test:8443", True, id="suffix with port"),
        pytest.param("10.1.2.3", "10.1.2.3", True, id="address"),
        pytest.param("10.1.2.3", "10.1.2.4", False, id="another address"),
        pytest.param("10.1.2.3:443", "10.1.2.3:8443", False, id="address, another port"),
        pytest.param("10.0.0.0/8", "10.9.9.9:5000", True, id="network"),
        pytest.param("10.0.0.0/8", "11.0.0.1", False, id="another network"),
        pytest.param("10.0.0.0/8", "h.test", False, id="network and a name"),
        pytest.param("fd00::/8", "[fd00::1]", True, id="network of IPv6"),
        pytest.param("[fd00::1]:443", "[fd00::1]", True, id="IPv6 with port"),
        pytest.param("fd00::1", "[fd00::1]:5000", True, id="IPv6"),
        pytest.param("10.0.0.0/99", "10.0.0.1", False, id="nonsense"),
    ],
)
def test_hosts_spoken_to_directly(listed: str, host: str, direct: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        proxies = Proxies({"HTTPS_PROXY": P, name: listed})
        assert proxies.proxy_of(f"https://{host}/v2/") == ("" if direct else P)


@pytest.mark.parametrize("address", ["socks5://p.test:1", "http://", "ftp://p.test"])
def test_proxy_that_cannot_be_used(address: str) -> None:
    with pytest.raises(InputError, match="Expected HTTPS_PROXY to be the address of a proxy"):
        Proxies({"HTTPS_PROXY": address}).proxy_of("https://h.test/")
