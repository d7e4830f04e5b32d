"""The template step: a chain of tools, the first on the fetched folder, each further one on what came before."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lapstrake.adapters import file_tree
from lapstrake.errors import InputError, LapstrakeError
from lapstrake.kbld.images import Resolver
from lapstrake.messages import tool_error
from lapstrake.operations.cluster_access import CONFIG_MAPS, SECRETS, Cluster, file_contents
from lapstrake.operations.resolve import ResolveOptions, resolve
from lapstrake.operations.template import SourceFile, TemplateOptions, template
from lapstrake.packaging.app_status import StepResult
from lapstrake.packaging.downward_api import Surroundings, values
from lapstrake.yamldoc import plain
from lapstrake.ytt.limits import Limits

Object = Mapping[str, Any]

LIMITS = Limits(steps=20_000_000, depth=200, memory=200_000_000, output=100_000_000)
"""What the templates of an App may use: far above honest ones, and little enough for the other Apps to live beside."""

_STDIN = "-"
_YAML = (".yml", ".yaml")


class Programs(Protocol):
    """Programs of the user's machine, for the ways to template that we do not have ourselves."""

    def find(self, name: str) -> str | None:
        """The path of the program; None if there is none of that name."""

    def run(self, arguments: Sequence[str], *, stdin: bytes, folder: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""


@dataclass(frozen=True, slots=True)
class TemplateTools:
    """``resolver`` answers kbld's questions to registries; ``render`` is ytt (by default in this process)."""

    cluster: Cluster
    resolver: Callable[[], Resolver]
    surroundings: Surroundings
    programs: Programs
    render: Callable[[Sequence[SourceFile], TemplateOptions], Any] = field(default=template)


@dataclass(frozen=True, slots=True)
class Templated:
    """``output``: the YAML text of the last step."""

    result: StepResult
    output: str = ""


class _ToolError(LapstrakeError):
    """A tool ran and refused; the message is its stderr."""


def template_app(app: Object, folder: str, tools: TemplateTools) -> Templated:
    """Run all template steps of ``app`` in ``folder``. Never raises LapstrakeError."""
    steps = app["spec"].get("template") or ()
    if not steps:
        return Templated(StepResult.refused("Expected at least one template option"))
    chain = _Chain(app, folder, tools)
    output: str | None = None
    stderr = ""
    for step in steps:
        try:
            output, stderr = chain.run(step, output)
        except _ToolError as error:
            return Templated(StepResult.tool_failed("template", str(error)))
        except LapstrakeError as error:
            return Templated(StepResult.refused(str(error)))
    return Templated(StepResult(stderr=stderr), output or "")


class _Chain:
    def __init__(self, app: Object, folder: str, tools: TemplateTools) -> None:
        self._app = app
        self._folder = folder
        self._tools = tools
        self._namespace = app["metadata"]["namespace"]

    def run(self, step: Object, before: str | None) -> tuple[str, str]:
        """Output and stderr of one step; ``before`` is None for the first."""
        for kind, method in (
            ("ytt", self._ytt),
            ("kbld", self._kbld),
            ("helmTemplate", self._helm),
            ("sops", self._sops),
            ("cue", self._cue),
        ):
            if step.get(kind) is not None:
                return method(step[kind], before)
        raise InputError("Unsupported way to template")

    def _ytt(self, options: Object, before: str | None) -> tuple[str, str]:
        files = self._inputs(options.get("paths") or (), before, "ytt", yaml_only=False)
        inline = options.get("inline") or {}
        files += [
            SourceFile(path, text.encode()) for path, text in sorted((inline.get("paths") or {}).items())
        ]
        files += self._inline_references(inline.get("pathsFrom") or ())
        wanted = TemplateOptions(
            values_files=self._values(options.get("valuesFrom") or ()),
            file_marks=list(options.get("fileMarks") or ()),
            strict=bool(options.get("strict")),
            ignore_unknown_comments=bool(options.get("ignoreUnknownComments")),
            limits=LIMITS,
        )
        try:
            rendered = self._tools.render(files, wanted)
        except LapstrakeError as error:
            raise _ToolError(tool_error("ytt", str(error)) + "\n") from error
        return rendered.text, rendered.log + rendered.warning

    def _kbld(self, options: Object, before: str | None) -> tuple[str, str]:
        files = self._inputs(options.get("paths") or (), before, "kbld", yaml_only=True)
        try:
            resolved = resolve(files, ResolveOptions(), self._tools.resolver())
        except LapstrakeError as error:
            raise _ToolError(tool_error("kbld", str(error)) + "\n") from error
        return resolved.printed, "".join(f"{line}\n" for line in resolved.log_lines)

    def _helm(self, options: Object, before: str | None) -> tuple[str, str]:
        helm = self._program("helm", "Templating helm chart")
        chart = self._inner_path(options.get("path") or ".")
        arguments = [
            helm,
            "template",
            options.get("name") or self._app["metadata"]["name"],
            chart,
            "--namespace",
            options.get("namespace") or self._namespace,
            "--include-crds",
        ]
        if options.get("kubernetesVersion") is not None:
            version = (
                options["kubernetesVersion"].get("version") or self._tools.surroundings.kubernetes_version()
            )
            arguments += ["--kube-version", version]
        if options.get("kubernetesAPIs") is not None:
            apis = options["kubernetesAPIs"].get("groupVersions") or self._tools.surroundings.group_versions()
            arguments += ["--api-versions", ",".join(apis)]
        for index, file in enumerate(self._values(options.get("valuesFrom") or ())):
            name = f".lapstrake-helm-values-{index}.yml"
            file_tree.write_file(self._folder, name, file.data)
            arguments += ["--values", os.path.join(self._folder, name)]
        status, stdout, stderr = self._tools.programs.run(
            arguments, stdin=(before or "").encode(), folder=self._folder
        )
        if status != 0:
            raise _ToolError(stderr)
        return stdout, stderr

    def _sops(self, options: Object, before: str | None) -> tuple[str, str]:
        for kind in ("pgp", "age"):
            reference = (options.get(kind) or {}).get("privateKeysSecretRef")
            if reference:
                try:
                    self._tools.cluster.get(SECRETS, self._namespace, reference.get("name", ""))
                except LapstrakeError as error:
                    raise InputError(f"Building config: Getting private keys secret: {error}") from error
        self._program("sops", "Decrypting dir")
        raise InputError("Unsupported way to template")

    def _cue(self, options: Object, before: str | None) -> tuple[str, str]:
        self._program("cue", "Templating dir")
        raise InputError("Unsupported way to template")

    def _program(self, name: str, step: str) -> str:
        found = self._tools.programs.find(name)
        if found is None:
            raise InputError(f'{step}: exec: "{name}": executable file not found in $PATH')
        return found

    def _inputs(
        self, paths: Sequence[str], before: str | None, tool: str, *, yaml_only: bool
    ) -> list[SourceFile]:
        """The files of ``paths``; without paths the whole folder, or what the step before gave."""
        files: list[SourceFile] = []
        wanted = list(paths) if paths else [_STDIN if before is not None else "."]
        if before is not None and _STDIN not in wanted:
            wanted.insert(0, _STDIN)
        for path in wanted:
            if path == _STDIN:
                files.append(SourceFile("stdin.yml", (before or "").encode()))
            else:
                files += self._read(self._inner_path(path), tool, yaml_only=yaml_only)
        return files

    def _inner_path(self, path: str) -> str:
        try:
            return file_tree.inner_path(self._folder, path)
        except LapstrakeError as error:
            raise InputError(f"Checking path: {error}") from error

    def _read(self, place: str, tool: str, *, yaml_only: bool) -> list[SourceFile]:
        if os.path.isfile(place):
            return [SourceFile(os.path.basename(place), _content(place))]
        if not os.path.isdir(place):
            text = f"Checking file '{place}': lstat {place}: no such file or directory"
            raise _ToolError(tool_error(tool, text) + "\n")
        return [
            SourceFile(path, _content(os.path.join(place, path)))
            # A folder's entries by name, so a/b.yml comes before a.yml.
            for path in sorted(file_tree.files_below(place), key=lambda path: path.split("/"))
            if not yaml_only or path.endswith(_YAML)
        ]

    def _inline_references(self, paths_from: Sequence[Object]) -> list[SourceFile]:
        files = []
        for item in paths_from:
            for reference, contents in self._referred(item, "Preparing inline paths"):
                folder = reference.get("directoryPath") or ""
                files += [SourceFile(os.path.join(folder, key), data) for key, data in contents.items()]
        return files

    def _values(self, values_from: Sequence[Object]) -> list[SourceFile]:
        files: list[SourceFile] = []
        for item in values_from:
            if item.get("path"):
                files += self._read(self._inner_path(item["path"]), "ytt", yaml_only=False)
            elif item.get("downwardAPI") is not None:
                try:
                    found = values(
                        self._app, item["downwardAPI"].get("items") or (), self._tools.surroundings
                    )
                except LapstrakeError as error:
                    raise InputError(f"Preparing template values: {error}") from error
                files.append(SourceFile("downward-api.yml", plain.dump(found).encode()))
            else:
                for _, contents in self._referred(item, "Preparing template values"):
                    files += [SourceFile(key, data) for key, data in contents.items()]
        return files

    def _referred(self, item: Object, step: str) -> list[tuple[Object, dict[str, bytes]]]:
        """The Secret and the ConfigMap that ``item`` names, with their files."""
        found: list[tuple[Object, dict[str, bytes]]] = []
        for field_name, rt in (("secretRef", SECRETS), ("configMapRef", CONFIG_MAPS)):
            reference = item.get(field_name)
            if not reference:
                continue
            try:
                obj = self._tools.cluster.get(rt, self._namespace, reference.get("name", ""))
            except LapstrakeError as error:
                raise InputError(f"{step}: {error}") from error
            found.append((reference, file_contents(obj)))
        return found


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
