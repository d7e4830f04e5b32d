"""The App that a PackageInstall stands for, and the placeholder Secrets it brings along."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lapstrake.packaging import durations

API_VERSION = "kappctrl.k14s.io/v1alpha1"
INSTALL_API_VERSION = "packaging.carvel.dev/v1alpha1"
DEFAULT_SYNC_PERIOD = "10m0s"

REF_NAME_ANNOTATION = "packaging.carvel.dev/package-ref-name"
PACKAGE_VERSION_ANNOTATION = "packaging.carvel.dev/package-version"
MANUAL_ANNOTATION = "ext.packaging.carvel.dev/manually-controlled"
OVERLAYS_ANNOTATION = "ext.packaging.carvel.dev/ytt-paths-from-secret-name"
VALUES_AS_OVERLAYS_ANNOTATION = "ext.packaging.carvel.dev/ytt-data-values-overlays"
HELM_VALUES_ANNOTATION = "ext.packaging.carvel.dev/helm-template-values-from-secret-name"
HELM_NAME_ANNOTATION = "ext.packaging.carvel.dev/helm-template-name"
HELM_NAMESPACE_ANNOTATION = "ext.packaging.carvel.dev/helm-template-namespace"
PULL_SECRET_ANNOTATION = "secretgen.carvel.dev/image-pull-secret"

# ``{"auths":{}}``: valid and empty, until another controller fills it.
_EMPTY_DOCKER_CONFIG = "eyJhdXRocyI6e319"

Object = Mapping[str, Any]


def desired_app(install: Object, package: Object, existing: Object | None = None) -> dict[str, Any]:
    """The App of ``install`` with the content of ``package``.

    With ``existing`` the result is that App brought up to date; it equals ``existing`` if nothing is to be
    written. Neither argument is changed.
    """
    spec = _spec(install, package)
    metadata: dict[str, Any] = deepcopy(dict(existing["metadata"])) if existing else {}
    metadata["name"] = install["metadata"]["name"]
    metadata["namespace"] = install["metadata"]["namespace"]
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        REF_NAME_ANNOTATION: package["spec"]["refName"],
        PACKAGE_VERSION_ANNOTATION: package["spec"]["version"],
    }
    metadata["ownerReferences"] = [_owner(install, controls=True)]
    app: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "App",
        "metadata": metadata,
        "spec": spec,
    }
    if existing and "status" in existing:
        app["status"] = existing["status"]
    return app


def manually_controlled(app: Object) -> bool:
    """Whether somebody asked on the App that its PackageInstall leaves it alone."""
    return MANUAL_ANNOTATION in (app["metadata"].get("annotations") or {})


def app_for_deletion(install: Object, app: Object) -> dict[str, Any]:
    """``app`` made to agree with ``install`` in the fields that matter while it is deleted."""
    spec = dict(app["spec"])
    for field in ("serviceAccountName", "cluster", "noopDelete", "paused", "canceled"):
        if install["spec"].get(field):
            spec[field] = deepcopy(install["spec"][field])
        else:
            spec.pop(field, None)
    return {**app, "spec": spec}


def placeholder_secrets(install: Object, package: Object) -> list[dict[str, Any]]:
    """One empty pull Secret per image or bundle that names none."""
    metadata = install["metadata"]
    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": _placeholder_name(install, index),
                "namespace": metadata["namespace"],
                "annotations": {PULL_SECRET_ANNOTATION: ""},
                "ownerReferences": [_owner(install, controls=False)],
            },
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": _EMPTY_DOCKER_CONFIG},
        }
        for index, fetch in enumerate(_with_named_secrets(install, package))
        if _image_without_secret(fetch) is not None
    ]


def _spec(install: Object, package: Object) -> dict[str, Any]:
    wanted = install["spec"]
    spec: dict[str, Any] = _without_nulls(deepcopy(package["spec"]["template"]["spec"]))
    for field in ("serviceAccountName", "cluster", "noopDelete", "paused", "canceled", "defaultNamespace"):
        spec.pop(field, None)
        if wanted.get(field):
            spec[field] = deepcopy(wanted[field])
    period = wanted.get("syncPeriod")
    spec["syncPeriod"] = durations.written(durations.nanoseconds(period)) if period else DEFAULT_SYNC_PERIOD
    if spec.get("fetch"):
        spec["fetch"] = _fetch(install, package)
    _add_values(install, spec)
    _add_helm_options(install, spec)
    _add_overlays(install, spec)
    return spec


def _fetch(install: Object, package: Object) -> list[dict[str, Any]]:
    entries = _with_named_secrets(install, package)
    for index, entry in enumerate(entries):
        image = _image_without_secret(entry)
        if image is not None:
            image["secretRef"] = {"name": _placeholder_name(install, index)}
    return entries


def _with_named_secrets(install: Object, package: Object) -> list[dict[str, Any]]:
    """The package's fetch entries, with the Secrets that annotations ``fetch-I-secret-name`` name."""
    entries: list[dict[str, Any]] = _without_nulls(
        deepcopy(list(package["spec"]["template"]["spec"].get("fetch") or ()))
    )
    annotations = install["metadata"].get("annotations") or {}
    for index, entry in enumerate(entries):
        name = annotations.get(f"ext.packaging.carvel.dev/fetch-{index}-secret-name")
        if not name:
            continue
        for source in ("imgpkgBundle", "image", "http", "git", "helmChart"):
            holder = entry.get(source)
            if source == "helmChart" and holder is not None:
                holder = holder.setdefault("repository", {})
            if holder is not None:
                holder["secretRef"] = {"name": name}
    return entries


