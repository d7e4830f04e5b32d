"""``@ytt:library``: evaluating the templates of a private library with values of one's own."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.starlark.errors import EvalError
from lapstrake.starlark.values import type_name
from lapstrake.yamldoc.gojson import dumps
from lapstrake.yamldoc.nodes import Array, ArrayItem, Document, DocumentSet, Map, MapItem, copy_value
from lapstrake.yamldoc.printer import print_value
from lapstrake.ytt.fragment import Fragment, Struct, to_tree
from lapstrake.ytt.libraries import Chosen
from lapstrake.ytt.modules.function import a_string, exactly, function
from lapstrake.ytt.schema.errors import CALCULATED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.ytt.evaluation import Evaluation
    from lapstrake.ytt.files import FileTree
    from lapstrake.ytt.settings import Settings
    from lapstrake.ytt.workspace import Values, Workspace

_SETTINGS = {
    "ignore_unknown_comments": "ignore_unknown_comments",
    "implicit_map_key_overrides": "implicit_overrides",
    "strict": "strict",
    "dangerous_data_values_disable_validation": "skip_validation",
}


def members(evaluation: Evaluation, folder: str) -> dict[str, Any]:
    source = evaluation.source

    def get(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        (name,) = exactly(args, 1)
        path = a_string(name)
        if path.startswith("@"):
            raise EvalError(f"Expected library '{path}' to be specified without '@'")
        alias = ""
        changes: dict[str, bool] = {}
        for key, value in kwargs.items():
            if key == "alias":
                alias = a_string(value)
            elif key in _SETTINGS:
                changes[_SETTINGS[key]] = _flag(value)
            else:
                raise EvalError(f"Unexpected kwarg '{key}'")
        tree = source.tree.library(path, folder)
        settings = source.settings.changed(**changes)
        return _Library(source, tree, settings, path, alias, [], []).value()

    return {"get": get}


class _Calculated(Position):
    """Where a value stands that code has made: nowhere, but errors can show what it is."""

    __slots__ = ("_item",)

    def __init__(self, item: MapItem | ArrayItem) -> None:
        self.source = CALCULATED
        self.line = self.column = 0
        self._item = item

    @property
    def text(self) -> str:  # type: ignore[override]
        item = self._item
        if isinstance(item, MapItem) and type(item.value) is str:
            return f"{item.key}: {dumps(item.value)}"
        return print_value(Map([item]) if isinstance(item, MapItem) else Array([item]))

    def __str__(self) -> str:
        return "?"


def _calculated(value: Any) -> Any:
    """``value`` with such a position for each item that has none, changed in place."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, (Map, Array)):
            for item in node.items:
                if item.position.line == 0:
                    item.position = _Calculated(item)
                pending.append(item.value)
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise EvalError(f"expected bool, but was {type_name(value)}")
    return value


class _Library:
    """A library with what has been given to it so far; giving more makes a new one."""

    def __init__(
        self,
        outer: Workspace,
        tree: FileTree,
        settings: Settings,
        path: str,
        alias: str,
        values: list[Document],
        schemas: list[Document],
    ) -> None:
        self.outer = outer
        self.tree = tree
        self.settings = settings
        self.path = path
        self.alias = alias
        self.values = values
        self.schemas = schemas

    def value(self) -> Struct:
        functions = {
            "with_data_values": self.with_data_values,
            "with_data_values_schema": self.with_data_values_schema,
            "eval": self.eval,
            "export": self.export,
            "data_values": self.data_values,
        }
        fields = {name: function(f"library.{name}", run) for name, run in functions.items()}
        return Struct(fields, "module", "library")

    def _with(self, values: list[Document], schemas: list[Document]) -> Struct:
        new_values, new_schemas = self.values + values, self.schemas + schemas
        made = _Library(self.outer, self.tree, self.settings, self.path, self.alias, new_values, new_schemas)
        return made.value()

    def with_data_values(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Struct:
        (value,) = exactly(args, 1)
        plain = False
        for key, given in kwargs.items():
            if key != "plain":
                raise EvalError(f"Unexpected keyword argument '{key}'")
            plain = _flag(given)
        document = Document(_calculated(copy_value(to_tree(value))))
        if plain:
            from lapstrake.ytt.data_values import make_lenient

            make_lenient(document)
        return self._with([document], [])

    def with_data_values_schema(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Struct:
        from lapstrake.ytt.data_values import merge_schemas

        (value,) = exactly(args, 1)
        document = Document(copy_value(to_tree(value)))
        merge_schemas([document], self.outer.run)
        return self._with([], [document])

    def eval(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Fragment:
        try:
            if args:
                raise InputError("expected no arguments")
            workspace, values = self._evaluated()
            documents: list[Document] = []
            for output in workspace.outputs(values):
                if isinstance(output.result, DocumentSet):
                    documents.extend(output.result.items)
            return Fragment(DocumentSet(documents))
        except InputError as error:
            raise EvalError(f"Evaluating library '{self._shown()}': {error}") from error

    def data_values(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            if args:
                raise InputError("expected no arguments")
            workspace, values = self._evaluated()
            return workspace.values_struct(values)
        except InputError as error:
            raise EvalError(f"Evaluating library '{self._shown()}': {error}") from error

    def export(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return self._export(args, kwargs)
        except InputError as error:
            raise EvalError(f"Exporting from library '{self._shown()}': {error}") from error

    def _export(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 1:
            raise InputError("expected exactly one argument")
        name = a_string(args[0])
        path = ""
        for key, value in kwargs.items():
            if key != "path":
                raise InputError(f"Unexpected keyword argument '{key}'")
            path = a_string(value)
        if name.startswith("_"):
            raise InputError("Symbols starting with '_' are private, and cannot be exported")
        workspace, values = self._evaluated()
        evaluation = workspace.evaluation(workspace.values_struct(values))
        found: dict[str, Any] = {}
        for file in workspace.tree.own():
            if file.is_library and (not path or file.path == path):
                names = evaluation.exports(file)
                if name in names:
                    found[file.path] = names[name]
        if not found:
            raise InputError(f"Expected to find exported symbol '{name}', but did not")
        if len(found) > 1:
            raise InputError(
                f"Expected to find exactly one exported symbol '{name}', "
                f"but found multiple across files: {', '.join(found)}"
            )
        return next(iter(found.values()))

    def _evaluated(self) -> tuple[Workspace, Values]:
        """A workspace for the library's files, with their final data values."""
        outer = self.outer
        chosen = Chosen(outer.meant, self.path, self.alias, outer.run.used)
        workspace = outer.inside(self.tree, self.settings)
        layers = [*chosen.values, *self.values, *chosen.values_after]
        values = workspace.values(
            layers=[layer.deep_copy() for layer in layers],
            schemas=[schema.deep_copy() for schema in (*chosen.schemas, *self.schemas)],
        )
        workspace.meant += chosen.inner
        return workspace, values

    def _shown(self) -> str:
        return f"{self.path}~{self.alias}" if self.alias else self.path
