"""Texts of other programs without the secrets that may be in them."""

from __future__ import annotations

import re


def without_passwords(text: str) -> str:
    """``text`` with the user's part of its URLs left out."""
    return re.sub(r"(?<=://)[^/@\s'\"]+@", "", text)
