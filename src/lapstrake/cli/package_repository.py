"""``package repository``: where packages come from."""

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
    from lapstrake.operations.package_repository import RepositoryRequest

_NAME = Flag("repository", "string", "", "Set package repository name", short="r")
_WAIT = (
    Flag("wait", "bool", True, "Wait for reconciliation to complete"),
    Flag("wait-check-interval", "duration", 1.0, "Amount of time to sleep between checks while waiting"),
    Flag("wait-timeout", "duration", 300.0, "Maximum amount of time to wait in wait phase"),
)
_ADD = (
    NAMESPACE_FLAG,
    _NAME,
    Flag("url", "string", "", "OCI registry url for package repository bundle"),
    Flag("secret-ref", "string", "", "Name of the secret with registry credentials"),
    Flag("semver-tag-constraints", "string", "", "Set semver constraints to choose the tag"),
    Flag("create-namespace", "bool", False, "Create the namespace if it is absent"),
    Flag(
        "dry-run",
        "bool",
        False,
        "Print YAML for resources being applied to the cluster without applying them",
    ),
    *_WAIT,
)
_ONE = (NAMESPACE_FLAG, _NAME, *_WAIT)


def command() -> Command:
    return Command(
        "repository",
        "Manage package repositories",
        aliases=("r", "repo"),
        children=(
            Command(
                "list",
                "List package repositories in a namespace",
                aliases=("l", "ls"),
                flags=(NAMESPACE_FLAG, ALL_NAMESPACES_FLAG),
                run=_list,
            ),
            Command(
                "get",
                "Get details for a package repository",
                aliases=("g",),
                flags=_ONE,
                run=_get,
                arguments=(0, 1),
            ),
            Command(
                "add",
                "Add a package repository",
                aliases=("a", "create"),
                flags=_ADD,
                run=_add,
                arguments=(0, 1),
            ),
            Command(
                "update",
                "Update a package repository",
                aliases=("u",),
                flags=_ADD,
                run=_update,
                arguments=(0, 1),
            ),
            Command(
                "delete",
                "Delete a package repository",
                aliases=("d", "del"),
                flags=_ONE,
                run=_delete,
                arguments=(0, 1),
            ),
            Command("kick", "Trigger reconciliation for repository", flags=_ONE, run=_kick, arguments=(0, 1)),
        ),
    )


def _list(args: Arguments) -> int:
    from lapstrake.operations.package_repository import summaries

    page = PackagePage.open(args)
    client = open_cluster(args)
    namespace = listed_namespace(args, client)
    page.target(client)
    rows = [[r.namespace, r.name, r.source, r.status] for r in summaries(client, namespace)]
    header = ["Namespace", "Name", "Source", "Status"]
    page.table(namespaced_table(f"Repositories in {place(namespace)}", header, rows, namespace))
    page.succeeded()
    return 0


def _get(args: Arguments) -> int:
    from lapstrake.operations.cluster_access import REPOSITORIES
    from lapstrake.operations.package_repository import summary
    from lapstrake.operations.packages_installed import conditions_text

    page = PackagePage.open(args)
    client = open_cluster(args)
    page.target(client)
    obj = client.get(REPOSITORIES, namespace_of(args, client), _name(args))
    found = summary(obj)
    cells = {
        "Namespace": found.namespace,
        "Name": found.name,
        "Source": found.source,
        "Status": found.status,
        "Conditions": conditions_text(obj),
        "Useful error message": (obj.get("status") or {}).get("usefulErrorMessage", ""),
    }
    page.table(Table(list(cells), [list(cells.values())], transpose=True))
    page.succeeded()
    return 0


def _add(args: Arguments) -> int:
    from lapstrake.operations.package_repository import add, repository_object
    from lapstrake.yamldoc import plain

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    request = _request(args, namespace_of(args, client))
    if args["dry-run"]:
        page.block("---\n" + plain.dump(repository_object(request)))
        page.succeeded()
        return 0
    page.target(client)
    if args["create-namespace"]:
        from lapstrake.cli.package_installed import create_namespace

        create_namespace(client, request.namespace)
    add(client, request, page, waiting(args))
    page.succeeded()
    return 0


def _update(args: Arguments) -> int:
    from lapstrake.operations.package_repository import update

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    page.target(client)
    update(client, _request(args, namespace_of(args, client)), page, waiting(args))
    page.succeeded()
    return 0


def _delete(args: Arguments) -> int:
    from lapstrake.operations.package_repository import delete

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    namespace, name = namespace_of(args, client), _name(args)
    page.target(client)
    page.sentence(f"Deleting package repository '{name}' in namespace '{namespace}'")
    page.confirm()
    delete(client, namespace, name, page, waiting(args))
    page.succeeded()
    return 0


def _kick(args: Arguments) -> int:
    from lapstrake.operations.package_repository import kick

    page = PackagePage.open(args, tty=True)
    client = open_cluster(args)
    namespace, name = namespace_of(args, client), _name(args)
    page.target(client)
    page.sentence(f"Triggering reconciliation for package repository '{name}' in namespace '{namespace}'")
    page.confirm()
    kick(client, namespace, name, page, waiting(args))
    page.succeeded()
    return 0


def _request(args: Arguments, namespace: str) -> RepositoryRequest:
    from lapstrake.operations.package_repository import RepositoryRequest

    if not args["url"]:
        raise InputError("Expected package repository url")
    return RepositoryRequest(
        _name(args), namespace, args["url"], args["secret-ref"], args["semver-tag-constraints"]
    )


def _name(args: Arguments) -> str:
    """The repository, by flag or as an argument."""
    name = args["repository"] or (args.positional[0] if args.positional else "")
    if not name:
        raise InputError("Expected non-empty package repository name")
    return str(name)
