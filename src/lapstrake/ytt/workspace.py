"""One run over the files of a root or a library: schema, data values, templates, overlays, in this order."""

from __future__ import annotations

from functools import cached_property
from itertools import chain

from lapstrake.errors import InputError
from lapstrake.yamldoc.nodes import Document, DocumentSet, Map, without_shadowed_items
from lapstrake.yamldoc.parser import parse
from lapstrake.yamldoc.printer import is_empty
from lapstrake.ytt.files import STARLARK, TEXT, YAML

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from lapstrake.yamldoc.nodes import Annotation
    from lapstrake.ytt.data_values import LibraryDocument
    from lapstrake.ytt.evaluation import Evaluation, Run
    from lapstrake.ytt.files import File, FileTree
    from lapstrake.ytt.libraries import Meant, Piece
    from lapstrake.ytt.schema.types import DocumentType
    from lapstrake.ytt.settings import Settings

VALUES = "data/values"
SCHEMA = "data/values-schema"
OVERLAY = "overlay/match"
LIBRARY_REF = "library/ref"


class Output:
    """What became of one file that is put out: a document set, or a text."""

    __slots__ = ("file", "result")

    def __init__(self, file: File, result: DocumentSet | str) -> None:
        self.file = file
        self.result = result


class Values:
    """The final data values of a run, and what they were checked against."""

    __slots__ = ("document", "schema")

    def __init__(self, document: Document, schema: DocumentType | None) -> None:
        self.document = document
        self.schema = schema


class Workspace:
    """A tree of files on its way through a run.

    Files without template comments never touch the evaluator; it is imported and set up when first needed.
    """

    def __init__(self, tree: FileTree, settings: Settings, run: Run | None = None) -> None:
        self.tree = tree
        self.settings = settings
        self.meant: list[Meant] = []
        self._run = run
        self._parsed: dict[int, DocumentSet] = {}
        self._templates: dict[int, bool] = {}
        self._marked: dict[int, dict[str, int]] = {}
        self._values = Values(Document(Map()), None)

    # -- parsing

    def parsed(self, file: File) -> DocumentSet:
        """The documents of a YAML file as they stand in it. Raises InputError."""
        found = self._parsed.get(id(file))
        if found is None:
            found = self._parsed[id(file)] = self._parse(file)
        return found

    def _parse(self, file: File) -> DocumentSet:
        may_be_template = file.is_template and b"#@" in file.data
        try:
            docset = parse(file.data, file.name, strict=self.settings.strict, comments=may_be_template)
        except InputError as error:
            raise InputError(f"Unmarshaling YAML template '{file.name}': {error}") from error
        if may_be_template:
            from lapstrake.ytt.template import is_template

            may_be_template = is_template(docset)
        self._templates[id(file)] = may_be_template
        if not may_be_template:
            for document in docset.items:
                without_shadowed_items(document.value)
        return docset

    def is_template(self, file: File) -> bool:
        self.parsed(file)
        return self._templates[id(file)]

    def marked_documents(self, file: File) -> dict[str, int]:
        """How many documents of a template carry the annotation of data values, or of a schema, or neither."""
        found = self._marked.get(id(file))
        if found is None:
            found = self._marked[id(file)] = _count_marks(self.parsed(file)) if self.is_template(file) else {}
        return found

    @property
    def run(self) -> Run:
        if self._run is None:
            from lapstrake.ytt.evaluation import Run

            self._run = Run(self.settings)
        return self._run

    def inside(self, tree: FileTree, settings: Settings | None = None) -> Workspace:
        """A workspace for the files of a library, in the same run."""
        return Workspace(tree, settings or self.settings, self.run)

    def evaluation(self, values: Any) -> Evaluation:
        from lapstrake.ytt.evaluation import Evaluation

        return Evaluation(self.run, self, values)

    def check_libraries_used(self) -> None:
        """Raises InputError if values or a schema were given for a library that nobody evaluated."""
        if self.meant:
            from lapstrake.ytt.libraries import check_all_used

            check_all_used(self.meant, self.run.used)

    # -- schema and values

    def values(
        self,
        additional: Sequence[LibraryDocument] = (),
        layers: Sequence[Document] = (),
        schemas: Sequence[Document] = (),
    ) -> Values:
        """The final data values; ``additional`` come from flags, ``layers`` and ``schemas`` from a library's user.

        What is meant for libraries goes to ``meant``. Raises InputError for values that do not fit the schema,
        or break a rule.
        """
        files = [file for file in self.tree.own() if file.kind == YAML and not file.is_library]
        for file in self.tree.by_folder():
            if file.kind == YAML and not file.is_library:
                self.parsed(file)
        schema_files = [file for file in files if SCHEMA in self.marked_documents(file)]
        value_files = [file for file in files if VALUES in self.marked_documents(file)]
        if not (schema_files or value_files or additional or schemas or layers):
            return Values(Document(Map()), None)
        from lapstrake.ytt import data_values
        from lapstrake.ytt.fragment import Struct

        evaluation = self.evaluation(Struct({}))
        schema = None
        if schema_files or schemas:
            schema = data_values.overlaying(
                "data values schema",
                [file.name for file in schema_files] + [data_values.ADDITIONAL] * bool(schemas),
                lambda: data_values.merge_schemas(
                    chain(list(self._own(evaluation, schema_files, SCHEMA)), schemas), self.run
                ),
            )
        merged = data_values.overlaying(
            "data values",
            [file.name for file in value_files] + [data_values.ADDITIONAL] * bool(additional or layers),
            lambda: data_values.merge_values(
                schema,
                chain(list(self._own(evaluation, value_files, VALUES)), layers, self._given(additional)),
                self.run,
            ),
        )
        if not self.settings.skip_validation:
            from lapstrake.ytt.validation import validate

            validate(merged, schema, self.run)
        return Values(merged, schema)

    def _given(self, additional: Sequence[LibraryDocument]) -> Iterator[Document]:
        from lapstrake.ytt.libraries import Meant, reference_pieces

        for one in additional:
            if one.library:
                self.meant.append(Meant(one.library, reference_pieces(one.library), one.document))
            else:
                yield one.document

    def _own(self, evaluation: Evaluation, files: Sequence[File], mark: str) -> Iterator[Document]:
        """The marked documents of the files, evaluated one by one; those with a library's name are put aside."""
        from lapstrake.ytt.libraries import Meant

        for file in files:
            try:
                documents = evaluation.yaml(file).items
                if any(mark not in (one.annotations or {}) and not is_empty(one.value) for one in documents):
                    kind = "data values" if mark == VALUES else "schema"
                    raise InputError(f"Expected {kind} file '{file.name}' to only have {kind} documents")
            except InputError as error:
                raise InputError(f"Templating file '{file.name}': {error}") from error
            for document in documents:
                annotations = document.annotations or {}
                if mark not in annotations:
                    continue
                after = _after_library_module(annotations, mark)
                if LIBRARY_REF not in annotations:
                    yield document
                    continue
                reference, pieces = _library_reference(annotations[LIBRARY_REF])
                self.meant.append(Meant(reference, pieces, document, is_schema=mark == SCHEMA, after=after))

    # -- templates

    def outputs(self, values: Values) -> list[Output]:
        """All files that are put out, with overlays applied, in the order of the files. Raises InputError."""
        results: dict[int, DocumentSet | str | None] = {}
        overlays: dict[int, DocumentSet] = {}
        self._values = values
        for file in self.tree.by_folder():
            results[id(file)] = self._result(file, overlays)
        files = self.tree.own()
        made = [Output(file, found) for file in files if (found := results[id(file)]) is not None]
        if overlays:
            from lapstrake.ytt.overlay.engine import apply_overlays

            targets = [one.result for one in made if isinstance(one.result, DocumentSet)]
            in_order = [overlays[id(file)] for file in files if id(file) in overlays]
            apply_overlays(targets, in_order, self.run)
        return made

    @cached_property
    def _with_values(self) -> Evaluation:
        return self.evaluation(self.values_struct(self._values))

    def _result(self, file: File, overlays: dict[int, DocumentSet]) -> DocumentSet | str | None:
        """What is put out for a file, or None. Library files are evaluated too, for what they may complain about."""
        if file.kind == STARLARK and file.is_template:
            self._with_values.starlark(file)
        elif file.kind == TEXT:
            text = file.decoded()
            is_template = file.is_template and ("(@" in text or "@)" in text)
            text = self._with_values.text(file) if is_template else text
            return text if file.output else None
        elif file.kind == YAML:
            return self._documents(file, overlays)
        return None

    def _documents(self, file: File, overlays: dict[int, DocumentSet]) -> DocumentSet | None:
        marks = self.marked_documents(file)
        if VALUES in marks or SCHEMA in marks:
            return None
        docset = self.parsed(file)
        is_empty_file = not docset.items
        if self.is_template(file):
            docset = self._with_values.yaml(file)
            mine = [document for document in docset.items if OVERLAY in (document.annotations or ())]
            if mine:
                docset.items = [document for document in docset.items if document not in mine]
                if file.output:
                    overlays[id(file)] = DocumentSet(mine, docset.position)
                if not docset.items:
                    return None
        return docset if file.output and not is_empty_file else None

    def values_struct(self, values: Values) -> Any:
        from lapstrake.ytt.fragment import struct_of

        value = struct_of(values.document.value)
        self.run.machine.freeze(value)
        return value


