"""ytt's bulk format: files as one JSON document, in and out."""

from __future__ import annotations

import json
import sys

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.operations.template import SourceFile
from lapstrake.yamldoc.gojson import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lapstrake.operations.template import TemplateResult


def read_bulk(text: str) -> list[SourceFile]:
    """The files of ``{"files": [{"name": ..., "data": ...}]}``. Raises InputError."""
    try:
        given = json.loads(text)
        return [SourceFile(str(one["name"]), str(one["data"]).encode()) for one in given["files"]]
    except (ValueError, LookupError, TypeError) as error:
        if getattr(error, "pos", 0) >= len(text):
            raise InputError("unexpected end of JSON input") from error
        raise InputError(f"Unmarshaling bulk input: {error}") from error


def write_bulk(render: Callable[[], TemplateResult]) -> int:
    """Print the files, or the error, as JSON; an error is part of the answer, so the status is 0."""
    try:
        result = render()
        files = [{"name": file.path, "data": file.data.decode("utf-8", "replace")} for file in result.files]
        sys.stdout.write(dumps({"files": files}, sort_keys=False))
    except LapstrakeError as error:
        sys.stdout.write(dumps({"errors": str(error)}))
    return 0
