"""kbld as one step: files in, documents with resolved images and the locks out.

Used by the command line and by the reconciler's template step; only the resolver speaks to a registry, and only
for images that neither a lock nor an override settles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.kbld import config_reader, documents, images_lock, rules
from lapstrake.kbld.config import API_VERSION, COMPATIBLE_VERSION, Config, ImageMatch, Override
from lapstrake.kbld.images import Builds, Choice, ResolvedImage, Resolver, annotated, annotated_origins
from lapstrake.kbld.images import resolve as resolve_image
from lapstrake.oci.manifest import Platform
from lapstrake.operations.template import SourceFile
from lapstrake.yamldoc import plain

__all__ = [
    "Inputs",
    "Platform",
    "ResolveOptions",
    "ResolveResult",
    "Resolver",
    "SourceFile",
    "inspect",
    "read_inputs",
    "resolve",
    "resolve_inputs",
]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What files hold: the configuration of all of them together, and the other documents."""

    config: Config
    documents: tuple[documents.Document, ...]

    @property
    def images(self) -> list[str]:
        """All image references, sorted, each once."""
        return sorted({image for d in self.documents for image in rules.find(d.body, self.config.rules)})


@dataclass(frozen=True, slots=True)
class ResolveOptions:
    """``image_map``: further preresolved images, given reference → result; it is asked last.

    ``concurrency`` bounds the images resolved or built at the same time. Without ``builds`` nothing is built, and an
    image that has a source is an error.
    """

    images_annotation: bool = True
    origins_annotation: bool = True
    builds: Builds | None = None
    platform: Platform | None = None
    image_map: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class ResolveResult:
    """``images`` are sorted by the given reference."""

    documents: tuple[Mapping[str, Any], ...]
    images: tuple[ResolvedImage, ...]
    config: Config
    origins_annotation: bool = True

    @property
    def printed(self) -> str:
        """The documents as kbld prints them."""
        return "".join(self.printed_documents)

    @property
    def printed_documents(self) -> list[str]:
        return [f"---\n{plain.dump(body)}" for body in self.documents]

    @property
    def log_lines(self) -> list[str]:
        """``resolve | final: GIVEN -> RESULT``, each image once."""
        told = (f"final: {image.given} -> {image.url}" for image in self.images)
        return [f"resolve | {line}" for text in told for line in text.split("\n")]

    def kbld_lock(self, locked: Iterable[Override] | None = None) -> str:
        """A Config that resolves the same images again without a registry, or ``locked`` in their place."""
        if locked is None:
            locked = [Override(ImageMatch(i.given), i.url, True) for i in self.images]
        overrides = [_locked(override) for override in locked]
        lock: dict[str, Any] = {
            "apiVersion": API_VERSION,
            "kind": "Config",
            "minimumRequiredVersion": COMPATIBLE_VERSION,
        }
        if overrides:
            lock["overrides"] = overrides
        if self.config.rules_for_lock:
            lock["searchRules"] = self.config.rules_for_lock
        return plain.dump(lock)

    def images_lock(self) -> str:
        """An ImagesLock; InputError if a result is no digest."""
        entries = [(i.given, i.url, i.origins if self.origins_annotation else ()) for i in self.images]
        return "---\n" + plain.dump(images_lock.write(entries))


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a resource, as ``inspect`` shows it; ``origins`` is what the annotation says of it, as YAML."""

    image: str
    origins: str
    resource: str


def resolve(inputs: Iterable[SourceFile], options: ResolveOptions, resolver: Resolver) -> ResolveResult:
    """Resolve every image of ``inputs``, in which configurations and locks may stand among the resources.

    Raises InputError for inputs that cannot be read, and one InputError that lists all images which could not be
    resolved.
    """
    return resolve_inputs(read_inputs(inputs), options, resolver)


def resolve_inputs(inputs: Inputs, options: ResolveOptions, resolver: Resolver) -> ResolveResult:
    """As ``resolve``, of inputs that have been read."""
    mapped = (Override(ImageMatch(given), url, True) for given, url in options.image_map.items())
    config = inputs.config.with_overrides(mapped)
    # The order in which they are begun, and in which failures are told: several runs are to say the same.
    given = inputs.images
    choice = Choice(config, options.builds, options.platform)
    results = _resolved(given, lambda image: resolve_image(image, choice, resolver), options.concurrency)
    bodies = [_rewritten(d.body, config, results, options.images_annotation) for d in inputs.documents]
    ordered = tuple(results[image] for image in sorted(results))
    return ResolveResult(tuple(bodies), ordered, config, options.origins_annotation)


def inspect(inputs: Iterable[SourceFile]) -> list[FoundImage]:
    """Each image at each place with the resource it stands in, sorted by image."""
    read = read_inputs(inputs)
    rows = []
    for document in read.documents:
        known = annotated_origins(document.body)
        for image in rules.find(document.body, read.config.rules):
            rows.append(FoundImage(image, known.get(image, ""), document.description))
    return sorted(rows, key=lambda row: (row.image, row.resource))


def read_inputs(files: Iterable[SourceFile]) -> Inputs:
    """Raises InputError for files that cannot be parsed and configurations that are refused."""
    config, found = config_reader.split([d for file in files for d in documents.read(file.path, file.data)])
    return Inputs(config, tuple(found))


def _locked(override: Override) -> dict[str, Any]:
    match = {"image": override.match.image, "imageRepo": override.match.image_repo}
    return {**{k: v for k, v in match.items() if v}, "newImage": override.new_image, "preresolved": True}


def _resolved(
    given: Sequence[str], resolve_one: Callable[[str], ResolvedImage], concurrency: int
) -> dict[str, ResolvedImage]:
    def attempt(image: str) -> ResolvedImage | LapstrakeError:
        try:
            return resolve_one(image)
        except LapstrakeError as e:
            return e

    results: dict[str, ResolvedImage] = {}
    failures = []
    for image, outcome in zip(given, _in_parallel(attempt, given, concurrency), strict=True):
        if isinstance(outcome, LapstrakeError):
            failures.append(f"\n- Resolving image '{image}': {outcome}")
        else:
            results[image] = outcome
    if failures:
        raise InputError("".join(failures))
    return results


def _in_parallel(
    attempt: Callable[[str], ResolvedImage | LapstrakeError], given: Sequence[str], concurrency: int
) -> list[ResolvedImage | LapstrakeError]:
    if concurrency <= 1 or len(given) <= 1:
        return [attempt(image) for image in given]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(attempt, given))


def _rewritten(
    body: Mapping[str, Any], config: Config, results: Mapping[str, ResolvedImage], annotate: bool
) -> Mapping[str, Any]:
    used: list[ResolvedImage] = []

    def replace(text: str) -> str:
        used.append(results[text])
        return results[text].url

    new: Mapping[str, Any] = rules.rewrite(body, config.rules, replace)
    return annotated(new, used) if annotate else new
