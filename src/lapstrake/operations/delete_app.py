"""Delete an app: a deploy of nothing, and then its record goes too."""

from __future__ import annotations

from dataclasses import dataclass, field

from lapstrake.kapp import changes as plan
from lapstrake.kapp import order, report, waits
from lapstrake.kapp.app import App
from lapstrake.kapp.changes import Change, Strategies
from lapstrake.kapp.config import Config
from lapstrake.kapp.given import is_deletable
from lapstrake.kapp.labels import is_own
from lapstrake.kube.resource import Resource
from lapstrake.operations import app_records, app_resources, change_run
from lapstrake.operations.change_run import Surroundings
from lapstrake.operations.kapp_run import (
    ApplyOptions,
    Clock,
    Cluster,
    DiffOptions,
    Filters,
    Hooks,
    Object,
    Sink,
    Stopped,
    SystemClock,
    show_target,
)
from lapstrake.operations.resource_filter import accepts

_OWNED_FOR_DELETION = "kapp.k14s.io/owned-for-deletion"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """``previous_apps``: names under which the app may be known as well."""

    app: str
    app_namespace: str
    previous_apps: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)
    diff: DiffOptions = field(default_factory=DiffOptions)
    apply: ApplyOptions = field(default_factory=ApplyOptions)
    diff_exit_status: bool = False
    show_target: bool = True


def delete_app(
    cluster: Cluster,
    options: DeleteOptions,
    sink: Sink,
    clock: Clock | None = None,
    *,
    hooks: Hooks | None = None,
) -> bool:
    """Delete everything that carries the app's label; false if there is no such app.

    Resources that the cluster generated are only waited for. Raises as ``deploy``.
    """
    around = Surroundings(cluster, sink, clock or SystemClock(), hooks or Hooks())
    if options.show_target:
        show_target(cluster, sink)
    app = _found(cluster, options)
    if app is None:
        sink(report.block(f"App '{options.app}' (namespace: {options.app_namespace}) does not exist\n"))
        return False
    config = Config()
    changes = _changes(around, app, options, config)
    dependencies = order.ordered(changes)
    change_run.show(changes, around, config, options.diff)
    if options.diff.run:
        if options.diff_exit_status:
            pending = any(change.op == plan.DELETE for change in changes)
            raise Stopped(
                f"Exiting after diffing with {'' if pending else 'no '}pending changes "
                f"(exit status {3 if pending else 2})",
                3 if pending else 2,
            )
        return True
    change_run.confirmed(around)
    change_run.carry_out(
        app,
        changes,
        dependencies,
        [],
        around=around,
        config=config,
        rules=change_run.diff_rules(config, options.diff),
        options=options.apply,
        verb="delete",
    )
    if options.filters == Filters():
        app_records.forget(cluster, app)
    return True


def _found(cluster: Cluster, options: DeleteOptions) -> App | None:
    for name in (options.app, *options.previous_apps):
        app = app_records.find(cluster, options.app_namespace, name)
        if app is not None:
            return app
    return None


def _changes(around: Surroundings, app: App, options: DeleteOptions, config: Config) -> list[Change]:
    strategies = Strategies(wait=options.apply.wait, progress=waits.reconciled)
    rules = change_run.diff_rules(config, options.diff)
    now = around.clock.now_ns() / 1e9
    found = resources_of(around.cluster, app)
    return [
        plan.deletion(obj, rules, strategies)
        if _is_deleted(Resource(obj))
        else plan.inherited(obj, strategies)
        for obj in found
        if accepts(options.filters, Resource(obj), now) and is_deletable(Resource(obj))
    ]


def resources_of(cluster: Cluster, app: App) -> list[Object]:
    """All that carries the app's label, of every kind that the server has now."""
    namespaces = {app.namespace, *(name for name in app.last_change.namespaces if name != "(cluster)")}
    types = app_resources.listable(cluster.resource_types(refresh=True))
    return app_resources.labeled(cluster, types, app.selector, sorted(namespaces))


def _is_deleted(resource: Resource) -> bool:
    return is_own(resource) or _OWNED_FOR_DELETION in resource.annotations
