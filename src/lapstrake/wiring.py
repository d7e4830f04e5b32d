"""Builds the adapters and hands them to the operations: the only place that chooses."""

from __future__ import annotations

from lapstrake.apiserver.resources import View
from lapstrake.apiserver.schema import from_openapi
from lapstrake.kube.types import ResourceType
from lapstrake.packaging import crds, data_api


def package_views() -> tuple[View, ...]:
    """Package and PackageMetadata as the embedded API server shows them, over the stored internal kinds."""
    return tuple(_view(kind) for kind in data_api.KINDS)


def _view(kind: data_api.DataKind) -> View:
    return View(
        rt=ResourceType(
            data_api.GROUP,
            data_api.VERSION,
            kind.kind,
            kind.plural,
            True,
            singular=kind.kind.lower(),
            short_names=kind.short_names,
        ),
        storage=ResourceType(
            crds.INTERNAL_GROUP, data_api.VERSION, kind.internal_kind, kind.internal_plural, True
        ),
        schema=from_openapi(kind.schema),
        columns=kind.columns,
        fallback_namespace=data_api.GLOBAL_NAMESPACE,
        exclude_annotation=data_api.EXCLUDE_GLOBAL_ANNOTATION,
        stored_name=kind.stored_name,
        shown_name=kind.shown_name,
        validate=kind.causes,
        selectable_fields=kind.selectable,
        cells=kind.cells,
    )
