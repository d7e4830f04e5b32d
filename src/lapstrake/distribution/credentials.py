"""Who we are to a registry: environment variables, flags, docker's configuration and its helpers.

Source: facts on imgpkg, "Registry access"; the first answer that is not anonymous wins.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lapstrake.errors import InputError
from lapstrake.oci.reference import DEFAULT_REGISTRY, Repository

KEYCHAINS = ("aks", "ecr", "gke", "github")

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_HELPER_TRIES = 5
_HELPER_SECONDS = 30.0
_FIELDS = ("HOSTNAME", "USERNAME", "PASSWORD", "IDENTITY_TOKEN", "REGISTRY_TOKEN")


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
    """Finds credentials for repositories, asking each source in its order."""

    def __init__(self, options: CredentialOptions, environment: Mapping[str, str], prefix: str) -> None:
        """``prefix`` begins the names of the variables (IMGPKG, KBLD). Raises InputError for an unknown keychain."""
        self._environment = environment
        self._prefix = prefix
        self._explicit, self._anonymous = _explicit(options, environment, prefix)
        self._keychains = _keychains(environment, prefix)

    def of(self, repository: Repository) -> Credentials:
        """Empty credentials mean anonymous. Raises InputError for variables that mean nothing."""
        found = self._from_environment(repository) or self._from_keychains(repository) or self._explicit
        if found or self._anonymous:
            return found
        return docker_credentials(repository, self._environment)

    def _from_environment(self, repository: Repository) -> Credentials:
        groups = _environment_groups(self._environment, f"{self._prefix}_REGISTRY_")
        for hostname, credentials in sorted(groups, key=lambda group: group[0], reverse=True):
            if hostname and _covers(hostname, repository):
                return credentials
        return Credentials()

    def _from_keychains(self, repository: Repository) -> Credentials:
        token = self._environment.get("GITHUB_TOKEN", "")
        if "github" in self._keychains and token and repository.registry == "ghcr.io":
            return Credentials(username="unset", password=token)
        return Credentials()


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
        return KEYCHAINS
    names = [name.strip() for name in environment.get(f"{prefix}_ACTIVE_KEYCHAINS", "").split(",")]
    for name in filter(None, names):
        if name not in KEYCHAINS:
            known = ", ".join(KEYCHAINS)
            raise InputError(
                f"Creating registry keychain: Unable to load keychain for {name}, available keychains [{known}]"
            )
    return names


def _environment_groups(environment: Mapping[str, str], prefix: str) -> list[tuple[str, Credentials]]:
    """(hostname, credentials) for each suffix of the variables' names."""
    hostnames: dict[str, str] = {}
    groups: dict[str, Credentials] = {}
    for variable in sorted(environment):
        if not variable.startswith(prefix) or variable == f"{prefix}AZURE_CR_CONFIG":
            continue
        match = re.fullmatch(f"({'|'.join(_FIELDS)})((?:_.*)?)", variable[len(prefix) :])
        if not match:
            raise InputError(f"Unable retrieve credentials for registry: Unknown env variable '{variable}'")
        name, suffix = match.groups()
        if name == "HOSTNAME":
            hostnames[suffix] = environment[variable]
        else:
            group = groups.get(suffix, Credentials())
            groups[suffix] = replace(group, **{name.lower(): environment[variable]})
    return [(hostname, groups.get(suffix, Credentials())) for suffix, hostname in hostnames.items()]


def _covers(hostname: str, repository: Repository) -> bool:
    """Whether ``hostname`` (with ``*`` in its dotted parts, and maybe a path) is meant for the repository."""
    host, _, path = re.sub(r"^https?://", "", hostname).partition("/")
    name, _, port = host.partition(":")
    actual_name, _, actual_port = repository.registry.partition(":")
    patterns, parts = name.split("."), actual_name.split(".")
    if port != actual_port or len(patterns) != len(parts):
        return False
    if not all(_glob(pattern, part) for pattern, part in zip(patterns, parts, strict=True)):
        return False
    return repository.path.startswith(path)


def _glob(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in pattern.split("*")), text) is not None


def docker_credentials(repository: Repository, environment: Mapping[str, str]) -> Credentials:
    """What docker's (or podman's) configuration holds for a repository; empty if there is none."""
    for path in _docker_configs(environment):
        try:
            with open(path, "rb") as file:
                config = json.load(file)
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise InputError(f"Unable retrieve credentials for registry: {path}: {error}") from error
        return (
            _from_docker_config(config, repository, environment)
            if isinstance(config, dict)
            else Credentials()
        )
    return Credentials()


def _docker_configs(environment: Mapping[str, str]) -> list[str]:
    folder = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", ""), ".docker")
    paths = [os.path.join(folder, "config.json")]
    if environment.get("REGISTRY_AUTH_FILE"):
        paths.append(environment["REGISTRY_AUTH_FILE"])
    if environment.get("XDG_RUNTIME_DIR"):
        paths.append(os.path.join(environment["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    return paths


def _from_docker_config(
    config: Mapping[str, object], repository: Repository, environment: Mapping[str, str]
) -> Credentials:
    host_key = _DOCKER_HUB_KEY if repository.registry == DEFAULT_REGISTRY else repository.registry
    auths, helpers = _table(config, "auths"), _table(config, "credHelpers")
    for key in (str(repository), host_key):
        helper = helpers.get(key) or config.get("credsStore")
        if isinstance(helper, str) and helper and (found := _ask_helper(helper, key, environment)):
            return found
        for name, entry in auths.items():
            if (
                isinstance(entry, dict)
                and (name == key or _bare(name) == _bare(key))
                and (found := _from_entry(entry))
            ):
                return found
    return Credentials()


def _table(config: Mapping[str, object], key: str) -> Mapping[str, object]:
    table = config.get(key)
    return table if isinstance(table, dict) else {}


def _bare(key: str) -> str:
    return re.sub(r"^https?://|/(v[12]/?)?$", "", key)


def _from_entry(entry: Mapping[str, object]) -> Credentials:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(str(entry["auth"])).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InputError(
                "Unable retrieve credentials for registry: docker configuration: auth is no base64"
            ) from error
        username, _, password = decoded.rstrip("\x00").partition(":")
    return Credentials(
        username, password, str(entry.get("identitytoken") or ""), str(entry.get("registrytoken") or "")
    )


def _ask_helper(helper: str, server: str, environment: Mapping[str, str]) -> Credentials:
    """Run ``docker-credential-HELPER get``; it answers with JSON, or fails if it knows nothing."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", helper):
        return Credentials()
    for _ in range(_HELPER_TRIES):
        try:
            done = subprocess.run(
                [f"docker-credential-{helper}", "get"],
                input=server.encode(),
                capture_output=True,
                env=dict(environment),
                timeout=_HELPER_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            return Credentials()
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return _helper_answer(done.stdout)
        if b"not found" in done.stdout:
            return Credentials()
    return Credentials()


def _helper_answer(output: bytes) -> Credentials:
    try:
        answer = json.loads(output)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        return Credentials()
    return Credentials(identity_token=secret) if username == "<token>" else Credentials(username, secret)
