"""The ytt command line: template (the bare command), version."""

from __future__ import annotations

import gc
import os
import sys

from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.ytt_files import Reader
from lapstrake.errors import InputError
from lapstrake.operations.template import (
    DataValue,
    EnvironmentValues,
    SourceFile,
    TemplateOptions,
    TemplateResult,
    template,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# a render makes trees, which need no collector; this bounds what templates that tie knots may leave behind
_GARBAGE_THRESHOLD = 1_000_000

_FLAGS = (
    Flag(
        "file",
        "array",
        None,
        "File (ie local path, HTTP URL, -) (can be specified multiple times)",
        short="f",
    ),
    Flag("data-value", "array", None, "Set specific data value to given value, as string", short="v"),
    Flag("data-value-yaml", "array", None, "Set specific data value to given value, parsed as YAML"),
    Flag("data-value-file", "array", None, "Set specific data value to contents of a file"),
    Flag("data-values-env", "array", None, "Extract data values (as strings) from prefixed env vars"),
    Flag(
        "data-values-env-yaml", "array", None, "Extract data values (parsed as YAML) from prefixed env vars"
    ),
    Flag("data-values-file", "array", None, "Set multiple data values via plain YAML files"),
    Flag(
        "data-values-inspect",
        "bool",
        False,
        "Determine the final data values (applying any overlays) and display",
    ),
    Flag("dangerous-data-values-disable-validation", "bool", False, "Skip validating data values"),
    Flag("data-values-schema-inspect", "bool", False, "Determine the complete schema for data values"),
    Flag("output", "strings", None, "Output format (yaml, json, pos)", short="o"),
    Flag("output-files", "string", "", "Add output files to given directory"),
    Flag(
        "dangerous-emptied-output-directory",
        "string",
        "",
        "Delete given directory, and then create it with output files",
    ),
    Flag("file-mark", "array", None, "File mark (ie change file path, mark as non-template)"),
    Flag(
        "files-inspect",
        "bool",
        False,
        "Determine the set of files that would be processed and display that result",
    ),
    Flag("strict", "bool", False, "Configure to use _strict_ YAML subset", short="s"),
    Flag(
        "ignore-unknown-comments",
        "bool",
        False,
        "Configure whether unknown comments are considered as errors",
    ),
    Flag(
        "implicit-map-key-overrides",
        "bool",
        False,
        "Configure whether implicit map keys overrides are allowed",
    ),
    Flag("allow-symlink-destination", "array", None, "File paths to which symlinks are allowed"),
    Flag(
        "dangerous-allow-all-symlink-destinations", "bool", False, "Symlinks to all destinations are allowed"
    ),
    Flag("bulk-in", "string", "", "Accept files in bulk format", hidden=True),
    Flag("bulk-out", "bool", False, "Output files in bulk format", hidden=True),
    Flag("debug", "bool", False, "Enable debug output"),
)


_FORMAT_FLAGS = tuple(
    flag
    for flag in _FLAGS
    if flag.name in ("file", "debug", "allow-symlink-destination", "dangerous-allow-all-symlink-destinations")
)


def main(argv: Sequence[str]) -> int:
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    return execute("ytt", _root(), argv)


def _root() -> Command:
    return Command(
        "ytt",
        "ytt performs YAML templating",
        flags=_FLAGS,
        run=_template,
        children=(
            Command("template", "Process YAML templates", aliases=("t", "tpl"), flags=_FLAGS, run=_template),
            Command("fmt", "Format YAML templates (eg ytt fmt -f a.yml)", flags=_FORMAT_FLAGS, run=_format),
            Command("version", "Print ytt version", run=_version),
        ),
    )


def _version(args: Arguments) -> int:
    from lapstrake.ytt.modules.versions import YTT_VERSION

    sys.stdout.write(f"ytt version {YTT_VERSION}\n")
    return 0


def _format(args: Arguments) -> int:
    from lapstrake.yamldoc.formatter import formatted
    from lapstrake.yamldoc.parser import parse

    for source in _reader(args).sources(args["file"]):
        if _is_yaml(source.path):
            sys.stdout.write(formatted(parse(source.data, source.path)))
    return 0


def _template(args: Arguments) -> int:
    if args["bulk-out"]:
        from lapstrake.cli.ytt_bulk import write_bulk

        return write_bulk(lambda: _rendered(args))
    folder, emptied = args["output-files"], args["dangerous-emptied-output-directory"]
    output = _output_type(args)
    if args["files-inspect"]:
        from lapstrake.operations.template import inspected_files

        for path in inspected_files(_sources(args), args["file-mark"]):
            sys.stdout.write(f"- {path}\n")
        return 0
    result = _rendered(args)
    if folder or emptied:
        from lapstrake.cli.ytt_output import write_files

        write_files(result.files, emptied or folder, emptied=bool(emptied))
        return 0
    _print(result, output)
    return 0


def _print(result: TemplateResult, output: str) -> None:
    sys.stderr.write(result.warning)
    if output == "yaml":
        sys.stdout.buffer.write(result.text.encode("utf-8", "surrogateescape"))
        return
    from lapstrake.cli.ytt_output import json_text, positions_text

    as_json = output == "json"
    sys.stdout.write(json_text(result.documents) if as_json else positions_text(result.document_sets))


def _is_yaml(path: str) -> bool:
    return path.endswith((".yml", ".yaml"))


def _output_type(args: Arguments) -> str:
    kind = "yaml"
    for given in args["output"]:
        if given in ("yaml", "json", "pos"):
            kind = given
        elif given != "openapi-v3":
            raise InputError(f"Unknown output type '{given}'")
    if "openapi-v3" in args["output"] and not args["data-values-schema-inspect"]:
        raise InputError(
            "Output type currently only supported for data values schema "
            "(i.e. include --data-values-schema-inspect)"
        )
    if args["data-values-schema-inspect"] and "openapi-v3" not in args["output"]:
        raise InputError(
            "Data values schema export only supported in OpenAPI v3 format; specify format with --output=openapi-v3 flag"
        )
    return kind


def _sources(args: Arguments) -> list[SourceFile]:
    return _reader(args).sources(args["file"])


def _reader(args: Arguments) -> Reader:
    return Reader(
        allow_links=args["dangerous-allow-all-symlink-destinations"], links=args["allow-symlink-destination"]
    )


def _rendered(args: Arguments) -> TemplateResult:
    reader = _reader(args)
    if args["bulk-in"]:
        from lapstrake.cli.ytt_bulk import read_bulk

        sources = read_bulk(args["bulk-in"])
    else:
        sources = reader.sources(args["file"])
    inspect = (
        "schema" if args["data-values-schema-inspect"] else "values" if args["data-values-inspect"] else ""
    )
    options = TemplateOptions(
        values_files=_values_files(args, reader),
        environment=_environment(args),
        values=_values(args, reader),
        file_marks=args["file-mark"],
        strict=args["strict"],
        ignore_unknown_comments=args["ignore-unknown-comments"],
        implicit_map_key_overrides=args["implicit-map-key-overrides"],
        inspect=inspect,
        skip_validation=args["dangerous-data-values-disable-validation"],
    )
    return template(sources, options, log=_log)


def _log(text: str) -> None:
    sys.stderr.write(text)


def _values_files(args: Arguments, reader: Reader) -> list[SourceFile]:
    found: list[SourceFile] = []
    for path in args["data-values-file"]:
        try:
            found += [SourceFile(file.path, file.data, path) for file in reader.sources([path])]
        except InputError as error:
            raise InputError(f"Extracting data value from file: Find files '{path}': {error}") from error
    return found


def _environment(args: Arguments) -> list[EnvironmentValues]:
    variables = dict(os.environ)
    return [EnvironmentValues(prefix, variables) for prefix in args["data-values-env"]] + [
        EnvironmentValues(prefix, variables, yaml=True) for prefix in args["data-values-env-yaml"]
    ]


def _values(args: Arguments, reader: Reader) -> list[DataValue]:
    found: list[DataValue] = []
    for flag, kind in (("data-value", "string"), ("data-value-yaml", "yaml"), ("data-value-file", "file")):
        for given in args[flag]:
            what = "file" if kind == "file" else "KV"
            key, equals, value = given.partition("=")
            if not equals:
                form = "key=/file/path" if kind == "file" else "key=value"
                raise InputError(f"Extracting data value from {what}: Expected format {form}")
            if kind == "file":
                found.append(_file_value(key, value, reader))
            else:
                found.append(DataValue(key, value, kind))
    return found


def _file_value(key: str, path: str, reader: Reader) -> DataValue:
    try:
        text = reader.single(path).decode("utf-8", "surrogateescape")
    except InputError as error:
        raise InputError(f"Extracting data value from file: {error}") from error
    return DataValue(key, text, "file", path)
