"""How vendir names the source of contents while it fetches them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.vendir.config import Contents
from lapstrake.yamldoc import gojson


def source_line(contents: Contents) -> str:
    """``git from URL@REF``, ``image from URL``, ``inline``, ..."""
    source = contents.source
    if contents.kind in ("git", "hg"):
        return f"{contents.kind} from {source.get('url', '')}@{_ref(source)}"
    if contents.kind == "http":
        return f"http from {source.get('url', '')}"
    if contents.kind == "image":
        return f"image from {source.get('url', '')}{_tag(source)}"
    if contents.kind == "imgpkgBundle":
        return f"imgpkgBundle from {source.get('image', '')}{_tag(source)}"
    if contents.kind == "githubRelease":
        return f"github release {_release(source)}"
    if contents.kind == "helmChart":
        return f"helm chart from {_chart(source)}"
    return contents.kind


def _ref(source: Mapping[str, Any]) -> str:
    selection = source.get("refSelection")
    return _json(selection) if selection is not None else str(source.get("ref", ""))


def _tag(source: Mapping[str, Any]) -> str:
    selection = source.get("tagSelection")
    return f":tag={_json(selection)}" if selection is not None else ""


def _release(source: Mapping[str, Any]) -> str:
    if source.get("url"):
        return str(source["url"])
    if source.get("latest"):
        return f"{source.get('slug', '')}@latest"
    selection = source.get("tagSelection")
    if selection is None and not source.get("tag"):
        return ""
    tag = f"tag={_json(selection)}" if selection is not None else source.get("tag", "")
    return f"{source.get('slug', '')}@{tag}"


def _chart(source: Mapping[str, Any]) -> str:
    repository = source.get("repository") or {}
    prefix = f"{repository['url']}@" if repository.get("url") else ""
    return f"{prefix}{source.get('name', '')}:{source.get('version') or 'latest'}"


def _json(value: Any) -> str:
    return gojson.dumps(value, html_escape=False)
