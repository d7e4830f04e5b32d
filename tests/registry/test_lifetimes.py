from __future__ import annotations

import pytest

from lapstrake.registry.lifetimes import LONGEST, is_internal, lifetime


@pytest.mark.parametrize(
    ("tag", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("2h", 7200),
        ("1d", 86400),
        ("1w", 604800),
        ("99w", LONGEST),
        ("0d", None),
        ("01d", None),
        ("1", None),
        ("d", None),
        ("v1d", None),
        ("1d2h", None),
        ("1D", None),
        ("9999999s", None),
        ("latest", None),
    ],
)
def test_lifetime_of_a_tag(tag: str, seconds: float | None) -> None:
    assert lifetime(tag) == seconds


@pytest.mark.parametrize(
    ("tag", "internal"),
    [
        (f"sha256-{'0' * 64}.imgpkg", True),
        (f"sha256-{'0' * 64}.image-locations.imgpkg", True),
        (f"sha256-{'0' * 64}.sig", False),
        ("mine.imgpkg", False),
        ("1d", False),
    ],
)
def test_internal_tags_are_imgpkgs_own(tag: str, internal: bool) -> None:
    assert is_internal(tag) is internal