def _image_without_secret(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    for source in ("imgpkgBundle", "image"):
        image: dict[str, Any] | None = entry.get(source)
        if image is not None and not image.get("secretRef"):
            return image
    return None


def _placeholder_name(install: Object, index: int) -> str:
    return f"{install['metadata']['name']}-fetch-{index}"


def _add_values(install: Object, spec: dict[str, Any]) -> None:
    # Observed: the key of a values reference has no effect, the whole Secret is used.
    references = [
        {"secretRef": {"name": value["secretRef"]["name"]}}
        for value in install["spec"].get("values") or ()
        if value.get("secretRef")
    ]
    if not references:
        return
    as_overlays = VALUES_AS_OVERLAYS_ANNOTATION in (install["metadata"].get("annotations") or {})
    for step in spec.get("template") or ():
        if step.get("ytt") is not None:
            holder, field = step["ytt"], "valuesFrom"
            if as_overlays:
                holder, field = holder.setdefault("inline", {}), "pathsFrom"
        elif step.get("helmTemplate") is not None:
            holder, field = step["helmTemplate"], "valuesFrom"
        else:
            continue
        holder[field] = [*(holder.get(field) or ()), *references]
        return


def _add_helm_options(install: Object, spec: dict[str, Any]) -> None:
    annotations = install["metadata"].get("annotations") or {}
    step = _first_step(spec, "helmTemplate")
    if step is None:
        return
    references = _secret_references(annotations, HELM_VALUES_ANNOTATION)
    if references:
        step["valuesFrom"] = [*(step.get("valuesFrom") or ()), *references]
    if HELM_NAME_ANNOTATION in annotations:
        step["name"] = annotations[HELM_NAME_ANNOTATION]
    if HELM_NAMESPACE_ANNOTATION in annotations:
        step["namespace"] = annotations[HELM_NAMESPACE_ANNOTATION]


def _add_overlays(install: Object, spec: dict[str, Any]) -> None:
    references = _secret_references(install["metadata"].get("annotations") or {}, OVERLAYS_ANNOTATION)
    step = _first_step(spec, "ytt")
    if references and step is not None:
        inline = step.setdefault("inline", {})
        inline["pathsFrom"] = [*(inline.get("pathsFrom") or ()), *references]


def _first_step(spec: Object, kind: str) -> dict[str, Any] | None:
    for step in spec.get("template") or ():
        found: dict[str, Any] | None = step.get(kind)
        if found is not None:
            return found
    return None


def _secret_references(annotations: Object, prefix: str) -> list[dict[str, Any]]:
    """References to the Secrets named by ``prefix`` and ``prefix.SUFFIX``, in the order of the suffixes."""
    names = sorted(key for key in annotations if key == prefix or key.startswith(prefix + "."))
    return [{"secretRef": {"name": annotations[key]}} for key in names]


def _owner(install: Object, *, controls: bool) -> dict[str, Any]:
    reference: dict[str, Any] = {
        "apiVersion": INSTALL_API_VERSION,
        "kind": "PackageInstall",
        "name": install["metadata"]["name"],
        "uid": install["metadata"]["uid"],
    }
    if controls:
        reference.update(blockOwnerDeletion=True, controller=True)
    return reference


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
