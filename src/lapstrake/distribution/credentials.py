"""Who we are to a registry: environment variables, keychains, flags, docker's configuration, in this order.

Source: facts on imgpkg, "Registry access"; the first answer that is not anonymous wins, and a group of variables
for the host is an answer even if it holds no credentials.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lapstrake.distribution.docker_config import HelperFailed, UnreadableConfig, docker_credentials
from lapstrake.errors import InputError
from lapstrake.http.urls import UrlError, refuse_unusable
from lapstrake.oci.reference import DEFAULT_REGISTRY, Repository, check_host

_KEYCHAINS = ("aks", "ecr", "gke", "github")
_ALL_KEYCHAINS = ("gke", "ecr", "aks", "github")  # in the order in which they are asked
_FIELDS = ("HOSTNAME", "USERNAME", "PASSWORD", "IDENTITY_TOKEN", "REGISTRY_TOKEN")
_REMEMBERED = 300.0  # seconds for which an answer is not asked for again


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name with a password, a token to exchange (identity) or a token to send as it is (registry)."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __bool__(self) -> bool:
        return self != Credentials()

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, ...)"


@dataclass(frozen=True, slots=True)
class CredentialOptions:
    """What flags say; empty texts stand for flags not given."""

    username: str = ""
    password: str = ""
    token: str = ""
    anonymous: bool = False


class Credentialed:
    """Finds credentials for repositories, asking each source in its order. Serves all threads."""

    def __init__(
        self,
        options: CredentialOptions,
        environment: Mapping[str, str],
        prefix: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``prefix`` begins the names of the variables (IMGPKG, KBLD). Raises InputError for an unknown keychain."""
        self._environment = environment
        self._prefix = prefix
        self._clock = clock
        self._explicit, self._anonymous = _explicit(options, environment, prefix)
        self._keychains = _keychains(environment, prefix)
        self._known: dict[Repository, tuple[float, Credentials]] = {}
        self._lock = threading.Lock()

    def of(self, repository: Repository) -> Credentials:
        """Empty credentials mean anonymous. Raises InputError for variables and files that mean nothing."""
        with self._lock:
            end, found = self._known.get(repository, (0.0, Credentials()))
            if self._clock() >= end:
                found = self._asked(repository)
                self._known[repository] = self._clock() + _REMEMBERED, found
            return found

    def _asked(self, repository: Repository) -> Credentials:
        group = self._from_environment(repository)
        if group is not None:
            return group
        found = self._from_keychains(repository) or self._explicit
        if found or self._anonymous:
            return found
        try:
            return Credentials(**docker_credentials(repository, self._environment))
        except InputError as error:
            raise InputError(self._told(error)) from error

    def _told(self, error: InputError) -> str:
        if self._prefix != "IMGPKG":
            return str(error)
        text = str(error)
        if isinstance(error, UnreadableConfig):
            text = f"loading config file: {error.path}: : {error.reason}"
        if not (isinstance(error, HelperFailed) and error.misused):
            text = f"Retried 5 times: {text}"
        return f"Unable retrieve credentials for registry: {text}"

    def _from_environment(self, repository: Repository) -> Credentials | None:
        imgpkgs = self._prefix == "IMGPKG"
        try:
            groups = _environment_groups(self._environment, f"{self._prefix}_REGISTRY_")
            if not imgpkgs:
                for hostname, _ in groups:
                    _check_host(hostname)
            for hostname, credentials in sorted(groups, key=lambda group: group[0], reverse=True):
                if hostname and (_covers if imgpkgs else _is_host_of)(hostname, repository):
                    return credentials
        except InputError as error:
            before = "Unable retrieve credentials for registry: " if imgpkgs else ""
            raise InputError(before + str(error)) from error
        return None

    def _from_keychains(self, repository: Repository) -> Credentials:
        if not self._keychains:
            return Credentials()
        from lapstrake.distribution.keychains.clouds import cloud_login

        found = cloud_login(self._keychains, repository.registry, self._environment)
        return Credentials(*found) if found else Credentials()


