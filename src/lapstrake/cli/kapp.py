"""The kapp command line."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lapstrake.cli import kapp_flags as options
from lapstrake.cli import kapp_views
from lapstrake.cli.flags import Arguments, Command, Flag, execute
from lapstrake.cli.kapp_session import Session, framed
from lapstrake.cli.ui import GLOBAL_FLAGS, UI
from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from lapstrake.kapp.app import App

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
                run=framed(_deploy),
            ),
            Command(
                "delete",
                "Delete app",
                aliases=("del",),
                flags=(_APP, _NAMESPACE, *_RUN),
                run=framed(_delete),
            ),
            Command(
                "inspect",
                "Inspect app",
                aliases=("i", "is", "insp"),
                flags=(_APP, _NAMESPACE, *options.FILTER_FLAGS, *options.INSPECT_FLAGS),
                run=framed(kapp_views.inspect, tty=False),
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
                run=framed(kapp_views.list_apps, tty=False),
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
                run=framed(kapp_views.logs, tty=False),
            ),
            Command(
                "rename",
                "Rename app",
                flags=(_APP, _NAMESPACE, Flag("new-name", "string", "", "New name of the app")),
                run=framed(kapp_views.rename, tty=False),
            ),
            Command(
                "label",
                "Print specified app label",
                flags=(_APP, _NAMESPACE),
                run=framed(kapp_views.label, tty=False),
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
                        run=framed(kapp_views.changes, tty=False),
                    ),
                    Command(
                        "gc",
                        "Garbage collect app changes",
                        aliases=("garbage-collect",),
                        flags=(_APP, _NAMESPACE, Flag("max", "int", 200, "How many changes are kept")),
                        run=framed(kapp_views.drop_changes, tty=False),
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
                        run=framed(_deploy_group),
                    ),
                    Command(
                        "delete",
                        "Delete app group",
                        flags=(
                            Flag("group", "string", "", "Name of the group", short="g"),
                            _NAMESPACE,
                            *_RUN,
                        ),
                        run=framed(_delete_group),
                    ),
                ),
            ),
            Command("version", "Print client version", run=_print_version),
        ),
    )


def _deploy(session: Session) -> None:
    args = session.args
    session.target()
    if not args["app"]:
        raise InputError("Expected app name to be non-empty")
    if not args["file"]:
        raise InputError("Expected at least one --file (-f) specified with a file or directory path")
    previous = (args["prev-app"],) if args["prev-app"] else ()
    _deploy_one(session, args["app"], args["file"], previous)


def _deploy_one(session: Session, app: str, files: Sequence[str], previous: tuple[str, ...] = ()) -> None:
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


def _delete(session: Session) -> None:
    if not session.args["app"]:
        session.target()
        raise InputError("Expected app name to be non-empty")
    _delete_one(session, session.args["app"], show_target=True)


def _delete_one(session: Session, app: str, *, show_target: bool) -> None:
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


def _deploy_group(session: Session) -> None:
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


def _delete_group(session: Session) -> None:
    from lapstrake.operations import app_records

    group = session.args["group"]
    if not group:
        raise InputError("Expected group name to be non-empty")
    session.target()
    for record in app_records.all_apps(session.cluster, session.namespace):
        if record.name.startswith(f"{group}-"):
            session.ui.block(f"--- deleting app '{record.name}' (namespace: {session.namespace})\n")
            _delete_one(session, record.name, show_target=False)


def _print_version(args: Arguments) -> int:
    UI.of(args).block(_VERSION + "\n")
    return 0
