"""URLs that cannot be asked for over HTTP, refused in the words of Go's parser and client."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from lapstrake.errors import InputError
from lapstrake.http.redaction import with_hidden_passwords


class UrlError(InputError):
    """A text that is no URL."""


def refuse_unusable(url: str) -> None:
    """Raises UrlError for what is no URL, InputError for one that is not of http or https, or names no host."""
    if problem := _problem(url):
        raise UrlError(f'parse "{_escaped(with_hidden_passwords(url))}": {problem}')
    scheme, _, rest = url.partition(":")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme) or not _:
        scheme = ""
    if scheme.lower() not in ("http", "https"):
        raise InputError(
            f'Get "{with_hidden_passwords(url)}": unsupported protocol scheme "{scheme.lower()}"'
        )
    if not urlsplit(url).hostname:
        shown = url if rest.strip("/") else f"{scheme}:"
        raise InputError(f'Get "{shown}": http: no Host in request URL')


def _escaped(text: str) -> str:
    """As within Go's quotes."""
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "\\": r"\\"}
    return re.sub(r'[\x00-\x1f\x7f"\\]', lambda m: named.get(m[0]) or f"\\x{ord(m[0]):02x}", text)


def _problem(url: str) -> str:
    """What Go's parser says, "" for a URL."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in url):
        return "net/url: invalid control character in URL"
    if url.startswith(":"):
        return "missing protocol scheme"
    scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url)
    if not scheme and ":" in url.partition("/")[0]:
        return "first path segment in URL cannot contain colon"
    if escape := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", url.partition("?")[0]):
        return f'invalid URL escape "{escape[0]}"'
    authority = re.match(r"[^:/?#]+://([^/?#]*)", url)
    return _problem_of_host(authority[1].rpartition("@")[2]) if authority else ""


def _problem_of_host(host: str) -> str:
    if host.startswith("["):
        if "]" not in host:
            return "missing ']' in host"
        port = host.rpartition("]")[2]
    else:
        port = host[host.index(":") :] if ":" in host else ""
        if odd := re.search(r"[ \"<>\\^`{|}]", host):
            return f'invalid character "{odd[0]}" in host name'
    return "" if re.fullmatch(r"(:\d*)?", port) else f'invalid port "{port}" after host'
