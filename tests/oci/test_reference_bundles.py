"""Digests of real bundles, compared with those that imgpkg gave them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lapstrake.oci.layer import Entry, pack
from lapstrake.oci.manifest import ImageConfig, manifest_of

PACKAGES = Path(__file__).parents[3] / "shared" / "reference" / "packages"


def entries(folder: Path) -> list[Entry]:
    """As in the repository the bundles come from: owners may write."""
    found = [Entry(".", 0o755, None)]
    for path in sorted(
        folder.rglob("*"), key=lambda p: [os.fsencode(part) for part in p.relative_to(folder).parts]
    ):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            found.append(Entry(name, 0o755, None))
        else:
            found.append(Entry(name, path.stat().st_mode | 0o200, path.read_bytes()))
    return found


@pytest.mark.skipif(not PACKAGES.is_dir(), reason="the reference packages are not here")
@pytest.mark.parametrize(
    ("package", "digest"),
    [
        pytest.param(
            "contour-1.17.1", "df21fcabacaf247a01ae4ae75ee227d181060a7e981962224467d2222f765054", id="contour"
        ),
        pytest.param(
            "cert-manager-1.5.1",
            "58e258f64e58205002d7ed8bbcf1b1764f80331439adac177c9df8d9956365d0",
            id="cert-manager",
        ),
        pytest.param(
            "external-dns-0.8.0",
            "9dbe4f8744c07f3113bc80d169503299a24f0651c154b671b2ad8430297a5b17",
            id="external-dns",
        ),
    ],
)
def test_bundle_has_the_digest_that_imgpkg_gave_it(package: str, digest: str) -> None:
    layer = pack(entries(PACKAGES / package / "bundle"))
    config = ImageConfig((layer.diff_id,), {"dev.carvel.imgpkg.bundle": "true"})
    assert manifest_of(config.to_bytes(), [layer.descriptor]).digest.hex == digest
