"""A bundle described: for people, and as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lapstrake.oci.digest import Digest
from lapstrake.yamldoc import plain


@dataclass(frozen=True, slots=True)
class DescribedImage:
    """``kind`` is Image, Internal or Signature. ``layers`` is None if they were not asked for."""

    image: str
    digest: Digest
    kind: str
    origin: str
    layers: tuple[Digest, ...] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DescribedBundle:
    image: str
    digest: Digest
    origin: str
    images: tuple[DescribedImage, ...]
    bundles: tuple[DescribedBundle, ...]
    layers: tuple[Digest, ...] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


def as_yaml(bundle: DescribedBundle) -> list[str]:
    """The parts of the document, to be printed one after the other."""
    return [f"sha: {bundle.digest}\n", plain.dump(_bundle_value(bundle))]


def _bundle_value(bundle: DescribedBundle) -> dict[str, object]:
    content: dict[str, object] = {}
    if bundle.bundles:
        content["bundles"] = {str(nested.digest): _bundle_value(nested) for nested in bundle.bundles}
    if bundle.images:
        content["images"] = {str(image.digest): _image_value(image) for image in bundle.images}
    value: dict[str, object] = {
        "image": bundle.image,
        "origin": bundle.origin,
        "metadata": {},
        "content": content,
    }
    return value | _notes(bundle)


def _image_value(image: DescribedImage) -> dict[str, object]:
    value: dict[str, object] = {"image": image.image, "origin": image.origin, "imageType": image.kind}
    return value | _notes(image)


def _notes(described: DescribedImage | DescribedBundle) -> dict[str, object]:
    notes: dict[str, object] = {}
    if described.layers:
        notes["layers"] = [{"digest": str(digest)} for digest in described.layers]
    if described.annotations:
        notes["annotations"] = dict(described.annotations)
    return notes


def as_text(bundle: DescribedBundle) -> list[str]:
    """The lines, each with its end."""
    lines = (f"Bundle SHA: {bundle.digest}", "", *_content_lines(bundle, ""))
    return [f"{line}\n" for line in lines]


def _content_lines(bundle: DescribedBundle, indent: str) -> Iterator[str]:
    """``indent`` is that of the heading; the images of the outermost bundle stand two blanks further in."""
    if not bundle.images and not bundle.bundles:
        return
    yield f"{indent}Images:"
    item = indent or "  "
    for number, nested in enumerate(bundle.bundles):
        if number:
            yield ""
        yield f"{item}- Image: {nested.image}"
        yield f"{item}  Type: Bundle"
        yield f"{item}  Origin: {nested.origin}"
        yield from _note_lines(nested, f"{item}  ")
        yield from _content_lines(nested, f"{item}  ")
    for image in bundle.images:
        yield f"{item}- Image: {image.image}"
        yield f"{item}  Type: {image.kind}"
        if image.kind == "Image":
            yield f"{item}  Origin: {image.origin}"
        yield from _note_lines(image, f"{item}  ")


def _note_lines(described: DescribedImage | DescribedBundle, indent: str) -> Iterator[str]:
    if described.layers:
        yield f"{indent}Layers:"
        yield from (f"{indent}  - Digest: {digest}" for digest in described.layers)
    if described.annotations:
        yield f"{indent}Annotations:"
        for key in sorted(described.annotations):
            for line in f"{key}: {described.annotations[key]}".split("\n"):
                yield f"{indent}  {line}"
