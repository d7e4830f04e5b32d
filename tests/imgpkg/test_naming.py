from __future__ import annotations

import pytest

from lapstrake.imgpkg import naming
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference

DIGEST = Digest.parse("sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("original", "begin"),
    [
        pytest.param("h.test/team/alpha:v1", "team-alpha", id="short"),
        pytest.param("h.test/" + "x" * 60, "x" * 49, id="cut to its end"),
        pytest.param("nginx", "library-nginx", id="at the hub"),
    ],
)
def test_repository_tag(original: str, begin: str) -> None:
    assert naming.repository_tag(Reference.parse(original), DIGEST) == f"{begin}-sha256-{DIGEST.hex}.imgpkg"


def test_internal_tags_end_in_imgpkg() -> None:
    assert naming.is_internal_tag(naming.digest_tag(DIGEST))
    assert naming.is_internal_tag(naming.locations_tag(DIGEST))
    assert not naming.is_internal_tag(naming.signature_tag(DIGEST))