def _explicit(
    options: CredentialOptions, environment: Mapping[str, str], prefix: str
) -> tuple[Credentials, bool]:
    if prefix != "IMGPKG":  # only imgpkg reads these short variables
        environment = {}
    username = options.username or environment.get(f"{prefix}_USERNAME", "")
    password = options.password or environment.get(f"{prefix}_PASSWORD", "")
    token = options.token or environment.get(f"{prefix}_TOKEN", "")
    anonymous = options.anonymous or environment.get(f"{prefix}_ANON", "") == "true"
    if username:
        return Credentials(username=username, password=password), anonymous
    return Credentials(registry_token=token), anonymous


def _keychains(environment: Mapping[str, str], prefix: str) -> Sequence[str]:
    if environment.get(f"{prefix}_ENABLE_IAAS_AUTH") == "true":
        return _ALL_KEYCHAINS
    active = environment.get(f"{prefix}_ACTIVE_KEYCHAINS", "")
    # Nothing between two commas is the name of an unknown keychain.
    names = [name.strip() for name in active.split(",")] if active else []
    for name in names:
        if name not in _KEYCHAINS:
            known = ", ".join(_KEYCHAINS)
            raise InputError(
                f"Creating registry keychain: Unable to load keychain for {name}, available keychains [{known}]"
            )
    return names


def _environment_groups(environment: Mapping[str, str], prefix: str) -> list[tuple[str, Credentials]]:
    """(hostname, credentials) for each suffix of the variables' names, in the environment's order."""
    hostnames: dict[str, str] = {}
    groups: dict[str, Credentials] = {}
    for variable in environment:
        if not variable.startswith(prefix) or variable == f"{prefix}AZURE_CR_CONFIG":
            continue
        match = re.fullmatch(f"({'|'.join(_FIELDS)})((?:_.*)?)", variable[len(prefix) :])
        if not match:
            raise InputError(f"Unknown env variable '{variable}'")
        name, suffix = match.groups()
        if name == "HOSTNAME":
            hostnames[suffix] = environment[variable]
        else:
            group = groups.get(suffix, Credentials())
            groups[suffix] = replace(group, **{name.lower(): environment[variable]})
    return [(hostname, groups.get(suffix, Credentials())) for suffix, hostname in hostnames.items()]


def _check_host(hostname: str) -> None:
    """Raises InputError if ``hostname`` is empty or more than a host."""
    try:
        if not hostname:
            raise InputError("strict validation requires the registry to be explicitly defined")
        check_host(hostname)
    except InputError as error:
        raise InputError(f"Parsing registry hostname: {error} (e.g. gcr.io, index.docker.io)") from error


def _is_host_of(hostname: str, repository: Repository) -> bool:
    return _canonical(hostname) == repository.registry


def _covers(hostname: str, repository: Repository) -> bool:
    """Whether ``hostname`` (with ``*`` in its dotted parts, and maybe a path) is meant for the repository.

    Raises InputError if it cannot be part of a URL.
    """
    _refuse_unusable(hostname)
    host, _, path = re.sub(r"^https?://", "", hostname).partition("/")
    name, _, port = _canonical(host).partition(":")
    actual_name, _, actual_port = repository.registry.partition(":")
    patterns, parts = name.split("."), actual_name.split(".")
    if port != actual_port or len(patterns) != len(parts):
        return False
    if not all(_glob(pattern, part) for pattern, part in zip(patterns, parts, strict=True)):
        return False
    return repository.path.startswith(re.sub(r"^v[12]/", "", path))


def _refuse_unusable(hostname: str) -> None:
    try:
        refuse_unusable(hostname if re.match("https?://", hostname) else f"https://{hostname}")
    except UrlError as error:
        raise InputError(f"Parsing registry hostname: {error} (e.g. gcr.io, index.docker.io)") from error
    except InputError:
        pass  # a URL without a host is the host of no repository


def _canonical(host: str) -> str:
    return DEFAULT_REGISTRY if host == "docker.io" else host


def _glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in pattern.split("*")), text) is not None
