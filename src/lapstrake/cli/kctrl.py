"""The kctrl command line: packages, repositories and apps of a cluster with kapp-controller's API."""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.cli import app_commands, package_available, package_installed, package_repository
from lapstrake.cli.cluster_flags import KUBECONFIG_FLAGS
from lapstrake.cli.flags import Arguments, Command, execute
from lapstrake.cli.ui import GLOBAL_FLAGS, UI

COMPATIBLE_VERSION = "0.53.0"


def main(argv: Sequence[str]) -> int:
    root = Command(
        "kctrl",
        "kctrl helps to manage packages and repositories on your Kubernetes cluster",
        flags=(*GLOBAL_FLAGS, *KUBECONFIG_FLAGS),
        children=(
            app_commands.command(),
            package_command("kctrl"),
            Command("version", "Print version", run=_version),
        ),
    )
    return execute("kctrl", root, argv)


def package_command(tool: str) -> Command:
    """``package`` with all below it; ``tool`` is the program it belongs to."""
    return Command(
        "package",
        "Manage packages",
        aliases=("p", "pkg"),
        children=(
            package_available.command(),
            package_installed.command(tool),
            package_installed.install_command(tool),
            package_repository.command(),
        ),
    )


def _version(args: Arguments) -> int:
    ui = UI.of(args)
    ui.block(f"kctrl version {COMPATIBLE_VERSION}\n")
    ui.succeeded()
    return 0
