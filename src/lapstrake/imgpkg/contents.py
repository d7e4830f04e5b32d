"""What may be pushed: the rules about inputs, looked at before anything is read.

Exclusions do not count here: what is left out of an image can still make its inputs unfit.
Source: facts on imgpkg, "push"; vectors imgpkg/push; runs of the original over inputs with exclusions.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from typing import Protocol

from lapstrake.errors import InputError
from lapstrake.imgpkg.naming import FOLDER


class Content(Protocol):
    """Something below an input; ``path`` is "." for the input itself."""

    @property
    def source(self) -> str: ...
    @property
    def path(self) -> str: ...


def check_bundle(
    contents: Sequence[Content], inputs: Sequence[str], working_folder: str, is_missing: Callable[[str], bool]
) -> None:
    """Raises InputError unless exactly one input has ``.imgpkg``, and in it ``images.yml`` is not missing."""
    places = [_absolute(c, working_folder) for c in contents if _last_name(c) == FOLDER]
    if not places:
        raise InputError("This directory is not a bundle. It is missing .imgpkg/images.yml")
    if len(places) > 1:
        raise InputError(
            "This directory contains multiple bundle definitions. Only a single instance of "
            f".imgpkg/images.yml can be provided and instead these were provided {', '.join(places)}"
        )
    parents = [posixpath.normpath(posixpath.join(working_folder, given)) for given in inputs]
    if posixpath.dirname(places[0]) not in parents:
        raise InputError(
            f"Expected '.imgpkg' directory, to be a direct child of one of: {', '.join(inputs)}; was {places[0]}"
        )
    lock = posixpath.join(places[0], "images.yml")
    if is_missing(lock):
        raise InputError(
            f"The bundle expected .imgpkg/images.yml to exist, but it wasn't found in the path {lock}"
        )


def check_image(
    contents: Sequence[Content], inputs: Sequence[str], working_folder: str, is_missing: Callable[[str], bool]
) -> None:
    """Raises InputError for inputs that would do as a bundle."""
    try:
        check_bundle(contents, inputs, working_folder, is_missing)
    except InputError:
        return
    raise InputError(
        "Images cannot be pushed with '.imgpkg' directories, consider using --bundle (-b) option"
    )


def check_duplicates(contents: Sequence[Content]) -> None:
    """Raises InputError if two inputs hold the same path; it names all such places."""
    places: dict[str, list[str]] = {}
    for content in contents:
        if content.path != ".":
            places.setdefault(content.path, []).append(content.source)
    repeated = [source for sources in places.values() if len(sources) > 1 for source in sources]
    if repeated:
        raise InputError(f"Found duplicate paths: {', '.join(repeated)}")


def _last_name(content: Content) -> str:
    """As it is written: the name of an input that ends in dots is dots."""
    return posixpath.basename(content.source.rstrip("/"))


def _absolute(content: Content, working_folder: str) -> str:
    return posixpath.normpath(posixpath.join(working_folder, content.source))
