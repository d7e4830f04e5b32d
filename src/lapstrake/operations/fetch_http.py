"""The source ``http``: one file by its URL, unpacked if it is an archive."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from lapstrake.adapters import archives
from lapstrake.errors import InputError
from lapstrake.http.downloads import BrokenError, Downloads, Request, StatusError, basic_authorization
from lapstrake.http.urls import UrlError, refuse_unusable
from lapstrake.operations.fetch_inline import secret_with
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import References

_KEYS_OF_SECRET = ("username", "password")


class HttpFiles:
    """Fetches with ``downloads``."""

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    def __call__(self, request: FetchRequest) -> Mapping[str, Any]:
        self.fetch(request.contents.source, request)
        return {}

    def fetch(self, source: Mapping[str, Any], request: FetchRequest) -> None:
        """Put what ``source`` names into the request's folder. Raises InputError."""
        url = str(source.get("url") or "")
        if not url:
            raise InputError("Expected non-empty URL")
        downloaded = os.path.join(request.scratch, "download")
        try:
            self._download(source, request.references, url, downloaded)
        except InputError as e:
            raise InputError(f"Downloading URL: {e}") from e
        os.makedirs(request.into, 0o700, exist_ok=True)
        if source.get("disableUnpack"):
            archives.single_file(downloaded, request.into, _name_of_packed(url), 0o600)
        elif not self._unpacked(downloaded, request.into):
            name = posixpath.basename(unquote(urlsplit(url).path)) or "content"
            archives.single_file(downloaded, request.into, name, 0o644)

    def _download(self, source: Mapping[str, Any], references: References, url: str, path: str) -> None:
        _refuse_unreadable(url)
        try:
            headers = _authorization(source, references)
        except InputError as e:
            raise InputError(f"Adding auth to request: {e}") from e
        try:
            digest = self._downloads.save(Request(url, headers), path)
        except StatusError:
            raise
        except BrokenError as e:
            raise InputError(f"Writing downloaded content: {e}") from e
        except InputError as e:
            raise InputError(f"Initiating URL download: {e}") from e
        expected = str(source.get("sha256") or "")
        if expected and digest != expected:
            raise InputError(f"Expected digest to match 'sha256:{expected}', but was 'sha256:{digest}'")

    def _unpacked(self, archive: str, into: str) -> bool:
        if not os.path.getsize(archive):
            return True  # a tar without entries
        try:
            return archives.unpack(archive, into)
        except InputError as e:
            raise InputError(f"Unpacking archive: {e}") from e


def _refuse_unreadable(url: str) -> None:
    """What is a URL, but none that can be asked for, is told later."""
    try:
        refuse_unusable(url)
    except UrlError as e:
        raise InputError(f"Building request: {e}") from e
    except InputError:
        pass


def _name_of_packed(url: str) -> str:
    """The last part of the URL as it is written, with its query; never a name and password."""
    shown = re.sub(r"^([^/?#]*//)[^/?#]*@", r"\1", url)
    return posixpath.basename(shown.rstrip("/"))


def _authorization(source: Mapping[str, Any], references: References) -> Mapping[str, str]:
    """A name, even an empty one, is sent; a password alone is not."""
    credentials = secret_with(references, source.get("secretRef"), _KEYS_OF_SECRET)
    if "username" not in credentials:
        return {}
    return basic_authorization(credentials["username"], credentials.get("password", b""))
