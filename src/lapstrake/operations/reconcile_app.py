"""One App brought to what it asks for, or removed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lapstrake.adapters import file_tree
from lapstrake.operations import app_deploy, app_fetch, step_run
from lapstrake.operations.app_template import Templated, TemplateTools, template_app
from lapstrake.operations.cluster_access import APPS, Access, Cluster
from lapstrake.operations.reconciled import Reconciled
from lapstrake.operations.step_run import Cancelled, Clock, Deployed, Publish
from lapstrake.operations.sync import Fetch
from lapstrake.packaging import fetch_config
from lapstrake.packaging.app_status import StepResult

Object = Mapping[str, Any]

FINALIZER = "finalizers.kapp-ctrl.k14s.io/delete"


@dataclass(frozen=True, slots=True)
class AppSteps:
    """The steps of an App; ``cluster`` is the controller's own client, ``access`` gives the App's.

    Workspaces are made in ``work_folder`` (None: where the system has its temporary files).
    """

    cluster: Cluster
    access: Access
    fetchers: Mapping[str, Fetch]
    tools: TemplateTools
    kapp: app_deploy.Kapp
    work_folder: str | None = None

    def open(self, obj: Object) -> AppWorkspace:
        return AppWorkspace(self, obj)

    def secret_versions(self, obj: Object) -> Mapping[str, str] | None:
        return app_fetch.secret_versions(obj, cluster=self.cluster)

    def delete(self, obj: Object, publish: Publish, cancelled: Cancelled) -> StepResult:
        return app_deploy.delete_app(
            obj, access=self.access, kapp=self.kapp, publish=publish, cancelled=cancelled
        )

    def leaves_deletion_to_namespaces(self, obj: Object) -> bool:
        return app_deploy.all_namespaces_terminate(obj, self.cluster)


class AppWorkspace:
    """A temporary folder for one run."""

    def __init__(self, steps: AppSteps, app: Object) -> None:
        self._steps = steps
        self._app = app
        self._folder = tempfile.mkdtemp(prefix="lapstrake-app-", dir=steps.work_folder)
        self._templated = Templated(StepResult())

    def fetch(self) -> StepResult:
        return app_fetch.fetch(
            self._app, self._folder, cluster=self._steps.cluster, fetchers=self._steps.fetchers
        )

    def template(self) -> StepResult:
        below = fetch_config.template_directory(fetch_config.fetch_entries(self._app))
        folder = os.path.normpath(os.path.join(self._folder, below))
        self._templated = template_app(self._app, folder, self._steps.tools)
        return self._templated.result

    def deploy(self, publish: Publish, cancelled: Cancelled) -> Deployed:
        return app_deploy.deploy_app(
            self._app,
            self._templated.output,
            access=self._steps.access,
            kapp=self._steps.kapp,
            publish=publish,
            cancelled=cancelled,
        )

    def inspect(self) -> StepResult | None:
        return app_deploy.inspect_app(self._app, access=self._steps.access, kapp=self._steps.kapp)

    def close(self) -> None:
        file_tree.remove(self._folder)


def reconcile_app(
    app: Object, steps: AppSteps, clock: Clock, *, cancelled: Cancelled = lambda: False
) -> Object:
    """Run, pause or delete ``app``; gives it as last written.

    What goes wrong ends in its status. Raises NotFoundError if it vanishes meanwhile, ClusterError if its
    status cannot be written.
    """
    target = Reconciled(steps.cluster, APPS, app)
    if target.deleted:
        step_run.delete(target, steps, clock, finalizer=FINALIZER, cancelled=cancelled)
    elif target.spec.get("paused") or target.spec.get("canceled"):
        step_run.pause(target)
    else:
        step_run.run(target, steps, clock, finalizer=FINALIZER, cancelled=cancelled)
    return target.obj
