"""The credentials that docker's (or podman's) configuration holds, itself or through its helper programs.

Source: the behaviour of imgpkg: a repository is looked up by its whole name, then by its host; keys of ``auths``
are compared as they are, then by their host; where a helper is named for a key, ``auths`` are not looked at.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping

from lapstrake.errors import InputError
from lapstrake.json_text import first_value, from_json, json_record
from lapstrake.oci.reference import DEFAULT_REGISTRY, Repository

_HUB_KEY = "https://index.docker.io/v1/"
_HUB_HOSTS = frozenset({DEFAULT_REGISTRY, "docker.io", "registry-1.docker.io"})
_HELPER_TRIES = 5
_HELPER_SECONDS = 30.0
_LARGEST_CONFIG = 8 << 20

Fields = dict[str, str]  # of Credentials, by their names


class UnreadableConfig(InputError):
    """A configuration file that is damaged."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def docker_credentials(repository: Repository, environment: Mapping[str, str]) -> Fields:
    """What is configured for a repository; empty if nothing is.

    Raises InputError for a file that is damaged, and for a helper that fails for another reason than that it
    knows nothing.
    """
    for path in _paths(environment):
        try:
            with open(path, "rb") as file:
                data = file.read(_LARGEST_CONFIG)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UnreadableConfig(path, (error.strerror or str(error)).lower()) from error
        return _Config(path, data, environment).of(repository)
    return {}


def _paths(environment: Mapping[str, str]) -> list[str]:
    folder = environment.get("DOCKER_CONFIG") or os.path.join(environment.get("HOME", ""), ".docker")
    paths = [os.path.join(folder, "config.json")]
    if environment.get("REGISTRY_AUTH_FILE"):
        paths.append(environment["REGISTRY_AUTH_FILE"])
    if environment.get("XDG_RUNTIME_DIR"):
        paths.append(os.path.join(environment["XDG_RUNTIME_DIR"], "containers", "auth.json"))
    return paths


class _Config:
    def __init__(self, path: str, data: bytes, environment: Mapping[str, str]) -> None:
        self._path = path
        self._environment = environment
        content = self._parsed(data)
        self._auths = {key: self._entry(entry) for key, entry in self._table(content, "auths").items()}
        self._helpers = self._table(content, "credHelpers")
        self._store = content.get("credsStore")

    def of(self, repository: Repository) -> Fields:
        host_key = _HUB_KEY if repository.registry == DEFAULT_REGISTRY else repository.registry
        for key in (str(repository), host_key):
            helper = self._helpers.get(key, self._store)
            if isinstance(helper, str) and helper:
                found = ask_helper(helper, key, self._environment)
            else:
                found = self._auths.get(key) or self._by_host(key)
            if found:
                return found
        return {}

    def _by_host(self, key: str) -> Fields:
        hosts = _HUB_HOSTS if key == _HUB_KEY else {key}
        return next((entry for name, entry in self._auths.items() if entry and _host(name) in hosts), {})

    def _parsed(self, data: bytes) -> Mapping[str, object]:
        if not data:
            return {}
        try:
            return json_record(first_value(data), "value of type configfile.ConfigFile")
        except InputError as error:
            raise UnreadableConfig(self._path, str(error)) from error

    def _table(self, content: Mapping[str, object], key: str) -> Mapping[str, object]:
        wanted = "types.AuthConfig" if key == "auths" else "string"
        try:
            return json_record(content.get(key), f"struct field ConfigFile.{key} of type map[string]{wanted}")
        except InputError as error:
            raise UnreadableConfig(self._path, str(error)) from error

    def _entry(self, entry: object) -> Fields:
        if not isinstance(entry, dict):
            return {}
        fields = {
            "username": str(entry.get("username") or ""),
            "password": str(entry.get("password") or ""),
            "identity_token": str(entry.get("identitytoken") or ""),
            "registry_token": str(entry.get("registrytoken") or ""),
        }
        if entry.get("auth"):
            fields |= self._decoded(str(entry["auth"]))
        return fields if any(fields.values()) else {}

    def _decoded(self, auth: str) -> Fields:
        try:
            text = base64.b64decode(auth, validate=True).decode(errors="surrogateescape")
        except (binascii.Error, ValueError) as error:
            alphabet = re.match(r"[A-Za-z0-9+/]*", auth)
            at = alphabet.end() if alphabet and alphabet.end() < len(auth) else len(auth) // 4 * 4
            raise UnreadableConfig(self._path, f"illegal base64 data at input byte {at}") from error
        username, colon, password = text.partition(":")
        if not colon or not username:
            raise UnreadableConfig(self._path, "Invalid auth configuration file")
        return {"username": username, "password": password.strip("\x00")}


def _host(key: str) -> str:
    return re.sub(r"^https?://", "", key).partition("/")[0]


def ask_helper(helper: str, server: str, environment: Mapping[str, str]) -> Fields:
    """What ``docker-credential-HELPER get`` says of ``server``; empty if it knows nothing.

    A helper that fails is asked up to five times. Raises InputError if it keeps failing.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", helper):
        raise InputError(f"Expected the name of a credential helper, found '{helper}'")
    program = f"docker-credential-{helper}"
    for _ in range(_HELPER_TRIES - 1):
        try:
            return _asked(program, server, environment)
        except HelperFailed as error:
            if not error.passing:
                raise
    return _asked(program, server, environment)


class HelperFailed(InputError):
    """``passing``: it may answer another time; ``misused``: it was asked in a way it does not allow."""

    def __init__(self, reason: str, output: str, *, passing: bool = True, misused: bool = False) -> None:
        super().__init__(f"error getting credentials - err: {reason}, out: `{output[:500]}`")
        self.passing = passing and not misused
        self.misused = misused


def _asked(program: str, server: str, environment: Mapping[str, str]) -> Fields:
    import subprocess

    try:
        done = subprocess.run(
            [program, "get"],
            input=server.encode(),
            stdout=subprocess.PIPE,  # what it tells people goes to them
            env=dict(environment),
            timeout=_HELPER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        reason = f'exec: "{program}": executable file not found in $PATH'
        raise HelperFailed(reason, "", passing=False) from None
    except subprocess.TimeoutExpired as error:
        raise HelperFailed("signal: killed", "") from error
    except OSError as error:
        reason = f"fork/exec {program}: {(error.strerror or str(error)).lower()}"
        raise HelperFailed(reason, "", passing=False) from error
    output = done.stdout.decode(errors="replace").strip()
    if done.returncode:
        if "credentials not found in native keychain" in output:
            return {}
        if "no credentials server URL" in output:
            raise HelperFailed("no credentials server URL", output, misused=True)
        raise HelperFailed(f"exit status {done.returncode}", output)
    return _answer(done.stdout)


def _answer(output: bytes) -> Fields:
    answer = from_json(output)
    if not isinstance(answer, dict):
        return {}
    username, secret = str(answer.get("Username") or ""), str(answer.get("Secret") or "")
    if username == "<token>":
        return {"identity_token": secret}
    return {"username": username, "password": secret} if username or secret else {}
