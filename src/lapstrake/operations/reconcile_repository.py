"""One PackageRepository: its packages fetched, rendered and put into the cluster by the controller's rights."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.adapters import file_tree
from lapstrake.errors import LapstrakeError
from lapstrake.messages import tool_error
from lapstrake.operations import app_deploy, app_fetch, step_run
from lapstrake.operations.app_deploy import KappRequest
from lapstrake.operations.app_template import TemplateTools
from lapstrake.operations.cluster_access import PACKAGE_METADATA, PACKAGES, REPOSITORIES, Cluster
from lapstrake.operations.reconciled import Reconciled
from lapstrake.operations.resolve import ResolveOptions, resolve
from lapstrake.operations.step_run import Cancelled, Clock, Deployed, Publish
from lapstrake.operations.sync import Fetch
from lapstrake.operations.template import SourceFile, TemplateOptions
from lapstrake.packaging import data_api, repository_content
from lapstrake.packaging.app_status import StepResult
from lapstrake.yamldoc import plain

Object = Mapping[str, Any]

FINALIZER = "finalizers.packagerepository.packaging.carvel.dev/delete"
_IMAGES_LOCK = ".imgpkg/images.yml"
_YAML = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class RepositorySteps:
    """The steps of a PackageRepository; everything is done by ``cluster``, the controller's own client."""

    cluster: Cluster
    fetchers: Mapping[str, Fetch]
    tools: TemplateTools
    kapp: app_deploy.Kapp
    work_folder: str | None = None

    def open(self, obj: Object) -> RepositoryWorkspace:
        return RepositoryWorkspace(self, obj)

    def secret_versions(self, obj: Object) -> Mapping[str, str] | None:
        return app_fetch.secret_versions(obj, cluster=self.cluster)

    def delete(self, obj: Object, publish: Publish, cancelled: Cancelled) -> StepResult:
        outcome = self.kapp.delete(_request(self.cluster, obj), publish, cancelled)
        return app_deploy.deletion_result(outcome)

    def leaves_deletion_to_namespaces(self, obj: Object) -> bool:
        return app_deploy.all_namespaces_terminate(obj, self.cluster)


class RepositoryWorkspace:
    """A temporary folder for one run."""

    def __init__(self, steps: RepositorySteps, repository: Object) -> None:
        self._steps = steps
        self._repository = repository
        self._folder = tempfile.mkdtemp(prefix="lapstrake-repository-", dir=steps.work_folder)
        self._objects: list[dict[str, Any]] = []

    def fetch(self) -> StepResult:
        return app_fetch.fetch(
            self._repository, self._folder, cluster=self._steps.cluster, fetchers=self._steps.fetchers
        )

    def template(self) -> StepResult:
        root = os.path.join(self._folder, "0")
        paths = sorted(file_tree.files_below(root), key=lambda path: path.split("/"))
        try:
            repository_content.check_layout(paths)
        except LapstrakeError as error:
            return StepResult.refused(str(error))
        try:
            rendered = self._steps.tools.render(
                [_source(root, path, "packages/") for path in paths if _is_content(path)],
                TemplateOptions(ignore_unknown_comments=True),
            )
        except LapstrakeError as error:
            return StepResult.tool_failed("template", tool_error("ytt", str(error)) + "\n")
        text, stderr = rendered.text, rendered.log
        if _IMAGES_LOCK in paths:
            inputs = [SourceFile("stdin.yml", text.encode()), _source(root, _IMAGES_LOCK, ".imgpkg/")]
            try:
                resolved = resolve(inputs, ResolveOptions(), self._steps.tools.resolver())
            except LapstrakeError as error:
                return StepResult.tool_failed("template", tool_error("kbld", str(error)) + "\n")
            text, stderr = resolved.printed, "".join(f"{line}\n" for line in resolved.log_lines)
        metadata = self._repository["metadata"]
        self._objects = repository_content.package_objects(
            plain.load_all(text, "stdin"), namespace=metadata["namespace"], name=metadata["name"]
        )
        return StepResult(stderr=stderr)

    def deploy(self, publish: Publish, cancelled: Cancelled) -> Deployed:
        try:
            present = self._present()
            objects = [
                repository_content.against_other(obj, present.get((obj["kind"], obj["metadata"]["name"])))
                for obj in self._objects
            ]
        except LapstrakeError as error:
            return Deployed(StepResult.tool_failed("deploy", tool_error("kapp", str(error))))
        text = "".join(f"---\n{plain.dump(obj)}" for obj in objects)
        request = _request(self._steps.cluster, self._repository, resources=text)
        outcome = self._steps.kapp.deploy(request, publish, cancelled)
        # A repository's status does not tell what kapp keeps about it.
        return Deployed(app_deploy.deployed(outcome).result)

    def inspect(self) -> StepResult | None:
        return None

    def close(self) -> None:
        file_tree.remove(self._folder)

    def _present(self) -> dict[tuple[str, str], Object]:
        """What the repository's namespace has itself, by kind and name: global packages are only seen there."""
        namespace, cluster = self._repository["metadata"]["namespace"], self._steps.cluster
        found: dict[tuple[str, str], Object] = {}
        for rt in (PACKAGES, PACKAGE_METADATA):
            seen = cluster.list(rt, namespace).items
            shared = set()
            if seen and namespace != data_api.GLOBAL_NAMESPACE:
                shared = {obj["metadata"]["uid"] for obj in cluster.list(rt, data_api.GLOBAL_NAMESPACE).items}
            found |= {
                (rt.kind, obj["metadata"]["name"]): obj
                for obj in seen
                if obj["metadata"]["uid"] not in shared
            }
        return found


def reconcile_repository(
    repository: Object, steps: RepositorySteps, clock: Clock, *, cancelled: Cancelled = lambda: False
) -> Object:
    """As :func:`reconcile_app.reconcile_app`, for a PackageRepository."""
    target = Reconciled(steps.cluster, REPOSITORIES, repository)
    if target.deleted:
        step_run.delete(target, steps, clock, finalizer=FINALIZER, cancelled=cancelled)
    elif target.spec.get("paused"):
        step_run.pause(target)
    else:
        step_run.run(target, steps, clock, finalizer=FINALIZER, cancelled=cancelled)
    return target.obj


def _request(cluster: Cluster, repository: Object, *, resources: str = "") -> KappRequest:
    metadata = repository["metadata"]
    return KappRequest(
        cluster=cluster,
        namespace=metadata["namespace"],
        name=f"{metadata['name']}.pkgr",
        former_name=f"{metadata['name']}-ctrl",
        resources=resources,
        into_namespace=metadata["namespace"],
        flags=(app_deploy.KEEP_CHANGES,),
        trusted=True,
    )


def _is_content(path: str) -> bool:
    return path.startswith("packages/") and path.endswith(_YAML)


def _source(root: str, path: str, prefix: str) -> SourceFile:
    with open(os.path.join(root, path), "rb") as file:
        return SourceFile(path.removeprefix(prefix), file.read())
