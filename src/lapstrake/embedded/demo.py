"""The guide, performed on ``examples/secure-ingress``: from folders of YAML to five installed packages.

Everything is done with the operations behind the commands that a user would type; what happens is told
step by step, and the installation is watched until it holds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

import lapstrake
from lapstrake.adapters.cluster import ClusterClient
from lapstrake.distribution.client import RegistryClient, RegistryOptions
from lapstrake.errors import InputError
from lapstrake.oci.reference import Reference
from lapstrake.operations.cluster_access import INSTALLS
from lapstrake.operations.package_install import InstallRequest, install
from lapstrake.operations.package_ports import Wait
from lapstrake.operations.package_repository import RepositoryRequest
from lapstrake.operations.package_repository import add as add_repository
from lapstrake.operations.publish import locked_documents, publish_bundle
from lapstrake.operations.push import PushRequest, push
from lapstrake.operations.registry_resolver import RegistryResolver
from lapstrake.packaging.data_api import GLOBAL_NAMESPACE

WRITTEN_REGISTRY = "127.0.0.1:5600"
"""The registry that the example's files name; the demo puts the running one in its place."""

ROOT = "secure-ingress"
NAMESPACE = "default"
PACKAGES = ("cert-manager", "contour", "external-dns")
OWN = ("wildcard-tls", "secure-ingress")
SUCCEEDED = "Reconcile succeeded"

_IMAGES = ("cert-manager:v1.5.1", "contour:v1.17.1", "envoy:v1.18.3", "external-dns:v0.8.0")


class Narrator(Protocol):
    """Is told what is being done (``stage``), what came of it (``result``), and how the tree looks (``tree``)."""

    def stage(self, title: str) -> None: ...
    def result(self, text: str) -> None: ...
    def tree(self, states: Sequence[State]) -> None: ...


@dataclass(frozen=True, slots=True)
class State:
    """One PackageInstall as it is now. ``error``: the first line of why it failed."""

    name: str
    package: str
    version: str
    description: str
    error: str

    @property
    def holds(self) -> bool:
        return self.description == SUCCEEDED

    @property
    def failed(self) -> bool:
        return self.description.startswith("Reconcile failed")


def example_folder() -> Path:
    """The example that came with the package, or the one of the checkout."""
    package = Path(lapstrake.__file__).parent
    for folder in (package / "examples" / ROOT, package.parents[1] / "examples" / ROOT):
        if folder.is_dir():
            return folder
    raise InputError(f"The example '{ROOT}' is not installed", hint="run the demo from a checkout")


