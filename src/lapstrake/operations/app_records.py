"""The records of apps in the cluster: found, created, adopted, kept up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lapstrake.errors import ClusterError, InputError, LapstrakeError, NotFoundError
from lapstrake.kapp import report
from lapstrake.kapp.app import IS_APP, App, Change, app_of, change_of, change_text, timestamp
from lapstrake.kube.resource import Resource
from lapstrake.operations.kapp_run import CONFIG_MAPS, Clock, Cluster, Object, Sink

_MERGE = "application/merge-patch+json"


def find(cluster: Cluster, namespace: str, name: str) -> App | None:
    """None if there is no such app. Raises InputError if a foreign ConfigMap has its name."""
    if not name:
        raise InputError("Expected app name to be non-empty")
    try:
        return app_of(cluster.get(CONFIG_MAPS, namespace, name))
    except NotFoundError:
        return None


def existing(cluster: Cluster, namespace: str, name: str) -> App:
    """Raises InputError if there is no such app."""
    app = find(cluster, namespace, name)
    if app is None:
        raise missing(namespace, name)
    return app


def missing(namespace: str, name: str) -> InputError:
    return InputError(f"App '{name}' (namespace: {namespace}) does not exist: ")


def obtained(
    cluster: Cluster,
    namespace: str,
    name: str,
    *,
    previous: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    clock: Clock,
) -> App:
    """The app, found under its name, adopted from a previous one, or made."""
    app = find(cluster, namespace, name)
    if app is None:
        for former in previous:
            app = find(cluster, namespace, former)
            if app is not None:
                return renamed(cluster, app, name)
        app = App(name, namespace, str(clock.now_ns()), labels=dict(labels or {}))
        cluster.create(CONFIG_MAPS, app.config_map(), namespace)
        return app
    if labels and any(app.labels.get(key) != value for key, value in labels.items()):
        app = replace(app, labels={**app.labels, **labels})
        _patch(cluster, app, {"metadata": {"labels": dict(app.labels)}})
    return app


def renamed(cluster: Cluster, app: App, name: str) -> App:
    """The same app under another name: its resources keep their label."""
    new = replace(app, name=name)
    cluster.create(CONFIG_MAPS, new.config_map(), new.namespace)
    cluster.delete(CONFIG_MAPS, app.namespace, app.name)
    return new


def all_apps(cluster: Cluster, namespace: str | None, selector: str = "") -> list[App]:
    """Readable records, by namespace and name. ``namespace`` None: everywhere."""
    wanted = f"{IS_APP}=" + (f",{selector}" if selector else "")
    found = []
    for item in cluster.list(CONFIG_MAPS, namespace, wanted).items:
        try:
            found.append(app_of(item))
        except LapstrakeError:
            continue
    return sorted(found, key=lambda app: (app.namespace, app.name))


def owner(cluster: Cluster, label_value: str, namespace: str) -> App | None:
    """The app whose resources carry ``label_value``, as far as we may look."""
    for place in (None, namespace):
        try:
            apps = all_apps(cluster, place)
        except ClusterError:
            continue
        return next((app for app in apps if app.label_value == label_value), None)
    return None


def save(cluster: Cluster, app: App) -> None:
    _patch(cluster, app, {"data": {"spec": app.spec_text()}})


def begin_change(
    cluster: Cluster, app: App, description: str, namespaces: Sequence[str], clock: Clock
) -> App:
    """Write down that a change starts; the new state of the record is returned."""
    change = Change(timestamp(clock.now_ns()), description=description, namespaces=tuple(namespaces))
    made = cluster.create(CONFIG_MAPS, app.change_config_map(change), app.namespace)
    started = replace(app, last_change_name=Resource(made).name, last_change=change)
    save(cluster, started)
    return started


def finish_change(cluster: Cluster, app: App, *, successful: bool, clock: Clock) -> App:
    done = app.last_change.finished(timestamp(clock.now_ns()), successful=successful)
    finished = replace(app, last_change=done)
    body = {"data": {"spec": change_text(done)}}
    try:
        cluster.patch(CONFIG_MAPS, app.namespace, app.last_change_name, body, _MERGE)
    except NotFoundError:
        pass  # somebody tidied up meanwhile
    save(cluster, finished)
    return finished


def changes(cluster: Cluster, app: App) -> list[tuple[str, Change]]:
    """Names and contents, the newest first."""
    found = [
        (Resource(item).name, change_of(item))
        for item in cluster.list(CONFIG_MAPS, app.namespace, app.changes_selector()).items
    ]
    return sorted(found, key=lambda pair: pair[1].started_at, reverse=True)


def drop_old_changes(
    cluster: Cluster, app: App, kept: int, sink: Sink | None = None
) -> list[tuple[str, Change]]:
    """Delete all but the newest ``kept``; what was deleted is returned."""
    old = changes(cluster, app)[kept:]
    for name, _ in old:
        _delete(cluster, app.namespace, name)
    if old and sink is not None:
        sink(report.block(f"Deleted {len(old)} older app changes\n"))
    return old


def forget(cluster: Cluster, app: App) -> None:
    """Delete the changes and the record itself."""
    for name, _ in changes(cluster, app):
        _delete(cluster, app.namespace, name)
    _delete(cluster, app.namespace, app.name)


def _delete(cluster: Cluster, namespace: str, name: str) -> None:
    try:
        cluster.delete(CONFIG_MAPS, namespace, name)
    except NotFoundError:
        pass


def _patch(cluster: Cluster, app: App, body: Object) -> None:
    cluster.patch(CONFIG_MAPS, app.namespace, app.name, body, _MERGE)
