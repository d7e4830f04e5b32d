"""The whole of ytt as one pure step: named bytes and options in, documents and files out."""

from __future__ import annotations

from lapstrake.errors import InputError
from lapstrake.ytt.limits import UNLIMITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lapstrake.yamldoc.nodes import Document, DocumentSet
    from lapstrake.ytt.data_values import LibraryDocument
    from lapstrake.ytt.limits import Limits
    from lapstrake.ytt.workspace import Output, Values


_NOT_PRINTED = (
    "\nWarning: Found Non-YAML templates in input. Non-YAML templates are not rendered to standard output.\n"
    "If you want to include those results, use the --output-files or --dangerous-emptied-output-directory flag.\n"
)


class SourceFile:
    """A file given to ytt: ``path`` as it is to be known in messages, loads and output; its bytes.

    ``argument`` is what the user wrote to name it, if that is something else.
    """

    __slots__ = ("argument", "data", "path")

    def __init__(self, path: str, data: bytes, argument: str = "") -> None:
        self.path = path
        self.data = data
        self.argument = argument or path


class DataValue:
    """One ``--data-value`` style setting.

    ``key`` is the dotted path, perhaps after ``@library:``; ``value`` the text. ``kind`` says how the text is
    meant: ``string`` (-v), ``yaml`` (--data-value-yaml) or ``file`` (--data-value-file: the file's content).
    ``path`` is where such a file stands, for messages.
    """

    __slots__ = ("key", "kind", "path", "value")

    def __init__(self, key: str, value: str, kind: str = "string", path: str = "") -> None:
        self.key = key
        self.value = value
        self.kind = kind
        self.path = path


class EnvironmentValues:
    """Data values from variables named ``PREFIX_key__nested``; ``yaml``: parse the values as YAML.

    ``prefix`` may begin with ``@library:``; ``variables`` is the whole environment to choose from, in order.
    """

    __slots__ = ("prefix", "variables", "yaml")

    def __init__(self, prefix: str, variables: Mapping[str, str], *, yaml: bool = False) -> None:
        self.prefix = prefix
        self.variables = variables
        self.yaml = yaml


class TemplateOptions:
    """What a run of ytt can be told besides its files; the defaults are ytt's.

    ``values_files`` are plain YAML files (--data-values-file), lowest in precedence, then ``environment``,
    then ``values`` (string, yaml, file, as ytt ranks them whatever their order). ``inspect`` is ``""``,
    ``"values"`` (--data-values-inspect) or ``"schema"`` (--data-values-schema-inspect, OpenAPI v3).
    ``limits`` bound what templates may use; ``skip_validation`` leaves the rules on data values aside.
    ``given_values`` and ``given_schemas`` are documents of a calling program: they come after all other
    values, and after the schema files.
    """

    __slots__ = (
        "environment",
        "file_marks",
        "given_schemas",
        "given_values",
        "ignore_unknown_comments",
        "implicit_map_key_overrides",
        "inspect",
        "limits",
        "skip_validation",
        "strict",
        "values",
        "values_files",
    )

    def __init__(
        self,
        *,
        values_files: Sequence[SourceFile] = (),
        environment: Sequence[EnvironmentValues] = (),
        values: Sequence[DataValue] = (),
        file_marks: Sequence[str] = (),
        strict: bool = False,
        ignore_unknown_comments: bool = False,
        implicit_map_key_overrides: bool = False,
        inspect: str = "",
        limits: Limits = UNLIMITED,
        skip_validation: bool = False,
        given_values: Sequence[Document] = (),
        given_schemas: Sequence[Document] = (),
    ) -> None:
        self.values_files = values_files
        self.environment = environment
        self.values = values
        self.file_marks = file_marks
        self.strict = strict
        self.ignore_unknown_comments = ignore_unknown_comments
        self.implicit_map_key_overrides = implicit_map_key_overrides
        self.inspect = inspect
        self.limits = limits
        self.skip_validation = skip_validation
        self.given_values = given_values
        self.given_schemas = given_schemas


class TemplateResult:
    """What came out.

    ``files``: one per template, relative path and printed bytes, text files before YAML files as ytt writes
    them; ``document_sets``: the YAML documents of each file; ``text``: what ``ytt`` prints on stdout;
    ``log``: what ``print()`` and warnings wrote on stderr.
    """

    __slots__ = ("document_sets", "files", "log", "text")

    def __init__(
        self, *, files: Sequence[SourceFile], document_sets: Sequence[DocumentSet], text: str, log: str = ""
    ) -> None:
        self.files = files
        self.document_sets = document_sets
        self.text = text
        self.log = log

    @property
    def documents(self) -> list[Document]:
        """All YAML documents in order."""
        return [document for docset in self.document_sets for document in docset.items]

    @property
    def warning(self) -> str:
        """What ytt says on stderr beside ``text`` if some file is no YAML, so that only a folder could take it."""
        if all(file.path.endswith((".yml", ".yaml")) for file in self.files):
            return ""
        return _NOT_PRINTED

    def objects(self) -> list[object]:
        """The documents as plain values (dict, list, str, int, float, bool, None), empty ones left out."""
        from lapstrake.yamldoc.plain import load_all

        return [value for value in load_all(self.text, "stdout") if value is not None]


