"""ImagesLock files: read as preresolved overrides, written as a result.

Both the unknown key and the reference that is no digest are refused (vectors kbld/lock).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld.config import ID_ANNOTATION, ORIGINS_ANNOTATION, Config, ImageMatch, Origin, Override
from lapstrake.kbld.documents import Document, parse_document
from lapstrake.kbld.fields import IMAGES_LOCK, ORIGINS, shaped
from lapstrake.kbld.validation import each, validate_override
from lapstrake.oci.reference import Reference
from lapstrake.yamldoc import plain

API_VERSION = "imgpkg.carvel.dev/v1alpha1"
KIND = "ImagesLock"
_ALWAYS_SAID: Mapping[str, Mapping[str, Any]] = {
    "local": {"path": ""},
    "git": {"remoteURL": "", "sha": "", "dirty": False},
    "resolved": {"url": ""},
    "tagged": {"tags": None},
    "preresolved": {"url": ""},
}


def is_one(document: Document) -> bool:
    """A lock of another version is an ordinary resource."""
    return (document.api_version, document.kind) == (API_VERSION, KIND)


def read(document: Document) -> Config:
    """Each locked image as a preresolved override of its id. Raises InputError."""
    where = f"Unmarshaling {document.description} as"
    try:
        images = _locked_images(document.body)
    except InputError as e:
        raise InputError(f"{where} ImagesLock: {e}") from e
    overrides = []
    for image, notes in images:
        try:
            origins = _origins(notes.get(ORIGINS_ANNOTATION, ""))
        except InputError as e:
            raise InputError(f"{where} {ORIGINS_ANNOTATION} annotation:  {e}") from e
        match = ImageMatch(notes.get(ID_ANNOTATION, ""))
        overrides.append(Override(match, image, True, origins=origins))
    try:
        each("Overrides", overrides, validate_override)
    except InputError as e:
        raise InputError(f"Validating {document.description}: {e}") from e
    return Config(tuple(overrides))


def _locked_images(body: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    try:
        lock = shaped(body, IMAGES_LOCK)
    except InputError as e:
        raise InputError(
            f"Unmarshaling images lock: error unmarshaling JSON: while decoding JSON: {e}"
        ) from e
    images = lock.get("images", ())
    return [(digest_reference(e.get("image", "")), e.get("annotations", {})) for e in images]


def digest_reference(text: str) -> str:
    """``text`` completed, if it is a reference by digest; otherwise the refusal of an ImagesLock."""
    try:
        reference = Reference.parse(text)
    except InputError:
        reference = None
    if reference is None or reference.digest is None:
        raise InputError(f"Validating images lock: Expected ref to be in digest form, got '{text}'")
    return f"{reference.repo}@{reference.digest}"


def _origins(text: str) -> tuple[Origin, ...]:
    value = parse_document(text) if text else None
    if value is None:
        return ()
    try:
        origins = shaped(value, ORIGINS)
    except InputError as e:
        raise InputError(f"error unmarshaling JSON: while decoding JSON: {e}") from e
    return origins_said(origins)


def origins_said(origins: Sequence[Mapping[str, Any]]) -> tuple[Origin, ...]:
    """Origins, in the shape that ``fields`` gave them, as they are carried on."""
    return tuple({kind: _said(kind, origin[kind]) for kind in origin} for origin in origins)


def _said(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """An origin of this kind as it is carried on: some fields always, the others if they hold something."""
    always = _ALWAYS_SAID.get(kind, {})
    return {**always, **{k: v for k, v in given.items() if v or k in always}}


def write(images: Sequence[tuple[str, str, Sequence[Origin]]]) -> dict[str, Any]:
    """The lock of (given reference, result, origins), as a document; origins may be empty. Raises InputError."""
    entries = []
    for given, url, origins in sorted(images, key=lambda image: image[0]):
        annotations = {ID_ANNOTATION: given}
        if origins:
            annotations[ORIGINS_ANNOTATION] = plain.dump(list(origins))
        digest_reference(url)
        entries.append({"image": url, "annotations": annotations})
    lock: dict[str, Any] = {"apiVersion": API_VERSION, "kind": KIND}
    return {**lock, "images": entries} if entries else lock
