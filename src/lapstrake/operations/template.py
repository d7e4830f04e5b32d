"""ytt as one use among the others: what the command line and kapp-controller's template step call.

Reading folders, the environment and writing the output directory is the callers' business.
"""

from __future__ import annotations

from lapstrake.ytt.rendering import (
    DataValue,
    EnvironmentValues,
    SourceFile,
    TemplateOptions,
    TemplateResult,
    inspected_files,
    template,
)

__all__ = [
    "DataValue",
    "EnvironmentValues",
    "SourceFile",
    "TemplateOptions",
    "TemplateResult",
    "inspected_files",
    "template",
]
