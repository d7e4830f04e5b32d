"""The programs that can build an image: what each is told, and how its output names what it made.

Command lines and patterns are the original tool's, seen by letting it run recording programs; a pattern is
looked for in one of the two streams only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lapstrake.errors import InputError
from lapstrake.kbld.rules import repository_part

_LONGEST_NAME = 50
_NOT_IN_TAGS = re.compile(r"[^a-zA-Z0-9-]+")
_PACK_ID = re.compile(r"Image ID: (?:sha256:)?([0-9a-z]+)")
_BAZEL_ID = re.compile(r"Loaded image ID: sha256:([0-9a-z]+)")
_BUILDX_DIGEST = re.compile(r"pushing manifest for .*@sha256:([0-9a-z]+) ")
_KUBECTL_DIGEST = re.compile(r"exporting manifest (?:sha256:)?([0-9a-z]+) ")


@dataclass(frozen=True, slots=True)
class DockerfileOptions:
    """What the three builders that read a Dockerfile have in common. What is not chosen is None, not empty."""

    target: str | None = None
    pull: bool = False
    no_cache: bool = False
    file: str | None = None
    raw: tuple[str, ...] = ()

    def arguments(self, platform: str | None = None) -> list[str]:
        return [
            *_given("--target", self.target),
            *_given("--platform", platform),
            *(["--pull"] if self.pull else []),
            *(["--no-cache"] if self.no_cache else []),
            *_given("--file", self.file),
            *self.raw,
        ]


@dataclass(frozen=True, slots=True)
class Docker:
    """``docker build``. ``buildkit``: the choice was made at all; the original switches it on for false, too."""

    options: DockerfileOptions = DockerfileOptions()
    buildkit: bool = False

    def command(self, tag: str) -> list[str]:
        return ["docker", "build", *self.options.arguments(), "--tag", tag, "."]

    @property
    def environment(self) -> dict[str, str]:
        return {"DOCKER_BUILDKIT": "1"} if self.buildkit else {}


@dataclass(frozen=True, slots=True)
class DockerBuildx:
    """``docker buildx build``; it pushes by itself where there is a destination."""

    options: DockerfileOptions = DockerfileOptions()

    def command(self, tag: str, *, push: bool) -> list[str]:
        rest = ["--tag", tag, ".", "--push" if push else "--load"]
        return ["docker", "buildx", "build", "--progress=plain", *self.options.arguments(), *rest]

    def digest(self, errors: str) -> str:
        """``sha256:...`` of what was pushed, from standard error. Raises InputError."""
        return _digest(_BUILDX_DIGEST, errors)


@dataclass(frozen=True, slots=True)
class KubectlBuildkit:
    """``kubectl buildkit build``, inside a cluster; it pushes by itself where there is a destination."""

    options: DockerfileOptions = DockerfileOptions()
    platform: str | None = None

    def command(self, tag: str, *, push: bool) -> list[str]:
        arguments = [*self.options.arguments(self.platform), *(["--push"] if push else [])]
        return ["kubectl", "buildkit", "build", "--progress=plain", *arguments, "--tag", tag, "."]

    def digest(self, errors: str) -> str:
        """``sha256:...`` of what was built, from standard error. Raises InputError."""
        return _digest(_KUBECTL_DIGEST, errors)


@dataclass(frozen=True, slots=True)
class Pack:
    """``pack build`` of Cloud Native Buildpacks."""

    builder: str | None = None
    buildpacks: tuple[str, ...] = ()
    clear_cache: bool = False
    raw: tuple[str, ...] = ()

    def command(self, image: str) -> list[str]:
        """Raises InputError if no builder image was chosen."""
        if self.builder is None:
            raise InputError("Expected builder to be specified, but was not")
        return [
            *("pack", "build", "--verbose", image, "--path", ".", "--builder", self.builder),
            *(argument for buildpack in self.buildpacks for argument in ("--buildpack", buildpack)),
            *(["--clear-cache"] if self.clear_cache else []),
            *self.raw,
        ]

    def image_id(self, output: str) -> str:
        """``sha256:...`` of the image in the daemon, from standard output. Raises InputError."""
        return _image_id("pack", _PACK_ID, output)


@dataclass(frozen=True, slots=True)
class Ko:
    """``ko publish`` into the local daemon."""

    raw: tuple[str, ...] = ()

    def command(self) -> list[str]:
        return ["ko", "publish", ".", "--local", *self.raw]


@dataclass(frozen=True, slots=True)
class Bazel:
    """``bazel run`` of a target that loads an image into the local daemon."""

    target: str | None = None
    raw: tuple[str, ...] = ()

    def command(self) -> list[str]:
        """Raises InputError if no target was chosen."""
        if self.target is None:
            raise InputError("Expected target to be specified, but was not")
        return ["bazel", "run", self.target, *self.raw]

    def image_id(self, output: str) -> str:
        """``sha256:...`` of the image in the daemon, from standard output. Raises InputError."""
        return _image_id("bazel", _BAZEL_ID, output)


@dataclass(frozen=True, slots=True)
class Kaniko:
    """kaniko's ``executor``, which needs no daemon and pushes by itself. The original has no such builder."""

    target: str | None = None
    file: str | None = None
    raw: tuple[str, ...] = ()

    def command(self, tag: str, folder: str, digest_file: str) -> list[str]:
        """``folder`` is absolute; the digest of what was pushed is written to ``digest_file``."""
        return [
            *("executor", "--context", f"dir://{folder}", "--destination", tag, "--digest-file", digest_file),
            *_given("--target", self.target),
            *_given("--dockerfile", self.file),
            *self.raw,
        ]


Builder = Docker | DockerBuildx | KubectlBuildkit | Pack | Ko | Bazel | Kaniko


def tag_name(image: str) -> str:
    """An image's name as a part of a tag: without its own tag and digest, only what tags may hold, cut short."""
    name = _NOT_IN_TAGS.sub("-", repository_part(image))
    if len(name) <= _LONGEST_NAME:
        return name
    cut = name[:_LONGEST_NAME]
    return f"{cut[:-1]}e" if cut.endswith("-") else cut


def local_name(image: str, image_id: str) -> str:
    """The lasting name of an image in the local daemon, which tells its content."""
    return f"kbld:{tag_name(image)}-{_NOT_IN_TAGS.sub('-', image_id)}"


def _given(flag: str, value: str | None) -> list[str]:
    return [] if value is None else [flag, value]


def _digest(pattern: re.Pattern[str], errors: str) -> str:
    found = pattern.search(errors)
    if found is None:
        raise InputError("Expected to find image digest in build output but did not")
    return f"sha256:{found[1]}"


def _image_id(program: str, pattern: re.Pattern[str], output: str) -> str:
    found = pattern.search(output)
    if found is None:
        raise InputError(f"Expected to find image ID in {program} output but did not")
    return f"sha256:{found[1]}"
