"""The guide, as it is printed, against the recordings of the real tools.

The tests are one story, told in order: each stands on what the one before has built.
"""

from __future__ import annotations

import re
import subprocess
from subprocess import PIPE

import pytest

from tests.e2e.world import World, needs_kubectl
from tests.guide.conftest import Guide

pytestmark = pytest.mark.guide

FIVE = ["cert-manager", "contour", "external-dns", "my-opinionated-config", "my-package"]


@pytest.mark.parametrize(
    ("package", "recording"),
    [
        ("my-opinionated-config", "stdout/1-ytt-config.yaml"),
        ("my-opinionated-package", "stdout/3-ytt-package.yaml"),
    ],
)
def test_ytt_renders_the_recorded_bytes(guide: Guide, package: str, recording: str) -> None:
    rendered = guide.world.run("ytt", "-f", "config", "-f", "../sample-values.yaml", cwd=package)
    assert rendered == guide.recorded(recording)


@pytest.mark.parametrize("package", ["my-opinionated-config", "my-opinionated-package"])
def test_kbld_writes_the_recorded_lock(guide: Guide, package: str) -> None:
    world = guide.world
    (world.folder / package / ".imgpkg").mkdir()
    world.run("kbld", "--file", "config", "--imgpkg-lock-output", ".imgpkg/images.yml", cwd=package)
    lock = (world.folder / package / ".imgpkg" / "images.yml").read_text()
    assert lock == guide.recorded(f"locked/{package}/.imgpkg/images.yml")


@pytest.mark.parametrize(
    ("folder", "image", "digest"),
    [
        ("packages/contour-1.17.1/bundle", "tce/contour:1.17.1", "df21fcabacaf247a01ae4ae75ee227d181060a7e981962224467d2222f765054"),
        ("packages/cert-manager-1.5.1/bundle", "tce/cert-manager:1.5.1", "58e258f64e58205002d7ed8bbcf1b1764f80331439adac177c9df8d9956365d0"),
        ("packages/external-dns-0.8.0-rbac-v1/bundle", "tce/external-dns:0.8.0-rbac-v1", "86ebfcd4ad4323895069c7060cafb536695321784f6065fae22aabcb168bd922"),
        ("my-opinionated-config", "my-package-config:1d", "3cacd1d35bbd03e73d70af6ecd1793d8b3bea5420aa90c011120190437e50b6a"),
        ("my-opinionated-package", "my-package-bundle:1d", "fecbe96e78d28d354ecd72ab717f07d179fa14d659f3190311cbd0d4aa83d4ab"),
    ],
)  # fmt: skip
def test_imgpkg_pushes_the_recorded_digest(world: World, folder: str, image: str, digest: str) -> None:
    out = world.run(
        "imgpkg", "push", "--tty", "--bundle", f"{world.registry}/{image}", "--file", ".", cwd=folder
    )
    assert f"Pushed '{world.registry}/{image.split(':')[0]}@sha256:{digest}'\n" in out


def test_repository_has_the_recorded_digest(guide: Guide) -> None:
    world = guide.world
    out = world.run("imgpkg", "push", "--tty", "-b", f"{world.registry}/tce/repo:1.0.1", "-f", "repo")
    if guide.same_address:
        assert "@sha256:89e07733b0535dce9a792aad84e8cda5459df0aedc9cbc8138eb411b18d0e086'" in out


def test_pulled_bundle_is_what_was_pushed(world: World) -> None:
    world.run("imgpkg", "pull", "-b", f"{world.registry}/my-package-config:1d", "-o", "pulled")
    pushed, pulled = world.folder / "my-opinionated-config", world.folder / "pulled"
    files = {file.relative_to(pushed): file.read_bytes() for file in pushed.rglob("*") if file.is_file()}
    assert {
        file.relative_to(pulled): file.read_bytes() for file in pulled.rglob("*") if file.is_file()
    } == files


