"""The kapp command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from lapstrake.cli import kapp_flags as options
from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.ui import GLOBAL_FLAGS, UI, Table
from lapstrake.errors import InputError, LapstrakeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.kapp.app import App
    from lapstrake.kapp.report import Printed
    from lapstrake.operations.kapp_run import Hooks

_VERSION = "kapp version develop"
_APP = Flag("app", "string", "", "Set app name (or label selector) (format: name, label:key=val)", short="a")
_NAMESPACE = Flag(
    "namespace", "string", "", "Namespace of the app ($KAPP_NAMESPACE or from kubeconfig)", short="n"
)
_DIFF_CHANGES = Flag("diff-changes", "bool", False, "Show the differences", short="c")
_DIFF = (_DIFF_CHANGES, *(flag for flag in options.DIFF_FLAGS if flag.name != "diff-changes"))
_RUN = (*_DIFF, *options.APPLY_FLAGS, *options.FILTER_FLAGS)
_DEPLOY = (
    _NAMESPACE,
    *_RUN,
    *options.DEPLOY_FLAGS,
    Flag("into-ns", "string", "", "Put all namespaced resources into this namespace"),
    Flag("map-ns", "strings", None, "Move resources between namespaces, FROM=TO (can repeat)"),
    Flag("patch", "bool", False, "Only add and update: delete nothing", short="p"),
    Flag("app-metadata-file-output", "string", "", "Write the app's record to this file"),
)
_CLUSTER = (
    Flag("kubeconfig", "string", "", "Path to the kubeconfig file ($KAPP_KUBECONFIG)"),
    Flag("kubeconfig-context", "string", "", "Kubeconfig context override ($KAPP_KUBECONFIG_CONTEXT)"),
    Flag("kubeconfig-yaml", "string", "", "Kubeconfig contents as YAML ($KAPP_KUBECONFIG_YAML)"),
    Flag("kube-api-burst", "int", 1000, "Accepted for compatibility"),
    Flag("kube-api-qps", "float", 1000.0, "Accepted for compatibility"),
    Flag("warnings", "bool", True, "Accepted for compatibility"),
)
_ALL_NAMESPACES = Flag("all-namespaces", "bool", False, "Show apps of all namespaces", short="A")


def main(argv: Sequence[str]) -> int:
    return execute("kapp", _root(), argv)


def _root() -> Command:
    return Command(
        "kapp",
        "kapp helps to manage applications on your Kubernetes cluster",
        flags=(*GLOBAL_FLAGS, *_CLUSTER),
        children=(
            Command(
                "deploy",
                "Deploy app",
                aliases=("d", "dep"),
                flags=(
                    _APP,
                    Flag("file", "strings", None, "File, folder, URL or - (can repeat)", short="f"),
                    Flag("prev-app", "string", "", "Former name of the app"),
                    *_DEPLOY,
                ),
                run=_framed(_deploy),
            ),
            Command(
                "delete",
                "Delete app",
                aliases=("del",),
                flags=(_APP, _NAMESPACE, *_RUN),
                run=_framed(_delete),
            ),
            Command(
                "inspect",
                "Inspect app",
                aliases=("i", "is", "insp"),
                flags=(_APP, _NAMESPACE, *options.FILTER_FLAGS, *options.INSPECT_FLAGS),
                run=_framed(_inspect, tty=False),
            ),
            Command(
                "list",
                "List all apps in a namespace",
                aliases=("l", "ls"),
                flags=(
                    _NAMESPACE,
                    _ALL_NAMESPACES,
                    Flag("filter-labels", "strings", None, "Only apps with these labels"),
                ),
                run=_framed(_list, tty=False),
            ),
            Command(
                "logs",
                "Print app's Pod logs",
                flags=(
                    _APP,
                    _NAMESPACE,
                    Flag("lines", "int", 10, "Number of lines (-1: all)"),
                    Flag("pod-name", "string", "", "Only this Pod (example: web%)", short="m"),
                    Flag("container-name", "strings", None, "Only this container (can repeat)"),
                ),
                run=_framed(_logs, tty=False),
            ),
            Command(
                "rename",
                "Rename app",
                flags=(_APP, _NAMESPACE, Flag("new-name", "string", "", "New name of the app")),
                run=_framed(_rename, tty=False),
            ),
            Command(
                "label", "Print specified app label", flags=(_APP, _NAMESPACE), run=_framed(_label, tty=False)
            ),
            Command(
                "app-change",
                "App change",
                aliases=("ac",),
                children=(
                    Command(
                        "list",
                        "List app changes",
                        aliases=("l", "ls"),
                        flags=(_APP, _NAMESPACE),
                        run=_framed(_changes, tty=False),
                    ),
                    Command(
                        "gc",
                        "Garbage collect app changes",
                        aliases=("garbage-collect",),
                        flags=(_APP, _NAMESPACE, Flag("max", "int", 200, "How many changes are kept")),
                        run=_framed(_drop_changes, tty=False),
                    ),
                ),
            ),
            Command(
                "app-group",
                "Deploy or delete an app for each folder in a folder",
                aliases=("ag",),
                children=(
                    Command(
                        "deploy",
                        "Deploy app group",
                        flags=(
                            Flag("group", "string", "", "Name of the group", short="g"),
                            Flag("directory", "string", "", "Folder of folders", short="d"),
                            *_DEPLOY,
                        ),
                        run=_framed(_deploy_group),
                    ),
                    Command(
                        "delete",
                        "Delete app group",
                        flags=(
                            Flag("group", "string", "", "Name of the group", short="g"),
                            _NAMESPACE,
                            *_RUN,
                        ),
                        run=_framed(_delete_group),
                    ),
                ),
            ),
            Command("version", "Print client version", run=_print_version),
        ),
    )


class _Session:
    """What every command needs: the terminal, the cluster, the namespace."""

    def __init__(self, args: Arguments, *, tty: bool) -> None:
        self.args = args
        self.ui = UI.of(args, tty=tty)
        self._cluster: ClusterClient | None = None

    @property
    def cluster(self) -> ClusterClient:
        if self._cluster is None:
            from lapstrake.adapters.cluster import ClusterClient
            from lapstrake.adapters.kubeconfig import load_access

            access = load_access(
                self.args["kubeconfig"] or os.environ.get("KAPP_KUBECONFIG", ""),
                self.args["kubeconfig-context"] or os.environ.get("KAPP_KUBECONFIG_CONTEXT", ""),
                contents=self.args["kubeconfig-yaml"] or os.environ.get("KAPP_KUBECONFIG_YAML", ""),
            )
            self._cluster = ClusterClient(access, user_agent="kapp/v0.0.0")
        return self._cluster

    @property
    def namespace(self) -> str:
        return self.args["namespace"] or os.environ.get("KAPP_NAMESPACE") or self.cluster.namespace

    def target(self) -> None:
        from lapstrake.operations.kapp_run import show_target

        show_target(self.cluster, self.sink)

    def sink(self, piece: Printed) -> None:
        """Lay a piece of an operation's output out on the terminal."""
        match piece.sort:
            case "line":
                self.ui.line(piece.rstrip("\n"))
            case "progress":
                self.ui.progress(str(piece) if self.args["json"] else piece.rstrip("\n"))
            case "table":
                self.ui.table(
                    Table(piece.header, piece.rows, title="Changes", notes=piece.notes, fill_first=True)
                )
            case _:
                self.ui.block(str(piece))

    def hooks(self) -> Hooks:
        from lapstrake.operations.kapp_run import Hooks

        return Hooks(confirm=self.confirm)

    def confirm(self) -> bool:
        if self.ui.ask():
            return True
        raise InputError("Stopped" if sys.stdin.isatty() else "Asking for confirmation: EOF")

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.close()


