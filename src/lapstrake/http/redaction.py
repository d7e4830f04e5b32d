"""Texts of other programs without the secrets that may be in them."""

from __future__ import annotations

import re


def without_passwords(text: str) -> str:
    """``text`` with the user's part of its URLs left out."""
    return re.sub(r"(?<=://)[^/@\s'\"]+@", "", text)


def with_hidden_passwords(text: str) -> str:
    """``text`` with stars for the passwords of its URLs, as Go's HTTP client shows them."""
    return re.sub(r"(?<=://)([^/@:\s'\"]*):[^/@\s'\"]*@", r"\1:***@", text)
