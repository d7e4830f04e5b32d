from __future__ import annotations

from lapstrake.imgpkg.description import DescribedBundle, DescribedImage, as_text, as_yaml
from lapstrake.oci.digest import Digest

ONE, TWO, THREE = (Digest("sha256", digit * 64) for digit in "123")


def bundle(
    digest: Digest, *, images: tuple[DescribedImage, ...] = (), bundles: tuple[DescribedBundle, ...] = ()
) -> DescribedBundle:
    return DescribedBundle(f"h/b@{digest}", digest, f"o/b@{digest}", images, bundles, (THREE,))


IMAGE = DescribedImage(f"h/i@{TWO}", TWO, "Image", f"o/i@{TWO}", None, {"note": "two\nlines"})
SIGNATURE = DescribedImage(f"h/s@{THREE}", THREE, "Signature", f"h/s@{THREE}", (ONE,), {"tag": "t"})


def test_empty_bundle() -> None:
    assert "".join(as_text(bundle(ONE))) == f"Bundle SHA: {ONE}\n\n"
    assert "".join(as_yaml(bundle(ONE))) == (
        f"sha: {ONE}\ncontent: {{}}\nimage: h/b@{ONE}\nlayers:\n- digest: {THREE}\nmetadata: {{}}\norigin: o/b@{ONE}\n"
    )


def test_text_shows_what_is_in_a_bundle() -> None:
    nested = bundle(TWO, images=(SIGNATURE,))
    assert (
        "".join(as_text(bundle(ONE, images=(IMAGE,), bundles=(nested,))))
        == f"""\
Bundle SHA: {ONE}

Images:
  - Image: h/b@{TWO}
    Type: Bundle
    Origin: o/b@{TWO}
    Layers:
      - Digest: {THREE}
    Images:
    - Image: h/s@{THREE}
      Type: Signature
      Layers:
        - Digest: {ONE}
      Annotations:
        tag: t
  - Image: h/i@{TWO}
    Type: Image
    Origin: o/i@{TWO}
    Annotations:
      note: two
      lines
"""
    )


def test_yaml_files_images_by_digest() -> None:
    text = "".join(as_yaml(bundle(ONE, images=(IMAGE, SIGNATURE))))
    assert (
        f"  images:\n    {TWO}:\n      annotations:\n        note: |-\n          two\n          lines\n"
        in text
    )
    assert (
        f"      imageType: Signature\n      layers:\n      - digest: {ONE}\n      origin: h/s@{THREE}\n"
        in text
    )


def test_text_sets_bundles_of_one_level_apart() -> None:
    nested = (bundle(ONE), bundle(TWO))
    lines = "".join(as_text(bundle(THREE, images=(IMAGE,), bundles=nested))).splitlines()
    assert lines.count("") == 2
    assert lines[lines.index("", 2) + 1] == "  - Image: " + nested[1].image
