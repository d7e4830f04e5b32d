"""Reading kbld's own documents (``kbld.k14s.io/v1alpha1``, and ImagesLocks) from among the inputs.

All kinds share one schema; keys it does not know are ignored. Messages are the original tool's (vectors
kbld/config).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kbld import images_lock
from lapstrake.kbld.config import (
    API_VERSION,
    COMPATIBLE_VERSION,
    Config,
    ImageMatch,
    Override,
    Source,
    TagSelection,
)
from lapstrake.kbld.documents import Document, json_kind
from lapstrake.kbld.rules import ALL_INDEXES, KeyMatcher, SearchRule, ValueMatcher
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
        tuple(k for c in configs for k in c.keys),
        tuple(r for c in configs for r in c.search_rules),
        tuple(r for c in configs for r in c.raw_rules),
    )


def _config(document: Document) -> Config:
    body = document.body
    try:
        overrides = [_override(o) for o in _list(body, "overrides", "ImageOverride")]
        sources = [_source(s) for s in _list(body, "sources", "Source")]
        destinations = [
            _match(d, "ImageDestination.destinations") for d in _list(body, "destinations", "Dest")
        ]
        keys = tuple(_string(k, "Config.keys") for k in _list(body, "keys", "string"))
        raw_rules = tuple(_list(body, "searchRules", "SearchRule"))
        rules = tuple(_search_rule(r) for r in raw_rules)
        minimum = _string(body.get("minimumRequiredVersion"), "Config.minimumRequiredVersion")
    except InputError as e:
        raise InputError(
            f"Unmarshaling {document.description}: error unmarshaling JSON: while decoding JSON: {e}"
        ) from e
    try:
        check_minimum("kbld", COMPATIBLE_VERSION, minimum)
        each("Sources", sources, validate_source)
        each("Overrides", overrides, validate_override)
        each("Destinations", destinations, validate_match)
        # The original calls a key a destination here, too.
        each("Destinations", keys, validate_key)
        each("SearchRules", rules, validate_search_rule)
    except InputError as e:
        raise InputError(f"Validating {document.description}: {e}") from e
    return Config(tuple(overrides), tuple(sources), keys, rules, raw_rules)


def _override(raw: Any) -> Override:
    selection = platform = None
    if (semver := _mapping(_mapping(raw.get("tagSelection")).get("semver"))) or raw.get("tagSelection"):
        prereleases = semver.get("prereleases")
        identifiers = tuple(_mapping(prereleases).get("identifiers") or ())
        selection = TagSelection(
            _string(semver.get("constraints"), "VersionSelectionSemver.constraints"),
            Prereleases(identifiers) if prereleases is not None else None,
        )
    if chosen := _mapping(raw.get("platformSelection")):
        platform = Platform(
            *(str(chosen.get(k) or "") for k in ("os", "architecture", "variant", "os.version"))
        )
    return Override(
        _match(raw, "ImageOverride.overrides"),
        _string(raw.get("newImage"), "ImageOverride.overrides.newImage"),
        bool(raw.get("preresolved")),
        selection,
        platform,
    )


def _source(raw: Any) -> Source:
    return Source(_match(raw, "Source.sources"), _string(raw.get("path"), "Source.sources.path"))


def _match(raw: Any, owner: str) -> ImageMatch:
    return ImageMatch(
        _string(raw.get("image"), f"{owner}.ImageRef.image"),
        _string(raw.get("imageRepo"), f"{owner}.ImageRef.imageRepo"),
    )


def _search_rule(raw: Any) -> SearchRule:
    key = value = None
    if (k := raw.get("keyMatcher")) is not None:
        path = tuple(_path_part(p) for p in _mapping(k).get("path") or ())
        key = KeyMatcher(_string(_mapping(k).get("name"), "KeyMatcher.name"), path)
    if (v := raw.get("valueMatcher")) is not None:
        value = ValueMatcher(str(_mapping(v).get("image") or ""), str(_mapping(v).get("imageRepo") or ""))
    strategies = _mapping(raw.get("updateStrategy"))
    strategy = next((s for s in ("none", "json", "yaml") if strategies.get(s) is not None), "entireValue")
    inner = _mapping(strategies.get(strategy)).get("searchRules") or ()
    return SearchRule(key, value, strategy, tuple(_search_rule(r) for r in inner))


def _path_part(part: Any) -> str | int:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        if part.get("allIndexes") is True:
            return ALL_INDEXES
        if isinstance(part.get("index"), int):
            return int(part["index"])
    raise InputError("Unknown path part")


def _list(body: Mapping[str, Any], key: str, kind: str) -> list[Any]:
    value = body.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(
            f"json: cannot unmarshal {json_kind(value)} into Go struct field Config.{key} of type []config.{kind}"
        )
    if kind != "string":
        for entry in value:
            if not isinstance(entry, Mapping):
                raise InputError(
                    f"json: cannot unmarshal {json_kind(entry)} into Go struct field "
                    f"Config.{key} of type config.{kind}"
                )
    return value


def _string(value: Any, field_name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):  # YAML reads y and n so
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise InputError(
            f"json: cannot unmarshal {json_kind(value)} into Go struct field {field_name} of type string"
        )
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
