"""The labels, tags and paths by which imgpkg recognizes its own."""

from __future__ import annotations

import re

from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference

BUNDLE_LABEL = "dev.carvel.imgpkg.bundle"
ROOT_LABEL = "dev.carvel.imgpkg.copy.root-bundle"
FOLDER = ".imgpkg"
IMAGES_LOCK = ".imgpkg/images.yml"
LOCATIONS_FILE = "image-locations.yml"
NESTED_FOLDER = ".imgpkg/bundles"

_LONGEST_REPOSITORY = 49


def digest_tag(digest: Digest) -> str:
    """The tag that keeps an image from being collected as garbage."""
    return f"{digest.tag_prefix}.imgpkg"


def repository_tag(original: Reference, digest: Digest) -> str:
    """As :func:`digest_tag`, with the name of the repository the image was first in."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "", original.repository.replace("/", "-"))[-_LONGEST_REPOSITORY:]
    return f"{name.lstrip('.-')}-{digest_tag(digest)}"


def locations_tag(bundle: Digest) -> str:
    return f"{bundle.tag_prefix}.image-locations.imgpkg"


def signature_tag(image: Digest) -> str:
    """Where cosign keeps the signature of an image."""
    return f"{image.tag_prefix}.sig"


def is_internal_tag(tag: str) -> bool:
    return tag.endswith(".imgpkg")
