"""Texts of other programs without the secrets that may be in them."""

from __future__ import annotations

import re

_SAID_OPENLY = frozenset({"scope", "service", "mount", "from", "digest", "n", "last"})
"""Parameters of the registries' protocol; what else stands in an address may let in whoever has it."""


def without_passwords(text: str) -> str:
    """``text`` with the user's part of its URLs left out."""
    return re.sub(r"(?<=://)[^/@\s'\"]+@", "", text)


def with_hidden_passwords(text: str) -> str:
    """``text`` with stars for the passwords of its URLs, as Go's HTTP client shows them."""
    return re.sub(r"(?<=://)([^/@:\s'\"]*):[^/@\s'\"]*@", r"\1:***@", text)


def redacted(url: str) -> str:
    """``url`` without its password, and with the values of parameters only that are no secrets, sorted as Go sorts them."""
    address, question, query = with_hidden_passwords(url).partition("?")
    if not question:
        return address
    return f"{address}?{'&'.join(sorted(map(_shown, query.split('&')), key=_name))}"


def _shown(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    return parameter if name in _SAID_OPENLY or not equals else f"{name}=REDACTED"


def _name(parameter: str) -> str:
    return parameter.partition("=")[0]
