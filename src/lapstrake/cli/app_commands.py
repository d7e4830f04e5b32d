"""``app``: the Apps behind installations."""

from __future__ import annotations

from lapstrake.cli.cluster_flags import (
    ALL_NAMESPACES_FLAG,
    NAMESPACE_FLAG,
    listed_namespace,
    namespace_of,
    open_cluster,
    place,
)
from lapstrake.cli.flags import Arguments, Command, Flag
from lapstrake.cli.package_available import namespaced_table
from lapstrake.cli.package_page import PackagePage, waiting
from lapstrake.cli.ui import Table
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.operations.package_ports import Wait

_NAME = Flag("app", "string", "", "Set app name", short="a")
_WAIT = (
    Flag("wait", "bool", True, "Wait for reconciliation to complete"),
    Flag("wait-check-interval", "duration", 1.0, "Amount of time to sleep between checks while waiting"),
    Flag("wait-timeout", "duration", 1800.0, "Maximum amount of time to wait in wait phase"),
)
_ONE = (NAMESPACE_FLAG, _NAME, *_WAIT)
_DELETE = (*_ONE, Flag("noop", "bool", False, "Leave the resources of the app in the cluster"))


def command() -> Command:
    return Command(
        "app",
        "Manage apps",
        aliases=("a", "apps"),
        children=(
            Command(
                "list",
                "List apps in a namespace",
                aliases=("l", "ls"),
                flags=(NAMESPACE_FLAG, ALL_NAMESPACES_FLAG),
                run=_list,
            ),
            Command("get", "Get details for app", aliases=("g",), flags=_ONE, run=_get, arguments=(0, 1)),
            Command("pause", "Pause reconciliation of app", flags=_ONE, run=_pause, arguments=(0, 1)),
            Command("kick", "Trigger reconciliation for app", flags=_ONE, run=_kick, arguments=(0, 1)),
            Command(
                "delete", "Delete app", aliases=("d", "del"), flags=_DELETE, run=_delete, arguments=(0, 1)
            ),
            Command(
                "status", "View status of app", aliases=("s",), flags=_ONE, run=_status, arguments=(0, 1)
            ),
        ),
    )


def _list(args: Arguments) -> int:
    import time

    from lapstrake.operations.packages_installed import apps

    page = PackagePage.open(args)
    client = open_cluster(args)
    namespace = listed_namespace(args, client)
    page.target(client)
    rows = [
        [a.namespace, a.name, a.status, a.since_deploy, a.owner, a.age]
        for a in apps(client, namespace, time.time())
    ]
    header = ["Namespace", "Name", "Status", "Since Deploy", "Owner", "Age"]
    page.table(namespaced_table(f"Available apps in {place(namespace)}", header, rows, namespace))
    page.succeeded()
    return 0


def _get(args: Arguments) -> int:
    from lapstrake.operations.cluster_access import APPS
    from lapstrake.operations.packages_installed import conditions_text, status_text

    page = PackagePage.open(args)
    client = open_cluster(args)
    page.target(client)
    app = client.get(APPS, namespace_of(args, client), _name(args))
    metadata = app["metadata"]
    owners = [f"- {o['apiVersion']}/{o['kind']}/{o['name']}" for o in metadata.get("ownerReferences") or ()]
    cells = {
        "Namespace": metadata.get("namespace", ""),
        "Name": metadata["name"],
        "Service Account": app["spec"].get("serviceAccountName", ""),
        "Status": status_text(app),
        "Owner References": "\n".join(owners),
        "Conditions": conditions_text(app),
    }
    if useful := (app.get("status") or {}).get("usefulErrorMessage"):
        cells["Useful Error Message"] = useful
    page.table(Table(list(cells), [list(cells.values())], transpose=True))
    page.succeeded()
    return 0


def _status(args: Arguments) -> int:
    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    show_status(page, client, namespace_of(args, client), _name(args), waiting(args))
    return 0


def _pause(args: Arguments) -> int:
    from lapstrake.operations import app_control

    page, client, namespace, name, owner = _chosen(args)
    doing = f"Pausing reconciliation for App '{name}' in namespace '{namespace}'"
    if owner:
        owner += "(The App will be unpaused when the package installation reconciles)\n"
    page.sentence(f"{owner}{doing}")
    page.confirm()
    app_control.pause(client, namespace, name)
    page.succeeded()
    return 0


def _kick(args: Arguments) -> int:
    from lapstrake.operations import app_control

    page, client, namespace, name, owner = _chosen(args)
    page.sentence(f"{owner}Triggering reconciliation for app '{name}' in namespace '{namespace}'")
    page.confirm()
    app_control.kick(client, namespace, name, page, waiting(args))
    page.succeeded()
    return 0


def _delete(args: Arguments) -> int:
    from lapstrake.operations import app_control

    page, client, namespace, name, owner = _chosen(args)
    page.sentence(f"{owner}Delete app '{name}' from namespace '{namespace}'")
    page.confirm()
    app_control.delete(client, namespace, name, page, waiting(args), noop=args["noop"])
    page.succeeded()
    return 0


def _chosen(args: Arguments) -> tuple[PackagePage, ClusterClient, str, str, str]:
    """The App must be there; the last of the values is a line about its owner, or empty."""
    from lapstrake.operations.app_control import owner_text
    from lapstrake.operations.cluster_access import APPS

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    namespace, name = namespace_of(args, client), _name(args)
    page.target(client)
    owner = owner_text(client.get(APPS, namespace, name))
    return page, client, namespace, name, f"App '{name}' is owned by '{owner}'\n" if owner else ""


def show_status(page: PackagePage, client: ClusterClient, namespace: str, name: str, wait: Wait) -> None:
    """A table with the state, then the steps. Raises InputError if the App failed."""
    from lapstrake.operations.cluster_access import APPS
    from lapstrake.operations.packages_installed import follow_app, metrics_text, status_text

    page.target(client)
    app = client.get(APPS, namespace, name)
    cells = {
        "Name": name,
        "Namespace": namespace,
        "Status": status_text(app),
        "Metrics": metrics_text(app),
    }
    page.table(Table(list(cells), [list(cells.values())], transpose=True))
    follow_app(client, namespace, name, page, wait)
    page.succeeded()


def _name(args: Arguments) -> str:
    name = args["app"] or (args.positional[0] if args.positional else "")
    if not name:
        raise InputError("Expected non-empty app name")
    return str(name)
