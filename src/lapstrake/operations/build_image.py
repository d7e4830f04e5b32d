"""Build an image from its source, push it where it is wanted, tag it there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lapstrake.errors import InputError
from lapstrake.kbld.builders import (
    Bazel,
    Docker,
    DockerBuildx,
    Kaniko,
    Ko,
    KubectlBuildkit,
    Pack,
    tag_name,
)
from lapstrake.kbld.config import Destination, Source
from lapstrake.kbld.images import Built
from lapstrake.kbld.rules import repository_part
from lapstrake.messages import reason
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.build_log import BuildLog, LogLines
from lapstrake.operations.docker_daemon import DockerDaemon, passing_name, run_logged
from lapstrake.operations.source_origins import source_origins

_LONGEST_DIGEST = 256  # characters


class TagWriter(Protocol):
    """Raises RegistryError."""

    def write_tag(self, image: Reference, tag: str) -> None: ...


class ImageBuilds:
    """Builds one image with each call, from any number of threads; programs are heard in ``log``."""

    def __init__(self, log: BuildLog, tags: TagWriter) -> None:
        self._log = log
        self._daemon = DockerDaemon(log)
        self._tags = tags

    def build(self, image: str, source: Source, destination: Destination | None) -> Built:
        """Raises LapstrakeError in the words of the original tool, or those of the program that builds."""
        origins = source_origins(source.path)
        url = self._built(repository_part(image), source, destination)
        if destination is None or not destination.tags:
            return Built(url, origins)
        reference = Reference.parse(url)
        for tag in destination.tags:
            self._tags.write_tag(reference, tag)
        return Built(url, (*origins, {"tagged": {"tags": list(destination.tags)}}))

    def _built(self, name: str, source: Source, destination: Destination | None) -> str:
        """The reference of the image, in a registry or in the local daemon."""
        match source.builder:
            case DockerBuildx() as builder:
                return self._with_buildx(name, source.path, builder, destination)
            case KubectlBuildkit() as builder:
                return self._with_kubectl(name, source.path, builder, destination)
            case Kaniko() as builder:
                return self._with_kaniko(name, source.path, builder, destination)
            case Docker() as builder:
                local = self._with_docker(name, source.path, builder)
            case Pack() as builder:
                local = self._with_pack(name, source.path, builder)
            case Ko() as builder:
                local = self._with_ko(name, source.path, builder)
            case Bazel() as builder:
                local = self._with_bazel(name, source.path, builder)
        return str(self._daemon.push(local, destination.new_image)) if destination else local

    def _with_docker(self, name: str, path: str, builder: Docker) -> str:
        _check_folder(path)
        tag = _passing_tag("kbld", name)
        with self._told(name, "Docker", f"{path} -> {tag}") as lines:
            self._run(builder.command(tag), name, path, lines, builder.environment)
            return self._kept(name, tag, lines)

    def _with_buildx(
        self, name: str, path: str, builder: DockerBuildx, destination: Destination | None
    ) -> str:
        _check_folder(path)
        tag = _build_tag(name, destination)
        with self._told(name, "Docker buildx", f"{path} -> {tag}") as lines:
            _, errors = self._run(builder.command(tag, push=destination is not None), name, path, lines)
            if destination is None:
                return self._kept(name, tag, lines)
        return _destination_digest(destination, builder.digest(errors))

    def _with_kubectl(
        self, name: str, path: str, builder: KubectlBuildkit, destination: Destination | None
    ) -> str:
        tag = _build_tag(name, destination)
        with self._told(name, "kubectl buildkit", f"{path} -> {tag}") as lines:
            _, errors = self._run(builder.command(tag, push=destination is not None), name, path, lines)
        digest = builder.digest(errors)
        return tag if destination is None else _destination_digest(destination, digest)

    def _with_kaniko(self, name: str, path: str, builder: Kaniko, destination: Destination | None) -> str:
        _check_folder(path)
        if destination is None:
            raise InputError(
                f"Expected a destination for image '{name}' (hint: kaniko pushes what it builds, add one to 'destinations')"
            )
        tag = _build_tag(name, destination)
        with (
            self._told(name, "kaniko", f"{path} -> {tag}") as lines,
            tempfile.TemporaryDirectory() as scratch,
        ):
            digest_file = os.path.join(scratch, "digest")
            self._run(builder.command(tag, os.path.abspath(path), digest_file), name, path, lines)
            digest = _written_digest(digest_file)
        return _destination_digest(destination, digest)

    def _with_pack(self, name: str, path: str, builder: Pack) -> str:
        with self._told(name, "pack", path) as lines:
            output, _ = self._run(builder.command(name), name, path, lines)
            image_id = builder.image_id(output)
            return self._daemon.kept(name, image_id, image_id, name)

    def _with_ko(self, name: str, path: str, builder: Ko) -> str:
        with self._told(name, "ko", path) as lines:
            output, _ = self._run(builder.command(), name, path, lines)
        return output.strip("\n")

    def _with_bazel(self, name: str, path: str, builder: Bazel) -> str:
        with self._told(name, "bazel", path) as lines:
            output, _ = self._run(builder.command(), name, path, lines)
            image_id = builder.image_id(output)
            return self._daemon.kept(name, image_id, image_id, name)

    def _kept(self, name: str, tag: str, lines: LogLines) -> str:
        """The image under a name that tells its content, in place of its passing tag."""
        lasting = self._daemon.kept(name, self._daemon.inspect(tag, lines).id, tag, name)
        self._daemon.untag(tag, name)
        return lasting

    def _run(
        self,
        command: list[str],
        name: str,
        path: str,
        lines: LogLines,
        environment: dict[str, str] | None = None,
    ) -> tuple[str, str]:
        try:
            return run_logged(command, self._log, name, folder=path, environment=environment)
        except InputError as e:
            lines.say(f"error: {e}")
            raise

    @contextmanager
    def _told(self, name: str, program: str, what: str) -> Iterator[LogLines]:
        lines = self._log.lines_of(name)
        lines.say(f"starting build (using {program}): {what}")
        try:
            yield lines
        finally:
            lines.say(f"finished build (using {program})")


def _check_folder(path: str) -> None:
    try:
        os.stat(path)
    except OSError as e:
        raise InputError(f"Checking if path '{path}' is a directory: stat {path}: {reason(e)}") from e
    if not os.path.isdir(path):
        raise InputError(f"Expected path '{path}' to be a directory, but was not")


def _passing_tag(repository: str, name: str) -> str:
    return f"{repository}:{passing_name()}-{tag_name(name)}"


def _build_tag(name: str, destination: Destination | None) -> str:
    """What a builder that pushes by itself tags the image with. Raises InputError."""
    if destination is None:
        return _passing_tag("kbld", name)
    tag = _passing_tag(destination.new_image, name)
    try:
        Repository.parse(destination.new_image).with_tag(tag.rpartition(":")[2])
    except InputError as e:
        raise InputError(f"Validating destination tag ref '{tag}': {e}") from e
    return tag


def _written_digest(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(_LONGEST_DIGEST).strip()
    except OSError as e:
        raise InputError("Expected kaniko to write down the digest of what it pushed, but it did not") from e


def _destination_digest(destination: Destination, digest: str) -> str:
    text = f"{destination.new_image}@{digest}"
    try:
        reference = Reference.parse_digest(text)
    except InputError as e:
        raise InputError(f"Validating destination digest ref '{text}': {e}") from e
    return f"{reference.repo}@{reference.digest}"
