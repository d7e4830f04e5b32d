"""The usual fetcher of each kind of source that vendir knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from lapstrake.errors import InputError
from lapstrake.http.downloads import standard_downloads
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

_QUANTITY = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_UNITS = {
    **dict(
        zip(
            ("n", "u", "m", "", "k", "M", "G", "T", "P", "E"),
            (10.0 ** (3 * i) for i in range(-3, 7)),
            strict=True,
        )
    ),
    **{f"{unit}i": float(1 << (10 * power)) for power, unit in enumerate("KMGTPE", 1)},
}


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
    return Cache(folder, _bytes(environment.get("VENDIR_MAX_CACHE_SIZE") or "1Mi")) if folder else None


def _bytes(text: str) -> int:
    """A quantity as Kubernetes writes it, such as ``1Mi`` or ``1.5G``."""
    found = _QUANTITY.fullmatch(text)
    unit = found[2] if found else None
    if found and unit in _UNITS and found[1].count(".") < 2 and found[1].strip("+-."):
        return int(float(found[1]) * _UNITS[found[2]])
    raise InputError(
        "Unable to create cache: Unable to process maximum amount allowed to cache: quantities must match "
        f"the regular expression '^{_QUANTITY.pattern}$'"
    )
