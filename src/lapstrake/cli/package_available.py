"""``package available``: list and get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lapstrake.cli.cluster_flags import (
    ALL_NAMESPACES_FLAG,
    NAMESPACE_FLAG,
    listed_namespace,
    namespace_of,
    open_cluster,
    place,
)
from lapstrake.cli.flags import Arguments, Command, Flag
from lapstrake.cli.package_page import PackagePage, wrapped
from lapstrake.cli.ui import Table
from lapstrake.errors import InputError

_PACKAGE = Flag("package", "string", "", "Set package name", short="p")
_LIST = (
    NAMESPACE_FLAG,
    ALL_NAMESPACES_FLAG,
    _PACKAGE,
    Flag("summary", "bool", True, "Show summarized list of packages"),
    Flag("wide", "bool", False, "Show additional info"),
)
_GET = (
    NAMESPACE_FLAG,
    Flag(
        "package",
        "string",
        "",
        "Set package name (required), with version if needed: NAME/VERSION",
        short="p",
    ),
    Flag("values-schema", "bool", False, "Values schema of the package"),
    Flag("default-values-file-output", "string", "", "File path to save default values"),
    Flag("openapi-schema", "bool", False, "Values schema as OpenAPI", hidden=True),
)


def command() -> Command:
    return Command(
        "available",
        "Manage available packages",
        aliases=("a", "avail"),
        children=(
            Command(
                "list",
                "List available packages in a namespace",
                aliases=("l", "ls"),
                flags=_LIST,
                run=_list,
                arguments=(0, 1),
            ),
            Command(
                "get",
                "Get details for an available package",
                aliases=("g",),
                flags=_GET,
                run=_get,
                arguments=(0, 1),
            ),
        ),
    )


def _list(args: Arguments) -> int:
    from lapstrake.operations import packages_available

    page = PackagePage.open(args)
    client = open_cluster(args)
    namespace = listed_namespace(args, client)
    name = _name(args)
    page.target(client)
    if name or not args["summary"]:
        found = packages_available.versions(client, namespace, name)
        rows = [[v.namespace, v.name, v.version, v.released_at] for v in found]
        header, title = ["Namespace", "Name", "Version", "Released at"], "Available packages"
    else:
        listed = packages_available.summaries(client, namespace)
        rows = [[s.namespace, s.name, s.display_name, s.short_description] for s in listed]
        header, title = (
            ["Namespace", "Name", "Display name", "Short description"],
            "Available summarized packages",
        )
        if not args["wide"]:
            header, rows = header[:3], [row[:3] for row in rows]
    page.table(namespaced_table(f"{title} in {place(namespace)}", header, rows, namespace))
    page.succeeded()
    return 0


def namespaced_table(title: str, header: list[str], rows: list[list[str]], namespace: str | None) -> Table:
    """The first column is the namespace; it is shown only where there may be several."""
    if namespace is None:
        return Table(header, rows, title=title, fill_first=True)
    return Table(header[1:], [row[1:] for row in rows], title=title)


def _get(args: Arguments) -> int:
    from lapstrake.operations import packages_available

    page = PackagePage.open(args)
    client = open_cluster(args)
    name, _, version = _name(args).partition("/")
    if not name:
        raise InputError("Expected non-empty package name")
    page.target(client)
    _require_version(args, version)
    found = packages_available.details(client, namespace_of(args, client), name, version)
    package = found.package or {}
    if args["values-schema"]:
        rows = [[r.key, r.default, r.type, r.description] for r in packages_available.value_rows(package)]
        title = f"Values schema for '{name}/{version}'"
        page.table(Table(["Key", "Default", "Type", "Description"], rows, title=title))
        page.succeeded()
        return 0
    if path := args["default-values-file-output"]:
        from lapstrake.adapters.files import write_atomically

        write_atomically(path, packages_available.default_values(package).encode(), 0o644)
        page.sentence(f"Created default values file at {path}")
    page.table(_details_table(found))
    if found.package is None:
        page.table(Table(["Version", "Released at"], [[v.version, v.released_at] for v in found.versions]))
    page.succeeded()
    return 0


def _require_version(args: Arguments, version: str) -> None:
    for flag in ("values-schema", "default-values-file-output"):
        if args[flag] and not version:
            raise InputError(
                f"Package version is required when --{flag} flag is declared (hint: to specify a particular "
                "version use the format: '<package-name>/<version>')"
            )


def _details_table(found: Any) -> Table:
    from lapstrake.operations.packages_available import shown_time
    from lapstrake.yamldoc import plain

    def listed(value: object) -> str:
        return plain.dump(value).rstrip("\n") if value else ""

    spec: Mapping[str, Any] = found.metadata
    cells = {
        "Name": found.name,
        "Display name": spec.get("displayName", ""),
        "Categories": listed(spec.get("categories")),
        "Short description": wrapped(spec.get("shortDescription", "")),
        "Long description": wrapped(spec.get("longDescription", "")),
        "Provider": spec.get("providerName", ""),
        "Maintainers": listed(spec.get("maintainers")),
        "Support description": wrapped(spec.get("supportDescription", "")),
    }
    if found.package is not None:
        cells |= {
            "Version": found.package.get("version", ""),
            "Released at": shown_time(found.package.get("releasedAt")),
            "Min capacity requirements": wrapped(found.package.get("capacityRequirementsDescription", "")),
            "Release notes": wrapped(found.package.get("releaseNotes", "")),
            "Licenses": wrapped("\n".join(found.package.get("licenses") or ())),
        }
    return Table(list(cells), [list(cells.values())], transpose=True)


def _name(args: Arguments) -> str:
    """The package, by flag or as an argument."""
    return str(args["package"] or (args.positional[0] if args.positional else ""))
