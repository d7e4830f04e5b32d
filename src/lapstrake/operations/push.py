"""Push files as an image or a bundle."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from lapstrake.adapters import files
from lapstrake.distribution.failures import NoRegistry
from lapstrake.errors import InputError, RegistryError
from lapstrake.imgpkg import contents, naming
from lapstrake.imgpkg.remote import prefixed
from lapstrake.messages import reason
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import Encoding, Entry, Layer, pack
from lapstrake.oci.manifest import ImageConfig, manifest_of
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.transfers import UNWATCHED, Transfers, watched

_IN_MEMORY = 4 << 20  # bytes of a layer that need no file


class Registry(Protocol):
    """What is written to a registry."""

    def push_blob(
        self,
        repository: Repository,
        digest: Digest,
        content: bytes | Callable[[], Iterable[bytes]],
        *,
        size: int | None = None,
    ) -> None: ...

    def check_push(self, ref: Reference) -> None: ...

    def put_manifest(self, ref: Reference, media_type: str, data: bytes) -> Digest: ...


@dataclass(frozen=True, slots=True)
class PushRequest:
    """``exclusions`` are paths below an input that are left out. ``encoding`` decides about the layer's bytes."""

    reference: Reference
    inputs: Sequence[str]
    is_bundle: bool
    exclusions: Sequence[str] = (".git",)
    labels: Mapping[str, str] = field(default_factory=dict)
    preserve_permissions: bool = False
    encoding: Encoding = "auto"


def push(
    registry: Registry,
    request: PushRequest,
    report: Callable[[str], None] = lambda _: None,
    transfers: Transfers = UNWATCHED,
) -> Reference:
    """Push and give the reference by digest. ``report`` gets a line for each file and folder.

    Raises InputError for inputs that cannot be pushed, RegistryError ``Writing 'REF': ...``.
    """
    found = files.walk(request.inputs, request.exclusions)
    check = contents.check_bundle if request.is_bundle else contents.check_image
    check(found, request.inputs, os.getcwd(), files.is_missing)
    contents.check_duplicates(found)
    labels = dict(request.labels) | ({naming.BUNDLE_LABEL: "true"} if request.is_bundle else {})
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
        entries = _reported(files.entries(found), report)
        preserve = request.preserve_permissions
        try:
            layer = pack(entries, file, preserve_permissions=preserve, encoding=request.encoding)
        except OSError as error:
            raise InputError(
                f"Writing the layer to a temporary file in '{tempfile.gettempdir()}': {reason(error)}"
            ) from error
        return push_layer(registry, request.reference, layer, labels, transfers)


def _reported(entries: Iterable[Entry], report: Callable[[str], None]) -> Iterator[Entry]:
    for entry in entries:
        shown = os.fsencode(entry.path).decode(errors="replace")
        report(f"{'dir' if entry.data is None else 'file'}: {shown}")
        yield entry


def push_layer(
    registry: Registry,
    reference: Reference,
    layer: Layer,
    labels: Mapping[str, str],
    transfers: Transfers = UNWATCHED,
) -> Reference:
    """Push an image of one layer under its tag and imgpkg's own."""
    if reference.digest is not None:
        raise InputError(f"could not parse reference: {reference.original}")
    config = ImageConfig((layer.diff_id,), labels).to_bytes()
    manifest = manifest_of(config, [layer.descriptor])

    def content() -> Iterable[bytes]:
        return watched(transfers, f"layer {layer.digest}", layer.size, layer.pieces())

    with prefixed(f"Writing '{reference}'"), _writing():
        reference.refuse_protocol()
        registry.check_push(reference)
        registry.push_blob(reference.repo, layer.digest, content, size=layer.size)
        registry.push_blob(reference.repo, Digest.of(config), config, size=len(config))
        registry.put_manifest(reference, manifest.media_type, manifest.data)
        own = reference.with_tag(naming.digest_tag(manifest.digest))
        registry.put_manifest(own, manifest.media_type, manifest.data)
    return reference.with_digest(manifest.digest)


@contextmanager
def _writing() -> Iterator[None]:
    """Tells a refusal of the registry from one that could not be reached at all."""
    try:
        yield
    except RegistryError as error:
        if not error.status or isinstance(error, NoRegistry):
            raise
        raise RegistryError(f"Writing image: {error}", status=error.status, code=error.code) from error
