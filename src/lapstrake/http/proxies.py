"""Which proxy a request goes through, as the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY say.

Source: behaviour of Go's programs: capitals before small letters; localhost and loopback addresses are always
spoken to directly; an entry of NO_PROXY is ``*``, an address, a network (CIDR), a name (with its subdomains) or
``.name`` (the subdomains only), each but the network with a port if it is for that port only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from lapstrake.errors import InputError

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_PORTS = {"http": 80, "https": 443}


class Proxies:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._urls = {
            scheme: environment.get(f"{scheme.upper()}_PROXY") or environment.get(f"{scheme}_proxy") or ""
            for scheme in _PORTS
        }
        listed = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        self._direct = [entry.strip().lower() for entry in listed.split(",") if entry.strip()]

    def proxy_of(self, url: str) -> str:
        """The address of the proxy, "" for none. Raises InputError for an address we cannot use."""
        parts = urlsplit(url)
        proxy = self._urls.get(parts.scheme, "")
        if not proxy or self._is_direct(parts):
            return ""
        address = proxy if "://" in proxy else f"http://{proxy}"
        if urlsplit(address).scheme not in _PORTS or not urlsplit(address).hostname:
            name = f"{parts.scheme.upper()}_PROXY"
            raise InputError(f"Expected {name} to be the address of a proxy with http or https")
        return address

    def _is_direct(self, parts: SplitResult) -> bool:
        host = (parts.hostname or "").rstrip(".")
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback):
            return True
        port = str(parts.port or _PORTS[parts.scheme])
        return any(_covers(entry, host, port) for entry in self._direct)


def _covers(entry: str, host: str, port: str) -> bool:
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        import ipaddress

        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name, wanted_port = _split_port(entry)
    if wanted_port not in ("", port):
        return False
    listed = _address(name)
    if listed is not None:
        return listed == address
    suffix = name.removeprefix("*")
    if suffix.startswith("."):
        return host.endswith(suffix)
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def _split_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        name, _, port = entry[1:].partition("]")
        return name, port.removeprefix(":")
    name, colon, port = entry.rpartition(":")
    return (name, port) if colon and ":" not in name else (entry, "")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
