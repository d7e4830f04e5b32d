"""What a package repository brings: its rendered YAML as the objects to deploy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.packaging import crds, data_api

REPOSITORY_ANNOTATION = "packaging.carvel.dev/package-repository-ref"
REVISION_ANNOTATION = "packaging.carvel.dev/revision"
NOOP_ANNOTATION = "kapp.k14s.io/noop"

_KAPP_ANNOTATIONS = {
    "kapp.k14s.io/disable-original": "",
    "kapp.k14s.io/disable-wait": "",
    "kapp.k14s.io/create-strategy": "fallback-on-update-or-noop",
}
_SPECS = {"Package": crds.PACKAGE_SPEC, "PackageMetadata": crds.PACKAGE_METADATA_SPEC}

Object = Mapping[str, Any]


def check_layout(paths: Iterable[str]) -> None:
    """Refuse a repository without ``packages/``; ``paths`` are relative, of all its files."""
    if not any(path.startswith("packages/") for path in paths):
        raise InputError("Invalid package repository content: must contain 'packages/' directory but did not")


def package_objects(documents: Iterable[Any], *, namespace: str, name: str) -> list[dict[str, Any]]:
    """The Packages and PackageMetadata among ``documents``, ready for kapp.

    ``namespace`` and ``name`` are the repository's. Other kinds, unknown fields and namespaces are dropped
    silently, as the original reads everything through the types of the two kinds.
    """
    return [
        _object(document, f"{namespace}/{name}")
        for document in documents
        if isinstance(document, Mapping)
        and document.get("apiVersion") == data_api.API_VERSION
        and document.get("kind") in _SPECS
    ]


def _object(document: Object, repository: str) -> dict[str, Any]:
    given = document.get("metadata") or {}
    metadata: dict[str, Any] = {"name": given.get("name", "")}
    if given.get("labels"):
        metadata["labels"] = dict(given["labels"])
    metadata["annotations"] = {
        **(given.get("annotations") or {}),
        REPOSITORY_ANNOTATION: repository,
        **_KAPP_ANNOTATIONS,
    }
    spec = crds.pruned(document.get("spec") or {}, _SPECS[document["kind"]])
    if document["kind"] == "Package":
        spec = data_api.package_spec(spec)
    return {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": metadata,
        "spec": spec,
    }


def against_other(given: Object, present: Object | None) -> dict[str, Any]:
    """``given`` as it is to be deployed beside ``present``, the object of that name in the cluster.

    If another repository brought it: the same content or a higher revision there means that it is left
    alone (noop); a higher revision here takes it over. Raises InputError if neither is so.
    """
    result = dict(given)
    if present is None:
        return result
    ours, theirs = _annotations(given), _annotations(present)
    owner = theirs.get(REPOSITORY_ANNOTATION)
    if owner is None or owner == ours[REPOSITORY_ANNOTATION]:
        return result
    our_revision, their_revision = _revision(ours), _revision(theirs)
    if our_revision > their_revision and given["spec"] != present.get("spec"):
        return result
    if given["spec"] != present.get("spec") and our_revision == their_revision:
        raise InputError(
            f"Conflicting resources: {given['kind']}/{given['metadata']['name']} is already present but not "
            f"identical (mismatch in spec)"
        )
    metadata = {**given["metadata"], "annotations": {**ours, NOOP_ANNOTATION: ""}}
    return {**result, "metadata": metadata}


def _annotations(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("annotations") or {}


def _revision(annotations: Mapping[str, str]) -> tuple[int, ...]:
    """Dotted integers; anything else, and none, is lowest."""
    text = annotations.get(REVISION_ANNOTATION, "")
    try:
        return tuple(int(part) for part in text.split(".")) if text else ()
    except ValueError:
        return ()
