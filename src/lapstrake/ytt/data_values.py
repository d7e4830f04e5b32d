"""Data values: from plain files, the environment and flags to documents, and all documents merged to one.

Whatever is not a ``#@data/values`` file becomes an overlay document too, made so that it may add keys:
plain files merge maps and replace arrays, a flag or variable replaces what stands at its path.
Precedence is fixed: values files, environment, environment as YAML, ``-v``, ``--data-value-yaml``,
``--data-value-file``; within one kind the later wins.
"""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.position import Position
from lapstrake.yamldoc.nodes import Annotation, Array, Document, Map, MapItem, placed, without_shadowed_items
from lapstrake.yamldoc.parser import parse
from lapstrake.ytt.overlay.engine import Engine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, Protocol

    from lapstrake.yamldoc.nodes import Node
    from lapstrake.ytt.overlay.host import Host
    from lapstrake.ytt.schema.types import DocumentType

    class ValuesFile(Protocol):
        @property
        def path(self) -> str: ...
        @property
        def data(self) -> bytes: ...
        @property
        def argument(self) -> str: ...

    class Environment(Protocol):
        @property
        def prefix(self) -> str: ...
        @property
        def variables(self) -> Mapping[str, str]: ...
        @property
        def yaml(self) -> bool: ...

    class Setting(Protocol):
        @property
        def key(self) -> str: ...
        @property
        def value(self) -> str: ...
        @property
        def kind(self) -> str: ...


ADDITIONAL = "additional data values"
"""How everything that is not a ``#@data/values`` file is called in the list of files of a message."""


class LibraryDocument:
    """A data values document, and the reference of the library it is meant for (``""``: none)."""

    __slots__ = ("document", "library")

    def __init__(self, library: str, document: Document) -> None:
        self.library = library
        self.document = document


def additional_values(
    files: Sequence[ValuesFile],
    environment: Sequence[Environment],
    settings: Sequence[Setting],
    *,
    strict: bool,
) -> list[LibraryDocument]:
    """The documents of everything given beside the files, in order of precedence. Raises InputError."""
    found: list[LibraryDocument] = []
    for file in files:
        found += [
            LibraryDocument("", document)
            for document in plain_file(file.path, file.data, strict=strict, argument=file.argument)
        ]
    for as_yaml in (False, True):
        for one in environment:
            if one.yaml is as_yaml:
                found += environment_values(one.prefix, one.variables, as_yaml=as_yaml, strict=strict)
    for kind in ("string", "yaml", "file"):
        found += [_setting_values(one, strict) for one in settings if one.kind == kind]
    return found


def plain_file(path: str, data: str | bytes, *, strict: bool = False, argument: str = "") -> list[Document]:
    """The documents of a file of plain YAML (``--data-values-file``). Raises InputError."""
    try:
        return _plain_file(path, data, strict, argument or path)
    except InputError as error:
        raise InputError(f"Extracting data value from file: {error}") from error


def _plain_file(path: str, data: str | bytes, strict: bool, argument: str) -> list[Document]:
    try:
        docset = parse(data, path, strict=strict)
    except InputError as error:
        raise InputError(f"Unmarshaling YAML data values file '{path}': {error}") from error
    if _has_annotations(docset):
        raise InputError(
            f"Checking data values file '{argument}': Expected to be plain YAML, having no annotations"
            " (hint: remove comments starting with `#@`)"
        )
    documents = [document for document in docset.items if document.value is not None]
    for document in documents:
        without_shadowed_items(document.value)
        make_lenient(document)
    return documents


def _has_annotations(root: Any) -> bool:
    pending = [root]
    while pending:
        node = pending.pop()
        if any(comment.text.startswith("@") for comment in getattr(node, "comments", None) or ()):
            return True
        if hasattr(node, "items"):
            pending.extend(node.items)
        elif hasattr(node, "value"):
            pending.append(node.value)
    return False


def make_lenient(document: Document) -> None:
    """Annotate a plain document so that it may add keys, and replaces arrays instead of adding to them."""
    _annotate(document, "overlay/match-child-defaults", missing_ok=True)
    pending: list[Any] = [document]
    while pending:
        node = pending.pop()
        value = node.value
        if value.__class__ is Array:
            _annotate(node, "overlay/replace", or_add=True)
        elif value.__class__ is Map:
            pending.extend(value.items)


def _annotate(node: Node, name: str, **kwargs: Any) -> None:
    if node.annotations is None:
        node.annotations = {}
    node.annotations[name] = Annotation(name, (), kwargs, node.position)


