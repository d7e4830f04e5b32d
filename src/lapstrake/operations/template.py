"""ytt as one pure step: named bytes and options in, documents and files out.

The command line, kapp-controller's template step and the Python API all call :func:`template`;
reading folders, the environment and writing the output directory is the callers' business.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lapstrake.yamldoc.nodes import Document


class SourceFile:
    """A file given to ytt: ``path`` as it is to be known in messages, loads and output; its bytes."""

    __slots__ = ("data", "path")

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.data = data


class DataValue:
    """One ``--data-value`` style setting.

    ``key`` is the dotted path, perhaps after ``@library:``; ``value`` the text. ``kind`` says how the text is
    meant: ``string`` (-v), ``yaml`` (--data-value-yaml) or ``file`` (--data-value-file: the file's content).
    """

    __slots__ = ("key", "kind", "value")

    def __init__(self, key: str, value: str, kind: str = "string") -> None:
        self.key = key
        self.value = value
        self.kind = kind


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
    """

    __slots__ = (
        "environment",
        "file_marks",
        "ignore_unknown_comments",
        "implicit_map_key_overrides",
        "inspect",
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
    ) -> None:
        self.values_files = values_files
        self.environment = environment
        self.values = values
        self.file_marks = file_marks
        self.strict = strict
        self.ignore_unknown_comments = ignore_unknown_comments
        self.implicit_map_key_overrides = implicit_map_key_overrides
        self.inspect = inspect


class TemplateResult:
    """What came out.

    ``files``: one per template, relative path and printed bytes, text files before YAML files as ytt writes
    them; ``documents``: all YAML documents in order; ``text``: what ``ytt`` prints on stdout;
    ``log``: what ``print()`` and warnings wrote on stderr.
    """

    __slots__ = ("documents", "files", "log", "text")

    def __init__(
        self, *, files: Sequence[SourceFile], documents: Sequence[Document], text: str, log: str = ""
    ) -> None:
        self.files = files
        self.documents = documents
        self.text = text
        self.log = log

    def objects(self) -> list[object]:
        """The documents as plain values (dict, list, str, int, float, bool, None), empty ones left out."""
        from lapstrake.yamldoc.plain import load_all

        return [value for value in load_all(self.text, "stdout") if value is not None]


def template(files: Sequence[SourceFile], options: TemplateOptions | None = None) -> TemplateResult:
    """Render ``files`` in memory.

    Raises LapstrakeError with ytt's text (without ``ytt: Error:``) for anything wrong in files or values.
    """
    from lapstrake.errors import LapstrakeError

    raise LapstrakeError("templating is not in place yet")
