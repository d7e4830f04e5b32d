"""The tables of inspect and list."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.kapp import report
from lapstrake.kapp.app import App
from lapstrake.kapp.report import Printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.operations.inspect_app import Inspected

RESOURCES_HEADER = ("Namespace", "Name", "Kind", "Owner", "Rs", "Ri", "Age")
RESOURCES_NOTES = ("Rs: Reconcile state", "Ri: Reconcile information")


def resource_rows(found: Sequence[Inspected], now: float) -> list[tuple[str, ...]]:
    return [
        (
            one.resource.namespace or "(cluster)",
            one.shown_name,
            one.resource.kind,
            one.owner,
            one.state.state,
            report.wrapped(one.state.message),
            report.age(one.resource.created_at, now),
        )
        for one in found
    ]


def resources_table(found: Sequence[Inspected], app: str, now: float) -> Printed:
    """As on a terminal: a repeated namespace is ``^``, except in a tree."""
    rows = resource_rows(found, now)
    is_tree = any(one.depth for one in found)
    shown = [
        tuple(
            cell or "-"
            for cell in ("^" if i and not is_tree and row[0] == rows[i - 1][0] else row[0], *row[1:])
        )
        for i, row in enumerate(rows)
    ]
    text = (
        f"Resources in app '{app}'\n\n"
        + report.aligned([RESOURCES_HEADER, *shown])
        + "\n"
        + "".join(note + "\n" for note in RESOURCES_NOTES)
        + f"\n{len(rows)} resources\n"
    )
    return Printed(text, "table", header=RESOURCES_HEADER, rows=rows, notes=RESOURCES_NOTES)


def app_row(app: App, now: float) -> tuple[str, str, str, str]:
    """Name, namespaces of the last change, whether that succeeded, and its age."""
    change = app.last_change
    if not change.happened:
        return app.name, "", "", ""
    return (
        app.name,
        ",".join(change.namespaces),
        "" if change.successful is None else str(change.successful).lower(),
        report.age(change.started_at, now),
    )
