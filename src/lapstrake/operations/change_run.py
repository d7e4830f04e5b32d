"""From a set of changes to its end: shown, confirmed, written down, carried out. For deploy and delete alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lapstrake.errors import LapstrakeError
from lapstrake.kapp import order, report, waits
from lapstrake.kapp.app import App, used_group_kinds, used_group_versions, used_namespaces
from lapstrake.kapp.changes import DELETE, NOOP, Change, DiffRules, counts
from lapstrake.kapp.config import Config
from lapstrake.kapp.report import Masks
from lapstrake.kapp.waits import Progress
from lapstrake.kube.resource import Resource
from lapstrake.operations import app_records
from lapstrake.operations.apply_changes import ApplyChanges
from lapstrake.operations.kapp_run import (
    ApplyOptions,
    Clock,
    Cluster,
    DiffOptions,
    Hooks,
    Object,
    Sink,
    Stopped,
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run happens."""

    cluster: Cluster
    sink: Sink
    clock: Clock
    hooks: Hooks


def diff_rules(config: Config, options: DiffOptions) -> DiffRules:
    return DiffRules(
        rebase=config.rebase,
        overlays=config.overlays,
        of_last_applied=config.of_last_applied,
        of_existing=config.of_existing,
        against_last_applied=options.against_last_applied,
    )


def progress_of(config: Config) -> Callable[[Resource], Progress]:
    return lambda resource: waits.reconciled(resource, config.waits)


def show(changes: Sequence[Change], around: Surroundings, config: Config, options: DiffOptions) -> None:
    """Differences if wanted, then the table."""
    if options.changes or options.changes_yaml:
        from lapstrake.yamldoc.plain import dump

        masks = Masks(config.masks) if options.mask else None
        text = ""
        for change in changes:
            if change.op == NOOP:
                continue
            if options.changes_yaml:
                text += report.changes_yaml(change, dump)
            else:
                text += report.difference(
                    change, masks, dump, context=options.context, numbers=options.line_numbers
                )
        if text:
            around.sink(report.block(text))
    if options.summary:
        around.sink(report.changes_table(changes, around.clock.now_ns() / 1e9))


def confirmed(around: Surroundings) -> None:
    if not around.hooks.confirm():
        raise Stopped("Stopped")


def carry_out(
    app: App,
    changes: Sequence[Change],
    dependencies: order.Dependencies,
    given: Sequence[Object],
    *,
    around: Surroundings,
    config: Config,
    rules: DiffRules,
    options: ApplyOptions,
    verb: str,
    on_begin: Callable[[App], None] = lambda app: None,
) -> App:
    """Write the change down, apply it, write down how it ended. ``verb``: update or delete.

    While it runs, the record names the kinds of what is there and of what is to be, so that an interrupted run loses
    nothing; afterwards those of ``given``.
    """
    resources = [Resource(obj) for obj in given]
    touched = [*resources, *(change.resource for change in changes if change.op == DELETE)]
    kinds = (
        sorted({*used_group_kinds(touched), *(app.group_kinds or ())})
        if changes
        else used_group_kinds(touched)
    )
    app = replace(app, group_kinds=tuple(kinds), group_versions=used_group_versions(touched))
    namespaces = used_namespaces(resources)
    app = app_records.begin_change(
        around.cluster, app, f"{verb}: {counts(changes)}", namespaces, around.clock
    )
    on_begin(app)
    try:
        apply_only(changes, dependencies, around=around, config=config, rules=rules, options=options)
    except LapstrakeError:
        app_records.finish_change(around.cluster, app, successful=False, clock=around.clock)
        raise
    app = replace(app, group_kinds=used_group_kinds(resources), group_versions=used_group_versions(resources))
    return app_records.finish_change(around.cluster, app, successful=True, clock=around.clock)


def apply_only(
    changes: Sequence[Change],
    dependencies: order.Dependencies,
    *,
    around: Surroundings,
    config: Config,
    rules: DiffRules,
    options: ApplyOptions,
) -> None:
    """Carry changes out without a record."""
    ApplyChanges(
        around.cluster,
        changes,
        dependencies,
        rules=rules,
        progress=progress_of(config),
        options=options,
        sink=around.sink,
        clock=around.clock,
        hooks=around.hooks,
    ).run()
