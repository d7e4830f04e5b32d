"""From a given reference to the result and its origins, asking a registry only where nothing else decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lapstrake.errors import InputError
from lapstrake.kbld.config import Config, Destination, Origin, Override, Source
from lapstrake.kbld.documents import parse_document
from lapstrake.kbld.fields import ANNOTATION, shaped
from lapstrake.oci.manifest import Platform
from lapstrake.oci.reference import Reference, Repository
from lapstrake.versions import NoVersionError, highest
from lapstrake.yamldoc import plain

IMAGES_ANNOTATION = "kbld.k14s.io/images"


class Resolver(Protocol):
    """What is asked of registries; each raises LapstrakeError."""

    def digest(self, reference: Reference) -> str:
        """The digest a tag points to, as ``sha256:...``."""
        ...

    def tags(self, repository: Repository) -> Sequence[str]: ...

    def platform_digests(self, reference: Reference, platform: Platform) -> Sequence[str] | None:
        """The images of an index that are for the platform; None if ``reference`` is no index."""
        ...


@dataclass(frozen=True, slots=True)
class Built:
    """The reference of an image that was built, in a registry or in the local daemon."""

    url: str
    origins: tuple[Origin, ...]


class Builds(Protocol):
    def build(self, image: str, source: Source, destination: Destination | None) -> Built:
        """Build ``image`` and push it if it has a destination; raises LapstrakeError."""
        ...


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """``url`` takes the place of ``given``."""

    given: str
    url: str
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """How to resolve: the configuration, what builds (None: nothing may), and a platform to pick from indexes."""

    config: Config
    builds: Builds | None = None
    platform: Platform | None = None


def resolve(given: str, choice: Choice, resolver: Resolver) -> ResolvedImage:
    """Raises LapstrakeError; the message does not name ``given``."""
    override = next((o for o in choice.config.overrides if o.match.matches(given)), None)
    if override is not None and override.preresolved:
        return _preresolved(given, override)
    text = override.new_image if override else given
    if override and override.tag_selection:
        text = _with_selected_tag(text, override, resolver)
    sources = () if override and override.tag_selection else choice.config.sources
    source = next((s for s in sources if s.match.matches(text)), None)
    image = _built(given, text, source, choice) if source else _looked_up(given, text, resolver)
    platform = (override.platform if override else None) or choice.platform
    return _on_platform(image, platform, resolver) if platform else image


def _preresolved(given: str, override: Override) -> ResolvedImage:
    origin = {"preresolved": {"url": override.new_image}}
    known = tuple(override.origins)
    return ResolvedImage(given, override.new_image, known if origin in known else (*known, origin))


def _built(given: str, text: str, source: Source, choice: Choice) -> ResolvedImage:
    if choice.builds is None:
        raise InputError(
            "Building of images is disallowed "
            f"(tried to build '{text}' because a source was configured for it)"
        )
    destination = next((d for d in choice.config.destinations if d.match.matches(text)), None)
    built = choice.builds.build(text, source, destination)
    return ResolvedImage(given, built.url, built.origins)


def _looked_up(given: str, text: str, resolver: Resolver) -> ResolvedImage:
    reference = parse_reference(text)
    if reference.digest is not None:
        return ResolvedImage(given, f"{reference.repo}@{reference.digest}")
    url = f"{reference.repo}@{resolver.digest(reference)}"
    return ResolvedImage(given, url, ({"resolved": {"url": text, "tag": reference.tag}},))


def _with_selected_tag(text: str, override: Override, resolver: Resolver) -> str:
    selection = override.tag_selection
    assert selection is not None
    repository = Repository.parse(text)
    if selection.constraints is None:
        raise InputError("Unknown tag selection strategy")
    try:
        tag = highest(resolver.tags(repository), selection.constraints, selection.prereleases).text
    except NoVersionError as e:
        raise InputError(e.summary) from e
    return f"{text}:{tag}"


def _on_platform(image: ResolvedImage, platform: Platform, resolver: Resolver) -> ResolvedImage:
    reference = Reference.parse(image.url)
    digests = resolver.platform_digests(reference, platform)
    if digests is None:
        return image
    if not digests:
        raise InputError(
            f"Expected to find one image under index '{image.url}' with matching platform, but found none"
        )
    if len(digests) > 1:
        raise InputError(
            f"Expected to find only one image under index '{image.url}' with matching platform, "
            "but found more than one"
        )
    parts = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    origin = {"platformSelected": {"index": image.url, **{k: v for k, v in parts.items() if v}}}
    return ResolvedImage(image.given, f"{reference.repo}@{digests[0]}", (*image.origins, origin))


def parse_reference(text: str) -> Reference:
    """A reference, or an InputError with the reason in the original tool's words (vector bad-references)."""
    if "@" in text:
        try:
            return Reference.parse_digest(text)
        except InputError as e:
            raise InputError(f"Expected valid digest reference, but found '{text}', reason: {e}") from e
    try:
        return Reference.parse(text)
    except InputError as e:
        raise InputError(str(e.__cause__ or e)) from e


def annotated(body: Mapping[str, Any], images: Sequence[ResolvedImage]) -> Mapping[str, Any]:
    """``body`` with the annotation that lists its images and their origins.

    Unchanged without images, or with metadata that is no mapping. If any annotation is no text, all of them are lost,
    as the original loses them (vector annotations-not-texts).
    """
    metadata = body.get("metadata", {})
    if not images or not isinstance(metadata, Mapping):
        return body
    annotations = metadata.get("annotations")
    annotations = annotations if isinstance(annotations, Mapping) else {}
    if any(not isinstance(value, str) for value in annotations.values()):
        annotations = {}
    annotations = {**annotations, IMAGES_ANNOTATION: images_text(images)}
    return {**body, "metadata": {**metadata, "annotations": annotations}}


def images_text(images: Sequence[ResolvedImage]) -> str:
    """The annotation's value: each image with origins once, by URL; ``null`` if none has any."""
    entries: list[dict[str, Any]] = []
    for image in sorted(images, key=lambda i: i.url):
        entry = {"url": image.url, "origins": list(image.origins)}
        if image.origins and entry not in entries:
            entries.append(entry)
    return plain.dump(entries or None)


def annotated_origins(body: Mapping[str, Any]) -> dict[str, str]:
    """What the annotation of a resolved document says: URL → origins as YAML. Raises InputError."""
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    if not isinstance(annotations, Mapping) or any(not isinstance(v, str) for v in annotations.values()):
        return {}
    value = parse_document(annotations.get(IMAGES_ANNOTATION, ""))
    try:
        entries = shaped(value, ANNOTATION) if value is not None else []
    except InputError as e:
        raise InputError(f"error unmarshaling JSON: while decoding JSON: {e}") from e
    return {entry.get("url", ""): plain.dump(entry.get("origins")) for entry in reversed(entries)}
