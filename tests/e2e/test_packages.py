"""Packages by kubectl: whatever their version, and by both ways to apply."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import World, needs_kubectl, world_in

PACKAGE = """\
apiVersion: data.packaging.carvel.dev/v1alpha1
kind: Package
metadata:
  name: REFNAME.VERSION
spec:
  refName: REFNAME
  version: VERSION
  releaseNotes: NOTES
  template:
    spec:
      fetch:
      - inline:
          paths:
            a.yml: "{apiVersion: v1, kind: ConfigMap, metadata: {name: small}}"
      template:
      - ytt: {}
      deploy:
      - kapp: {}
"""
INSTALL = """\
apiVersion: packaging.carvel.dev/v1alpha1
kind: PackageInstall
metadata:
  name: plus
spec:
  serviceAccountName: default
  packageRef:
    refName: plus.example.com
    versionSelection:
      constraints: 1.0.0+vmware.1
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("world")) as world:
        yield world


def write(world: World, version: str, notes: str, ref_name: str = "plus.example.com") -> None:
    text = PACKAGE.replace("REFNAME", ref_name).replace("VERSION", version).replace("NOTES", notes)
    (world.folder / "package.yaml").write_text(text)


@needs_kubectl
@pytest.mark.parametrize(
    ("version", "options"),
    [
        pytest.param("2.0.0+vmware.1", (), id="client-side"),
        pytest.param("3.0.0+vmware.1", ("--server-side",), id="server-side"),
        pytest.param("4.0.0", ("--server-side",), id="server-side-plain"),
    ],
)
def test_apply_and_change(world: World, version: str, options: tuple[str, ...]) -> None:
    name = f"plus.example.com.{version}"
    for notes in ("first", "second"):
        write(world, version, notes)
        world.run("kubectl", "apply", *options, "-f", "package.yaml")
        assert world.run("kubectl", "get", "pkg", name, "-o", "jsonpath={.spec.releaseNotes}") == notes
    assert f"package.data.packaging.carvel.dev/{name}\n" in world.run("kubectl", "get", "pkg", "-o", "name")
    world.run("kubectl", "label", "pkg", name, "a=b")
    assert name in world.run("kubectl", "get", "pkg", "-l", "a=b")
    world.run("kubectl", "delete", "pkg", name)
    assert world.fails("kubectl", "get", "pkg", name) == (
        f'Error from server (NotFound): package.data.packaging.carvel.dev "{name}" not found\n'
    )


@needs_kubectl
def test_install_of_a_version_with_a_plus(world: World) -> None:
    write(world, "1.0.0+vmware.1", "first")
    (world.folder / "install.yaml").write_text(INSTALL)
    world.run("kubectl", "create", "clusterrolebinding", "default", "--clusterrole=cluster-admin", "--serviceaccount=default:default")  # fmt: skip
    world.run("kubectl", "apply", "-f", "package.yaml", "-f", "install.yaml")
    path = "jsonpath={.status.conditions[0].type} {.status.version}"
    expected = "ReconcileSucceeded 1.0.0+vmware.1"
    world.until(lambda: world.run("kubectl", "get", "pkgi", "plus", "-o", path) == expected, 30)


@needs_kubectl
def test_refusal_names_no_kind(world: World) -> None:
    write(world, "1.0.0", "x", ref_name="a.b")
    assert world.fails("kubectl", "apply", "-f", "package.yaml") == (
        'The  "a.b.1.0.0" is invalid: spec.refName: Invalid value: "a.b": '
        "should be a domain with at least three segments separated by dots\n"
    )
