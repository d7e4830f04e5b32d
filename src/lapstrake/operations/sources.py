"""The usual fetcher of each kind of source that vendir knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from lapstrake.adapters.download import TIMEOUT, Downloads
from lapstrake.distribution.pools import HttpPools
from lapstrake.errors import InputError
from lapstrake.operations.fetch_chart import Charts
from lapstrake.operations.fetch_git import fetch_git
from lapstrake.operations.fetch_hg import fetch_hg
from lapstrake.operations.fetch_http import HttpFiles
from lapstrake.operations.fetch_image import Cache, ImageFetcher, Images, RegistryLogin
from lapstrake.operations.fetch_inline import fetch_inline
from lapstrake.operations.fetch_release import Releases
from lapstrake.operations.sync import Fetch
from lapstrake.operations.transfers import UNWATCHED, Transfers, watched

_UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "K": 10**3, "M": 10**6, "G": 10**9}


def standard_fetchers(
    environment: Mapping[str, str],
    open_images: Callable[[RegistryLogin], Images],
    transfers: Transfers = UNWATCHED,
) -> Mapping[str, Fetch]:
    """``environment`` may name helm's programs, proxies, a GitHub token, and a cache (vendir's VENDIR_* variables)."""
    cache = _cache(environment)
    opener = HttpPools(ca_cert_paths=(), verify_certs=True, timeout=TIMEOUT, environment=environment)
    downloads = Downloads(opener, partial(watched, transfers))
    return {
        "git": fetch_git,
        "hg": fetch_hg,
        "http": HttpFiles(downloads),
        "inline": fetch_inline,
        "image": ImageFetcher("image", open_images, cache),
        "imgpkgBundle": ImageFetcher("imgpkgBundle", open_images, cache),
        "githubRelease": Releases(downloads, environment.get("VENDIR_GITHUB_API_TOKEN", "")),
        "helmChart": Charts(environment.get("VENDIR_HELM_BINARY", "")),
    }


def _cache(environment: Mapping[str, str]) -> Cache | None:
    folder = environment.get("VENDIR_CACHE_DIR")
    return Cache(folder, _bytes(environment.get("VENDIR_MAX_CACHE_SIZE") or "1Mi")) if folder else None


def _bytes(text: str) -> int:
    for suffix, factor in _UNITS.items():
        if text.endswith(suffix) and text.removesuffix(suffix).isdigit():
            return int(text.removesuffix(suffix)) * factor
    if not text.isdigit():
        raise InputError(f"Parsing VENDIR_MAX_CACHE_SIZE '{text}': expected a number of bytes such as 1Mi")
    return int(text)