def _after_library_module(annotations: dict[str, Annotation], mark: str) -> bool:
    """What ``#@data/values after_library_module=...`` says. Raises InputError."""
    after = False
    for name, value in annotations[mark].kwargs.items():
        if name != "after_library_module":
            raise InputError(f"Unknown kwarg {name} for annotation {mark}")
        if LIBRARY_REF not in annotations:
            raise InputError(
                f"Annotation {mark}: Expected kwarg 'after_library_module' to be used with library/ref annotation"
            )
        after = value is True
    return after


def _library_reference(annotation: Annotation) -> tuple[str, list[Piece]]:
    """The library that ``#@library/ref "..."`` names. Raises InputError."""
    if len(annotation.args) != 1:
        raise InputError(f"Expected library/ref annotation to have one arg, got {len(annotation.args)}")
    from lapstrake.ytt.libraries import reference_pieces

    try:
        return str(annotation.args[0]), reference_pieces(str(annotation.args[0]))
    except InputError as error:
        raise InputError(f"Annotation library/ref: {error}") from error


def _count_marks(docset: DocumentSet) -> dict[str, int]:
    counts: dict[str, int] = {}
    for document in docset.items:
        mark = ""
        for comment in document.comments or ():
            words = comment.text[1:].split(None, 1) if comment.text.startswith("@") else []
            if words and words[0] in (VALUES, SCHEMA) and comment.text[1:2].strip():
                mark = words[0]
        if mark or document.value is not None or document.comments:
            counts[mark] = counts.get(mark, 0) + 1
    return counts
