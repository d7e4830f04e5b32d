"""kapp's commands that only look, or only touch the records: inspect, list, logs, rename, label, app-change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lapstrake.cli import kapp_flags as options
from lapstrake.cli.kapp_session import COLUMN_KEYS, Session
from lapstrake.cli.ui import Table
from lapstrake.errors import InputError, LapstrakeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def inspect(session: Session) -> None:
    import time

    from lapstrake.operations import inspect_app as inspection
    from lapstrake.operations import inspect_report
    from lapstrake.yamldoc.plain import dump

    args, now = session.args, time.time()
    if session.ui.tty or args["json"]:
        session.target()
    found = inspection.inspect_app(
        session.cluster,
        inspection.InspectOptions(args["app"], session.namespace, options.filters(args), args["tree"]),
        now,
    )
    if args["raw"]:
        for one in found:
            session.ui.block("---\n" + dump(inspection.raw(one, managed_fields=args["managed-fields"])))
        return
    title = f"Resources in app '{args['app']}'"
    if args["status"]:
        rows = [
            (*row[:3], _status_text(one.resource.at(("status",)), dump))
            for row, one in zip(inspect_report.resource_rows(found, now), found, strict=True)
        ]
        header = ("Namespace", "Name", "Kind", "Status")
        session.ui.table(Table(header, rows, title=title, content="resources", transpose=True))
        return
    session.ui.table(
        Table(
            inspect_report.RESOURCES_HEADER,
            inspect_report.resource_rows(found, now),
            title=title,
            content="resources",
            notes=inspect_report.RESOURCES_NOTES,
            fill_first=not args["tree"],
            keys=COLUMN_KEYS,
        )
    )


def _status_text(status: Any, dump: Callable[[Any], str]) -> str:
    return dump(status).rstrip("\n") if status else ""


def list_apps(session: Session) -> None:
    import time

    from lapstrake.operations import app_records
    from lapstrake.operations.inspect_report import app_row

    args, now = session.args, time.time()
    everywhere = bool(args["all-namespaces"])
    if session.ui.tty or args["json"]:
        session.target()
    apps = app_records.all_apps(
        session.cluster, None if everywhere else session.namespace, ",".join(args["filter-labels"])
    )
    header: tuple[str, ...] = ("Name", "Namespaces", "Lcs", "Lca")
    rows: list[tuple[str, ...]] = [app_row(app, now) for app in apps]
    if everywhere:
        header = ("Namespace", *header)
        rows = [(app.namespace, *row) for app, row in zip(apps, rows, strict=True)]
    session.ui.table(
        Table(
            header,
            rows,
            title="Apps in all namespaces" if everywhere else f"Apps in namespace '{session.namespace}'",
            content="apps",
            notes=("Lcs: Last Change Successful", "Lca: Last Change Age"),
            fill_first=everywhere,
            keys=COLUMN_KEYS,
        )
    )


def logs(session: Session) -> None:
    from lapstrake.kube.resource import Resource
    from lapstrake.operations import app_records
    from lapstrake.operations.kapp_run import PODS

    args = session.args
    app = app_records.existing(session.cluster, session.namespace, args["app"])
    wanted = args["pod-name"]
    for pod in map(Resource, session.cluster.list(PODS, None, app.selector).items):
        if wanted and not (pod.name.startswith(wanted[:-1]) if wanted.endswith("%") else pod.name == wanted):
            continue
        for container in pod.at(("spec", "containers")) or ():
            if args["container-name"] and container["name"] not in args["container-name"]:
                continue
            lines = None if args["lines"] < 0 else args["lines"]
            text = session.cluster.pod_log(pod.namespace, pod.name, container["name"], tail_lines=lines)
            for line in text.splitlines():
                session.ui.block(f"{pod.name} > {container['name']} | {line}\n")


def rename(session: Session) -> None:
    from lapstrake.operations import app_records

    args = session.args
    app = app_records.find(session.cluster, session.namespace, args["app"])
    if app is None:
        raise InputError(f"App '{args['app']}' (namespace: {session.namespace}) does not exist")
    if not args["new-name"]:
        raise InputError("Expected new name to be non-empty")
    try:
        app_records.renamed(session.cluster, app, args["new-name"])
    except LapstrakeError as err:
        raise LapstrakeError(f"Creating app: {err}") from err


def label(session: Session) -> None:
    from lapstrake.operations import app_records

    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    session.ui.block(app.selector + "\n")


def changes(session: Session) -> None:
    from lapstrake.operations import app_records

    if session.ui.tty or session.args["json"]:
        session.target()
    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    _show_changes(session, app_records.changes(session.cluster, app))


def drop_changes(session: Session) -> None:
    from lapstrake.operations import app_records

    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    old = app_records.changes(session.cluster, app)[session.args["max"] :]
    _show_changes(session, old)
    session.confirm()
    app_records.drop_old_changes(session.cluster, app, session.args["max"])


def _show_changes(session: Session, changes: Sequence[tuple[str, Any]]) -> None:
    rows = [
        (
            name,
            _whole_seconds(change.started_at),
            _whole_seconds(change.finished_at),
            _yes_no(change.successful),
            change.description,
        )
        for name, change in changes
    ]
    header = ("Name", "Started At", "Finished At", "Successful", "Description")
    session.ui.table(Table(header, rows, title="App changes", content="app changes"))


def _whole_seconds(stamp: str) -> str:
    return stamp.partition(".")[0].removesuffix("Z") + "Z" if not stamp.startswith("0001") else ""


def _yes_no(value: bool | None) -> str:
    return "" if value is None else str(value).lower()
