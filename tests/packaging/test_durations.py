from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.packaging import durations


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("10m", "10m0s"),
        ("45s", "45s"),
        ("90s", "1m30s"),
        ("1h", "1h0m0s"),
        ("1.5s", "1.5s"),
        ("1h15m30.918s", "1h15m30.918s"),
        ("100ms", "100ms"),
        ("0", "0s"),
        ("-2m", "-2m0s"),
    ],
)
def test_duration_is_written_as_go_does(text, written):
    assert durations.written(durations.nanoseconds(text)) == written


@pytest.mark.parametrize("text", ["", "10", "m", "1x", "1s "])
def test_duration_that_cannot_be_read(text):
    with pytest.raises(InputError, match=r"^time: invalid duration"):
        durations.nanoseconds(text)
