"""What commands that run a server share: the port they are given, and the wait for their end."""

from __future__ import annotations

from lapstrake.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lapstrake.cli.flags import Arguments


def port_of(args: Arguments, name: str) -> int:
    """Raises InputError if the flag's value is no port."""
    port = int(args[name])
    if not 0 <= port <= 65535:
        raise InputError(f"--{name} must be a number from 0 to 65535, but was {port}")
    return port


class Terminated:
    """Within it, SIGINT and SIGTERM end the wait instead of the process."""

    def __enter__(self) -> Callable[[], None]:
        import signal
        import threading

        self._event = threading.Event()
        self._before = {
            sign: signal.signal(sign, lambda *_: self._event.set())
            for sign in (signal.SIGINT, signal.SIGTERM)
        }
        return self._wait

    def _wait(self) -> None:
        self._event.wait()

    def __exit__(self, *_: object) -> None:
        import signal

        for sign, handler in self._before.items():
            signal.signal(sign, handler)
