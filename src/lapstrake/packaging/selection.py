"""Which Package a PackageInstall means: the highest version that all its filters leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lapstrake.errors import InputError
from lapstrake.versions import (
    Check,
    Prereleases,
    Version,
    VersionError,
    constraint,
    highest,
    is_exact_prerelease,
)

IGNORE_KUBERNETES_ANNOTATION = "packaging.carvel.dev/ignore-kubernetes-version-selection"
IGNORE_CONTROLLER_ANNOTATION = "packaging.carvel.dev/ignore-kapp-controller-version-selection"
DOWNGRADABLE_ANNOTATION = "packaging.carvel.dev/downgradable"

Object = Mapping[str, Any]


def select_package(
    install: Object, packages: Sequence[Object], *, kubernetes_version: str, controller_version: str
) -> Object:
    """The Package that ``install`` gets from all those its namespace sees.

    ``kubernetes_version`` (with or without ``v``) and ``controller_version`` are compared with what a
    package demands. Raises InputError with the texts of the original.
    """
    reference = install["spec"].get("packageRef")
    if reference is None:
        raise InputError("Expected non nil PackageRef")
    selection = reference.get("versionSelection")
    if selection is None:
        raise InputError("Expected non-empty version selection")
    ref_name = reference.get("refName", "")
    if not packages:
        raise InputError(f"Package {ref_name} not found")
    by_version = {
        str(package["spec"].get("version", "")): package
        for package in packages
        if package["spec"].get("refName") == ref_name
    }
    constraints = selection.get("constraints") or ""
    chosen = highest(
        by_version,
        constraints,
        _prereleases(selection, constraints),
        checks=_checks(install, by_version, kubernetes_version, controller_version),
    )
    return by_version[chosen.text]


def _prereleases(selection: Object, constraints: str) -> Prereleases | None:
    wanted = selection.get("prereleases")
    if wanted is not None:
        return Prereleases(tuple(wanted.get("identifiers") or ()))
    return Prereleases() if is_exact_prerelease(constraints) else None


def _checks(
    install: Object, by_version: Mapping[str, Object], kubernetes_version: str, controller_version: str
) -> list[Check]:
    annotations = install["metadata"].get("annotations") or {}
    checks = []
    # Observed: without any package that asks for a Kubernetes version there is no such counter,
    # while the one for the controller is always there.
    if IGNORE_KUBERNETES_ANNOTATION not in annotations and any(
        _demand(package, "kubernetesVersionSelection") for package in by_version.values()
    ):
        checks.append(
            _check(
                "after-kubernetes-version-check",
                "kubernetesVersionSelection",
                by_version,
                kubernetes_version,
            )
        )
    if IGNORE_CONTROLLER_ANNOTATION not in annotations:
        checks.append(
            _check(
                "after-kapp-controller-version-check",
                "kappControllerVersionSelection",
                by_version,
                controller_version,
            )
        )
    return checks


def _demand(package: Object, field: str) -> str:
    return str((package["spec"].get(field) or {}).get("constraints") or "")


def _check(name: str, field: str, by_version: Mapping[str, Object], running: str) -> Check:
    def passes(version: Version) -> bool:
        demand = _demand(by_version[version.text], field)
        return not demand or Version.parse(running) in constraint(demand)

    return Check(name, passes)


def refuses_downgrade(install: Object, version: str) -> str | None:
    """The refusal if ``version`` is lower than the last one attempted and nobody allowed that."""
    last = (install.get("status") or {}).get("lastAttemptedVersion")
    if not last or DOWNGRADABLE_ANNOTATION in (install["metadata"].get("annotations") or {}):
        return None
    try:
        lower = Version.parse(version) < Version.parse(last)
    except VersionError:
        return None
    if not lower:
        return None
    return (
        f"Stopped installing matched version '{version}' since last attempted version '{last}' is higher.\n"
        f'hint: Add annotation {DOWNGRADABLE_ANNOTATION}: "" to PackageInstall to proceed with downgrade'
    )


def concerns(install: Object, packages: Iterable[Object]) -> bool:
    """Whether a change of one of ``packages`` may change what ``install`` selects."""
    reference = install["spec"].get("packageRef") or {}
    constraints = (reference.get("versionSelection") or {}).get("constraints") or ""
    for package in packages:
        if package["spec"].get("refName") != reference.get("refName"):
            continue
        try:
            if not constraints or Version.parse(package["spec"].get("version", "")) in constraint(
                constraints
            ):
                return True
        except VersionError:
            continue
    return False
