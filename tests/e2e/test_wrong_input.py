"""Wrong input gives one clear message, on stderr or in a status, and exit status 1."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import Shell, World, environment, free_port, needs_kubectl, world_in

EXAMPLE = Path(__file__).parents[2] / "examples" / "secure-ingress"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, environment(tmp_path))


def write(shell: Shell, name: str, text: str) -> None:
    (shell.folder / name).write_text(text)


def test_missing_data_value(shell: Shell) -> None:
    write(shell, "values.yml", "#@data/values\n---\nname: x\n")
    write(shell, "template.yml", '#@ load("@ytt:data", "data")\na: #@ data.values.nmae\n')
    error = shell.fails("ytt", "-f", ".")
    assert "struct has no .nmae field or method" in error
    assert "template.yml:2 | a: #@ data.values.nmae" in error


def test_unknown_key_in_values(shell: Shell) -> None:
    write(shell, "schema.yml", "#@data/values-schema\n---\nreplicas: 1\n")
    write(shell, "given.yml", "replicaz: 3\n")
    error = shell.fails("ytt", "-f", "schema.yml", "--data-values-file", "given.yml")
    assert "given.yml:" in error
    assert "found: replicaz" in error
    assert 'expected: a map item with the key named "replicas"' in error


def test_overlay_that_matches_nothing(shell: Shell) -> None:
    write(shell, "config.yml", "kind: A\n")
    write(
        shell,
        "overlay.yml",
        '#@ load("@ytt:overlay", "overlay")\n#@overlay/match by=overlay.subset({"kind": "B"})\n---\na: 1\n',
    )
    error = shell.fails("ytt", "-f", ".")
    assert "Expected number of matched nodes to be 1, but was 0" in error
    assert "overlay.yml:3" in error


@pytest.mark.parametrize(
    ("tool", "words"),
    [("ytt", ["-f", "broken.yml"]), ("kbld", ["-f", "broken.yml"]), ("vendir", ["sync", "-f", "broken.yml"])],
    ids=["ytt", "kbld", "vendir"],
)
def test_malformed_yaml(shell: Shell, tool: str, words: list[str]) -> None:
    write(shell, "broken.yml", "a: 1\nb: [1,\nc: }\n")
    error = shell.fails(tool, *words)
    assert error.startswith(f"{tool}: Error:")
    assert "line " in error


def test_missing_file(shell: Shell) -> None:
    assert "none.yml" in shell.fails("ytt", "-f", "none.yml")


@pytest.mark.parametrize(
    "words", [("pull", "-o", "out", "-b"), ("tag", "resolve", "-i")], ids=["pull", "resolve"]
)
def test_unreachable_registry(shell: Shell, words: tuple[str, ...]) -> None:
    nobody = free_port(0) or 9
    error = shell.fails("imgpkg", *words, f"127.0.0.1:{nobody}/nothing:1")
    assert "connection refused" in error


def test_unreachable_cluster(shell: Shell) -> None:
    write(shell, "kubeconfig", "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'http://127.0.0.1:9'}\n"
          "contexts:\n- name: c\n  context: {cluster: c}\n")  # fmt: skip
    error = shell.fails("kapp", "ls", "--kubeconfig", "kubeconfig")
    assert "127.0.0.1:9" in error
    assert "refused" in error


@pytest.mark.parametrize("tool", ["ytt", "kbld", "imgpkg", "vendir", "kapp", "kctrl", "tanzu", "lapstrake"])
def test_unknown_flag(shell: Shell, tool: str) -> None:
    command = {
        "imgpkg": ["push"],
        "vendir": ["sync"],
        "kctrl": ["package", "install"],
        "tanzu": ["package", "install"],
        "kapp": ["deploy"],
        "lapstrake": ["up"],
    }
    assert (
        shell.fails(tool, *command.get(tool, []), "--no-such-flag")
        == f"{tool}: Error: unknown flag: --no-such-flag\n"
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("world")) as world:
        yield world


PACKAGE = """\
apiVersion: data.packaging.carvel.dev/v1alpha1
kind: Package
metadata:
  name: small.packages.example.com.1.0.0
spec:
  refName: small.packages.example.com
  version: 1.0.0
  template:
    spec:
      fetch:
      - FETCH
      template:
      - ytt: {}
      deploy:
      - kapp: {}
"""


def install(
    name: str,
    *,
    account: str = "default",
    version: str = "1.0.0",
    package: str = "small.packages.example.com",
) -> str:
    return f"""\
apiVersion: packaging.carvel.dev/v1alpha1
kind: PackageInstall
metadata:
  name: {name}
