"""What every kapp command needs: the terminal, the cluster, the namespace."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from lapstrake.cli.flags import Arguments
from lapstrake.cli.ui import UI, Table
from lapstrake.errors import InputError, LapstrakeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.kapp.report import Printed
    from lapstrake.operations.kapp_run import Hooks


COLUMN_KEYS = {
    "Op st.": "op_strategy",
    "Rs": "reconcile_state",
    "Ri": "reconcile_info",
    "Lcs": "last_change_successful",
    "Lca": "last_change_age",
}
"""Names in JSON, and for --column, of columns with short headers."""


class Session:
    """One command's surroundings."""

    def __init__(self, args: Arguments, *, tty: bool) -> None:
        self.args = args
        self.ui = UI.of(args, tty=tty)
        self._cluster: ClusterClient | None = None

    @property
    def cluster(self) -> ClusterClient:
        if self._cluster is None:
            from lapstrake.adapters.cluster import ClusterClient
            from lapstrake.adapters.kubeconfig import load_access

            access = load_access(
                self.args["kubeconfig"] or os.environ.get("KAPP_KUBECONFIG", ""),
                self.args["kubeconfig-context"] or os.environ.get("KAPP_KUBECONFIG_CONTEXT", ""),
                contents=self.args["kubeconfig-yaml"] or os.environ.get("KAPP_KUBECONFIG_YAML", ""),
            )
            self._cluster = ClusterClient(access, user_agent="kapp/v0.0.0")
        return self._cluster

    @property
    def namespace(self) -> str:
        return self.args["namespace"] or os.environ.get("KAPP_NAMESPACE") or self.cluster.namespace

    def target(self) -> None:
        from lapstrake.operations.kapp_run import show_target

        show_target(self.cluster, self.sink)

    def sink(self, piece: Printed) -> None:
        """Lay a piece of an operation's output out on the terminal."""
        match piece.sort:
            case "line":
                self.ui.line(piece.rstrip("\n"))
            case "progress":
                self.ui.progress(str(piece) if self.args["json"] else piece.rstrip("\n"))
            case "table":
                self.ui.table(
                    Table(
                        piece.header,
                        piece.rows,
                        title="Changes",
                        notes=piece.notes,
                        fill_first=True,
                        keys=COLUMN_KEYS,
                    )
                )
            case _:
                self.ui.block(str(piece))

    def hooks(self) -> Hooks:
        from lapstrake.operations.kapp_run import Hooks

        return Hooks(confirm=self.confirm)

    def confirm(self) -> bool:
        if self.ui.ask():
            return True
        raise InputError("Stopped" if sys.stdin.isatty() else "Asking for confirmation: EOF")

    def close(self) -> None:
        if self._cluster is not None:
            self._cluster.close()


def framed(command: Callable[[Session], None], *, tty: bool = True) -> Callable[[Arguments], int]:
    """A command between opening and closing of its session; a failure sets itself apart by an empty line."""

    def run(args: Arguments) -> int:
        session = Session(args, tty=tty)
        try:
            command(session)
        except LapstrakeError:
            if session.ui.tty and not args["json"]:
                sys.stdout.write("\n")
            raise
        finally:
            session.close()
        session.ui.succeeded()
        return 0

    return run
