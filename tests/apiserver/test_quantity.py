from __future__ import annotations

from decimal import Decimal

import pytest

from lapstrake.apiserver import quantity


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("0.5", "500m", id="fraction"),
        pytest.param("2", "2", id="whole"),
        pytest.param("1024Mi", "1Gi", id="larger binary suffix"),
        pytest.param("1.5Gi", "1536Mi", id="smaller binary suffix"),
        pytest.param("0.5Ki", "512", id="below one binary step"),
        pytest.param("1500M", "1500M", id="decimal stays"),
        pytest.param("100000", "100k", id="decimal suffix appears"),
        pytest.param("1000m", "1", id="milli vanishes"),
        pytest.param("1e3", "1e3", id="exponent stays"),
        pytest.param("0", "0", id="zero"),
        pytest.param("-250m", "-250m", id="negative"),
    ],
)
def test_canonical(written: str, kept: str) -> None:
    assert quantity.canonical(written) == kept


@pytest.mark.parametrize("text", ["half", "", "1KiB", "1.2.3", "--1"])
def test_canonical_refuses(text: str) -> None:
    with pytest.raises(quantity.InvalidQuantity, match="quantities must match"):
        quantity.canonical(text)


def test_value_compares_units() -> None:
    assert quantity.value("1Gi") == Decimal(2**30)
    assert quantity.value("500m") < quantity.value("1")
