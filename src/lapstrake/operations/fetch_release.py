"""The source ``githubRelease``: assets of a release, checked against its checksums."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.adapters import archives
from lapstrake.adapters.download import Request, download, download_to
from lapstrake.adapters.file_tree import inner_path, remove
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret
from lapstrake.operations.sync import FetchRequest
from lapstrake.operations.tag_selection import selected_tag
from lapstrake.vendir.globs import matcher

_API = "https://api.github.com"
_LARGEST_ANSWER = 32 << 20


class Releases:
    """Fetches releases with the token of the environment, unless a Secret brings its own."""

    def __init__(self, token: str = "") -> None:
        self._token = token

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        source = request.contents.source
        own = secret(request.references, source.get("secretRef")).get("token", b"").decode()
        return _Fetch(request, own or self._token).run()


class _Fetch:
    def __init__(self, request: FetchRequest, token: str) -> None:
        self._request = request
        self._source = request.contents.source
        self._headers = {"Authorization": f"token {token}"} if token else {}

    def run(self) -> Mapping[str, Any]:
        release = self._json(self._release_url())
        assets = self._chosen(release.get("assets") or [])
        sums = self._checksums(assets, str(release.get("body") or ""))
        os.makedirs(self._request.into, 0o700, exist_ok=True)
        for asset in assets:
            self._fetch_asset(asset, sums.get(str(asset["name"])))
        self._unpack()
        return {"tag": release.get("tag_name", ""), "url": release.get("url", "")}

    def _release_url(self) -> str:
        source = self._source
        if source.get("url"):
            return str(source["url"])
        slug = source.get("slug")
        if not slug:
            raise InputError("Expected non-empty slug")
        base = f"{_API}/repos/{slug}/releases"
        if source.get("latest"):
            return f"{base}/latest"
        tag = source.get("tag")
        if source.get("tagSelection") is not None:
            names = [str(r.get("tag_name")) for r in self._json(f"{base}?per_page=100")]
            tag = selected_tag(names, source["tagSelection"])
        if not tag:
            raise InputError("Expected to have non-empty tag, tag selection, latest or url")
        return f"{base}/tags/{tag}"

    def _json(self, url: str) -> Any:
        try:
            return json.loads(download(Request(url, self._headers), _LARGEST_ANSWER))
        except (InputError, ValueError) as e:
            raise InputError(f"Downloading release info: {e}") from e

    def _chosen(self, assets: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        patterns = self._source.get("assetNames")
        if not patterns:
            return assets
        matches = matcher(patterns)
        found = [asset for asset in assets if matches(str(asset["name"]))]
        if not found:
            raise InputError("Expected to find at least one asset, but found none")
        return found

    def _checksums(self, assets: Sequence[Mapping[str, Any]], notes: str) -> Mapping[str, str]:
        if self._source.get("checksums"):
            given: Mapping[str, str] = self._source["checksums"]
            return given
        if self._source.get("disableAutoChecksumValidation"):
            return {}
        try:
            return {name: _checksum_in(notes, name) for name in (str(a["name"]) for a in assets)}
        except InputError as e:
            raise InputError(f"Finding checksums in release notes: {e}") from e

    def _fetch_asset(self, asset: Mapping[str, Any], checksum: str | None) -> None:
        name = str(asset["name"])
        path = inner_path(self._request.into, name)
        try:
            headers = {**self._headers, "Accept": "application/octet-stream"}
            digest = download_to(Request(str(asset["url"]), headers), path)
        except InputError as e:
            raise InputError(f"Downloading asset '{name}': {e}") from e
        os.chmod(path, 0o644)
        size = asset.get("size")
        if isinstance(size, int) and os.path.getsize(path) != size:
            actual = os.path.getsize(path)
            raise InputError(
                f"Checking asset '{name}' size: Expected file size to be {size}, but was {actual}"
            )
        if checksum and digest != checksum:
            raise InputError(
                f"Checking asset '{name}' checksum: Expected file checksum to be '{checksum}', but was '{digest}'"
            )

    def _unpack(self) -> None:
        path = (self._source.get("unpackArchive") or {}).get("path")
        if not path:
            return
        archive = inner_path(self._request.into, str(path))
        if not os.path.isfile(archive):
            raise InputError(f"Unpacking archive '{path}': stat {path}: no such file or directory")
        moved = os.path.join(self._request.scratch, "archive")
        os.replace(archive, moved)
        remove(self._request.into)
        os.makedirs(self._request.into, 0o700)
        if not archives.unpack(moved, self._request.into):
            raise InputError(f"Unpacking archive '{path}': Expected known archive type (zip, tgz, tar)")


def _checksum_in(notes: str, name: str) -> str:
    """The sha256 on the line of ``name``: ``HEX  NAME``, perhaps with ./ or / before the name."""
    found = re.search(rf"(?m)^\s*([a-f0-9]{{64}})\s+(?:\./|/)?{re.escape(name)}\s*$", notes)
    if found is None:
        raise InputError(f"Expected to find sha256 checksum for file '{name}'")
    return found.group(1)
