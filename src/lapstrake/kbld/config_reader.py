"""Reading kbld's own documents (``kbld.k14s.io/v1alpha1``, and ImagesLocks) from among the inputs.

All kinds share one shape. Messages are the original tool's (vectors kbld/config).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld import images_lock
from lapstrake.kbld.builders import (
    Bazel,
    Builder,
    Docker,
    DockerBuildx,
    DockerfileOptions,
    Kaniko,
    Ko,
    KubectlBuildkit,
    Pack,
)
from lapstrake.kbld.config import (
    API_VERSION,
    COMPATIBLE_VERSION,
    Config,
    Destination,
    ImageMatch,
    Override,
    Source,
    TagSelection,
)
from lapstrake.kbld.documents import Document
from lapstrake.kbld.fields import CONFIG, shaped
from lapstrake.kbld.rules import ALL_INDEXES, NO_INDEX, KeyMatcher, SearchRule, ValueMatcher
from lapstrake.kbld.validation import (
    each,
    validate_key,
    validate_match,
    validate_override,
    validate_search_rule,
    validate_source,
)
from lapstrake.oci.manifest import Platform
from lapstrake.versions import Prereleases, check_minimum

KINDS = ("Config", "Sources", "ImageOverrides", "ImageDestinations", "ImageKeys")
_STRATEGIES = ("none", "entireValue", "json", "yaml")  # the first that is given decides


def split(documents: Sequence[Document]) -> tuple[Config, list[Document]]:
    """The configuration of all configuring documents together, and the other documents. Raises InputError."""
    rest, found = [], []
    for document in documents:
        if document.api_version == API_VERSION and document.kind in KINDS:
            found.append(_config(document))
        elif images_lock.is_one(document):
            found.append(images_lock.read(document))
        else:
            rest.append(document)
    return _joined(found), rest


def _joined(configs: Sequence[Config]) -> Config:
    return Config(
        tuple(o for c in configs for o in c.overrides),
        tuple(s for c in configs for s in c.sources),
        tuple(d for c in configs for d in c.destinations),
        tuple(k for c in configs for k in c.keys),
        tuple(r for c in configs for r in c.search_rules),
        tuple(r for c in configs for r in c.raw_rules),
    )


def _config(document: Document) -> Config:
    try:
        body = shaped(document.body, CONFIG)
    except InputError as e:
        raise InputError(
            f"Unmarshaling {document.description}: error unmarshaling JSON: while decoding JSON: {e}"
        ) from e
    config = Config(
        tuple(map(_override, body.get("overrides", ()))),
        tuple(map(_source, body.get("sources", ()))),
        tuple(map(_destination, body.get("destinations", ()))),
        tuple(body.get("keys", ())),
        tuple(map(_search_rule, body.get("searchRules", ()))),
        tuple(body.get("searchRules", ())),
    )
    try:
        check_minimum("kbld", COMPATIBLE_VERSION, body.get("minimumRequiredVersion", ""))
        each("Sources", config.sources, validate_source)
        each("Overrides", config.overrides, validate_override)
        each("Destinations", [d.match for d in config.destinations], validate_match)
        # The original calls a key a destination here, too.
        each("Destinations", config.keys, validate_key)
        each("SearchRules", config.search_rules, validate_search_rule)
    except InputError as e:
        raise InputError(f"Validating {document.description}: {e}") from e
    return config


def _override(raw: Mapping[str, Any]) -> Override:
    selection = platform = None
    if (wanted := raw.get("tagSelection")) is not None:
        semver = wanted.get("semver", {})
        prereleases = semver.get("prereleases")
        selection = TagSelection(
            semver.get("constraints", "") if "semver" in wanted else None,
            None if prereleases is None else Prereleases(tuple(prereleases.get("identifiers", ()))),
        )
    if (chosen := raw.get("platformSelection")) is not None:
        platform = Platform(
            chosen.get("os", ""),
            chosen.get("architecture", ""),
            chosen.get("variant", ""),
            chosen.get("os.version", ""),
            tuple(chosen.get("os.features", ())),
            tuple(chosen.get("features", ())),
        )
    return Override(
        _match(raw),
        raw.get("newImage", ""),
        raw.get("preresolved", False),
        selection,
        platform,
        images_lock.origins_said(raw.get("origins", ())),
    )


def _source(raw: Mapping[str, Any]) -> Source:
    return Source(_match(raw), raw.get("path", ""), _builder(raw))


def _builder(raw: Mapping[str, Any]) -> Builder:
    """The one builder that is asked for; of several the first in this order, as the original tries them."""
    if "pack" in raw:
        pack = raw["pack"].get("build", {})
        return Pack(
            pack.get("builder"),
            tuple(pack.get("buildpacks", ())),
            pack.get("clearCache", False),
            _raw_options(pack),
        )
    if "kubectlBuildkit" in raw:
        build = raw["kubectlBuildkit"].get("build", {})
        return KubectlBuildkit(_dockerfile_options(build), build.get("platform"))
    if "ko" in raw:
        return Ko(_raw_options(raw["ko"].get("build", {})))
    if "bazel" in raw:
        run = raw["bazel"].get("run", {})
        return Bazel(run.get("target"), _raw_options(run))
    if "kaniko" in raw:
        build = raw["kaniko"].get("build", {})
        return Kaniko(build.get("target"), build.get("file"), _raw_options(build))
    docker = raw.get("docker", {})
    if "buildx" in docker:
        return DockerBuildx(_dockerfile_options(docker["buildx"]))
    build = docker.get("build", {})
    return Docker(_dockerfile_options(build), "buildkit" in build)


def _dockerfile_options(raw: Mapping[str, Any]) -> DockerfileOptions:
    return DockerfileOptions(
        raw.get("target"),
        raw.get("pull", False),
        raw.get("noCache", False),
        raw.get("file"),
        _raw_options(raw),
    )


def _raw_options(raw: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(raw.get("rawOptions", ()))


def _destination(raw: Mapping[str, Any]) -> Destination:
    match = _match(raw)
    return Destination(match, raw.get("newImage") or match.image, tuple(raw.get("tags", ())))


def _match(raw: Mapping[str, Any]) -> ImageMatch:
    return ImageMatch(raw.get("image", ""), raw.get("imageRepo", ""))


def _search_rule(raw: Mapping[str, Any]) -> SearchRule:
    key = value = None
    if (k := raw.get("keyMatcher")) is not None:
        key = KeyMatcher(k.get("name", ""), tuple(map(_path_part, k.get("path", ()))))
    if (v := raw.get("valueMatcher")) is not None:
        value = ValueMatcher(v.get("image", ""), v.get("imageRepo", ""))
    if (strategies := raw.get("updateStrategy")) is None:
        return SearchRule(key, value)
    strategy = next((s for s in _STRATEGIES if s in strategies), "")
    inner = strategies.get(strategy, {}).get("searchRules", ())
    return SearchRule(key, value, strategy, tuple(map(_search_rule, inner)))


def _path_part(part: Any) -> str | int:
    if isinstance(part, str):
        return part
    if "index" in part:
        return int(part["index"]) if part["index"] >= 0 else NO_INDEX
    return ALL_INDEXES if "allIndexes" in part else NO_INDEX
