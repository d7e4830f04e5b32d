"""How vendir names the source of contents while it fetches them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.http.redaction import without_passwords
from lapstrake.vendir.config import Contents
from lapstrake.yamldoc import gojson


def source_line(contents: Contents) -> str:
    """``git from URL@REF``, ``image from URL``, ``inline``, ..., without names and passwords for http."""
    source = contents.source
    if contents.kind in ("git", "hg"):
        return f"{contents.kind} from {_address(source)}@{_ref(source)}"
    if contents.kind == "http":
        return f"http from {_address(source)}"
    if contents.kind == "image":
        return f"image from {_reference(source, 'url')}"
    if contents.kind == "imgpkgBundle":
        return f"imgpkgBundle from {_reference(source, 'image')}"
    if contents.kind == "githubRelease":
        return f"github release {_release(source)}"
    if contents.kind == "helmChart":
        return f"helm chart from {_chart(source)}"
    return contents.kind


def _ref(source: Mapping[str, Any]) -> str:
    if source.get("ref"):
        return str(source["ref"])
    selection = source.get("refSelection")
    return f"ref={_json(selection)}" if selection is not None else "?"


def _reference(source: Mapping[str, Any], key: str) -> str:
    if not source.get(key):
        return "?"
    selection = source.get("tagSelection")
    return f"{source[key]}:tag={_json(selection)}" if selection is not None else str(source[key])


def _release(source: Mapping[str, Any]) -> str:
    if source.get("url"):
        return _address(source)
    slug = source.get("slug", "")
    if source.get("tag"):
        return f"{slug}@{source['tag']}"
    if (selection := source.get("tagSelection")) is not None:
        semver = selection.get("semver")
        return f"{slug}@" if semver is None else f"{slug}@[{semver.get('constraints', '')}]"
    return f"{slug}@latest" if source.get("latest") else ""


def _chart(source: Mapping[str, Any]) -> str:
    repository = source.get("repository") or {}
    prefix = f"{_address(repository)}@" if repository.get("url") else ""
    return f"{prefix}{source.get('name', '')}:{source.get('version') or 'latest'}"


def _address(source: Mapping[str, Any]) -> str:
    url = str(source.get("url") or "")
    return without_passwords(url) if url.startswith(("https://", "http://")) else url


def _json(value: Any) -> str:
    return gojson.dumps(value, html_escape=False)
