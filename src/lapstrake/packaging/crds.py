"""The five CustomResourceDefinitions of kapp-controller, as plain data.

The shapes are those the original's API server shows (facts/crd-fields): structural schemas without
descriptions. :func:`definitions` gives the objects to create in a cluster that lacks them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

APP_GROUP = "kappctrl.k14s.io"
PACKAGING_GROUP = "packaging.carvel.dev"
INTERNAL_GROUP = "internal.packaging.carvel.dev"
VERSION = "v1alpha1"

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_INTEGER: Schema = {"type": "integer"}
_INT64: Schema = {"type": "integer", "format": "int64"}
_TIME: Schema = {"type": "string", "format": "date-time"}


def _object(properties: Mapping[str, Schema] | None = None, *, required: Sequence[str] = ()) -> Schema:
    schema: Schema = {"type": "object"}
    if required:
        schema["required"] = list(required)
    if properties:
        schema["properties"] = dict(properties)
    return schema


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_NAME = _object({"name": _STRING})
_SECRET_KEY = _object({"key": _STRING, "name": _STRING})
_SEMVER_SELECTION = _object(
    {"constraints": _STRING, "prereleases": _object({"identifiers": _list(_STRING)})},
)
_SELECTION = _object({"semver": _SEMVER_SELECTION})
_DIRECTORY_REF = _object({"directoryPath": _STRING, "name": _STRING})
_INLINE = _object(
    {
        "paths": _map(_STRING),
        "pathsFrom": _list(_object({"configMapRef": _DIRECTORY_REF, "secretRef": _DIRECTORY_REF})),
    }
)
_CLUSTER = _object({"kubeconfigSecretRef": _SECRET_KEY, "namespace": _STRING})
_FIXED_VERSION = _object({"version": _STRING})
_FIXED_APIS = _object({"groupVersions": _list(_STRING)})
_VALUES_FROM = _list(
    _object(
        {
            "configMapRef": _NAME,
            "downwardAPI": _object(
                {
                    "items": _list(
                        _object(
                            {
                                "fieldPath": _STRING,
                                "kappControllerVersion": _FIXED_VERSION,
                                "kubernetesAPIs": _FIXED_APIS,
                                "kubernetesVersion": _FIXED_VERSION,
                                "name": _STRING,
                            }
                        )
                    )
                }
            ),
            "path": _STRING,
            "secretRef": _NAME,
        }
    )
)

_REPOSITORY_FETCH: dict[str, Schema] = {
    "git": _object(
        {
            "depth": _INT64,
            "forceHTTPBasicAuth": _BOOLEAN,
            "lfsSkipSmudge": _BOOLEAN,
            "ref": _STRING,
            "refSelection": _SELECTION,
            "secretRef": _NAME,
            "subPath": _STRING,
            "url": _STRING,
        }
    ),
    "http": _object({"secretRef": _NAME, "sha256": _STRING, "subPath": _STRING, "url": _STRING}),
    "image": _object({"secretRef": _NAME, "subPath": _STRING, "tagSelection": _SELECTION, "url": _STRING}),
    "imgpkgBundle": _object({"image": _STRING, "secretRef": _NAME, "tagSelection": _SELECTION}),
    "inline": _INLINE,
}
_APP_FETCH: dict[str, Schema] = {
    **_REPOSITORY_FETCH,
    "helmChart": _object(
        {
            "name": _STRING,
            "repository": _object({"secretRef": _NAME, "url": _STRING}),
            "version": _STRING,
        }
    ),
    "path": _STRING,
}
_APP_TEMPLATE: dict[str, Schema] = {
    "cue": _object(
        {
            "inputExpression": _STRING,
            "outputExpression": _STRING,
            "paths": _list(_STRING),
            "valuesFrom": _VALUES_FROM,
        }
    ),
    "helmTemplate": _object(
        {
            "kubernetesAPIs": _FIXED_APIS,
            "kubernetesVersion": _FIXED_VERSION,
            "name": _STRING,
            "namespace": _STRING,
            "path": _STRING,
            "valuesFrom": _VALUES_FROM,
        }
    ),
    "jsonnet": _object(),
    "kbld": _object({"paths": _list(_STRING)}),
    "kustomize": _object(),
    "sops": _object(
        {
            "age": _object({"privateKeysSecretRef": _NAME}),
            "paths": _list(_STRING),
            "pgp": _object({"privateKeysSecretRef": _NAME}),
        }
    ),
    "ytt": _object(
        {
            "fileMarks": _list(_STRING),
            "ignoreUnknownComments": _BOOLEAN,
            "inline": _INLINE,
            "paths": _list(_STRING),
            "strict": _BOOLEAN,
            "valuesFrom": _VALUES_FROM,
        }
    ),
}
_RAW_OPTIONS = _object({"rawOptions": _list(_STRING)})
_KAPP = _object(
    {
        "delete": _RAW_OPTIONS,
        "inspect": _RAW_OPTIONS,
        "intoNs": _STRING,
        "mapNs": _list(_STRING),
        "rawOptions": _list(_STRING),
    }
)
_APP_SPEC = _object(
    {
        "canceled": _BOOLEAN,
        "cluster": _CLUSTER,
        "defaultNamespace": _STRING,
        "deploy": _list(_object({"kapp": _KAPP})),
        "fetch": _list(_object(_APP_FETCH)),
        "noopDelete": _BOOLEAN,
        "paused": _BOOLEAN,
        "serviceAccountName": _STRING,
        "syncPeriod": _STRING,
        "template": _list(_object(_APP_TEMPLATE)),
    }
)

_CONDITIONS = _list(
    _object(
        {"message": _STRING, "reason": _STRING, "status": _STRING, "type": _STRING},
        required=("status", "type"),
    )
)
_GENERIC_STATUS: dict[str, Schema] = {
    "conditions": _CONDITIONS,
    "friendlyDescription": _STRING,
    "observedGeneration": _INT64,
    "usefulErrorMessage": _STRING,
}
_STEP: dict[str, Schema] = {
    "error": _STRING,
    "exitCode": _INTEGER,
    "stderr": _STRING,
    "updatedAt": _TIME,
}
_ASSOCIATED_RESOURCES = _object(
    {
        "groupKinds": _list(_object({"group": _STRING, "kind": _STRING}, required=("group", "kind"))),
        "label": _STRING,
        "namespaces": _list(_STRING),
    }
)
_STEPS_STATUS: dict[str, Schema] = {
    **_GENERIC_STATUS,
    "consecutiveReconcileFailures": _INTEGER,
    "consecutiveReconcileSuccesses": _INTEGER,
    "deploy": _object(
        {
            **_STEP,
            "finished": _BOOLEAN,
            "kapp": _object({"associatedResources": _ASSOCIATED_RESOURCES}),
            "startedAt": _TIME,
            "stdout": _STRING,
        }
    ),
    "fetch": _object({**_STEP, "startedAt": _TIME, "stdout": _STRING}),
    "template": _object(_STEP),
}

PACKAGE_SPEC: Schema = _object(
    {
        "capacityRequirementsDescription": _STRING,
        "includedSoftware": _list(
            _object({"description": _STRING, "displayName": _STRING, "version": _STRING})
        ),
        "kappControllerVersionSelection": _object({"constraints": _STRING}),
        "kubernetesVersionSelection": _object({"constraints": _STRING}),
        "licenses": _list(_STRING),
        "refName": _STRING,
        "releaseNotes": _STRING,
        "releasedAt": {**_TIME, "nullable": True},
        "template": _object({"spec": _APP_SPEC}, required=("spec",)),
        "valuesSchema": _object(
            {
                "openAPIv3": {
                    "type": "object",
                    "nullable": True,
                    "x-kubernetes-preserve-unknown-fields": True,
                }
            }
        ),
        "version": _STRING,
    }
)
PACKAGE_METADATA_SPEC: Schema = _object(
    {
        "categories": _list(_STRING),
        "displayName": _STRING,
        "iconSVGBase64": _STRING,
        "longDescription": _STRING,
        "maintainers": _list(_NAME),
        "providerName": _STRING,
        "shortDescription": _STRING,
        "supportDescription": _STRING,
    }
)
_PACKAGE_INSTALL_SPEC = _object(
    {
        "canceled": _BOOLEAN,
        "cluster": _CLUSTER,
        "defaultNamespace": _STRING,
        "noopDelete": _BOOLEAN,
        "packageRef": _object({"refName": _STRING, "versionSelection": _SEMVER_SELECTION}),
        "paused": _BOOLEAN,
        "serviceAccountName": _STRING,
        "syncPeriod": _STRING,
        "values": _list(_object({"secretRef": _SECRET_KEY})),
    }
)
_PACKAGE_REPOSITORY_SPEC = _object(
    {"fetch": _object(_REPOSITORY_FETCH), "paused": _BOOLEAN, "syncPeriod": _STRING}, required=("fetch",)
)


def resource_schema(spec: Schema, status: Mapping[str, Schema] | None = None) -> Schema:
    """The schema of a whole object with this ``spec`` (required) and perhaps a status."""
    properties: dict[str, Schema] = {
        "apiVersion": _STRING,
        "kind": _STRING,
        "metadata": {"type": "object"},
        "spec": spec,
    }
    if status is not None:
        properties["status"] = _object(status)
    return _object(properties, required=("spec",))


def _column(name: str, kind: str, path: str) -> dict[str, str]:
    return {"name": name, "type": kind, "jsonPath": path}


def definition(
    group: str,
    kind: str,
    schema: Schema,
    *,
    short_names: Sequence[str] = (),
    categories: Sequence[str] = (),
    columns: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """One CustomResourceDefinition of a namespaced kind with a status."""
    singular = kind.lower()
    plural = singular[:-1] + "ies" if singular.endswith("y") else singular + "s"
    names: dict[str, Any] = {
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": singular,
    }
    if short_names:
        names["shortNames"] = list(short_names)
    if categories:
        names["categories"] = list(categories)
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    if columns:
        version["additionalPrinterColumns"] = [dict(column) for column in columns]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def definitions() -> list[dict[str, Any]]:
    """Fresh copies of the five definitions, in the order in which to create them."""
    description = _column("Description", "string", ".status.friendlyDescription")
    age = _column("Age", "date", ".metadata.creationTimestamp")
    app_status = {
        **_STEPS_STATUS,
        "inspect": _object({**_STEP, "stdout": _STRING}),
        "managedAppName": _STRING,
    }
    install_status = {**_GENERIC_STATUS, "lastAttemptedVersion": _STRING, "version": _STRING}
    return [
        definition(INTERNAL_GROUP, "InternalPackageMetadata", resource_schema(PACKAGE_METADATA_SPEC)),
        definition(INTERNAL_GROUP, "InternalPackage", resource_schema(PACKAGE_SPEC)),
        definition(
            APP_GROUP,
            "App",
            resource_schema(_APP_SPEC, app_status),
            categories=("carvel",),
            columns=(description, _column("Since-Deploy", "date", ".status.deploy.startedAt"), age),
        ),
        definition(
            PACKAGING_GROUP,
            "PackageInstall",
            resource_schema(_PACKAGE_INSTALL_SPEC, install_status),
            short_names=("pkgi",),
            categories=("carvel",),
            columns=(
                _column("Package name", "string", ".spec.packageRef.refName"),
                _column("Package version", "string", ".status.version"),
                description,
                age,
            ),
        ),
        definition(
            PACKAGING_GROUP,
            "PackageRepository",
            resource_schema(_PACKAGE_REPOSITORY_SPEC, _STEPS_STATUS),
            short_names=("pkgr",),
            categories=("carvel",),
            columns=(age, description),
        ),
    ]


def pruned(value: Any, schema: Schema) -> Any:
    """A copy of ``value`` without the fields that ``schema`` does not declare.

    Package repositories are read through the types of their kinds, so unknown fields vanish silently.
    """
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    if isinstance(value, Mapping):
        if "additionalProperties" in schema:
            return {key: pruned(item, schema["additionalProperties"]) for key, item in value.items()}
        properties: Mapping[str, Schema] = schema.get("properties", {})
        return {key: pruned(item, properties[key]) for key, item in value.items() if key in properties}
    if isinstance(value, list) and "items" in schema:
        return [pruned(item, schema["items"]) for item in value]
    return value
