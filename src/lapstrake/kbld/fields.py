"""Plain values put into the shape of kbld's own documents, with the refusals of Go's JSON decoder.

A shape is named as Go names it, because its messages do: ``string``, ``bool``, ``[]T``, or a record below. So are the
keys of a record, of which some begin with a capital there. Keys a record does not know are dropped, save where they
are an error; keys are known in any case of letters.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.json_text import json_kind

CONFIG = "config.Config"
ORIGINS = "[]config.Origin"
ANNOTATION = "[]cmd.imageStruct"
IMAGES_LOCK = "lockconfig.ImagesLock"

_MATCH = {"image": "string", "imageRepo": "string"}
_DOCKERFILE = {
    "Target": "string",
    "Pull": "bool",
    "noCache": "bool",
    "File": "string",
    "rawOptions": "[]string",
}
_RECORDS: Mapping[str, Mapping[str, str]] = {
    CONFIG: {
        "minimumRequiredVersion": "string",
        "sources": "[]config.Source",
        "overrides": "[]config.ImageOverride",
        "destinations": "[]config.ImageDestination",
        "keys": "[]string",
        "searchRules": "[]config.SearchRule",
    },
    "config.Source": {
        **_MATCH,
        "Path": "string",
        "Docker": "config.SourceDockerOpts",
        "Pack": "config.SourcePackOpts",
        "KubectlBuildkit": "config.SourceKubectlBuildkitOpts",
        "Ko": "config.SourceKoOpts",
        "Bazel": "config.SourceBazelOpts",
        "Kaniko": "config.SourceKanikoOpts",
    },
    "config.SourceDockerOpts": {
        "Build": "config.SourceDockerBuildOpts",
        "Buildx": "config.SourceDockerBuildxOpts",
    },
    "config.SourceDockerBuildOpts": {**_DOCKERFILE, "Buildkit": "bool"},
    "config.SourceDockerBuildxOpts": _DOCKERFILE,
    "config.SourcePackOpts": {"Build": "config.SourcePackBuildOpts"},
    "config.SourcePackBuildOpts": {
        "Builder": "string",
        "Buildpacks": "[]string",
        "clearCache": "bool",
        "rawOptions": "[]string",
    },
    "config.SourceKubectlBuildkitOpts": {"Build": "config.SourceKubectlBuildkitBuildOpts"},
    "config.SourceKubectlBuildkitBuildOpts": {**_DOCKERFILE, "Platform": "string"},
    "config.SourceKoOpts": {"Build": "config.SourceKoBuildOpts"},
    "config.SourceKoBuildOpts": {"rawOptions": "[]string"},
    "config.SourceBazelOpts": {"Run": "config.SourceBazelRunOpts"},
    "config.SourceBazelRunOpts": {"target": "string", "rawOptions": "[]string"},
    "config.SourceKanikoOpts": {"Build": "config.SourceKanikoBuildOpts"},
    "config.SourceKanikoBuildOpts": {"Target": "string", "File": "string", "rawOptions": "[]string"},
    "config.ImageOverride": {
        **_MATCH,
        "newImage": "string",
        "preresolved": "bool",
        "tagSelection": "v1alpha1.VersionSelection",
        "platformSelection": "config.PlatformSelection",
        "origins": ORIGINS,
    },
    "v1alpha1.VersionSelection": {"semver": "v1alpha1.VersionSelectionSemver"},
    "v1alpha1.VersionSelectionSemver": {
        "constraints": "string",
        "prereleases": "v1alpha1.VersionSelectionSemverPrereleases",
    },
    "v1alpha1.VersionSelectionSemverPrereleases": {"identifiers": "[]string"},
    "config.PlatformSelection": {
        "architecture": "string",
        "os": "string",
        "os.version": "string",
        "os.features": "[]string",
        "variant": "string",
        "features": "[]string",
    },
    "config.ImageDestination": {**_MATCH, "newImage": "string", "tags": "[]string"},
    "config.SearchRule": {
        "keyMatcher": "config.SearchRuleKeyMatcher",
        "valueMatcher": "config.SearchRuleValueMatcher",
        "updateStrategy": "config.SearchRuleUpdateStrategy",
    },
    "config.SearchRuleKeyMatcher": {"name": "string", "path": "resources.Path"},
    "config.SearchRuleValueMatcher": _MATCH,
    "config.SearchRuleUpdateStrategy": {
        "none": "config.SearchRuleUpdateStrategyNone",
        "entireValue": "config.SearchRuleUpdateStrategyEntireString",
        "json": "config.SearchRuleUpdateStrategyJSON",
        "yaml": "config.SearchRuleUpdateStrategyYAML",
    },
    "config.SearchRuleUpdateStrategyNone": {},
    "config.SearchRuleUpdateStrategyEntireString": {},
    "config.SearchRuleUpdateStrategyJSON": {"searchRules": "[]config.SearchRule"},
    "config.SearchRuleUpdateStrategyYAML": {"searchRules": "[]config.SearchRule"},
    "config.Origin": {
        "local": "config.OriginLocal",
        "git": "config.OriginGit",
        "resolved": "config.OriginResolved",
        "tagged": "config.OriginTagged",
        "preresolved": "config.OriginPreresolved",
        "platformSelected": "config.OriginPlatformSelected",
    },
    "config.OriginLocal": {"path": "string"},
    "config.OriginGit": {"remoteURL": "string", "sha": "string", "dirty": "bool", "tags": "[]string"},
    "config.OriginResolved": {"url": "string", "tag": "string"},
    "config.OriginTagged": {"tags": "[]string"},
    "config.OriginPreresolved": {"url": "string"},
    "config.OriginPlatformSelected": {
        "index": "string",
        "os": "string",
        "architecture": "string",
        "variant": "string",
    },
    IMAGES_LOCK: {"apiVersion": "string", "kind": "string", "images": "[]lockconfig.ImageRef"},
    "lockconfig.ImageRef": {"image": "string", "annotations": "map[string]string"},
    "cmd.imageStruct": {"url": "string", "origins": "[]interface {}"},
}
_WITH_EMBEDDED_MATCH = ("config.Source", "config.ImageOverride", "config.ImageDestination")
_STRICT = (IMAGES_LOCK, "lockconfig.ImageRef")


def shaped(value: Any, shape: str) -> Any:
    """``value`` as ``shape``: mappings with known keys only, lists, texts, booleans; what is null is left out.

    Keys begin with a small letter. Numbers and booleans where a text belongs become its digits or its name, save in
    the reference that a record says of its image. Raises InputError.
    """
    shaping = _Shaping()
    found = shaping.shaped(value, shape, "", "")
    if shaping.first_refusal is not None:
        raise shaping.first_refusal
    return found


class _Shaping:
    """One value being read. Like Go's decoder it reads on after what does not fit, and tells the first of that.

    What is no part of a path ends it at once. Where something did not fit, None stands in the result.
    """

    def __init__(self) -> None:
        self.first_refusal: InputError | None = None

    def shaped(self, value: Any, shape: str, owner: str, place: str) -> Any:
        if shape == "string":
            return self._text(value, owner, place)
        if shape == "interface {}":
            return value
        if shape == "bool":
            return value if isinstance(value, bool) else self._refuse(value, shape, owner, place)
        if shape == "resources.Path" or shape.startswith("[]"):
            if not isinstance(value, list):
                return self._refuse(value, shape, owner, place)
            if shape == "resources.Path":
                return [_path_part(part) for part in value]
            return [self._member(item, shape[2:], owner, place) for item in value]
        if not isinstance(value, Mapping):
            return self._refuse(value, shape, owner, place)
        if shape == "map[string]string":
            return {key: self._member(text, "string", owner, place) for key, text in value.items()}
        return self._record(value, shape, place)

    def _record(self, value: Mapping[str, Any], shape: str, place: str) -> dict[str, Any]:
        known = _RECORDS[shape]
        in_any_case = {key.lower(): key for key in known}
        owner = shape.rpartition(".")[2]
        found: dict[str, Any] = {}
        for given in sorted(value):
            key = given if given in known else in_any_case.get(given.lower())
            if key is None and shape in _STRICT:
                self._keep(InputError(f'json: unknown field "{given}"'))
            if key is None or value[given] is None:
                continue
            embedded = key in _MATCH and shape in _WITH_EMBEDDED_MATCH
            inside = f"{place}.ImageRef.{key}" if embedded else f"{place}.{key}".lstrip(".")
            own = key[0].lower() + key[1:]
            if embedded and not isinstance(value[given], str):
                found[own] = self._refuse(value[given], "string", owner, inside)
            else:
                found[own] = self.shaped(value[given], known[key], owner, inside)
        return found

    def _member(self, value: Any, shape: str, owner: str, place: str) -> Any:
        if value is None:
            return {"string": "", "interface {}": None}.get(shape, {})
        return self.shaped(value, shape, owner, place)

    def _text(self, value: Any, owner: str, place: str) -> str | None:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, float):
            return _float_text(value)
        return value if isinstance(value, str) else self._refuse(value, "string", owner, place)

    def _refuse(self, value: Any, shape: str, owner: str, place: str) -> Any:
        """None, to stand in the result."""
        where = f"Go struct field {owner}.{place}" if owner else "Go value"
        self._keep(InputError(f"json: cannot unmarshal {json_kind(value)} into {where} of type {shape}"))
        return None

    def _keep(self, refusal: InputError) -> None:
        self.first_refusal = self.first_refusal or refusal


def _float_text(value: float) -> str:
    """As Go's shortest ``%g`` of 32 bits: with an exponent from a million on."""
    single = _single(value)
    if single in (math.inf, -math.inf):
        return "+Inf" if single > 0 else "-Inf"
    text = next(t for t in (f"{single:.{digits}e}" for digits in range(9)) if _single(float(t)) == single)
    mantissa, _, exponent = text.partition("e")
    if not -4 <= int(exponent) < 6:
        return text
    return f"{float(text):.{max(len(mantissa.partition('.')[2]) - int(exponent), 0)}f}"


def _single(value: float) -> float:
    """The nearest number of 32 bits."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _path_part(part: Any) -> Any:
    """A key, or a mapping with ``index`` or ``allIndexes`` or neither. Raises InputError."""
    if isinstance(part, str):
        return part
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise InputError("Unknown path part")
    known = {key.lower(): value for key, value in part.items() if value is not None}
    index, every = known.get("index"), known.get("allindexes")
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    sound = index is None or (isinstance(index, int) and not isinstance(index, bool) and abs(index) < 1 << 63)
    if not sound or not isinstance(every, bool | None):
        raise InputError("Unknown path part")
    return {k: v for k, v in (("index", index), ("allIndexes", every)) if v is not None}
