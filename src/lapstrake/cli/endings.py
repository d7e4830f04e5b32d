"""Signals that end a program, made into an exception, so that what was begun is cleared away."""

from __future__ import annotations

import signal

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(KeyboardInterrupt):
    """The program is to end with ``status``."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def end_by_exception() -> None:
    """From now on the first of these signals raises :class:`Ended`; another one ends the process where it stands.

    A signal that the process was started to ignore, as by nohup, stays ignored.
    """
    for sign in _ENDINGS:
        if signal.getsignal(sign) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(sign, _end)


def _end(number: int, _: object) -> None:
    for sign in _ENDINGS:
        if signal.getsignal(sign) is _end:
            signal.signal(sign, signal.SIG_DFL)
    raise Ended(number)