spec:
  serviceAccountName: {account}
  packageRef:
    refName: {package}
    versionSelection:
      constraints: {version}
"""


def failure(world: World, name: str) -> str:
    """Why a PackageInstall has failed: what a step printed, else what the controller says."""

    def path(field: str) -> str:
        return world.run("kubectl", "get", "pkgi", name, "-o", f"jsonpath={{.status.{field}}}")

    world.until(lambda: path("conditions[0].type") == "ReconcileFailed", 30)
    return path("usefulErrorMessage") or path("conditions[0].message")


@needs_kubectl
@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("no-version", {"version": "9.9.9"}, "Expected to find at least one version, but did not (details: all=1 -> after-prereleases-filter=1 ->"),
        ("no-package", {"package": "none.packages.example.com"}, "Expected to find at least one version, but did not (details: all=0"),
        ("no-account", {"account": "nobody"}, 'Preparing kapp: Getting service account: serviceaccounts "nobody" not found'),
    ],
    ids=["version", "package", "account"],
)  # fmt: skip
def test_wrong_installs_say_why(world: World, name: str, changes: dict[str, str], message: str) -> None:
    inline = 'inline: {paths: {"a.yml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: small}}"}}'
    (world.folder / "package.yaml").write_text(PACKAGE.replace("FETCH", inline))
    (world.folder / "install.yaml").write_text(install(name, **changes))
    world.run("kubectl", "apply", "-f", "package.yaml", "-f", "install.yaml")
    assert failure(world, name).startswith(message)


@needs_kubectl
@pytest.mark.parametrize(
    ("name", "fetch", "message"),
    [
        ("no-registry", 'imgpkgBundle: {image: "127.0.0.1:9/nothing:1"}', "connection refused"),
        ("bad-yaml", 'inline: {paths: {"a.yml": "a: [1,\\nb: }"}}', "ytt: Error:"),
    ],
    ids=["registry", "yaml"],
)
def test_wrong_packages_say_why(world: World, name: str, fetch: str, message: str) -> None:
    text = PACKAGE.replace("FETCH", fetch).replace("small.packages", f"{name}.packages")
    (world.folder / "package.yaml").write_text(text)
    (world.folder / "install.yaml").write_text(install(name, package=f"{name}.packages.example.com"))
    world.run("kubectl", "apply", "-f", "package.yaml", "-f", "install.yaml")
    assert message in failure(world, name)


@needs_kubectl
def test_package_that_breaks_the_rules_is_refused(world: World) -> None:
    text = PACKAGE.replace("FETCH", "inline: {}").replace("name: small", "name: other")
    (world.folder / "wrong.yaml").write_text(text)
    error = world.fails("kubectl", "apply", "-f", "wrong.yaml")
    assert "must be <spec.refName> + '.' + <spec.version>" in error


def test_unknown_install_is_not_found(world: World) -> None:
    assert world.fails("kctrl", "package", "installed", "get", "-i", "none") == (
        'kctrl: Error: packageinstalls.packaging.carvel.dev "none" not found\n'
    )


def test_example_asks_for_its_domain(shell: Shell) -> None:
    shutil.copytree(EXAMPLE / "wildcard-tls", shell.folder / "wildcard-tls")
    assert "domain: say for which domain the certificate is" in shell.fails(
        "ytt", "-f", "wildcard-tls/bundle/config"
    )


def test_program_ends_quietly_when_nobody_reads(shell: Shell) -> None:
    write(shell, "big.yml", "".join(f"a{i}: {'x' * 100}\n" for i in range(5000)))
    done = subprocess.run(
        "ytt -f big.yml | head -n 1",
        shell=True,
        cwd=shell.folder,
        env=shell.variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("a0: x")
    assert done.stderr == ""


@pytest.mark.parametrize("tool", ["ytt", "kbld", "imgpkg", "vendir", "kapp", "kctrl", "tanzu", "lapstrake"])
def test_every_program_tells_its_version(shell: Shell, tool: str) -> None:
    # imgpkg adds that it has succeeded, as recorded.
    assert shell.run(tool, "--version").startswith(shell.run(tool, "version"))


@pytest.mark.parametrize(
    "words", [("registry", "serve", "--port"), ("up", "--registry-port")], ids=["registry", "up"]
)
def test_port_that_is_none(shell: Shell, words: tuple[str, ...]) -> None:
    error = shell.fails("lapstrake", *words, "99999")
    assert error == f"lapstrake: Error: {words[-1]} must be a number from 0 to 65535, but was 99999\n"
