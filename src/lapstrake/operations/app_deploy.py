"""The deploy step: kapp by the App's own rights, under the name ``APP.app``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lapstrake.errors import InputError, LapstrakeError
from lapstrake.operations import kapp_flags
from lapstrake.operations.cluster_access import NAMESPACES, Access, Cluster
from lapstrake.operations.step_run import Cancelled, Deployed, Publish
from lapstrake.packaging.app_status import StepResult, normalized_lines

Object = Mapping[str, Any]

KEEP_CHANGES = "--app-changes-max-to-keep=5"
"""Of the controller's applications kapp keeps fewer changes than of others."""


@dataclass(frozen=True, slots=True)
class KappRequest:
    """One run of kapp. ``former_name``: an application of an older controller, to be adopted.

    ``flags`` are checked options in the form ``--name=value``; ``namespace`` holds the record;
    ``into_namespace`` and ``map_namespaces`` move resources, ``default_namespace`` is for those without.
    """

    cluster: Any
    namespace: str
    name: str
    former_name: str = ""
    resources: str = ""
    into_namespace: str = ""
    map_namespaces: tuple[str, ...] = ()
    default_namespace: str = ""
    flags: tuple[str, ...] = ()
    # A package repository: what another one brought is taken over, what its namespace merely sees is not looked at,
    # nothing at all is fine, too, and the output does not tell nodes.
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class KappOutcome:
    """What a run printed; ``record`` as associatedResources, None when there is no record."""

    exit_code: int
    stdout: str
    stderr: str
    record: Mapping[str, Any] | None = None


class Kapp(Protocol):
    """kapp's three ways to run; ``publish`` gets all that was printed so far, again and again."""

    def deploy(self, request: KappRequest, publish: Publish, cancelled: Cancelled) -> KappOutcome: ...
    def delete(self, request: KappRequest, publish: Publish, cancelled: Cancelled) -> KappOutcome: ...
    def inspect(self, request: KappRequest) -> KappOutcome: ...


def deploy_app(
    app: Object, resources: str, *, access: Access, kapp: Kapp, publish: Publish, cancelled: Cancelled
) -> Deployed:
    """Never raises LapstrakeError."""
    try:
        options = _kapp_options(app)
        request = _request(app, options, options.get("rawOptions") or (), access, resources=resources)
    except LapstrakeError as error:
        return Deployed(StepResult.refused(str(error)))
    return deployed(kapp.deploy(request, publish, cancelled))


def deployed(outcome: KappOutcome) -> Deployed:
    """The outcome of a deployment as a status has it."""
    return Deployed(_step_result("deploy", outcome), outcome.record)


def inspect_app(app: Object, *, access: Access, kapp: Kapp) -> StepResult | None:
    """None if the App does not ask for it."""
    try:
        options = _kapp_options(app)
        if options.get("inspect") is None:
            return None
        request = _request(app, options, options["inspect"].get("rawOptions") or (), access)
    except LapstrakeError as error:
        return StepResult.refused(str(error))
    return _step_result("inspect", kapp.inspect(request))


def delete_app(
    app: Object, *, access: Access, kapp: Kapp, publish: Publish, cancelled: Cancelled
) -> StepResult:
    """Never raises LapstrakeError."""
    try:
        options = _kapp_options(app)
        flags = (options.get("delete") or {}).get("rawOptions") or ()
        request = _request(app, options, flags, access)
    except LapstrakeError as error:
        return StepResult.refused(str(error))
    return deletion_result(kapp.delete(request, publish, cancelled))


def deletion_result(outcome: KappOutcome) -> StepResult:
    return _step_result("delete", outcome)


def all_namespaces_terminate(app: Object, cluster: Cluster) -> bool:
    """Whether everything the App deployed goes with namespaces that are being deleted already."""
    status = app.get("status") or {}
    kapp = (status.get("deploy") or {}).get("kapp") or {}
    namespaces = set((kapp.get("associatedResources") or {}).get("namespaces") or ())
    namespaces.add(app["metadata"]["namespace"])
    if "(cluster)" in namespaces:
        return False
    return all(_terminates(cluster, namespace) for namespace in namespaces)


def _kapp_options(app: Object) -> Object:
    deploy = list(app["spec"].get("deploy") or ())
    if len(deploy) != 1:
        raise InputError("Expected exactly one deploy option")
    options: Object | None = deploy[0].get("kapp")
    if options is None:
        raise InputError("Unsupported way to deploy")
    return options


def _request(
    app: Object, options: Object, flags: Sequence[str], access: Access, *, resources: str = ""
) -> KappRequest:
    place = access.place(app)
    name = app["metadata"]["name"]
    return KappRequest(
        cluster=place.cluster,
        namespace=place.namespace,
        name=f"{name}.app",
        former_name=f"{name}-ctrl",
        resources=resources,
        into_namespace=options.get("intoNs") or "",
        map_namespaces=tuple(options.get("mapNs") or ()),
        default_namespace=app["spec"].get("defaultNamespace") or "",
        flags=(KEEP_CHANGES, *kapp_flags.checked(flags)),
    )


def _step_result(step: str, outcome: KappOutcome) -> StepResult:
    stdout = normalized_lines(outcome.stdout)
    if outcome.exit_code == 0:
        return StepResult(stdout=stdout, stderr=normalized_lines(outcome.stderr))
    return StepResult.tool_failed(
        step, normalized_lines(outcome.stderr), stdout=stdout, exit_code=outcome.exit_code
    )


def _terminates(cluster: Cluster, namespace: str) -> bool:
    try:
        found = cluster.get(NAMESPACES, None, namespace)
    except LapstrakeError:
        return False
    return bool(found["metadata"].get("deletionTimestamp"))
