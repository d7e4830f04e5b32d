"""What an address of the registry means, and which rights it takes.

Source: OCI distribution specification 1.1, "Endpoints"; scopes as Docker's token authentication names them
and Debian's docker-registry 2.8 asks for them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_OF_REPOSITORY = re.compile(
    r"/v2/(.*)/(?:(tags)/list|(manifests)/([^/]+)|(referrers)/([^/]+)|(blobs)/(?:(uploads)/([^/]*)|([^/]+)))"
)
_FIXED = {"/v2/": "base", "/v2/_catalog": "catalog", "/token": "token", "/metrics": "metrics"}


@dataclass(frozen=True, slots=True)
class Route:
    """``kind``: base, catalog, token, metrics, tags, manifest, referrers, blob, uploads, upload.

    ``name``: of the repository; ``rest``: what follows the kind: a reference, digest or id.
    """

    kind: str
    name: str = ""
    rest: str = ""


class Access(NamedTuple):
    """One right: (repository, a/b, pull), (registry, catalog, *)."""

    type: str
    name: str
    action: str


def route(path: str) -> Route | None:
    """None for an address that is none of ours."""
    if path in _FIXED:
        return Route(_FIXED[path])
    match = _OF_REPOSITORY.fullmatch(path)
    if match is None:
        return None
    name, tags, manifests, reference, referrers, subject, _, uploads, id, digest = match.groups()
    if tags:
        return Route("tags", name)
    if manifests:
        return Route("manifest", name, reference)
    if referrers:
        return Route("referrers", name, subject)
    if uploads:
        return Route("upload" if id else "uploads", name, id)
    return Route("blob", name, digest)


def needed_access(route: Route, method: str, mount_from: str = "") -> tuple[Access, ...]:
    """The rights that a request takes; none for the base, which only asks who one is."""
    if route.kind == "catalog":
        return (Access("registry", "catalog", "*"),)
    if not route.name:
        return ()
    if method in ("GET", "HEAD"):
        actions: tuple[str, ...] = ("pull",)
    elif method == "DELETE" and route.kind != "upload":
        actions = ("delete",)
    else:
        actions = ("pull", "push")
    wanted = tuple(Access("repository", route.name, action) for action in actions)
    return (*wanted, Access("repository", mount_from, "pull")) if mount_from else wanted
