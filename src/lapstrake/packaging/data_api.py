"""Packages as users see them: data.packaging.carvel.dev over the stored internal kinds.

Here is what a server of that group has to know: names, schemas, table columns and validation texts.
Objects of the global namespace appear in every namespace, as if they were its own; an own object of
the same name wins.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lapstrake.errors import LapstrakeError
from lapstrake.packaging import crds
from lapstrake.versions import Version

GROUP = "data.packaging.carvel.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

GLOBAL_NAMESPACE = "kapp-controller-packaging-global"
EXCLUDE_GLOBAL_ANNOTATION = "kapp-controller.carvel.dev/exclude-global-packages"

# A longer short description is shown with its first 47 characters and three dots: 50 in all.
_DESCRIPTION_WIDTH = 50

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DataKind:
    """One kind of the data API and the stored kind behind it.

    ``columns`` are those between name and age, as in a CRD (name, type, jsonPath); those also in ``cells``
    are computed from the object. ``causes`` refuses a write: a list of {reason, field, message}, empty for
    a good object. ``selectable`` are field selectors besides those of metadata. ``stored_name`` is the name of the
    internal object, ``shown_name`` the way back.
    """

    kind: str
    plural: str
    short_names: tuple[str, ...]
    internal_kind: str
    internal_plural: str
    schema: crds.Schema
    columns: tuple[Mapping[str, str], ...]
    causes: Callable[[Object], list[dict[str, str]]]
    cells: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    selectable: tuple[str, ...] = ()
    stored_name: Callable[[str], str] = str
    shown_name: Callable[[str], str] = str


def package_spec(spec: Object) -> dict[str, Any]:
    """A Package's spec with the two fields that are always written, if only as null."""
    values_schema = dict(spec.get("valuesSchema") or {})
    values_schema.setdefault("openAPIv3", None)
    return {**spec, "releasedAt": spec.get("releasedAt"), "valuesSchema": values_schema}


def _package_schema() -> crds.Schema:
    """The stored schema, with the nulls of :func:`package_spec` as defaults."""
    properties = crds.PACKAGE_SPEC["properties"]
    free_form = {**properties["valuesSchema"]["properties"]["openAPIv3"], "default": None}
    values_schema = {**properties["valuesSchema"], "default": {}, "properties": {"openAPIv3": free_form}}
    released_at = {**properties["releasedAt"], "default": None}
    spec = {
        **crds.PACKAGE_SPEC,
        "properties": {**properties, "releasedAt": released_at, "valuesSchema": values_schema},
    }
    return crds.resource_schema(spec)


def _categories(metadata: Object) -> str:
    return ",".join((metadata.get("spec") or {}).get("categories") or ())


def _short_description(metadata: Object) -> str:
    description = str((metadata.get("spec") or {}).get("shortDescription") or "")
    if len(description) <= _DESCRIPTION_WIDTH:
        return description
    return description[: _DESCRIPTION_WIDTH - 3] + "..."


def _invalid(path: str, value: str, message: str) -> dict[str, str]:
    return {
        "reason": "FieldValueInvalid",
        "field": path,
        "message": f'Invalid value: "{value}": {message}',
    }


def _domain_causes(path: str, name: str) -> list[dict[str, str]]:
    if name.count(".") >= 2:
        return []
    return [_invalid(path, name, "should be a domain with at least three segments separated by dots")]


def _package_causes(package: Object) -> list[dict[str, str]]:
    spec = package.get("spec") or {}
    name = (package.get("metadata") or {}).get("name", "")
    ref_name, version = spec.get("refName") or "", spec.get("version") or ""
    causes = _domain_causes("spec.refName", ref_name)
    try:
        Version.parse(version)
    except LapstrakeError as error:
        causes.append(_invalid("spec.version", version, f"must be valid semver: {error}"))
    if name != f"{ref_name}.{version}":
        causes.append(_invalid("metadata.name", name, "must be <spec.refName> + '.' + <spec.version>"))
    return causes


def _metadata_causes(metadata: Object) -> list[dict[str, str]]:
    return _domain_causes("metadata.name", (metadata.get("metadata") or {}).get("name", ""))


def encoded_name(name: str) -> str:
    """The name of an InternalPackage: versions may have signs, such as ``+``, that names of stored objects may not.

    base32hex without padding in lower case, recorded in kctrl/01-repository for names with and without such signs.
    """
    return base64.b32hexencode(name.encode()).decode().rstrip("=").lower()


def decoded_name(name: str) -> str:
    """The inverse of :func:`encoded_name`; a name that cannot be decoded is given as it is."""
    try:
        return base64.b32hexdecode(name.upper() + "=" * (-len(name) % 8)).decode()
    except ValueError:
        return name


def _column(name: str, path: str) -> Mapping[str, str]:
    return {"name": name, "type": "string", "jsonPath": path}


PACKAGE = DataKind(
    kind="Package",
    plural="packages",
    short_names=("pkg",),
    internal_kind="InternalPackage",
    internal_plural="internalpackages",
    schema=_package_schema(),
    columns=(_column("PackageMetadata Name", ".spec.refName"), _column("Version", ".spec.version")),
    causes=_package_causes,
    selectable=("spec.refName",),
    stored_name=encoded_name,
    shown_name=decoded_name,
)

PACKAGE_METADATA = DataKind(
    kind="PackageMetadata",
    plural="packagemetadatas",
    short_names=("pkgm",),
    internal_kind="InternalPackageMetadata",
    internal_plural="internalpackagemetadatas",
    schema=crds.resource_schema(crds.PACKAGE_METADATA_SPEC),
    columns=(
        _column("Display Name", ".spec.displayName"),
        _column("Categories", ".spec.categories"),
        _column("Short Description", ".spec.shortDescription"),
    ),
    causes=_metadata_causes,
    cells={"Categories": _categories, "Short Description": _short_description},
)

KINDS = (PACKAGE, PACKAGE_METADATA)


def definitions() -> list[dict[str, Any]]:
    """The kinds as CustomResourceDefinitions of their own, for a cluster where nobody serves the group.

    Global packages then do not show in other namespaces; who selects packages looks for them.
    """
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    return [
        crds.definition(
            GROUP, kind.kind, kind.schema, short_names=kind.short_names, columns=(*kind.columns, age)
        )
        for kind in KINDS
    ]
