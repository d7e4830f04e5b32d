"""The package part of the tanzu command line, whose spelling is older than kctrl's.

Names are arguments there (``tanzu package install NAME --package-name PACKAGE``); kctrl's flags work too.
"""

from __future__ import annotations

from collections.abc import Sequence

from lapstrake.cli.cluster_flags import KUBECONFIG_FLAGS
from lapstrake.cli.flags import Arguments, Command, execute
from lapstrake.cli.kctrl import package_command
from lapstrake.cli.ui import GLOBAL_FLAGS, UI


def main(argv: Sequence[str]) -> int:
    root = Command(
        "tanzu",
        "Manage packages on a Kubernetes cluster",
        flags=(*GLOBAL_FLAGS, *KUBECONFIG_FLAGS),
        children=(package_command("tanzu"), Command("version", "Print version", run=_version)),
    )
    return execute("tanzu", root, argv)


def _version(args: Arguments) -> int:
    from lapstrake import __version__

    ui = UI.of(args)
    ui.block(f"version: v{__version__}\n")
    return 0
