from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from lapstrake.operations.concurrently import concurrently


def test_results_come_in_the_order_of_the_items() -> None:
    assert concurrently(4, lambda n: n * n, range(50)) == [n * n for n in range(50)]


def test_no_more_run_at_a_time_than_allowed() -> None:
    lock = threading.Lock()
    running = most = 0

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.002)
        with lock:
            running -= 1

    concurrently(3, work, range(30))
    assert most == 3


def test_the_first_error_stops_what_has_not_begun() -> None:
    begun = []
    failed = threading.Event()

    def work(n: int) -> None:
        begun.append(n)
        if n == 1:
            failed.set()
            raise ValueError("one")
        failed.wait(5)

    with pytest.raises(ValueError, match="one"):
        concurrently(2, work, range(1000))
    assert len(begun) <= 3, "one that ran beside it, and one that looked just before"


def test_a_bound_below_one_still_works() -> None:
    assert concurrently(0, str, [1]) == ["1"]


def test_an_interrupt_does_not_wait_for_what_has_begun() -> None:
    let_go = threading.Event()
    ended = threading.Event()

    def work(n: int) -> None:
        if n == 0:
            os.kill(os.getpid(), signal.SIGINT)
        let_go.wait(20)
        ended.set()

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        concurrently(2, work, range(10))
    assert time.monotonic() - begun < 10
    assert not ended.is_set()
    let_go.set()
    assert ended.wait(10)