class Demo:
    """One performance in ``work``, a folder that may be written to, against a running control plane."""

    def __init__(self, work: Path, cluster: ClusterClient, registry: str, narrator: Narrator) -> None:
        self._folder = work / ROOT
        self._cluster = cluster
        self._address = registry
        self._narrator = narrator
        self._client = RegistryClient(RegistryOptions())
        self._resolver = RegistryResolver(lambda: self._client)

    def perform(self, seconds: float = 120.0) -> Sequence[State]:
        """Build, push, publish, install, watch; the final states. Raises LapstrakeError for what does not work."""
        with self._client:
            self._copy_example()
            self._push_images()
            self._publish_repository()
            self._publish_own_packages()
            self._install()
            return self._watch(seconds)

    def _copy_example(self) -> None:
        shutil.copytree(example_folder(), self._folder)
        for file in self._folder.rglob("*.yaml"):
            text = file.read_text()
            if WRITTEN_REGISTRY in text:
                file.write_text(text.replace(WRITTEN_REGISTRY, self._address))

    def _reference(self, name: str) -> Reference:
        return Reference.parse(f"{self._address}/{ROOT}/{name}")

    def _push_images(self) -> None:
        self._narrator.stage("Push the images that the packages run")
        for image in _IMAGES:
            content = [str(self._folder / "images" / "placeholder")]
            pushed = push(
                self._client, PushRequest(self._reference(f"images/{image}"), content, is_bundle=False)
            )
            self._narrator.result(f"{image}  {_short(pushed)}")

    def _publish_repository(self) -> None:
        self._narrator.stage("Lock and push the packages of others, and a repository that lists them")
        repository = self._folder / "repository"
        for name in PACKAGES:
            source = self._folder / "packages" / name
            package = self._published(source)
            target = repository / "packages" / name
            target.mkdir(parents=True)
            (target / "package.yaml").write_text(yaml.safe_dump(package))
            shutil.copy(source / "metadata.yaml", target)
        reference = self._reference("repository:1.0.0")
        pushed = self._publish(repository, reference, "packages")
        self._narrator.result(f"repository  {_short(pushed)}")
        wait = Wait(time.time, time.sleep, interval=0.1)
        add_repository(
            self._cluster, RepositoryRequest("standins", GLOBAL_NAMESPACE, str(reference)), _Silent(), wait
        )

    def _publish_own_packages(self) -> None:
        self._narrator.stage(
            "Lock and push the opinion: two packages of our own, kept by the registry for one day"
        )
        for name in OWN:
            source = self._folder / name
            self._apply(yaml.safe_load((source / "metadata.yaml").read_text()))
            self._apply(self._published(source))

    def _published(self, source: Path) -> Mapping[str, Any]:
        """Push the bundle of a package; the Package, pinned to it."""
        written = yaml.safe_load((source / "package.yaml").read_text())
        image = written["spec"]["template"]["spec"]["fetch"][0]["imgpkgBundle"]["image"]
        pushed = self._publish(source / "bundle", Reference.parse(image), "config")
        self._narrator.result(f"{source.name}  {_short(pushed)}")
        (package,) = locked_documents(source / "package.yaml", self._resolver)
        return package

    def _publish(self, folder: Path, reference: Reference, configuration: str) -> Reference:
        return publish_bundle(
            folder, reference, configuration=configuration, registry=self._client, resolver=self._resolver
        )

    def _apply(self, obj: Mapping[str, Any]) -> None:
        rt = self._cluster.resource_type(obj["apiVersion"], obj["kind"])
        self._cluster.create(rt, obj, NAMESPACE)

    def _install(self) -> None:
        self._narrator.stage("Install one package, and watch it install the others")
        values = (self._folder / "values.yaml").read_text()
        request = InstallRequest(ROOT, NAMESPACE, f"{ROOT}.example.lapstrake.dev", "1.0.0", values)
        install(self._cluster, request, _Silent(), Wait(time.time, time.sleep, enabled=False))

    def _watch(self, seconds: float) -> Sequence[State]:
        deadline = time.monotonic() + seconds
        for states in self._states():
            self._narrator.tree(states)
            if len(states) == 1 + len(PACKAGES) + len(OWN) - 1 and all(state.holds for state in states):
                return states
            if time.monotonic() > deadline:
                return states
        raise AssertionError("the states never end")

    def _states(self) -> Iterator[Sequence[State]]:
        """The PackageInstalls whenever one has changed, and ten times a second at most; the root first."""
        while True:
            found = [state_of(obj) for obj in self._cluster.list(INSTALLS, NAMESPACE).items]
            yield sorted(found, key=lambda state: (state.name != ROOT, state.name))
            time.sleep(0.1)


def state_of(install: Mapping[str, Any]) -> State:
    """What a PackageInstall says of itself."""
    status = install.get("status") or {}
    condition = (status.get("conditions") or [{}])[0]
    why = status.get("usefulErrorMessage") or condition.get("message") or ""
    lines = str(why).strip().splitlines()
    return State(
        install["metadata"]["name"],
        str(install["spec"]["packageRef"]["refName"]),
        str(status.get("version") or ""),
        str(status.get("friendlyDescription") or ""),
        lines[0] if lines else "",
    )


class _Silent:
    """The demo tells its own story."""

    def step(self, text: str, at: float | None = None) -> None: ...
    def section(self, text: str) -> None: ...
    def sentence(self, text: str) -> None: ...


def _short(reference: Reference) -> str:
    """``sha256:`` and the first digits, as people compare them."""
    return str(reference.digest)[:19]
