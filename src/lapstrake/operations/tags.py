"""List the tags of a repository and resolve references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lapstrake.imgpkg.naming import is_internal_tag
from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import Descriptor
from lapstrake.oci.reference import Reference, Repository


class Registry(Protocol):
    def head(self, ref: Reference) -> Descriptor: ...

    def tags(self, repository: Repository) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class TagEntry:
    """``digest`` is None unless it was asked for."""

    name: str
    digest: Digest | None = None


def list_tags(
    registry: Registry, repository: Repository, *, digests: bool = False, internal: bool = False
) -> list[TagEntry]:
    """Tags in alphabetical order; imgpkg's own only if ``internal``."""
    names = sorted(tag for tag in registry.tags(repository) if internal or not is_internal_tag(tag))
    if not digests:
        return [TagEntry(name) for name in names]
    return [TagEntry(name, registry.head(repository.with_tag(name)).digest) for name in names]


def resolve(registry: Registry, reference: Reference) -> Reference:
    """The reference by digest that ``reference`` stands for now. Raises InputError for one written as a URL."""
    reference.refuse_protocol()
    return reference.with_digest(registry.head(reference).digest)
