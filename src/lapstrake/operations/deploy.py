"""Deploy: make the resources of an app in the cluster what is given.

Source: runs of kapp as recorded (scenarios 01 to 25) and the facts about what it keeps and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lapstrake.errors import InputError
from lapstrake.kapp import config as configs
from lapstrake.kapp import given as givens
from lapstrake.kapp import order, waits
from lapstrake.kapp.app import IS_APP, IS_CHANGE, App
from lapstrake.kapp.changes import Change, Strategies
from lapstrake.kapp.config import Config
from lapstrake.kapp.given import Placement
from lapstrake.kapp.labels import APP_LABEL, Key, is_own, key_of, labeled
from lapstrake.kapp.plan import planned
from lapstrake.kube.resource import Resource
from lapstrake.kube.types import ResourceType
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
from lapstrake.operations.resource_filter import accepts, accepts_change

_EMPTY = (
    "Trying to apply empty set of resources will result in deletion of resources on cluster. "
    "Refusing to continue unless --dangerous-allow-empty-list-of-resources is specified."
)


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """``app`` may be ``label:KEY=VALUE``: then nothing is recorded, the resources just carry that label.

    ``default_namespace``: for namespaced resources without one ("" is the app's). ``previous_apps``: names under
    which the app may be found and renamed. ``origins``: where each document comes from, for messages.
    """

    app: str
    app_namespace: str
    default_namespace: str = ""
    previous_apps: tuple[str, ...] = ()
    into_ns: str = ""
    map_ns: Mapping[str, str] = field(default_factory=dict)
    allowed_namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    patch: bool = False
    allow_empty: bool = False
    override_ownership: bool = False
    check_unlabeled: bool = True
    default_label_scoping: bool = True
    filters: Filters = field(default_factory=Filters)
    diff: DiffOptions = field(default_factory=DiffOptions)
    apply: ApplyOptions = field(default_factory=ApplyOptions)
    diff_exit_status: bool = False
    apply_exit_status: bool = False
    max_changes: int = 200
    show_target: bool = True
    on_begin: Callable[[App], None] = field(default=lambda app: None)


@dataclass(frozen=True, slots=True)
class DeployResult:
    """``changed``: something was applied. The rest is what the record says now."""

    changed: bool
    app: App


def deploy(
    cluster: Cluster,
    resources: Sequence[Any],
    options: DeployOptions,
    sink: Sink,
    clock: Clock | None = None,
    *,
    hooks: Hooks | None = None,
    ytt: configs.Ytt | None = None,
) -> DeployResult:
    """Apply ``resources`` (objects and Lists, also Config resources) as one app.

    What is printed goes to ``sink`` piece by piece. Raises InputError for resources that cannot be understood,
    ClusterError, WaitError and TimedOutError for what the cluster makes of them, Stopped if not confirmed.
    """
    around = Surroundings(cluster, sink, clock or SystemClock(), hooks or Hooks())
    if options.show_target:
        show_target(cluster, sink)
    return _Deploy(around, options, ytt).run(resources)


class _Deploy:
    def __init__(self, around: Surroundings, options: DeployOptions, ytt: configs.Ytt | None) -> None:
        self._around = around
        self._cluster = around.cluster
        self._options = options
        self._ytt = ytt

    def run(self, documents: Sequence[Any]) -> DeployResult:
        options, around = self._options, self._around
        app, recorded = self._app()
        given, config, types = self._given(documents, app)
        rules = change_run.diff_rules(config, options.diff)
        existing = self._existing(app, given, types)
        changes = [
            change
            for change in planned(
                given,
                existing,
                rules=rules,
                strategies=Strategies(
                    options.apply.default_update_strategy, options.apply.wait, waits.reconciled
                ),
                templates=config.templates,
                keep_others=options.patch,
            )
            if accepts_change(options.diff.filter, change)
        ]
        dependencies = order.ordered(changes, config.groups, config.rules)
        change_run.show(changes, around, config, options.diff)
        if options.diff.run:
            self._leave_after_diff(changes)
            return DeployResult(False, app)
        if not changes:
            self._leave_after_apply(changed=False)
            return DeployResult(False, app)
        change_run.confirmed(around)
        if recorded:
            app = change_run.carry_out(
                app,
                changes,
                dependencies,
                given,
                around=around,
                config=config,
                rules=rules,
                options=options.apply,
                verb="update",
                on_begin=options.on_begin,
            )
            app_records.drop_old_changes(self._cluster, app, options.max_changes, around.sink)
        else:
            change_run.apply_only(
                changes, dependencies, around=around, config=config, rules=rules, options=options.apply
            )
        self._leave_after_apply(changed=True)
        return DeployResult(True, app)

    def _app(self) -> tuple[App, bool]:
        """The app, and whether it has a record."""
        options = self._options
        if options.app.startswith("label:"):
            key, _, value = options.app.removeprefix("label:").partition("=")
            if key != APP_LABEL:
                return App(
                    options.app, options.app_namespace, "", group_kinds=None, labels={key: value}
                ), False
            return App(options.app, options.app_namespace, value, group_kinds=None), False
        app = app_records.obtained(
            self._cluster,
            options.app_namespace,
            options.app,
            previous=options.previous_apps,
            labels=options.labels,
            clock=self._around.clock,
        )
        return app, True

    def _given(
        self, documents: Sequence[Any], app: App
    ) -> tuple[list[Object], Config, dict[tuple[str, str], ResourceType]]:
        """What is to be there: placed, unique, labeled, filtered."""
        options = self._options
        if not any(documents) and not options.allow_empty:
            raise InputError(_EMPTY)
        pairs = givens.unpacked([doc for doc in documents if doc is not None], options.origins)
        config = configs.read([obj for obj, _ in pairs if givens.is_config(obj)], self._ytt)
        if not options.default_label_scoping:
            config = replace(config, scoping=config.scoping[len(configs.Config().scoping) :])
        pairs = [(obj, origin) for obj, origin in pairs if not givens.is_config(obj)]
        if not pairs and not options.allow_empty:
            raise InputError(_EMPTY)
        givens.check(pairs)
        objects = [obj for obj, _ in pairs]
        crds = givens.crd_scopes(objects)
        types = app_resources.known_types(
            self._cluster, {(Resource(o).api_version, Resource(o).kind) for o in objects}
        )

        def scope(api_version: str, kind: str) -> bool | None:
            rt = types.get((api_version, kind))
            return rt.namespaced if rt else crds.get((api_version, kind))

        placement = Placement(
            options.default_namespace or options.app_namespace, options.into_ns, options.map_ns
        )
        objects = givens.unique(givens.placed(objects, placement, scope))
        now = self._around.clock.now_ns()
        objects = [obj for obj in objects if accepts(options.filters, Resource(obj), now / 1e9)]
        if not objects and not options.allow_empty:
            raise InputError(_EMPTY)
        finished = [self._labeled(givens.with_nonce(obj, str(now)), app, config) for obj in objects]
        return finished, config, types

    def _labeled(self, obj: Object, app: App, config: Config) -> Object:
        if not _is_ours(Resource(obj)):
            return obj
        if not app.label_value:
            metadata = {**obj["metadata"], "labels": {**Resource(obj).labels, **app.labels}}
            return {**obj, "metadata": metadata}
        return labeled(
            obj, app.label_value, ownership=config.ownership, scoping=config.scoping, extra=config.labels
        )

    def _existing(
        self, app: App, given: Sequence[Object], types: Mapping[tuple[str, str], ResourceType]
    ) -> dict[Key, Object]:
        """What is there: the app's own resources, and those of nobody (or of others) that are given."""
        options, now = self._options, self._around.clock.now_ns() / 1e9
        resources = [r for r in map(Resource, given) if givens.is_deletable(r)]
        only = None
        if app.group_kinds is not None:
            only = {*app.group_kinds, *((r.group, r.kind) for r in resources)}
        served = [*types.values(), *self._served(only)]
        namespaces = sorted(
            {options.app_namespace, *(r.namespace for r in resources if r.namespace), *_named(app)}
            | set(options.allowed_namespaces)
        )
        selector = app.selector if app.label_value else ",".join(f"{k}={v}" for k, v in app.labels.items())
        found = app_resources.labeled(
            self._cluster, app_resources.listable(served, only), selector, namespaces
        )
        existing = {
            key_of(Resource(obj)): obj
            for obj in found
            if _belongs(app, Resource(obj)) and accepts(options.filters, Resource(obj), now)
        }
        if options.check_unlabeled:
            missing = [r for r in resources if key_of(r) not in existing and r.name]
            others = self._fetched(missing, types)
            self._refuse_foreign(app, others)
            existing |= {key_of(Resource(obj)): obj for obj in others}
        return existing

    def _fetched(
        self,
        missing: Sequence[Resource],
        types: Mapping[tuple[str, str], ResourceType],
    ) -> list[Object]:
        """Those that are there without our label; nothing is in a namespace that this run is going to make."""
        namespaces = [r for r in missing if r.is_a("", "Namespace")]
        found = app_resources.fetched(self._cluster, namespaces, types)
        new = {r.name for r in namespaces} - {Resource(obj).name for obj in found}
        rest = [r for r in missing if not r.is_a("", "Namespace") and r.namespace not in new]
        return [*found, *app_resources.fetched(self._cluster, rest, types)]

    def _served(self, kinds: set[tuple[str, str]] | None) -> Sequence[ResourceType]:
        """What the server has, asked anew if a kind of the app is not among it."""
        served = self._cluster.resource_types()
        known = {(rt.group, rt.kind) for rt in served}
        if kinds is None or not kinds <= known:
            return self._cluster.resource_types(True)
        return served

    def _refuse_foreign(self, app: App, found: Sequence[Object]) -> None:
        """Raises InputError for resources that are kapp's own, or another app's."""
        disallowed, owned = [], []
        for resource in map(Resource, found):
            for label in (IS_APP, IS_CHANGE):
                if label in resource.labels:
                    disallowed.append(f"- Resource '{resource}' has a disallowed label '{label}'")
            value = resource.labels.get(APP_LABEL)
            if value and app.label_value and value != app.label_value and is_own(resource):
                owned.append((resource, value))
        if disallowed:
            raise InputError("\n".join(["Disallowed labels errors:", *disallowed]))
        if not owned or self._options.override_ownership:
            return
        lines = []
        for resource, value in owned:
            if givens.EXISTS in resource.annotations:
                continue
            owner = app_records.owner(self._cluster, value, self._options.app_namespace)
            named = f"'{owner.name}' namespace: {owner.namespace} " if owner else ""
            lines.append(
                f"- Resource '{resource}' is already associated with a different app "
                f"{named}(label '{APP_LABEL}={value}')"
            )
        if lines:
            raise InputError("\n".join(["Ownership errors:", *lines]))

    def _leave_after_diff(self, changes: Sequence[Change]) -> None:
        if self._options.diff_exit_status:
            pending = bool(changes)
            raise Stopped(
                f"Exiting after diffing with {'' if pending else 'no '}pending changes "
                f"(exit status {3 if pending else 2})",
                3 if pending else 2,
            )

    def _leave_after_apply(self, *, changed: bool) -> None:
        if self._options.apply_exit_status:
            raise Stopped(
                f"Exiting after applying with {'' if changed else 'no '}changes (exit status {3 if changed else 2})",
                3 if changed else 2,
            )


def _is_ours(resource: Resource) -> bool:
    """Not marked as brought by somebody else."""
    return givens.is_deletable(resource) and givens.EXISTS not in resource.annotations


def _belongs(app: App, resource: Resource) -> bool:
    """Not generated by the cluster from something that carries the label."""
    return is_own(resource) if app.label_value else not resource.owners


def _named(app: App) -> Iterable[str]:
    return [name for name in app.last_change.namespaces if name != "(cluster)"]
