"""Rules of kapp's Config that are written in ytt: rebasing by an overlay, judging by a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.template import SourceFile, TemplateOptions, template
from lapstrake.yamldoc.plain import dump, load

Object = dict[str, Any]
_JUDGE = b"""\
#@ load("@ytt:data", "data")
#@ load("resource.star", "is_done")
---
result: #@ is_done(data.values.resource)
"""


class KappYtt:
    """Runs ytt in this process."""

    def overlay(
        self, files: Mapping[str, str], new: Object, existing: Object, last_applied: Object
    ) -> Object:
        sources = [SourceFile("resource.yml", dump(new).encode()), *_sources(files)]
        values = {"existing": existing, "new": new, "_current": new, "lastApplied": last_applied}
        found = _rendered(sources, values)
        if not isinstance(found, dict):
            raise InputError("Expected the overlay of a rebase rule to leave one resource")
        return found

    def judge(self, files: Mapping[str, str], resource: Mapping[str, Any]) -> Mapping[str, Any]:
        found = _rendered([*_sources(files), SourceFile("judge.yml", _JUDGE)], {"resource": dict(resource)})
        result = found.get("result") if isinstance(found, dict) else None
        if not isinstance(result, dict):
            raise InputError("Expected is_done of a wait rule to return a map")
        return result


def _sources(files: Mapping[str, str]) -> list[SourceFile]:
    return [SourceFile(name, text.encode()) for name, text in sorted(files.items())]


def _rendered(sources: list[SourceFile], values: Mapping[str, Any]) -> Any:
    options = TemplateOptions(values_files=[SourceFile("values.yml", dump(values).encode())])
    return load(template(sources, options).text, "ytt")
