from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kube.quantity import whole_quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10", 10),
        ("1Mi", 1 << 20),
        ("1.5Ki", 1536),
        ("2k", 2000),
        ("1e3", 1000),
        ("1E-3", 1),
        ("1E", 10**18),
        ("1m", 1),
        (".5Mi", 1 << 19),
        ("1.", 1),
        ("+7", 7),
        ("-1.5", -2),
        ("99999999999999999999", (1 << 63) - 1),
        ("1e999999999", (1 << 63) - 1),
    ],
)
def test_quantity_is_a_whole_number(text, number):
    assert whole_quantity(text) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "quantities must match"),
        ("abc", "quantities must match"),
        ("5 Mi", "quantities must match"),
        ("1Zi", "quantities must match"),
        ("1K", "unable to parse quantity's suffix"),
        ("1e", "unable to parse quantity's suffix"),
        ("1mi", "unable to parse quantity's suffix"),
        ("Mi", "unable to parse numeric part of quantity"),
        (".", "unable to parse numeric part of quantity"),
    ],
)
def test_what_is_no_quantity_is_told(text, message):
    with pytest.raises(InputError, match=message):
        whole_quantity(text)
