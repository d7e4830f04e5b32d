"""What can be installed: packages with their versions, descriptions and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lapstrake.errors import InputError
from lapstrake.operations.cluster_access import PACKAGE_METADATA, PACKAGES
from lapstrake.operations.package_ports import Cluster, find
from lapstrake.versions import Version, VersionError
from lapstrake.yamldoc import gojson, plain

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PackageSummary:
    namespace: str
    name: str
    display_name: str
    short_description: str


@dataclass(frozen=True, slots=True)
class PackageVersion:
    """``released_at`` as it is shown; empty if it is not known."""

    namespace: str
    name: str
    version: str
    released_at: str


@dataclass(frozen=True, slots=True)
class PackageDetails:
    """``metadata`` and ``package`` are the specs; ``package`` is None unless a version was asked for."""

    name: str
    metadata: Object
    package: Object | None
    versions: tuple[PackageVersion, ...]


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A value that a package takes: its dotted key, and what its schema says of it."""

    key: str
    default: str
    type: str
    description: str


def summaries(cluster: Cluster, namespace: str | None) -> list[PackageSummary]:
    """Each package once, by namespace and name. ``namespace`` None: everywhere."""
    found = []
    for obj in cluster.list(PACKAGE_METADATA, namespace).items:
        metadata, spec = obj["metadata"], obj.get("spec") or {}
        found.append(
            PackageSummary(
                metadata.get("namespace", ""),
                metadata["name"],
                spec.get("displayName", ""),
                spec.get("shortDescription", ""),
            )
        )
    return sorted(found, key=lambda s: (s.namespace, s.name))


def versions(cluster: Cluster, namespace: str | None, name: str = "") -> list[PackageVersion]:
    """All versions, of one package or of all, by namespace, name and version."""
    selector = f"spec.refName={name}" if name else ""
    found = [_version(obj) for obj in cluster.list(PACKAGES, namespace, field_selector=selector).items]
    return sorted(found, key=lambda v: (v.namespace, v.name, _order(v.version)))


def details(cluster: Cluster, namespace: str, name: str, version: str = "") -> PackageDetails:
    """One package, or one version of it. Raises InputError or NotFoundError if there is none."""
    package = None
    if version:
        package = cluster.get(PACKAGES, namespace, f"{name}.{version}").get("spec") or {}
    metadata = find(cluster, PACKAGE_METADATA, namespace, name)
    listed = [] if version else sorted(versions(cluster, namespace, name), key=lambda v: v.version)
    if metadata is None and package is None and not listed:
        raise InputError(f"Package '{name}' not found in namespace '{namespace}'")
    return PackageDetails(name, (metadata or {}).get("spec") or {}, package, tuple(listed))


def value_rows(package: Object) -> list[ValueRow]:
    """The values of a package's schema, by key; nothing if it has no schema."""
    return list(_value_rows("", _schema(package)))


def default_values(package: Object) -> str:
    """The default values as YAML, each line behind a ``#``."""
    defaults = _defaults(_schema(package))
    text = plain.dump(defaults) if defaults else ""
    return "".join(f"# {line}\n" for line in text.splitlines())


def _schema(package: Object) -> Object:
    return (package.get("valuesSchema") or {}).get("openAPIv3") or {}


def _value_rows(path: str, schema: Object) -> Iterator[ValueRow]:
    for name, inner in sorted((schema.get("properties") or {}).items()):
        key = f"{path}{name}"
        if inner.get("properties"):
            yield from _value_rows(f"{key}.", inner)
        else:
            yield ValueRow(
                key, _shown(inner.get("default")), inner.get("type", ""), inner.get("description", "")
            )


def _shown(default: Any) -> str:
    if default is None or default == [] or default == {}:
        return ""
    return default if isinstance(default, str) else gojson.dumps(default)


def _defaults(schema: Object) -> dict[str, Any]:
    found = {}
    for name, inner in (schema.get("properties") or {}).items():
        if inner.get("properties"):
            if nested := _defaults(inner):
                found[name] = nested
        elif inner.get("default") is not None:
            found[name] = inner["default"]
    return found


def _version(obj: Object) -> PackageVersion:
    spec = obj.get("spec") or {}
    return PackageVersion(
        obj["metadata"].get("namespace", ""),
        spec.get("refName", ""),
        spec.get("version", ""),
        shown_time(spec.get("releasedAt")),
    )


def shown_time(timestamp: str | None) -> str:
    """``2021-07-23 18:00:00 +0000 UTC``; empty for no time."""
    if not timestamp:
        return ""
    try:
        at = datetime.fromisoformat(timestamp.replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return timestamp
    return at.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _order(version: str) -> tuple[int, Any]:
    try:
        return (1, Version.parse(version).key)
    except VersionError:
        return (0, version)
