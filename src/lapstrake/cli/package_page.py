"""What the package commands print: sentences, steps with their times, sections of a tool's output, tables."""

from __future__ import annotations

import time
from collections.abc import Sequence

from lapstrake.cli.flags import Arguments
from lapstrake.cli.ui import UI
from lapstrake.errors import ClusterError, InputError

# The original watches Apps beside its checks; looking this often (in seconds) tells their steps as soon.
_LONGEST_PAUSE = 0.3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lapstrake.adapters.cluster import ClusterClient
    from lapstrake.operations.package_ports import Wait


class PackagePage(UI):
    """A terminal of the package commands; it is the operations' report."""

    @classmethod
    def open(cls, args: Arguments, *, tty: bool = False) -> PackagePage:
        page = cls.of(args, tty=tty)
        assert isinstance(page, PackagePage)
        args.on_error = page.failed
        return page

    def step(self, text: str, at: float | None = None) -> None:
        from lapstrake.kapp.report import clock_text

        local = time.localtime(time.time() if at is None else at)
        stamp = clock_text(local.tm_hour, local.tm_min, local.tm_sec)
        self.progress(f"{stamp}: {text}" + ("\n" if self.json else ""))

    def section(self, text: str) -> None:
        from lapstrake.operations.app_progress import indented

        if self.json:
            self.block(indented(text))
        else:
            self.progress(indented(text).removesuffix("\n"))

    def sentence(self, text: str) -> None:
        """A line between blank lines."""
        self.paragraph(text)

    def target(self, client: ClusterClient) -> None:
        """Which cluster this is about."""
        if self.tty or self.json:
            from lapstrake.kapp.report import target

            self.sentence(target(client.server, _nodes(client)).rstrip("\n"))

    def confirm(self) -> None:
        """Raises InputError unless the user agrees (or said so with --yes)."""
        if not self.ask():
            raise InputError("Stopped")

    def failed(self, text: str) -> bool:
        """An error is set apart from what stands above it."""
        if self.error(text):
            return True
        self.gap()
        return False


def _nodes(client: ClusterClient) -> Sequence[str] | None:
    from lapstrake.kube.types import ResourceType

    try:
        found = client.list(ResourceType("", "v1", "Node", "nodes", False)).items
    except ClusterError:
        return None
    return [node["metadata"]["name"] for node in found]


def waiting(args: Arguments) -> Wait:
    """From the flags --wait, --wait-check-interval and --wait-timeout, and the older names of the last two."""
    from lapstrake.operations.package_ports import Wait

    interval = args["poll-interval" if args.given("poll-interval") else "wait-check-interval"]
    return Wait(
        now=time.time,
        sleep=time.sleep,
        interval=min(interval, _LONGEST_PAUSE),
        timeout=args["poll-timeout" if args.given("poll-timeout") else "wait-timeout"],
        enabled=args["wait"],
    )


def wrapped(text: str, width: int = 80) -> str:
    """Words on lines of at most ``width`` characters; line breaks of the text are kept."""
    return "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    lines: list[str] = []
    for word in line.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)
