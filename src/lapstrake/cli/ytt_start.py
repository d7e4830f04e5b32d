"""Loads the compiled half of PyYAML alone, which saves the ytt program a third of its start.

``import yaml`` compiles the patterns of loaders and dumpers that a render never uses. The compiled parser needs
of them no more than the names of their exceptions, so the package is put together from its light modules.
Only for a process that is ours from its first line: who uses Lapstrake as a library gets PyYAML as it is.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_NEVER_RAISED = {
    "composer": "ComposerError",
    "constructor": "ConstructorError",
    "emitter": "EmitterError",
    "serializer": "SerializerError",
    "representer": "RepresenterError",
}


def load_parser_alone() -> None:
    """Make ``yaml._yaml`` importable without the rest of ``yaml``; leaves a PyYAML of another make alone."""
    if "yaml" in sys.modules:
        return
    try:
        _load()
    except (ImportError, AttributeError):
        for name in [name for name in sys.modules if name == "yaml" or name.startswith("yaml.")]:
            del sys.modules[name]


def _load() -> None:
    module = type(sys)
    specs = (finder.find_spec("yaml", None) for finder in sys.meta_path)
    spec = next((spec for spec in specs if spec is not None), None)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("yaml")
    package = module("yaml")
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    sys.modules["yaml"] = package

    import yaml.error
    import yaml.events
    import yaml.nodes
    import yaml.parser

    package.YAMLError = yaml.error.YAMLError  # type: ignore[attr-defined]
    _add(package, "reader", ReaderError=_reader_error(yaml.error.YAMLError))
    for name, exception in _NEVER_RAISED.items():
        _add(package, name, **{exception: type(exception, (yaml.error.YAMLError,), {})})

    import yaml._yaml


def _add(package: ModuleType, name: str, **contents: type) -> None:
    made = type(sys)(f"yaml.{name}")
    vars(made).update(contents)
    setattr(package, name, made)


def _reader_error(base: type[Exception]) -> type:
    """What the parser raises for characters that YAML does not allow, with the fields of PyYAML's own."""

    def init(self: object, name: str, character: object, position: int, encoding: str, reason: str) -> None:
        vars(self).update(name=name, character=character, position=position, encoding=encoding, reason=reason)

    return type("ReaderError", (base,), {"__init__": init})
