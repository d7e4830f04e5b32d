"""Which cloud is asked for which registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lapstrake.errors import LapstrakeError

Login = tuple[str, str]  # name and password
Ask = Callable[[str, Mapping[str, str]], Login | None]


def cloud_login(names: Sequence[str], host: str, environment: Mapping[str, str]) -> Login | None:
    """What the first of ``names`` that knows ``host`` answers.

    A cloud that cannot be asked is passed over: many images need no credentials.
    """
    for name in names:
        try:
            login = _asker(name)(host, environment)
        except (LapstrakeError, OSError, ValueError, KeyError, TypeError):
            continue
        if login is not None:
            return login
    return None


def _asker(name: str) -> Ask:
    if name == "gke":
        from lapstrake.distribution.keychains import gke

        return gke.login
    if name == "ecr":
        from lapstrake.distribution.keychains import ecr

        return ecr.login
    if name == "aks":
        from lapstrake.distribution.keychains import aks

        return aks.login
    return _github


def _github(host: str, environment: Mapping[str, str]) -> Login | None:
    token = environment.get("GITHUB_TOKEN", "")
    return ("unset", token) if token and host == "ghcr.io" else None
