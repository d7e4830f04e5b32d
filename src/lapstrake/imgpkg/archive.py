"""The manifest.json of a tar of images: what it holds, and under which names.

Source: facts on imgpkg, "--to-tar". Raw texts stand in it exactly as the registry had them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.imgpkg.naming import ROOT_LABEL
from lapstrake.imgpkg.parcels import Parcel
from lapstrake.json_text import from_json, json_mismatch, json_record
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import ImageConfig, RawManifest, go_json
from lapstrake.oci.reference import Reference

MANIFEST = "manifest.json"


def layer_name(digest: Digest) -> str:
    return f"{digest.tag_prefix}.tar.gz"


def written(parcels: Sequence[Parcel]) -> bytes:
    """manifest.json for ``parcels``, sorted by digest."""
    return go_json(
        [
            {"ImageIndex": _index(p), "Image": None}
            if p.manifest.is_index
            else {"ImageIndex": None, "Image": _image(p)}
            for p in sorted(parcels, key=lambda parcel: parcel.digest)
        ]
    )


def _known_as(parcel: Parcel) -> dict[str, object]:
    labels = {ROOT_LABEL: ""} if parcel.is_root else None
    return {"Tag": parcel.tag, "OrigRef": parcel.original, "Labels": labels}


def _raw(manifest: RawManifest) -> dict[str, object]:
    return {"MediaType": manifest.media_type, "Digest": str(manifest.digest), "Raw": manifest.data.decode()}


def _image(parcel: Parcel) -> dict[str, object]:
    image = parcel.manifest.image()
    config = ImageConfig.parse(parcel.config)
    diff_ids = [str(digest) for digest in config.diff_ids] + [""] * len(image.layers)
    layers = [
        {
            "MediaType": layer.media_type,
            "Digest": str(layer.digest),
            "DiffID": diff_id if layer.is_layer else "",
            "Size": layer.size,
        }
        for layer, diff_id in zip(image.layers, diff_ids, strict=False)
    ]
    return {
        "Refs": [str(parcel.reference)],
        "Layers": layers or None,
        "Config": {"Digest": str(image.config.digest), "Raw": parcel.config.decode()},
        "Manifest": _raw(parcel.manifest),
        **_known_as(parcel),
    }


def _index(parcel: Parcel) -> dict[str, object]:
    children = [replace(child, tag=parcel.tag, original=parcel.original) for child in parcel.children]
    images = [_image(child) for child in children if not child.manifest.is_index]
    indexes = [_index(child) for child in children if child.manifest.is_index]
    return {
        "Refs": [str(parcel.reference)],
        "Images": images or None,
        "Indexes": indexes or None,
        **_raw(parcel.manifest),
        **_known_as(parcel),
    }


def read(data: bytes) -> list[Parcel]:
    """The parcels of a manifest.json. Raises InputError if it is damaged: every text must fit its digest."""
    entries = from_json(data)
    if not isinstance(entries, list | None):
        raise json_mismatch(entries, "value of type []imagedesc.ImageOrImageIndexDescriptor")
    try:
        return [_parcel(entry) for entry in entries or []]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise InputError(f"Reading {MANIFEST}: {error}") from error


def _parcel(entry: Any) -> Parcel:
    known = json_record(entry, "value of type imagedesc.ImageOrImageIndexDescriptor")
    index, image = (
        json_record(
            known.get(name), f"struct field ImageOrImageIndexDescriptor.{name} of type imagedesc.{kind}"
        )
        for name, kind in (("ImageIndex", "ImageIndexDescriptor"), ("Image", "ImageDescriptor"))
    )
    if image:
        return _from_image(image)
    if index:
        return _from_index(index)
    raise InputError(f"Reading {MANIFEST}: Expected an image or an index")


def _from_image(value: Mapping[str, Any]) -> Parcel:
    manifest = _checked(value["Manifest"])
    config = str(value["Config"]["Raw"]).encode()
    if manifest.image().config.digest != Digest.of(config):
        raise InputError(
            f"Reading {MANIFEST}: Expected the configuration of '{manifest.digest}' to fit its digest"
        )
    reference = Reference.parse_digest(str(value["Refs"][0]))
    return Parcel(reference.repo, manifest, config, (), *_names(value))


def _from_index(value: Mapping[str, Any]) -> Parcel:
    manifest = _checked(value)
    children = [_from_image(child) for child in value.get("Images") or []]
    children += [_from_index(child) for child in value.get("Indexes") or []]
    children = [replace(child, tag="", original="") for child in children]  # theirs are those of the whole
    reference = Reference.parse_digest(str(value["Refs"][0]))
    return Parcel(reference.repo, manifest, b"", tuple(children), *_names(value))


def _names(value: Mapping[str, Any]) -> tuple[str, str, bool]:
    return (
        str(value.get("Tag") or ""),
        str(value.get("OrigRef") or ""),
        ROOT_LABEL in (value.get("Labels") or {}),
    )


def _checked(value: Mapping[str, Any]) -> RawManifest:
    media_type = str(value["MediaType"])
    if not media_type.isascii() or not media_type.isprintable():
        raise InputError(f"Reading {MANIFEST}: Expected a media type, found {media_type!r}")
    manifest = RawManifest.of(media_type, str(value["Raw"]).encode())
    if str(manifest.digest) != value["Digest"]:
        raise InputError(f"Reading {MANIFEST}: Expected '{value['Digest']}' to fit its digest")
    return manifest