def template(
    files: Sequence[SourceFile],
    options: TemplateOptions | None = None,
    *,
    log: Callable[[str], None] | None = None,
) -> TemplateResult:
    """Render ``files`` in memory. ``log`` receives at once what goes to the result's ``log``.

    Raises LapstrakeError with ytt's text (without ``ytt: Error:``) for anything wrong in files or values.
    """
    try:
        return _template(files, options or TemplateOptions(), log)
    except RecursionError as error:
        raise InputError("values or documents are nested too deeply") from error


def _template(
    files: Sequence[SourceFile], options: TemplateOptions, log: Callable[[str], None] | None
) -> TemplateResult:
    from lapstrake.ytt.files import FileTree, with_roles
    from lapstrake.ytt.settings import Settings
    from lapstrake.ytt.workspace import Workspace

    written: list[str] = []

    size = 0

    def write(text: str) -> None:
        nonlocal size
        size += len(text)
        if options.limits.output and size > options.limits.output:
            raise InputError(f"what is printed is too large (more than {options.limits.output} characters)")
        written.append(text)
        if log is not None:
            log(text)

    settings = Settings(
        write=write,
        strict=options.strict,
        ignore_unknown_comments=options.ignore_unknown_comments,
        implicit_overrides=options.implicit_map_key_overrides,
        limits=options.limits,
        skip_validation=options.skip_validation,
    )
    workspace = Workspace(FileTree(with_roles(files, options.file_marks)), settings)
    values = workspace.values(_additional_values(options), schemas=options.given_schemas)
    if options.inspect:
        return _inspected(values, options.inspect, written)
    outputs = workspace.outputs(values)
    workspace.check_libraries_used()
    return _result(outputs, written, options.limits.output)


def inspected_files(files: Sequence[SourceFile], marks: Sequence[str] = ()) -> list[str]:
    """The paths of the files that a run would look at, libraries' left out. Raises LapstrakeError."""
    from lapstrake.ytt.files import FileTree, with_roles

    return [file.path for file in FileTree(with_roles(files, marks)).own()]


def _additional_values(options: TemplateOptions) -> list[LibraryDocument]:
    if not (options.values_files or options.environment or options.values or options.given_values):
        return []
    from lapstrake.ytt.data_values import LibraryDocument, additional_values

    found = additional_values(
        options.values_files, options.environment, options.values, strict=options.strict
    )
    return found + [LibraryDocument("", document) for document in options.given_values]


def _inspected(values: Values, what: str, written: list[str]) -> TemplateResult:
    """The data values themselves, or their schema as an OpenAPI document."""
    from lapstrake.yamldoc.nodes import DocumentSet

    document = values.document
    if what == "schema":
        from lapstrake.ytt.schema.openapi import openapi_document

        document = openapi_document(values.schema)
    docset = DocumentSet([document])
    return TemplateResult(files=(), document_sets=[docset], text=_printed(docset), log="".join(written))


def _result(outputs: Sequence[Output], written: list[str], limit: int) -> TemplateResult:
    from lapstrake.yamldoc.nodes import DocumentSet
    from lapstrake.yamldoc.printer import SEPARATOR

    texts: list[SourceFile] = []
    yamls: list[SourceFile] = []
    document_sets: list[DocumentSet] = []
    printed: list[str] = []
    size = 0
    for output in outputs:
        result = output.result
        text = _printed(result, limit) if isinstance(result, DocumentSet) else result
        size += len(text)
        if limit and size > limit:
            raise InputError(f"output is too large (more than {limit} characters)")
        file = SourceFile(output.file.path, text.encode("utf-8", "surrogateescape"))
        if isinstance(result, DocumentSet):
            yamls.append(file)
            document_sets.append(result)
            if text:
                printed.append(text)
        else:
            texts.append(file)
    text = SEPARATOR.join(printed)
    return TemplateResult(
        files=[*texts, *yamls], document_sets=document_sets, text=text, log="".join(written)
    )


def _printed(docset: DocumentSet, limit: int = 0) -> str:
    from lapstrake.yamldoc.printer import SEPARATOR, print_documents

    if not limit:
        return print_documents(docset)
    parts: list[str] = []
    size = 0
    for document in docset.items:
        text = print_documents(type(docset)([document]))
        size += len(text)
        if size > limit:
            raise InputError(f"output is too large (more than {limit} characters)")
        if text:
            parts.append(text)
    return SEPARATOR.join(parts)
