"""The source ``http``: one file by its URL, unpacked if it is an archive."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lapstrake.adapters import archives
from lapstrake.adapters.download import Request, basic_authorization, download_to
from lapstrake.errors import InputError
from lapstrake.operations.fetch_inline import secret
from lapstrake.operations.sync import FetchRequest

_KEYS_OF_SECRET = ("username", "password")


def fetch_http(request: FetchRequest) -> Mapping[str, Any]:
    source = request.contents.source
    url = str(source.get("url") or "")
    if not url:
        raise InputError("Expected non-empty URL")
    credentials = secret(request.references, source.get("secretRef"))
    if unknown := next((key for key in credentials if key not in _KEYS_OF_SECRET), None):
        raise InputError(f"Unknown secret field '{unknown}' in secret '{source['secretRef'].get('name')}'")
    username, password = (credentials.get(key, b"").decode() for key in _KEYS_OF_SECRET)
    downloaded = os.path.join(request.scratch, "download")
    try:
        digest = download_to(Request(url, basic_authorization(username, password)), downloaded)
        expected = str(source.get("sha256") or "")
        if expected and digest != expected:
            raise InputError(f"Expected digest to match 'sha256:{expected}', but was 'sha256:{digest}'")
    except InputError as e:
        raise InputError(f"Downloading URL: {e}") from e
    os.makedirs(request.into, 0o700, exist_ok=True)
    name = posixpath.basename(urlsplit(url).path) or "index"
    if source.get("disableUnpack"):
        archives.single_file(downloaded, request.into, name, 0o600)
    elif not archives.unpack(downloaded, request.into):
        archives.single_file(downloaded, request.into, name, 0o644)
    return {}
