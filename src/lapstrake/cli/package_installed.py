"""``package install`` and ``package installed``: everything about installations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
from lapstrake.cli.install_request import (
    CONTENT_FLAGS,
    NAME_FLAG,
    PACKAGE_FLAGS,
    install_name,
    install_request,
    update_request,
)
from lapstrake.cli.package_available import namespaced_table
from lapstrake.cli.package_page import PackagePage, waiting
from lapstrake.cli.ui import Table
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.operations.package_install import InstallRequest

_SHARED_NAMESPACES = ("default", "kube-public")
_WAIT = (
    Flag("wait", "bool", True, "Wait for reconciliation to complete"),
    Flag("wait-check-interval", "duration", 1.0, "Amount of time to sleep between checks while waiting"),
    Flag("wait-timeout", "duration", 1800.0, "Maximum amount of time to wait in wait phase"),
    Flag("poll-interval", "duration", 1.0, "Older name of --wait-check-interval", hidden=True),
    Flag("poll-timeout", "duration", 1800.0, "Older name of --wait-timeout", hidden=True),
)
_SHARED = Flag(
    "dangerous-allow-use-of-shared-namespace", "bool", False, "Allow installation in a shared namespace"
)
_INSTALL = (
    NAMESPACE_FLAG,
    NAME_FLAG,
    *PACKAGE_FLAGS,
    *CONTENT_FLAGS,
    Flag(
        "service-account-name",
        "string",
        "",
        "Name of an existing service account used to install the package",
    ),
    Flag("create-namespace", "bool", False, "Older flag: create the namespace if it is absent", hidden=True),
    Flag(
        "dry-run",
        "bool",
        False,
        "Print YAML for resources being applied to the cluster without applying them",
    ),
    _SHARED,
    *_WAIT,
)
_UPDATE = (NAMESPACE_FLAG, NAME_FLAG, *PACKAGE_FLAGS, *CONTENT_FLAGS, _SHARED, *_WAIT)
_GET = (
    NAMESPACE_FLAG,
    NAME_FLAG,
    Flag("values", "bool", False, "Get values data for installed package"),
    Flag("values-file-output", "string", "", "File path for exporting configuration values file"),
)
_DELETE = (
    NAMESPACE_FLAG,
    NAME_FLAG,
    Flag("noop", "bool", False, "Ignore deletion of resources of the package"),
    *_WAIT,
)
_ONE = (NAMESPACE_FLAG, NAME_FLAG, *_WAIT)


def install_command(tool: str, name: str = "install") -> Command:
    return Command(
        name,
        "Install package",
        aliases=("i",) if name == "install" else ("c",),
        flags=_INSTALL,
        run=lambda args: _install(args, tool),
        arguments=(0, 1),
        example=f"{tool} package install -i cert-man -p cert-manager.community.tanzu.vmware.com --version 1.6.1",
    )


def command(tool: str) -> Command:
    def one(
        name: str, summary: str, run: Callable[[Arguments], int], flags: Sequence[Flag], *aliases: str
    ) -> Command:
        return Command(name, summary, flags=flags, run=run, arguments=(0, 1), aliases=aliases)

    return Command(
        "installed",
        "Manage installed packages",
        aliases=("i", "inst"),
        children=(
            Command(
                "list",
                "List installed packages",
                aliases=("l", "ls"),
                flags=(NAMESPACE_FLAG, ALL_NAMESPACES_FLAG),
                run=_list,
            ),
            one("get", "Get details for installed package", _get, _GET, "g"),
            install_command(tool, "create"),
            one("update", "Update package", lambda args: _update(args, tool), _UPDATE, "u"),
            one("delete", "Uninstall installed package", _delete, _DELETE, "d", "del"),
            one("status", "View status of app created by package install", _status, _ONE, "s"),
            one("pause", "Pause reconciliation of package install", _pause, _ONE),
            one("kick", "Trigger reconciliation for package install", _kick, _ONE),
        ),
    )


def _install(args: Arguments, tool: str) -> int:
    from lapstrake.operations import package_install

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    request = install_request(args, namespace_of(args, client))
    _refuse_shared_namespace(args, request.namespace, tool)
    if args["dry-run"]:
        page.block("".join(map(_dry, package_install.install_objects(request))))
        page.succeeded()
        return 0
    if not request.version:
        page.step(
            f"Version constraint defaulted to '{package_install.ANY_VERSION}'. Use the '--version'\n"
            "\t\t flag to lock to a non-latest version."
        )
    page.target(client)
    if args["create-namespace"]:
        create_namespace(client, request.namespace)
    existing = package_install.existing_install(client, request)
    if existing is None:
        package_install.install(client, request, page, waiting(args))
    else:
        _install_again(args, client, page, request, existing)
    page.succeeded()
    return 0


def _install_again(
    args: Arguments, client: ClusterClient, page: PackagePage, request: InstallRequest, existing: Any
) -> None:
    """What an installation that is there lacks of the request is changed, as an update would."""
    from lapstrake.operations import package_install, package_update

    constraints = (existing["spec"]["packageRef"].get("versionSelection") or {}).get("constraints", "")
    values = request.values
    if values is not None and values == package_install.values_of(client, existing):
        values = None
    change = package_update.UpdateRequest(
        name=request.name,
        namespace=request.namespace,
        version="" if (request.version or package_install.ANY_VERSION) == constraints else request.version,
        values=values,
        overlays=request.overlays,
    )
    if change.changes_something:
        package_update.update(client, change, page, waiting(args))
    else:
        page.step(f"No changes to package install '{request.name}' in namespace '{request.namespace}'")


def _update(args: Arguments, tool: str) -> int:
    from lapstrake.operations import package_update

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    request = update_request(args, namespace_of(args, client))
    if not request.changes_something:
        raise InputError("Expected either package version, values file or overlays to update the package")
    if request.values is not None:
        _refuse_shared_namespace(args, request.namespace, tool)
    page.target(client)
    package_update.update(client, request, page, waiting(args))
    page.succeeded()
    return 0


def _list(args: Arguments) -> int:
    from lapstrake.operations.packages_installed import installed

    page = PackagePage.open(args)
    client = open_cluster(args)
    namespace = listed_namespace(args, client)
    page.target(client)
    rows = [[i.namespace, i.name, i.package, i.version, i.status] for i in installed(client, namespace)]
    header = ["Namespace", "Name", "Package Name", "Package Version", "Status"]
    page.table(namespaced_table(f"Installed packages in {place(namespace)}", header, rows, namespace))
    page.succeeded()
    return 0


def _get(args: Arguments) -> int:
    from lapstrake.operations.package_install import values_of
    from lapstrake.operations.packages_installed import conditions_text, get_install

    page = PackagePage.open(args)
    client = open_cluster(args)
    page.target(client)
    found, obj = get_install(client, namespace_of(args, client), install_name(args))
    if path := args["values-file-output"]:
        from lapstrake.adapters.files import write_atomically

        write_atomically(path, values_of(client, obj).encode())
    elif args["values"]:
        page.block(values_of(client, obj))
    else:
        cells = {
            "Namespace": found.namespace,
            "Name": found.name,
            "Package name": found.package,
            "Package version": found.version,
            "Status": found.status,
            "Conditions": conditions_text(obj),
        }
        if useful := (obj.get("status") or {}).get("usefulErrorMessage"):
            cells["Useful Error Message"] = useful
        page.table(Table(list(cells), [list(cells.values())], transpose=True))
    page.succeeded()
    return 0


def _delete(args: Arguments) -> int:
    from lapstrake.operations import package_delete
    from lapstrake.operations.package_objects import InstallNames

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    names = InstallNames(install_name(args), namespace_of(args, client))
    page.sentence(f"Delete package install '{names.name}' from namespace '{names.namespace}'")
    page.confirm()
    page.target(client)
    package_delete.delete(client, names, page, waiting(args), noop=args["noop"])
    page.succeeded()
    return 0


def _status(args: Arguments) -> int:
    from lapstrake.cli.app_commands import show_status

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    show_status(page, client, namespace_of(args, client), install_name(args), waiting(args))
    return 0


def _pause(args: Arguments) -> int:
    from lapstrake.operations import package_update

    page, client, namespace, name = _confirmed(args, "Pausing reconciliation for")
    package_update.pause(client, namespace, name, page)
    page.succeeded()
    return 0


def _kick(args: Arguments) -> int:
    from lapstrake.operations import package_update

    page, client, namespace, name = _confirmed(args, "Triggering reconciliation for")
    package_update.kick(client, namespace, name, page, waiting(args))
    page.succeeded()
    return 0


def _confirmed(args: Arguments, doing: str) -> tuple[PackagePage, ClusterClient, str, str]:
    """Say what will be done to a PackageInstall that is there, and ask."""
    from lapstrake.operations.cluster_access import INSTALLS

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    namespace, name = namespace_of(args, client), install_name(args)
    page.target(client)
    client.get(INSTALLS, namespace, name)
    page.sentence(f"{doing} package install '{name}' in namespace '{namespace}'")
    page.confirm()
    return page, client, namespace, name


def _refuse_shared_namespace(args: Arguments, namespace: str, tool: str) -> None:
    """The older tool never asked for this flag."""
    if (
        tool == "tanzu"
        or args["dangerous-allow-use-of-shared-namespace"]
        or namespace not in _SHARED_NAMESPACES
    ):
        return
    raise InputError(
        f"Creating sensitive resources in a shared namespace ({namespace})(hint: Specify a namespace using the "
        "'-n' flag or use kubeconfig to change default namespace 'kubectl config set-context --current "
        "--namespace=private-namespace'.Or use '--dangerous-allow-use-of-shared-namespace' to allow use of "
        "shared namespace)"
    )


def create_namespace(client: ClusterClient, namespace: str) -> None:
    from lapstrake.errors import ConflictError
    from lapstrake.operations.cluster_access import NAMESPACES

    try:
        client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    except ConflictError:
        pass


def _dry(obj: Any) -> str:
    """As the API's own types would be printed: with the fields that only a server fills."""
    from lapstrake.yamldoc import plain

    shown = {**obj, "metadata": {**obj["metadata"], "creationTimestamp": None}}
    if obj["kind"] == "PackageInstall":
        shown["status"] = {"conditions": None, "friendlyDescription": "", "observedGeneration": 0}
    return "---\n" + plain.dump(shown)
