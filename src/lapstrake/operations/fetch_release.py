"""The source ``githubRelease``: assets of a release of a repository at GitHub."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from lapstrake.adapters import archives
from lapstrake.adapters.file_tree import inner_path, remove
from lapstrake.errors import InputError
from lapstrake.http.downloads import Downloads, Request, StatusError
from lapstrake.http.redaction import without_passwords
from lapstrake.json_text import from_json
from lapstrake.messages import reason
from lapstrake.operations.fetch_http import HttpFiles
from lapstrake.operations.fetch_inline import secret_with
from lapstrake.operations.sync import FetchRequest
from lapstrake.operations.tag_selection import selected_tag
from lapstrake.vendir import schema
from lapstrake.vendir.config import Contents, References
from lapstrake.vendir.globs import matcher

_API = "https://api.github.com"
_LARGEST_ANSWER = 32 << 20
_PER_PAGE = 40
_MOST_PAGES = 500
_TOKEN_HINT = "consider setting VENDIR_GITHUB_API_TOKEN env variable to increase API rate limits"
_HINTS_FOR_ASSETS = {401: _TOKEN_HINT, 403: _TOKEN_HINT}
_HINTS = {
    **_HINTS_FOR_ASSETS,
    404: "if you are using 'latest: true', there may not be any non-pre-release releases",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    name: str
    url: str
    size: int


class Releases:
    """Fetches releases with the token of the environment, unless a Secret brings its own."""

    def __init__(self, downloads: Downloads, token: str = "") -> None:
        self._downloads = downloads
        self._token = token

    def check(self, contents: Contents, references: References) -> None:
        """Raises InputError if the Secret is absent or holds something other than a token."""
        self._token_for(contents, references)

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        token = self._token_for(request.contents, request.references)
        return _Fetch(request, self._downloads, token).run()

    def _token_for(self, contents: Contents, references: References) -> bytes:
        try:
            own = secret_with(references, contents.source.get("secretRef"), ("token",))
        except InputError as e:
            raise InputError(f"Getting auth token: {e}") from e
        return own.get("token", self._token.encode(errors="surrogateescape"))


class _Fetch:
    def __init__(self, request: FetchRequest, downloads: Downloads, token: bytes) -> None:
        self._request = request
        self._downloads = downloads
        self._source = request.contents.source
        self._headers = {"Authorization": f"token {token.decode(errors='surrogateescape')}"} if token else {}

    def run(self) -> Mapping[str, Any]:
        url, release = self._release()
        os.makedirs(self._request.into, 0o700, exist_ok=True)
        unpacked = self._source.get("unpackArchive")
        if (http := self._source.get("http")) is not None:
            self._fetch_http(http, str(release.get("tag_name") or ""))
        else:
            assets = self._chosen(_assets(release))
            self._fetch_assets(assets, url, str(release.get("body") or ""))
        if unpacked is not None:
            self._unpack(str(unpacked.get("path") or ""))
        tag = release.get("tag_name")
        return {**({"tag": tag} if tag else {}), "url": release.get("url", "")}

    def _release(self) -> tuple[str, Mapping[str, Any]]:
        """Where the release is described, and the description."""
        try:
            url = self._release_url()
            release: Mapping[str, Any] = self._json(url, schema.RELEASE)
        except InputError as e:
            raise InputError(f"Downloading release info: {e}") from e
        return url, release

    def _release_url(self) -> str:
        source = self._source
        if source.get("url"):
            return str(source["url"])
        try:
            return f"{_API}/repos/{source.get('slug', '')}/releases/{self._which()}"
        except InputError as e:
            raise InputError(f"getting release URL: {e}") from e

    def _which(self) -> str:
        source = self._source
        if source.get("tag"):
            return f"tags/{source['tag']}"
        if (selection := source.get("tagSelection")) is not None:
            return f"tags/{selected_tag(self._tags(), selection)}"
        if source.get("latest"):
            return "latest"
        raise InputError("Expected to have non-empty tag, tagSelection, latest or url")

    def _tags(self) -> list[str]:
        """All tags of the repository, also those without a release."""
        owner, _, name = str(self._source.get("slug") or "").partition("/")
        found: list[str] = []
        for page in range(1, _MOST_PAGES + 1):
            tags = self._json(
                f"{_API}/repos/{owner}/{name}/tags?page={page}&per_page={_PER_PAGE}", schema.TAGS
            )
            found += [tag["name"] for tag in tags if "name" in tag]
            if len(tags) < _PER_PAGE:
                break
        return found

    def _json(self, url: str, kind: schema.Type) -> Any:
        shown = without_passwords(url)
        try:
            answer = self._downloads.read(Request(url, self._headers), _LARGEST_ANSWER)
        except StatusError as e:
            raise InputError(f"Downloading release details from {shown} : {_told(e, _HINTS)}") from e
        except InputError as e:
            raise InputError(f"Downloading release details from {shown} : {e}") from e
        try:
            return schema.decode(from_json(answer), kind)
        except InputError as e:
            raise InputError(f"Parsing response from: {shown} error: {e}") from e

    def _chosen(self, assets: Sequence[_Asset]) -> Sequence[_Asset]:
        patterns = self._source.get("assetNames")
        if not patterns:
            return assets
        chosen = []
        for asset in assets:
            try:
                if matcher(patterns, cleaned=False)(asset.name):
                    chosen.append(asset)
            except InputError as e:
                raise InputError(f"Matching asset name '{asset.name}': syntax error in pattern") from e
        return chosen

    def _fetch_assets(self, assets: Sequence[_Asset], url: str, notes: str) -> None:
        sums = self._checksums(assets, notes)
        for asset in assets:
            # The token is for the server that described the release, whatever addresses it lists.
            trusted = urlsplit(asset.url).netloc == urlsplit(url).netloc
            self._fetch_asset(asset, self._headers if trusted else {}, sums)

    def _checksums(self, assets: Sequence[_Asset], notes: str) -> Mapping[str, str] | None:
        """Name → sha256 (hex); None if they are not to be compared."""
        if given := self._source.get("checksums"):
            return {str(name): str(digest) for name, digest in given.items()}
        if self._source.get("disableAutoChecksumValidation"):
            return None
        try:
            return {asset.name: _checksum_in(notes, asset.name) for asset in assets}
        except InputError as e:
            raise InputError(f"Finding checksums in release notes: {e}") from e

    def _fetch_asset(self, asset: _Asset, headers: Mapping[str, str], sums: Mapping[str, str] | None) -> None:
        path = inner_path(self._request.into, asset.name)
        digest = self._download(asset, headers, path)
        os.chmod(path, 0o644)
        if (size := os.path.getsize(path)) != asset.size:
            raise InputError(
                f"Checking asset '{asset.name}' size: Expected file size to be {asset.size}, but was {size}"
            )
        if sums is None:
            return
        if not (expected := sums.get(asset.name)):
            raise InputError(f"Expected checksums to list asset '{asset.name}'")
        if digest != expected:
            raise InputError(
                f"Checking asset '{asset.name}' checksum: "
                f"Expected file checksum to be '{expected}', but was '{digest}'"
            )

    def _download(self, asset: _Asset, headers: Mapping[str, str], path: str) -> str:
        headers = {**headers, "Accept": "application/octet-stream"}
        try:
            return self._downloads.save(Request(asset.url, headers, asset.name), path)
        except OSError as e:
            raise InputError(f"Downloading asset '{asset.name}': open {path}: {reason(e)}") from e
        except StatusError as e:
            raise InputError(f"Downloading asset '{asset.name}': {_told(e, _HINTS_FOR_ASSETS)}") from e
        except InputError as e:
            raise InputError(f"Downloading asset '{asset.name}': {e}") from e

    def _fetch_http(self, http: Mapping[str, Any], tag: str) -> None:
        source = {**http, "url": str(http.get("url") or "").replace("{tag}", tag)}
        try:
            HttpFiles(self._downloads).fetch(source, self._request)
        except InputError as e:
            raise InputError(f"Fetching http asset: {e}") from e

    def _unpack(self, path: str) -> None:
        archive = os.path.normpath(f"{self._request.into}/{path}")
        if not f"{archive}/".startswith(f"{self._request.into}/") or not os.path.lexists(archive):
            raise InputError(f"Unpacking archive '{path}' is not part of the github release")
        moved = os.path.join(self._request.scratch, "archive")
        os.replace(archive, moved)
        remove(self._request.into)
        os.makedirs(self._request.into, 0o700)
        if not (os.path.isfile(moved) and archives.unpack(moved, self._request.into)):
            raise InputError("Expected known archive type (zip, tgz, tar)")


def _told(error: StatusError, hints: Mapping[int, str]) -> str:
    hint = f" (hint: {hints[error.status]}) (body: '{error.body}')" if error.status in hints else ""
    return f"Expected response status 200, but was '{error.status}'{hint}"


def _assets(release: Mapping[str, Any]) -> list[_Asset]:
    return [
        _Asset(asset.get("name", ""), asset.get("url", ""), asset.get("size", 0))
        for asset in release.get("assets", ())
    ]


def _checksum_in(notes: str, name: str) -> str:
    """The sha256 on the line of ``name``: ``HEX  NAME``, perhaps with ./ or / before the name."""
    blank = r"[\t\f\r ]"
    found = re.search(rf"(?m)^{blank}*([a-f0-9]{{64}}){blank}+(?:\./|/)?{re.escape(name)}{blank}*$", notes)
    if found is None:
        raise InputError(f"Expected to find sha256 checksum for file '{name}'")
    return found.group(1)
