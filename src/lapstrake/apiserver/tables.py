"""The Table form of objects: what ``kubectl get`` prints is computed here, not in kubectl.

Built-in kinds have their columns in table_workloads.py and table_kinds.py; custom resources bring theirs as
``additionalPrinterColumns``. Recorded in vectors/kube/accept, vectors/kube/get and vectors/kube/crd/columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from lapstrake.apiserver import jsonpath
from lapstrake.apiserver.ages import UNKNOWN, age, moment
from lapstrake.apiserver.table_columns import AGE_TEXT, Column, Printer
from lapstrake.apiserver.table_kinds import PRINTERS as KIND_PRINTERS
from lapstrake.apiserver.table_workloads import PRINTERS as WORKLOAD_PRINTERS

_NAME_TEXT = (
    "Name must be unique within a namespace. Is required when creating resources, although some resources may "
    "allow a client to request the generation of an appropriate name automatically. Name is primarily intended "
    "for creation idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
)

_AGE_ONLY = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)


def _created_at(obj: Mapping[str, Any], now: datetime) -> list[Any]:
    metadata = obj["metadata"]
    return [metadata["name"], metadata.get("creationTimestamp", UNKNOWN)]


_UNPRINTED: Printer = ((Column("Name"), Column("Created At", "date")), _created_at)


def table(
    definition: str,
    objects: Sequence[Mapping[str, Any]],
    now: datetime,
    columns: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """``columnDefinitions`` and ``rows`` (each with its ``cells`` only).

    ``definition`` names a built-in kind (``core.v1.Pod``); for custom kinds it is empty and ``columns`` holds
    their additionalPrinterColumns, where none at all means the age alone.
    """
    if not definition or columns is not None:
        return _custom(columns or _AGE_ONLY, objects, now)
    heads, cells = WORKLOAD_PRINTERS.get(definition) or KIND_PRINTERS.get(definition) or _UNPRINTED
    return {
        "columnDefinitions": [_definition(head) for head in heads],
        "rows": [{"cells": cells(obj, now)} for obj in objects],
    }


def _definition(column: Column) -> dict[str, Any]:
    is_name = column.name == "Name"
    description = column.description or {"Name": _NAME_TEXT, "Age": AGE_TEXT}.get(column.name, "")
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if is_name else "",
        "description": description,
        "priority": 1 if column.wide else 0,
    }


def _custom(
    columns: Sequence[Mapping[str, Any]], objects: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, Any]:
    heads = [_definition(Column("Name"))]
    for column in columns:
        path = column["jsonPath"]
        heads.append(
            {
                "name": column["name"],
                "type": column["type"],
                "format": column.get("format", ""),
                "description": column.get("description")
                or f"Custom resource definition column (in JSONPath format): {path}",
                "priority": column.get("priority", 0),
            }
        )
    rows = [
        {"cells": [obj["metadata"]["name"], *(_custom_cell(column, obj, now) for column in columns)]}
        for obj in objects
    ]
    return {"columnDefinitions": heads, "rows": rows}


def _custom_cell(column: Mapping[str, Any], obj: Mapping[str, Any], now: datetime) -> Any:
    try:
        found = jsonpath.find(column["jsonPath"], obj)
    except jsonpath.InvalidPath:
        return None
    if not found or found[0] is None:
        return None
    return _cell(column["type"], found[0], now)


def _cell(kind: str, value: Any, now: datetime) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "integer":
        return int(value) if number else None
    if kind == "number":
        return value if number else None
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "date":
        return age(value, now) if moment(value) is not None else "<invalid>"
    if isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
