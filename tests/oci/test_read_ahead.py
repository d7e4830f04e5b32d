from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from lapstrake.oci.read_ahead import read_ahead


def test_read_ahead_keeps_pieces_and_their_order() -> None:
    pieces = [bytes([i]) for i in range(200)]
    assert list(read_ahead(pieces)) == pieces


def test_read_ahead_raises_an_error_in_its_turn() -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise ValueError("broken")

    got = read_ahead(failing())
    assert next(got) == b"one"
    with pytest.raises(ValueError, match="broken"):
        next(got)


def test_read_ahead_stays_within_its_bound() -> None:
    made = 0
    enough = threading.Event()

    def counted() -> Iterator[bytes]:
        nonlocal made
        for made in range(1, 100):
            if made == 4:  # one taken, two waiting, one in hand
                enough.set()
            yield b"x"

    got = read_ahead(counted(), most=2)
    next(got)
    assert enough.wait(5)
    assert made <= 4
    got.close()  # type: ignore[attr-defined]


def test_read_ahead_that_is_given_up_ends_its_source() -> None:
    ended = threading.Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            ended.set()

    got = read_ahead(endless(), most=1)
    next(got)
    got.close()  # type: ignore[attr-defined]
    assert ended.is_set()
    assert not any(thread.name == "read ahead" for thread in threading.enumerate())


def test_read_ahead_that_is_interrupted_does_not_wait_for_its_source() -> None:
    let_go = threading.Event()

    def stalled() -> Iterator[bytes]:
        let_go.wait(20)
        yield b"x"

    got = read_ahead(stalled())
    timer = threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        next(got)
    assert time.monotonic() - begun < 10
    let_go.set()
    timer.join()
