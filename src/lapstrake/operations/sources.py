"""The usual fetcher of each kind of source that vendir knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from lapstrake.errors import InputError
from lapstrake.http.downloads import standard_downloads
from lapstrake.kube.quantity import whole_quantity
from lapstrake.operations.fetch_chart import Charts
from lapstrake.operations.fetch_git import fetch_git
from lapstrake.operations.fetch_hg import fetch_hg
from lapstrake.operations.fetch_http import HttpFiles
from lapstrake.operations.fetch_image import Cache, ImageFetcher, Images
from lapstrake.operations.fetch_inline import fetch_inline
from lapstrake.operations.fetch_release import Releases
from lapstrake.operations.registry_login import RegistryLogin
from lapstrake.operations.sync import Fetch
from lapstrake.operations.transfers import UNWATCHED, Transfers, watched


def standard_fetchers(
    environment: Mapping[str, str],
    open_images: Callable[[RegistryLogin], Images],
    transfers: Transfers = UNWATCHED,
) -> Mapping[str, Fetch]:
    """``environment`` may name helm's programs, proxies, a GitHub token, and a cache (vendir's VENDIR_* variables)."""
    cache = _cache(environment)
    downloads = standard_downloads(environment, partial(watched, transfers))
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
    if not folder:
        return None
    try:
        return Cache(folder, whole_quantity(environment.get("VENDIR_MAX_CACHE_SIZE") or "1Mi"))
    except InputError as e:
        raise InputError(
            f"Unable to create cache: Unable to process maximum amount allowed to cache: {e}"
        ) from e