def _framed(command: Callable[[_Session], None], *, tty: bool = True) -> Callable[[Arguments], int]:
    """A command between opening and closing of its session; a failure sets itself apart by an empty line."""

    def run(args: Arguments) -> int:
        session = _Session(args, tty=tty)
        try:
            command(session)
        except LapstrakeError:
            if session.ui.tty and not args["json"]:
                sys.stdout.write("\n")
            raise
        finally:
            session.close()
        session.ui.succeeded()
        return 0

    return run


def _deploy(session: _Session) -> None:
    args = session.args
    session.target()
    if not args["app"]:
        raise InputError("Expected app name to be non-empty")
    if not args["file"]:
        raise InputError("Expected at least one --file (-f) specified with a file or directory path")
    previous = (args["prev-app"],) if args["prev-app"] else ()
    _deploy_one(session, args["app"], args["file"], previous)


def _deploy_one(session: _Session, app: str, files: Sequence[str], previous: tuple[str, ...] = ()) -> None:
    from lapstrake.operations.deploy import DeployOptions, deploy
    from lapstrake.operations.kapp_ytt import KappYtt

    args = session.args
    documents, origins = _documents(files)
    deploy(
        session.cluster,
        documents,
        DeployOptions(
            app=app,
            app_namespace=session.namespace,
            previous_apps=previous,
            into_ns=args["into-ns"],
            map_ns=options.pairs(args["map-ns"], "namespace mapping"),
            allowed_namespaces=tuple(args["allow-ns"]),
            labels=options.pairs(args["labels"], "label"),
            origins=tuple(origins),
            patch=args["patch"],
            allow_empty=args["dangerous-allow-empty-list-of-resources"],
            override_ownership=args["dangerous-override-ownership-of-existing-resources"],
            check_unlabeled=args["existing-non-labeled-resources-check"],
            default_label_scoping=args["default-label-scoping-rules"],
            filters=options.filters(args),
            diff=options.diff_options(args),
            apply=options.apply_options(args),
            diff_exit_status=args["diff-exit-status"],
            apply_exit_status=args["apply-exit-status"],
            max_changes=args["app-changes-max-to-keep"],
            on_begin=lambda record: _write_record(args["app-metadata-file-output"], record),
            show_target=False,
        ),
        session.sink,
        hooks=session.hooks(),
        ytt=KappYtt(),
    )


