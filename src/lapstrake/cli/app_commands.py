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
