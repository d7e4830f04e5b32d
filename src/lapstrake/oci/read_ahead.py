"""Pieces made in a thread of their own, a little ahead of who takes them.

Hashing, compressing, reading and sending each leave the interpreter to others while they work on a large piece, so two
steps of one stream can share two processors.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Queue

_Step = bytes | BaseException | None  # None: the end


def read_ahead(pieces: Iterable[bytes], most: int = 4) -> Iterator[bytes]:
    """``pieces`` as they are, at most ``most`` of them waiting. An error comes when its turn comes.

    At the end the source has ended too, unless an interrupt from the keyboard made it: a source may stand still for long.
    """
    waiting: Queue[_Step] = Queue(most)
    given_up = threading.Event()
    thread = threading.Thread(target=_make, args=(pieces, waiting, given_up), name="read ahead", daemon=True)
    thread.start()
    interrupted = False
    try:
        while (step := waiting.get()) is not None:
            if isinstance(step, BaseException):
                raise step
            yield step
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        given_up.set()
        while thread.is_alive() and not interrupted:
            _drain(waiting)
            thread.join(0.01)


def _make(pieces: Iterable[bytes], waiting: Queue[_Step], given_up: threading.Event) -> None:
    end: BaseException | None = None
    try:
        for piece in pieces:
            waiting.put(piece)
            if given_up.is_set():
                return
    except BaseException as error:
        end = error
    finally:
        if isinstance(pieces, Iterator) and hasattr(pieces, "close"):
            pieces.close()
        waiting.put(end)


def _drain(waiting: Queue[_Step]) -> None:
    while not waiting.empty():
        waiting.get_nowait()
