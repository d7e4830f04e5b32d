from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.operations import kapp_flags


def test_options_are_read():
    flags = kapp_flags.parse(
        [
            "--wait-timeout=10s",
            "--wait=false",
            "--diff-changes",
            "--diff-context=4",
            "--filter-kind=Secret,ConfigMap",
            "--labels=a=b,c=d",
            "--app-changes-max-to-keep=5",
            "--apply-concurrency=2",
            "--tree=true",
            "--kube-api-qps=100",
        ]
    )
    assert (flags.apply.wait_timeout, flags.apply.wait, flags.apply.apply_concurrency) == (10.0, False, 2)
    assert (flags.diff.changes, flags.diff.context) == (True, 4)
    assert flags.filters.kinds == ("Secret", "ConfigMap")
    assert flags.labels == {"a": "b", "c": "d"}
    assert (flags.kept_changes, flags.tree) == (5, True)


@pytest.mark.parametrize("option", ["--kubeconfig=x", "-f", "--yes", "--namespace=other", "--into-ns=x"])
def test_other_options_are_forbidden(option):
    with pytest.raises(InputError) as raised:
        kapp_flags.checked(["--wait=true", option])
    flag = option.partition("=")[0]
    assert str(raised.value) == f"Unexpected flag '{flag}' specified (either forbidden or unknown)"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (
            "--wait=maybe",
            'invalid argument "maybe" for "--wait" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
        ),
        (
            "--diff-context=x",
            'invalid argument "x" for "--diff-context" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        ("--wait-timeout=x", 'time: invalid duration "x"'),
    ],
)
def test_values_that_cannot_be_read(option, message):
    with pytest.raises(InputError) as raised:
        kapp_flags.parse([option])
    assert str(raised.value) == message