@pytest.mark.parametrize(
    ("folder", "recording"),
    [("config", "stdout/2-kbld-package-config.yaml"), ("package", "stdout/4-kbld-package-package.yaml")],
)
def test_kbld_locks_the_package(guide: Guide, folder: str, recording: str) -> None:
    world = guide.world
    locked = world.run("kbld", "--file", "package.yaml", cwd=f"resources/{folder}")
    assert locked == guide.recorded(recording)
    (world.folder / "resources" / folder / "package.yaml").write_text(locked)


def test_repository_is_added(world: World) -> None:
    world.run(
        "tanzu",
        "package",
        "repository",
        "add",
        "tce",
        "--url",
        f"{world.registry}/tce/repo:1.0.1",
        "-n",
        "kapp-controller-packaging-global",
    )
    listed = world.run("tanzu", "package", "repository", "list", "-A")
    assert re.search(r"kapp-controller-packaging-global\s+tce\s+.*Reconcile succeeded", listed)


@needs_kubectl
def test_kubectl_applies_the_packages(world: World) -> None:
    for folder, created in (
        ("config", "config.my-opinionated.com"),
        ("package", "my-package.my-opinionated.com"),
    ):
        out = world.run(
            "kubectl", "apply", "-f", "package-metadata.yaml", "-f", "package.yaml", cwd=f"resources/{folder}"
        )
        assert out == (
            f"packagemetadata.data.packaging.carvel.dev/{created} created\npackage.data.packaging.carvel.dev/{created}.0.0.1 created\n"
        )


@needs_kubectl
def test_packages_are_available(world: World) -> None:
    listed = world.run("tanzu", "package", "available", "list")
    names = [line.split()[0] for line in listed.splitlines() if "." in line.split()[0]]
    assert names == [
        "cert-manager.community.tanzu.vmware.com",
        "config.my-opinionated.com",
        "contour.community.tanzu.vmware.com",
        "external-dns.community.tanzu.vmware.com",
        "my-package.my-opinionated.com",
    ]
    assert "0.0.1" in world.run("tanzu", "package", "available", "list", "my-package.my-opinionated.com")


def rows(world: World) -> dict[str, str]:
    """What ``kubectl get pkgi`` shows: name -> description."""
    lines = world.run("kubectl", "get", "pkgi").splitlines()[1:]
    cells = (re.split(r"\s{2,}", line) for line in lines)
    return {found[0]: found[3] for found in cells if len(found) > 4}


@needs_kubectl
def test_installation_fails_first_and_heals_by_itself(world: World) -> None:
    words = [
        "package",
        "install",
        "my-package",
        "--package-name",
        "my-package.my-opinionated.com",
        "--version",
        "0.0.1",
    ]
    command = ["tanzu", *words, "--values-file", "my-package-config.yaml"]
    seen: set[str] = set()

    def all_hold() -> bool:
        described = rows(world)
        seen.update(described.values())
        return list(described.values()) == ["Reconcile succeeded"] * 5

    with subprocess.Popen(
        command, cwd=world.folder, env=world.variables, stdout=PIPE, stderr=PIPE, text=True
    ) as typed:
        world.until(all_hold, 90)
        out, error = typed.communicate(timeout=60)
    # As the original, the command gives up at the first failure if it sees one; the controller does not.
    assert typed.returncode in (0, 1), error
    assert "Traceback" not in error
    assert "Creating package install resource" in out
    assert "Reconcile failed: Error (see .status.usefulErrorMessage for details)" in seen
    assert list(rows(world)) == FIVE


@needs_kubectl
def test_package_installs_show_versions(world: World) -> None:
    out = world.run("kubectl", "get", "pkgi")
    assert out.splitlines()[0].split() == [
        "NAME",
        "PACKAGE",
        "NAME",
        "PACKAGE",
        "VERSION",
        "DESCRIPTION",
        "AGE",
    ]
    assert re.search(
        r"^my-package\s+my-package.my-opinionated.com\s+0.0.1\s+Reconcile succeeded\s+\d+", out, re.M
    )


@needs_kubectl
def test_values_reached_the_resources(world: World) -> None:
    issuer = ("kubectl", "get", "issuer", "-n", "my-package-certs", "wildcard-lets-encrypt", "-o")
    assert world.run(*issuer, "jsonpath={.spec.acme.email}") == "jorge@none.com"
    assert (
        world.run(
            "kubectl",
            "get",
            "deploy",
            "-n",
            "projectcontour",
            "contour",
            "-o",
            "jsonpath={.status.availableReplicas}",
        )
        == "2"
    )


