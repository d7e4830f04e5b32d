"""Names of images: registry host, repository, tag and digest.

Source: facts on imgpkg, "Registry access": default host index.docker.io with docker.io as its alias,
``library/`` before one-part names, default tag latest; the first part of a name is a host if it holds
a dot or a colon. (Not if it is ``localhost``, as the facts say: imgpkg and kbld ask index.docker.io then.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest

DEFAULT_REGISTRY = "index.docker.io"
DEFAULT_TAG = "latest"

_REPOSITORY_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-./"
_TAG_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s/:@?#\[\]\\<>\"{}|^`%]+)(:[0-9]*)?")
_PROTOCOL = re.compile(r"https?://")
_LOCAL_HOST = re.compile(
    r"localhost(:\d+)?$|.*\.local(?:host)?(:\d+)?$|.*127\.0\.0\.1|.*::1"
    r"|10\.\d+\.\d+\.\d+(:\d+)?$|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+(:\d+)?$|192\.168\.\d+\.\d+(:\d+)?$"
)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """``registry`` is the host (with port), ``path`` the name within it; ``str()`` joins them."""

    registry: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Repository:
        """Raises InputError with the reason as the Carvel tools word it."""
        if not text:
            raise InputError("a repository name must be specified")
        host, slash, path = text.partition("/")
        if not slash or not ("." in host or ":" in host):
            host, path = DEFAULT_REGISTRY, text
        _check_characters("repository", path, _REPOSITORY_CHARACTERS, 2, 255)
        if host in ("docker.io", DEFAULT_REGISTRY):
            host = DEFAULT_REGISTRY
            path = path if "/" in path else f"library/{path}"
        check_host(host)
        return cls(host, path)

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether the host is one that may be spoken to by plain http: this machine or a private network."""
        return _LOCAL_HOST.match(self.registry) is not None

    def with_tag(self, tag: str) -> Reference:
        _check_characters("tag", tag, _TAG_CHARACTERS, 1, 128)
        return Reference(self, tag, None)

    def with_digest(self, digest: Digest) -> Reference:
        return Reference(self, None, digest)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image by tag or by digest. Exactly as written it is ``original``; ``str()`` is the full name.

    ``tag`` is None only where a digest was given without one. If both are there, the digest decides.
    """

    repo: Repository
    tag: str | None
    digest: Digest | None
    original: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises InputError ``could not parse reference: TEXT``; the exact reason is its cause."""
        try:
            return cls.parse_digest(text) if "@" in text else cls.parse_tag(text)
        except InputError as error:
            raise InputError(f"could not parse reference: {text}") from error

    @classmethod
    def parse_digest(cls, text: str) -> Reference:
        """A reference that must hold a digest. Raises InputError with the exact reason."""
        base, _, digest_text = text.partition("@")
        if text.count("@") != 1:
            raise InputError(
                f"a digest must contain exactly one '@' separator (e.g. registry/repository@digest) saw: {text}"
            )
        if not digest_text.startswith("sha256:"):
            raise InputError(f"unsupported digest algorithm: {digest_text}")
        digest = Digest.parse(digest_text)
        try:
            named = cls.parse_tag(base)
        except InputError:
            # What is wrong is told of the whole name then, tag and all.
            Repository.parse(base)
            raise
        Repository.parse(str(named.repo))  # completed, it may be too long
        has_tag = _split_tag(base)[1] is not None
        return cls(named.repo, named.tag if has_tag else None, digest, text)

    @classmethod
    def parse_tag(cls, text: str) -> Reference:
        """A reference without digest. Raises InputError with the exact reason."""
        name, tag = _split_tag(text)
        if tag:
            _check_characters("tag", tag, _TAG_CHARACTERS, 1, 128)
        return cls(Repository.parse(name), tag or DEFAULT_TAG, None, text)

    @property
    def registry(self) -> str:
        return self.repo.registry

    @property
    def repository(self) -> str:
        """The name within the registry, as URLs need it."""
        return self.repo.path

    @property
    def identifier(self) -> str:
        """What stands in the URL of the manifest: the digest, else the tag."""
        return str(self.digest) if self.digest else self.tag or DEFAULT_TAG

    def with_digest(self, digest: Digest) -> Reference:
        """The same repository by ``digest``, without tag."""
        return Reference(self.repo, None, digest)

    def with_tag(self, tag: str) -> Reference:
        return self.repo.with_tag(tag)

    def refuse_protocol(self) -> None:
        """Raises InputError for a reference written as a URL, whose protocol was read as a host."""
        if found := _PROTOCOL.match(self.original):
            raise InputError(f"Reference '{self.original}' should not include {found[0]} protocol prefix")

    def __str__(self) -> str:
        return f"{self.repo}@{self.digest}" if self.digest else f"{self.repo}:{self.tag}"


def check_host(text: str) -> None:
    """Raises InputError if ``text`` is no host, or a host with a port."""
    if not _HOST.fullmatch(text):
        raise InputError(f"registries must be valid RFC 3986 URI authorities: {text}")


def _split_tag(text: str) -> tuple[str, str | None]:
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, None
    return name, tag


def _check_characters(what: str, text: str, allowed: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        raise InputError(f"{what} must be between {least} and {most} characters in length: {text}")
    if not set(text) <= set(allowed):
        raise InputError(f"{what} can only contain the characters `{allowed}`: {text}")
