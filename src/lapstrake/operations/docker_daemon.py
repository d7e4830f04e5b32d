"""Images in the local Docker daemon, spoken to through the docker program."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

from lapstrake.adapters.program import run_program
from lapstrake.errors import InputError
from lapstrake.json_text import from_json, json_kind
from lapstrake.kbld.builders import local_name
from lapstrake.oci.digest import Digest
from lapstrake.oci.reference import Reference, Repository
from lapstrake.operations.build_log import BuildLog, LogLines


@dataclass(frozen=True, slots=True)
class DaemonImage:
    """``digests``: references under which registries know the image."""

    id: str
    digests: tuple[str, ...] = ()


def passing_name() -> str:
    """For a tag that no one else uses at the same time."""
    return f"rand-{time.time_ns()}-{secrets.randbelow(1 << 47)}"


def run_logged(
    command: list[str],
    log: BuildLog,
    name: str,
    *,
    folder: str = ".",
    environment: dict[str, str] | None = None,
) -> tuple[str, str]:
    """Both streams of a program, which are logged under ``name`` while it runs. Raises InputError."""
    output, errors = log.lines_of(name), log.lines_of(name)
    try:
        done = run_program(
            command,
            folder=folder,
            environment=environment,
            hear_output=output.hear,
            hear_errors=errors.hear,
        )
    finally:
        output.end()
        errors.end()
    return done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class DockerDaemon:
    """Every method raises InputError; ``name`` is what its lines in the log begin with."""

    def __init__(self, log: BuildLog) -> None:
        self._log = log

    def inspect(self, reference: str, lines: LogLines) -> DaemonImage:
        try:
            return _inspected(run_program(["docker", "inspect", reference]).stdout)
        except InputError as e:
            lines.say(f"inspect error: {e}")
            raise

    def tag(self, source: str, target: str, name: str) -> None:
        self._logged("tag", ["docker", "tag", source, target], name)

    def untag(self, reference: str, name: str) -> None:
        self._logged("untag", ["docker", "rmi", reference], name)

    def kept(self, image: str, image_id: str, source: str, name: str) -> str:
        """Give ``source`` a name that tells its content, and say which."""
        lasting = local_name(image, image_id)
        self.tag(source, lasting, name)
        return lasting

    def push(self, reference: str, destination: str) -> Reference:
        """Push the image ``reference`` to the repository ``destination``; what it is there, by digest."""
        try:
            target = Repository.parse(destination).with_tag(f"kbld-{passing_name()}")
        except InputError as e:
            raise InputError(f"Generating image dst tag '{destination}': {e}") from e
        lines = self._log.lines_of(destination)
        lines.say(f"starting push (using Docker): {reference} -> {target}")
        try:
            before = self.inspect(reference, lines)
            self.tag(reference, str(target), destination)
            self._logged("push", ["docker", "push", str(target)], destination)
            after = self.inspect(str(target), lines)
            return target.with_digest(_pushed_digest(before, after, lines))
        finally:
            lines.say("finished push (using Docker)")

    def _logged(self, what: str, command: list[str], name: str) -> None:
        try:
            run_logged(command, self._log, name)
        except InputError as e:
            self._log.lines_of(name).say(f"{what} error: {e}")
            raise


def _pushed_digest(before: DaemonImage, after: DaemonImage, lines: LogLines) -> Digest:
    if before.id != after.id:
        # Another process gave our passing tag to another image.
        error = f"Expected pushed image to have ID '{before.id}', but was '{after.id}'"
        lines.say(f"push race error: {error}")
        raise InputError(error)
    if not after.digests:
        lines.say("missing repo digest")
        raise InputError("Expected to find at least one repo digest")
    found = [_digest_of(text) for text in after.digests]
    if any(digest != found[0] for digest in found):
        lines.say("repo digests mismatch")
        listed = ", ".join(json.dumps(text, ensure_ascii=False) for text in after.digests)
        raise InputError(f"Expected to find same repo digest, but found []string{{{listed}}}")
    return found[0]


def _digest_of(text: str) -> Digest:
    try:
        digest = Reference.parse_digest(text).digest
    except InputError as e:
        raise InputError(f"Extracting reference digest from '{text}': {e}") from e
    assert digest is not None
    return digest


def _inspected(data: bytes) -> DaemonImage:
    found = from_json(data)
    if not isinstance(found, list):
        raise InputError(
            f"json: cannot unmarshal {json_kind(found)} into Go value of type []docker.InspectData"
        )
    images = [_image(member) for member in found]
    if len(images) != 1:
        raise InputError(f"Expected to find exactly one image, but found {len(images)}")
    return images[0]


def _image(found: Any) -> DaemonImage:
    if not isinstance(found, dict | None):
        raise InputError(
            f"json: cannot unmarshal {json_kind(found)} into Go value of type docker.InspectData"
        )
    known = {key.lower(): value for key, value in (found or {}).items() if value is not None}
    image_id, digests = known.get("id", ""), known.get("repodigests", [])
    if not isinstance(image_id, str):
        raise _mismatch(image_id, "ID", "string")
    if not isinstance(digests, list):
        raise _mismatch(digests, "RepoDigests", "[]string")
    for digest in digests:
        if not isinstance(digest, str | None):
            raise _mismatch(digest, "RepoDigests", "string")
    return DaemonImage(image_id, tuple(digest or "" for digest in digests))


def _mismatch(value: Any, name: str, wanted: str) -> InputError:
    return InputError(
        f"json: cannot unmarshal {json_kind(value)} into Go struct field InspectData.{name} of type {wanted}"
    )
