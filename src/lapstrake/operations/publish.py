"""Lock a folder of configuration and push it as a bundle; pin a Package to what was pushed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from lapstrake.adapters import files
from lapstrake.adapters.resource_files import read_resource_files
from lapstrake.oci.reference import Reference
from lapstrake.operations.push import PushRequest, Registry, push
from lapstrake.operations.resolve import ResolveOptions, Resolver, SourceFile, resolve

LOCK = ".imgpkg/images.yml"


class _Named(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def data(self) -> bytes: ...


def publish_bundle(
    folder: Path,
    reference: Reference,
    *,
    configuration: str,
    registry: Registry,
    resolver: Resolver,
    report: Callable[[str], None] = lambda _: None,
) -> Reference:
    """Resolve the images below ``folder/configuration``, write the lock, push the folder; its reference by digest.

    Raises InputError and RegistryError as kbld's resolving and imgpkg's push do.
    """
    found = _sources(read_resource_files([str(folder / configuration)]))
    lock = resolve(found, ResolveOptions(), resolver).images_lock()
    (folder / LOCK).parent.mkdir(exist_ok=True)
    files.write_atomically(str(folder / LOCK), lock.encode())
    return push(registry, PushRequest(reference, [str(folder)], is_bundle=True), report)


def locked_documents(file: Path, resolver: Resolver) -> Sequence[Mapping[str, Any]]:
    """The documents of ``file`` with every image resolved to its digest, and annotated with what it was."""
    return resolve(_sources(read_resource_files([str(file)])), ResolveOptions(), resolver).documents


def _sources(found: Sequence[_Named]) -> list[SourceFile]:
    return [SourceFile(file.path, file.data) for file in found]
