from __future__ import annotations

import io

from lapstrake.cli.transfer_display import TransferDisplay

LAYER = "layer sha256:" + "0123456789abcdef" * 4


class Terminal:
    """A display on a terminal of its own, with a clock that stands still."""

    def __init__(self, columns: int = 200) -> None:
        self.now = 100.0
        self.out = io.StringIO()
        self.display = TransferDisplay(self.out, lambda: self.now, lambda: columns)

    def line(self) -> str:
        """What stands at the foot now."""
        return self.out.getvalue().rpartition("\x1b[K")[2]


def test_display_tells_amount_rate_and_time_left() -> None:
    terminal = Terminal()
    terminal.display.began(LAYER, 4 << 20)
    terminal.now += 1
    terminal.display.moved(LAYER, 1 << 20)
    assert terminal.line() == "layer sha256:0123456789ab  1.0 MiB of 4.0 MiB  1.0 MiB/s  3 s left"


def test_display_counts_transfers_that_run_side_by_side() -> None:
    terminal = Terminal()
    terminal.display.began("one", 2048)
    terminal.display.began("two", None)
    terminal.now += 2
    terminal.display.moved("two", 1024)
    assert terminal.line() == "one and 1 more  1.0 KiB  512 B/s"


def test_display_forgets_the_bytes_of_a_try_that_is_repeated() -> None:
    terminal = Terminal()
    terminal.display.began("again", 100)
    terminal.display.moved("again", 90)
    terminal.display.ended("again")
    terminal.display.began("again", 100)
    terminal.now += 1
    terminal.display.moved("again", 10)
    assert terminal.line().startswith("again  10 B of 100 B")


def test_display_is_silent_about_short_work() -> None:
    terminal = Terminal()
    terminal.display.began("quick", 10)
    terminal.display.moved("quick", 10)
    terminal.display.ended("quick")
    assert terminal.out.getvalue() == ""


def test_display_redraws_ten_times_a_second_at_most() -> None:
    terminal = Terminal()
    terminal.display.began("long", 1000)
    for _ in range(200):
        terminal.now += 0.01
        terminal.display.moved("long", 1)
    assert 10 <= terminal.out.getvalue().count("\x1b[K") <= 16


def test_display_leaves_nothing_behind() -> None:
    terminal = Terminal()
    terminal.display.began("long", 1000)
    terminal.now += 1
    terminal.display.moved("long", 1000)
    assert terminal.line()
    terminal.display.ended("long")
    assert terminal.line() == ""


def test_display_fits_the_terminal() -> None:
    terminal = Terminal(columns=20)
    terminal.display.began(LAYER, 10)
    terminal.now += 1
    terminal.display.moved(LAYER, 5)
    assert len(terminal.line()) == 19