def _documents(files: Sequence[str]) -> tuple[list[Any], list[str]]:
    """The documents of the files, and where each comes from."""
    from lapstrake.adapters.resource_files import read_resource_files
    from lapstrake.yamldoc.plain import load_all

    documents: list[Any] = []
    origins: list[str] = []
    try:
        found_files = read_resource_files(files)
    except InputError as err:
        raise InputError(str(err).removeprefix("Unable to stat file: ")) from err
    for file in found_files:
        try:
            found = load_all(file.data, file.path)
        except InputError as err:
            raise InputError(f"error converting YAML to JSON: {err}") from err
        documents += found
        name = "stdin" if file.path == "stdin" else f"file '{file.path}'"
        origins += [f"{name} doc {number}" for number in range(1, len(found) + 1)]
    return documents, origins


def _write_record(path: str, app: App) -> None:
    if not path:
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(app.spec_text())
    except OSError as err:
        raise InputError(f"Writing app metadata file '{path}': {err.strerror}") from err


def _delete(session: _Session) -> None:
    if not session.args["app"]:
        session.target()
        raise InputError("Expected app name to be non-empty")
    _delete_one(session, session.args["app"], show_target=True)


def _delete_one(session: _Session, app: str, *, show_target: bool) -> None:
    from lapstrake.operations.delete_app import DeleteOptions, delete_app

    args = session.args
    delete_app(
        session.cluster,
        DeleteOptions(
            app=app,
            app_namespace=session.namespace,
            filters=options.filters(args),
            diff=options.diff_options(args),
            apply=options.apply_options(args),
            diff_exit_status=args["diff-exit-status"],
            show_target=show_target,
        ),
        session.sink,
        hooks=session.hooks(),
    )


def _deploy_group(session: _Session) -> None:
    from lapstrake.operations import app_records

    args, group = session.args, session.args["group"]
    if not group:
        raise InputError("Expected group name to be non-empty")
    if not args["directory"]:
        raise InputError("Expected directory to be non-empty")
    try:
        folders = sorted(entry.name for entry in os.scandir(args["directory"]) if entry.is_dir())
    except OSError as err:
        raise InputError(f"open {args['directory']}: {str(err.strerror).lower()}") from err
    shown = False
    for folder in folders:
        path = os.path.join(args["directory"], folder)
        app = f"{group}-{folder}"
        session.ui.block(f"--- deploying app '{app}' (namespace: {session.namespace}) from {path}\n")
        if not shown:
            session.target()
            shown = True
        _deploy_one(session, app, [path])
    kept = {f"{group}-{folder}" for folder in folders}
    for record in app_records.all_apps(session.cluster, session.namespace):
        if record.name.startswith(f"{group}-") and record.name not in kept:
            session.ui.block(f"--- deleting app '{record.name}' (namespace: {session.namespace})\n")
            _delete_one(session, record.name, show_target=False)


def _delete_group(session: _Session) -> None:
    from lapstrake.operations import app_records

    group = session.args["group"]
    if not group:
        raise InputError("Expected group name to be non-empty")
    session.target()
    for record in app_records.all_apps(session.cluster, session.namespace):
        if record.name.startswith(f"{group}-"):
            session.ui.block(f"--- deleting app '{record.name}' (namespace: {session.namespace})\n")
            _delete_one(session, record.name, show_target=False)


def _inspect(session: _Session) -> None:
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
        )
    )


def _status_text(status: Any, dump: Callable[[Any], str]) -> str:
    return dump(status).rstrip("\n") if status else ""


def _list(session: _Session) -> None:
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
        )
    )


def _logs(session: _Session) -> None:
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


def _rename(session: _Session) -> None:
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


def _label(session: _Session) -> None:
    from lapstrake.operations import app_records

    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    session.ui.block(app.selector + "\n")


def _changes(session: _Session) -> None:
    from lapstrake.operations import app_records

    if session.ui.tty or session.args["json"]:
        session.target()
    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    _show_changes(session, app_records.changes(session.cluster, app))


def _drop_changes(session: _Session) -> None:
    from lapstrake.operations import app_records

    app = app_records.existing(session.cluster, session.namespace, session.args["app"])
    old = app_records.changes(session.cluster, app)[session.args["max"] :]
    _show_changes(session, old)
    session.confirm()
    app_records.drop_old_changes(session.cluster, app, session.args["max"])


def _show_changes(session: _Session, changes: Sequence[tuple[str, Any]]) -> None:
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


def _print_version(args: Arguments) -> int:
    UI.of(args).block(_VERSION + "\n")
    return 0
