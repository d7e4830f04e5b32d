"""What may be pushed: the rules about inputs, looked at before anything is read.

Source: facts on imgpkg, "push"; vectors imgpkg/push.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Protocol

from lapstrake.errors import InputError
from lapstrake.imgpkg.naming import FOLDER


class Content(Protocol):
    """A file or folder below an input; ``path`` is "." for the input itself."""

    @property
    def input(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...


def check_bundle(contents: Sequence[Content], inputs: Sequence[str], working_folder: str) -> None:
    """Raises InputError unless exactly one input has ``.imgpkg/images.yml``."""
    folders = [
        c
        for c in contents
        if c.kind == "folder" and posixpath.basename(_absolute(c, working_folder)) == FOLDER
    ]
    if not folders:
        raise InputError("This directory is not a bundle. It is missing .imgpkg/images.yml")
    places = [_absolute(folder, working_folder) for folder in folders]
    if len(folders) > 1:
        raise InputError(
            "This directory contains multiple bundle definitions. Only a single instance of "
            f".imgpkg/images.yml can be provided and instead these were provided {', '.join(places)}"
        )
    if folders[0].path != FOLDER:
        raise InputError(
            f"Expected '.imgpkg' directory, to be a direct child of one of: {', '.join(inputs)}; was {places[0]}"
        )
    lock = posixpath.join(places[0], "images.yml")
    if not any(c.kind == "file" and _absolute(c, working_folder) == lock for c in contents):
        raise InputError(
            f"The bundle expected .imgpkg/images.yml to exist, but it wasn't found in the path {lock}"
        )


def check_image(contents: Sequence[Content], inputs: Sequence[str], working_folder: str) -> None:
    """Raises InputError for inputs that would do as a bundle."""
    try:
        check_bundle(contents, inputs, working_folder)
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


def _absolute(content: Content, working_folder: str) -> str:
    return posixpath.normpath(posixpath.join(working_folder, content.source))