@needs_kubectl
def test_changed_values_reach_the_resources(world: World) -> None:
    world.run(
        "tanzu", "package", "installed", "update", "my-package", "--values-file", "my-package-config-2.yaml"
    )
    path = "jsonpath={.spec.acme.email} {.spec.acme.solvers[0].dns01.route53.region}"
    issuer = ("kubectl", "get", "issuer", "-n", "my-package-certs", "wildcard-lets-encrypt", "-o", path)
    world.until(lambda: world.run(*issuer) == "second@none.com us-east-2")
    world.until(lambda: list(rows(world).values()) == ["Reconcile succeeded"] * 5)


@needs_kubectl
def test_expired_image_fails_the_installation(world: World) -> None:
    """A day later the registry has forgotten the bundles that were pushed as ``:1d``."""
    world.clock.ahead = 24 * 3600 + 60
    world.plane.registry.sweep()
    world.run("kubectl", "patch", "pkgi", "my-package", "--type=merge", "-p", '{"spec":{"syncPeriod":"30s"}}')
    world.until(
        lambda: (
            rows(world)["my-package"]
            == "Reconcile failed: Error (see .status.usefulErrorMessage for details)"
        )
    )
    message = world.run(
        "kubectl", "get", "packageinstall", "my-package", "-o", "jsonpath={.status.usefulErrorMessage}"
    )
    digest = "sha256:fecbe96e78d28d354ecd72ab717f07d179fa14d659f3190311cbd0d4aa83d4ab"
    assert message == (
        "vendir: Error: Syncing directory '0':\n"
        "  Syncing directory '.' with imgpkgBundle contents:\n"
        "    Fetching image:\n"
        f"      GET http://{world.registry}/v2/my-package-bundle/manifests/{digest}:\n"
        f"        MANIFEST_UNKNOWN: manifest unknown; map[Name:my-package-bundle Revision:{digest}]\n"
    )


@needs_kubectl
def test_image_that_is_back_heals_the_installation(world: World) -> None:
    world.run(
        "imgpkg",
        "push",
        "--bundle",
        f"{world.registry}/my-package-bundle:1d",
        "--file",
        ".",
        cwd="my-opinionated-package",
    )
    world.run(
        "imgpkg",
        "push",
        "--bundle",
        f"{world.registry}/my-package-config:1d",
        "--file",
        ".",
        cwd="my-opinionated-config",
    )
    world.until(lambda: list(rows(world).values()) == ["Reconcile succeeded"] * 5)


@needs_kubectl
def test_uninstalling_removes_everything_it_brought_and_nothing_else(world: World) -> None:
    world.run("kubectl", "create", "configmap", "mine", "--from-literal=a=b")
    world.run("tanzu", "package", "installed", "delete", "my-package", "-y")
    left = world.run("kubectl", "get", "pkgi,app,cm,secret,sa", "-o", "name").split()
    assert left == ["configmap/kube-root-ca.crt", "configmap/mine", "serviceaccount/default"]
    namespaces = world.run("kubectl", "get", "ns", "-o", "name").split()
    assert not {
        "namespace/my-package-certs",
        "namespace/projectcontour",
        "namespace/cert-manager",
        "namespace/external-dns",
    } & set(namespaces)
    crds = world.run("kubectl", "get", "crd", "-o", "name")
    assert "cert-manager.io" not in crds
    assert "projectcontour.io" not in crds
    assert "packageinstalls.packaging.carvel.dev" in crds
    roles = world.run("kubectl", "get", "clusterrole,clusterrolebinding", "-o", "name")
    assert not [
        line
        for line in roles.splitlines()
        if re.search(r"my-package|contour|cert-manager|external-dns", line)
    ]


@needs_kubectl
def test_packages_can_be_withdrawn(world: World) -> None:
    world.run("kubectl", "delete", "-f", "resources/config", "-f", "resources/package")
    assert "my-opinionated" not in world.run("tanzu", "package", "available", "list")
