"""kapp as the reconciler runs it: by its operations, with what they print collected for the status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.kapp import report
from lapstrake.kapp.app import App
from lapstrake.kapp.labels import APP_LABEL
from lapstrake.kapp.report import Printed
from lapstrake.messages import tool_error
from lapstrake.operations import app_records, kapp_flags
from lapstrake.operations.app_deploy import KappOutcome, KappRequest
from lapstrake.operations.delete_app import DeleteOptions, delete_app
from lapstrake.operations.deploy import DeployOptions, deploy
from lapstrake.operations.inspect_app import InspectOptions, inspect_app
from lapstrake.operations.inspect_report import resources_table
from lapstrake.operations.kapp_run import Hooks, show_target
from lapstrake.operations.kapp_ytt import KappYtt
from lapstrake.operations.step_run import Cancelled, Publish
from lapstrake.yamldoc import plain

_SUCCEEDED = "Succeeded\n"


class KappSteps:
    """kapp's deploy, delete and inspect for :mod:`app_deploy`."""

    def deploy(self, request: KappRequest, publish: Publish, cancelled: Cancelled) -> KappOutcome:
        def run(sink: Callable[[Printed], None]) -> None:
            flags = kapp_flags.parse(request.flags)
            further = dict(flags.run)
            if request.trusted:
                further.update(allow_empty=True, override_ownership=True, check_unlabeled=False)
            options = DeployOptions(
                app=request.name,
                app_namespace=request.namespace,
                default_namespace=request.default_namespace,
                previous_apps=(request.former_name,) if request.former_name else (),
                into_ns=request.into_namespace,
                map_ns=_namespace_map(request.map_namespaces),
                labels=flags.labels,
                filters=flags.filters,
                diff=flags.diff,
                apply=flags.apply,
                max_changes=flags.kept_changes,
                show_target=False,
                **further,
            )
            _show_target(request, sink)
            documents = plain.load_all(request.resources, "stdin")
            deploy(
                request.cluster,
                documents,
                options,
                sink,
                hooks=Hooks(cancelled=cancelled),
                ytt=KappYtt(),
            )

        return _outcome(request, run, publish, with_record=True)

    def delete(self, request: KappRequest, publish: Publish, cancelled: Cancelled) -> KappOutcome:
        def run(sink: Callable[[Printed], None]) -> None:
            flags = kapp_flags.parse(request.flags)
            options = DeleteOptions(
                app=request.name,
                app_namespace=request.namespace,
                previous_apps=(request.former_name,) if request.former_name else (),
                filters=flags.filters,
                diff=flags.diff,
                apply=flags.apply,
                show_target=False,
            )
            _show_target(request, sink)
            delete_app(request.cluster, options, sink, hooks=Hooks(cancelled=cancelled))

        return _outcome(request, run, publish)

    def inspect(self, request: KappRequest) -> KappOutcome:
        def run(sink: Callable[[Printed], None]) -> None:
            flags = kapp_flags.parse(request.flags)
            options = InspectOptions(
                app=request.name, app_namespace=request.namespace, filters=flags.filters, tree=flags.tree
            )
            now = time.time()
            _show_target(request, sink)
            sink(resources_table(inspect_app(request.cluster, options, now), request.name, now))

        return _outcome(request, run, lambda text: None)


def _show_target(request: KappRequest, sink: Callable[[Printed], None]) -> None:
    if request.trusted:
        sink(report.target(request.cluster.server, None))
    else:
        show_target(request.cluster, sink)


def _outcome(
    request: KappRequest,
    run: Callable[[Callable[[Printed], None]], None],
    publish: Publish,
    *,
    with_record: bool = False,
) -> KappOutcome:
    printed: list[str] = []

    def sink(piece: Printed) -> None:
        printed.append(str(piece))
        publish("".join(printed))

    try:
        run(sink)
    except LapstrakeError as error:
        status, stderr = error.exit_code, tool_error("kapp", str(error))
    else:
        status, stderr = 0, ""
        printed.append(_SUCCEEDED)
    return KappOutcome(status, "".join(printed), stderr, _record(request) if with_record else None)


def _record(request: KappRequest) -> Mapping[str, Any] | None:
    """What kapp's own record says now; None if it cannot be read."""
    try:
        app = app_records.find(request.cluster, request.namespace, request.name)
    except LapstrakeError:
        return None
    return associated_resources(app) if app is not None and app.last_change.happened else None


def associated_resources(app: App) -> dict[str, Any]:
    """The record in the shape that statuses have."""
    kinds = sorted(app.group_kinds or ())
    return {
        "label": f"{APP_LABEL}={app.label_value}",
        "namespaces": sorted(app.last_change.namespaces),
        "groupKinds": [{"group": group, "kind": kind} for group, kind in kinds],
    }


def _namespace_map(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        source, separator, target = pair.partition("=")
        if not separator:
            raise InputError(f"Expected '{pair}' to be in format 'src-ns=dst-ns'")
        found[source] = target
    return found
