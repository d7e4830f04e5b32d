"""Evaluates the files of one root or library: templates, libraries, loads. Every load evaluates anew."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.starlark.errors import EvalError, StaticError
from lapstrake.starlark.machine import Loaded, Machine
from lapstrake.starlark.parse import parse
from lapstrake.starlark.syntax import lines_of
from lapstrake.yamldoc.nodes import DocumentSet
from lapstrake.ytt.failures import ProgramFailed, described
from lapstrake.ytt.files import STARLARK, TEXT
from lapstrake.ytt.fragment import Fragment, to_starlark, to_tree
from lapstrake.ytt.modules import Modules
from lapstrake.ytt.template import Compiled, compile_text, compile_yaml

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from lapstrake.starlark.syntax import Program
    from lapstrake.ytt.files import File
    from lapstrake.ytt.settings import Settings
    from lapstrake.ytt.workspace import Workspace

MAX_LOADS = 100


class Run:
    """The machine of a run and the numbers its templates are counted by; also the overlays' Host.

    ``used`` tells (by identity) which documents for libraries reached one, ``programs`` what Starlark files hold.
    """

    __slots__ = ("loading", "machine", "programs", "serial", "settings", "used", "warned")

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        limits = settings.limits
        self.machine = Machine(
            write=settings.write, max_steps=limits.steps, max_calls=limits.depth, max_memory=limits.memory
        )
        self.programs: dict[File, Program] = {}
        self.warned: set[str] = set()
        self.used: set[int] = set()
        self.serial = 1
        self.loading = 0

    def call(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        return self.machine.call(function, args, kwargs)

    def to_starlark(self, value: Any) -> Any:
        return to_starlark(value)

    def to_yaml(self, value: Any) -> Any:
        return to_tree(value)


class Evaluation:
    """Runs files of ``source`` with ``values`` as data.values."""

    __slots__ = ("run", "source", "tree", "values")

    def __init__(self, run: Run, source: Workspace, values: Any) -> None:
        self.run = run
        self.source = source
        self.tree = source.tree
        self.values = values

    # -- files

    def yaml(self, file: File, docset: DocumentSet | None = None) -> DocumentSet:
        """The documents that a YAML template makes. Raises InputError."""
        try:
            result, _ = self._run_yaml(file, docset or self.source.parsed(file))
        except (EvalError, StaticError) as error:
            raise ProgramFailed(described(error)) from error
        return result

    def text(self, file: File) -> str:
        """The text that a text template makes. Raises InputError."""
        try:
            return self._run_text(file)[0]
        except (EvalError, StaticError) as error:
            raise ProgramFailed(f"Evaluating text template: {described(error)}") from error

    def starlark(self, file: File) -> dict[str, Any]:
        """The globals of a Starlark file. Raises InputError."""
        try:
            return self._run_starlark(file)
        except (EvalError, StaticError) as error:
            raise ProgramFailed(f"Evaluating starlark template: {described(error)}") from error

    def _run_yaml(self, file: File, docset: DocumentSet) -> tuple[DocumentSet, dict[str, Any]]:
        settings = self.source.settings
        self.run.serial += 1
        compiled = compile_yaml(
            docset,
            file.name,
            serial=self.run.serial,
            ignore_unknown_comments=settings.ignore_unknown_comments,
            implicit_overrides=settings.implicit_overrides,
            charge=self.run.machine.charge,
        )
        made, names = self._run(compiled, file)
        assert isinstance(made, Fragment)
        assert isinstance(made.node, DocumentSet)
        result = made.node
        result.position = Position(file.name, 1)
        return result, names

    def _run_text(self, file: File) -> tuple[str, dict[str, Any]]:
        self.run.serial += 1
        made, names = self._run(compile_text(file.decoded(), file.name, serial=self.run.serial), file)
        return made, names

    def _run(self, compiled: Compiled, file: File) -> tuple[Any, dict[str, Any]]:
        builder = compiled.builder
        builder.begin(compiled.docset)
        names = self.run.machine.run(compiled.program, load=self._loader(file), function_hooks=compiled.hooks)
        return builder.leave(None, False), names

    def _run_starlark(self, file: File) -> dict[str, Any]:
        programs = self.run.programs
        program = programs.get(file)
        if program is None:
            program = programs[file] = parse(file.path, lines_of(file.decoded(), ""))
        return self.run.machine.run(program, load=self._loader(file))

    # -- loads

    def _loader(self, file: File) -> Callable[[str], Loaded]:
        folder = file.folder
        modules = Modules(self, folder)

        def load(name: str) -> Loaded:
            try:
                return self._load(name, folder, modules)
            except EvalError as error:
                raise EvalError(f"cannot load {name}: {error.message}") from error
            except InputError as error:
                raise EvalError(f"cannot load {name}: {error}") from error

        return load

    def _load(self, name: str, folder: str, modules: Modules) -> Loaded:
        if name.startswith("@"):
            library, colon, path = name[1:].partition(":")
            if not colon:
                raise InputError(
                    "Expected library path to be in format '@name:path' e.g. "
                    "'@github.com/vmware-tanzu/test:test.star' or '@ytt:base64'"
                )
            if library == "ytt":
                return Loaded(name, modules.module(path))
            return self._load_from_library(name, library, path, folder)
        return self.load_file(name, self.tree.find(name, folder))

    def _load_from_library(self, name: str, library: str, path: str, folder: str) -> Loaded:
        tree = self.tree.library(library, folder)
        inner = Evaluation(self.run, self.source.inside(tree), self.values)
        return inner.load_file(name, tree.find(path, ""))

    def load_file(self, name: str, file: File) -> Loaded:
        """The exports of a library file, frozen. Raises InputError."""
        if not file.is_library:
            raise InputError(
                f"Expected file '{file.name}' to be a library file, but was not (hint: library filename must end with "
                "'.lib.yml' or '.star'; use data.read(...) for loading non-templated file contents)"
            )
        run = self.run
        if run.loading >= MAX_LOADS:
            raise InputError("files are loaded too deeply (a file that loads itself?)")
        run.loading += 1
        try:
            names = self.exports(file)
        finally:
            run.loading -= 1
        run.machine.freeze(tuple(names.values()))
        return Loaded(name, names)

    def exports(self, file: File) -> dict[str, Any]:
        if file.kind == STARLARK:
            return self.starlark(file)
        try:
            if file.kind == TEXT:
                return self._run_text(file)[1]
            return self._run_yaml(file, self.source.parsed(file))[1]
        except (EvalError, StaticError) as error:
            prefix = "Evaluating text template: " if file.kind == TEXT else ""
            raise ProgramFailed(prefix + described(error)) from error
