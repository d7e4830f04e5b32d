"""What an App or a PackageRepository fetches, as one vendir configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lapstrake.errors import InputError

Object = Mapping[str, Any]

_KINDS = ("git", "http", "image", "imgpkgBundle", "helmChart", "inline")
_IMAGES = ("image", "imgpkgBundle")
# Without another wish only the newest commit is fetched.
_GIT_DEPTH = 1


@dataclass(frozen=True, slots=True)
class References:
    """Names of the Secrets and ConfigMaps that a fetch needs, in the order of their use."""

    secrets: tuple[str, ...]
    config_maps: tuple[str, ...]


def fetch_entries(obj: Object) -> Sequence[Object]:
    """The entries of an App, or the one of a PackageRepository."""
    fetch = obj["spec"].get("fetch")
    if isinstance(fetch, Mapping):
        return [fetch]
    return list(fetch or ())


def vendir_config(entries: Sequence[Object]) -> dict[str, Any]:
    """The configuration that puts entry i into directory ``i``, or into its ``path``.

    Raises InputError with the controller's texts for a missing or unknown source.
    """
    if not entries:
        raise InputError("Expected at least one fetch option")
    return {
        "apiVersion": "vendir.k14s.io/v1alpha1",
        "kind": "Config",
        "directories": [
            {"path": _directory(entry, index), "contents": [_contents(entry, index)]}
            for index, entry in enumerate(entries)
        ],
    }


def template_directory(entries: Sequence[Object]) -> str:
    """Where templates work, from the workspace's root: inside a single entry without a path, else the root."""
    return "0" if len(entries) == 1 and not entries[0].get("path") else "."


def references(entries: Sequence[Object]) -> References:
    secrets: dict[str, None] = {}
    config_maps: dict[str, None] = {}
    for entry in entries:
        for source in _sources(entry):
            if (source.get("secretRef") or {}).get("name"):
                secrets[source["secretRef"]["name"]] = None
        found = inline_references((entry.get("inline") or {}).get("pathsFrom") or ())
        secrets.update(dict.fromkeys(found.secrets))
        config_maps.update(dict.fromkeys(found.config_maps))
    return References(tuple(secrets), tuple(config_maps))


def inline_references(paths_from: Sequence[Object]) -> References:
    """What ``pathsFrom`` or ``valuesFrom`` names."""
    secrets = [item["secretRef"]["name"] for item in paths_from if item.get("secretRef")]
    config_maps = [item["configMapRef"]["name"] for item in paths_from if item.get("configMapRef")]
    return References(tuple(secrets), tuple(config_maps))


def fetches_image(entries: Sequence[Object]) -> bool:
    return any(entry.get(kind) is not None for entry in entries for kind in _IMAGES)


def all_references(obj: Object) -> References:
    """Every Secret and ConfigMap that an App or PackageRepository refers to, for fetching and templates."""
    found = references(fetch_entries(obj))
    secrets, config_maps = list(found.secrets), list(found.config_maps)
    for step in obj["spec"].get("template") or ():
        for kind in ("ytt", "helmTemplate", "cue"):
            options = step.get(kind) or {}
            sources = [
                *(options.get("valuesFrom") or ()),
                *((options.get("inline") or {}).get("pathsFrom") or ()),
            ]
            named = inline_references(sources)
            secrets += named.secrets
            config_maps += named.config_maps
        for kind in ("pgp", "age"):
            keys = ((step.get("sops") or {}).get(kind) or {}).get("privateKeysSecretRef") or {}
            if keys.get("name"):
                secrets.append(keys["name"])
    return References(tuple(dict.fromkeys(secrets)), tuple(dict.fromkeys(config_maps)))


def _sources(entry: Object) -> Iterator[Object]:
    for kind in ("git", "http", *_IMAGES):
        if entry.get(kind) is not None:
            yield entry[kind]
    if entry.get("helmChart") is not None:
        yield entry["helmChart"].get("repository") or {}


def _directory(entry: Object, index: int) -> str:
    return str(entry.get("path") or index)


def _contents(entry: Object, index: int) -> dict[str, Any]:
    kind = next((kind for kind in _KINDS if entry.get(kind) is not None), None)
    if kind is None:
        raise InputError(f"Fetching ({index}): Unsupported way to fetch templates")
    source = dict(entry[kind])
    sub_path = source.pop("subPath", None)
    if kind == "git":
        source.setdefault("depth", _GIT_DEPTH)
    contents: dict[str, Any] = {"path": ".", kind: source}
    if sub_path:
        contents["newRootPath"] = sub_path
    return contents