def environment_values(
    prefix: str, variables: Mapping[str, str], *, as_yaml: bool, strict: bool
) -> list[LibraryDocument]:
    """One document per variable ``PREFIX_key__nested``. Raises InputError."""
    flag = "(data-values-env-yaml arg)" if as_yaml else "(data-values-env arg)"
    try:
        library, name = _split_library(prefix)
        found = []
        for variable, text in variables.items():
            if not variable.startswith(name + "_"):
                continue
            position = Position(f"{flag} {prefix}", 1, 0, f"{variable}={text}")
            try:
                value = _yaml_value(text, position, strict) if as_yaml else text
            except InputError as error:
                raise InputError(f"Extracting data value from env variable '{variable}': {error}") from error
            keys = variable[len(name) + 1 :].split("__")
            found.append(LibraryDocument(library, _document_at(keys, value, position)))
        return found
    except InputError as error:
        raise InputError(f"Extracting data values from env under prefix '{prefix}': {error}") from error


def _setting_values(setting: Setting, strict: bool) -> LibraryDocument:
    what = "file" if setting.kind == "file" else "KV"
    try:
        library, key = _split_library(setting.key)
        text = setting.value
        if setting.kind == "file":
            path = getattr(setting, "path", "")
            position = Position(f"(data-value-file arg) {setting.key}={path}", 1, 0, text)
            value: Any = text
        elif setting.kind == "yaml":
            position = Position("(data-value-yaml arg)", 1, 0, f"{setting.key}={text}")
            try:
                value = _yaml_value(text, position, strict)
            except InputError as error:
                raise InputError(f"Deserializing value for key '{setting.key}': {error}") from error
        else:
            position = Position("(data-value arg)", 1, 0, f"{setting.key}={text}")
            value = text
        return LibraryDocument(library, _document_at(key.split("."), value, position))
    except InputError as error:
        raise InputError(f"Extracting data value from {what}: {error}") from error


def _split_library(key: str) -> tuple[str, str]:
    """The library reference and the rest of ``@ref:rest``. Raises InputError."""
    parts = key.split(":")
    if not key.startswith("@"):
        if len(parts) > 1:
            raise InputError(f"Expected at most one library-key separator ':' in '{key}'")
        return "", key
    if len(parts) > 2:
        raise InputError(f"Expected at most one library-key separator ':' in '{key}'")
    if len(parts) < 2:
        return "", key
    for piece in parts[0][1:].split("@"):
        name, tilde, alias = piece.partition("~")
        if tilde and not alias:
            raise InputError("Expected library alias to not be empty")
        if not name and not tilde:
            raise InputError("Expected library ref to not be empty")
    return parts[0], parts[1]


def _yaml_value(text: str, position: Position, strict: bool) -> Any:
    try:
        docset = parse(text, position.source, strict=strict, comments=False)
    except InputError as error:
        raise InputError(f"Deserializing YAML value: {error}") from error
    value = docset.items[0].value if docset.items else None
    return without_shadowed_items(placed(value, position))


def _document_at(keys: Sequence[str], value: Any, position: Position) -> Document:
    """A document that replaces what stands at the path ``keys``, which need not exist."""
    leaf = True
    for key in reversed(keys):
        item = MapItem(key, value, position)
        _annotate(item, "overlay/match", missing_ok=True)
        if leaf:
            _annotate(item, "overlay/replace", or_add=True)
        leaf = False
        value = Map([item], position)
    return Document(value, position)


def merge_values(schema: DocumentType | None, layers: Iterable[Document], host: Host) -> Document:
    """The final data values: the schema's defaults changed by each layer, checked and completed after each.

    Without a schema the first layer is the beginning. ``layers`` may be a generator that evaluates files as
    it goes. Raises InputError; the caller puts ``overlaying(...)`` in front. Rules are not run here.
    """
    result = schema.default_document() if schema is not None else None
    engine = Engine(host)
    for layer in layers:
        if result is None:
            result = layer.deep_copy()
            continue
        engine.matched_document(result, layer)
        if schema is not None:
            schema.check_and_complete(result)
    return result if result is not None else Document(None)


def merge_schemas(documents: Iterable[Document], host: Host) -> DocumentType | None:
    """The schema of all schema documents, each valid alone; None if there are none. Raises InputError."""
    from lapstrake.ytt.schema.build import schema_of

    merged: Document | None = None
    schema: DocumentType | None = None
    engine = Engine(host)
    count = 0
    for document in documents:
        count += 1
        schema = schema_of(document, host)
        if merged is None:
            merged = document.deep_copy()
        else:
            engine.matched_document(merged, document)
    return schema_of(merged, host) if merged is not None and count > 1 else schema


def overlaying(what: str, names: Sequence[str], run: Callable[[], Any]) -> Any:
    """``run()``, its InputError prefixed by ``Overlaying WHAT (in following order: NAMES): ``."""
    try:
        return run()
    except InputError as error:
        raise InputError(f"Overlaying {what} (in following order: {', '.join(names)}): {error}") from error


def own_documents(documents: Iterable[LibraryDocument]) -> Iterator[Document]:
    """Those that are meant for no library."""
    return (one.document for one in documents if not one.library)
