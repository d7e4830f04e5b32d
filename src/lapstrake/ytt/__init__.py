"""ytt as a library: render templates, overlays and data values inside a Python program.

::

    from lapstrake import ytt

    result = ytt.render({"config.yml": "#@ load('@ytt:data', 'data')\nport: #@ data.values.port\n"}, values={"port": 80},
                        schema={"port": 0})
    result.text        # "port: 80\n"
    result.objects()   # [{"port": 80}]

Nothing is read but what is given, and nothing is written. Importing this imports next to nothing.
"""

from __future__ import annotations

from lapstrake.errors import InputError as Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.api import read, render
    from lapstrake.ytt.limits import Limits
    from lapstrake.ytt.rendering import TemplateResult as Result

__all__ = ["Error", "Limits", "Result", "read", "render"]

_PLACES = {
    "Limits": ("lapstrake.ytt.limits", "Limits"),
    "Result": ("lapstrake.ytt.rendering", "TemplateResult"),
    "read": ("lapstrake.ytt.api", "read"),
    "render": ("lapstrake.ytt.api", "render"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: the command line pays for nothing it does not use."""
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(place[0]), place[1])


def __dir__() -> list[str]:
    return sorted(__all__)
