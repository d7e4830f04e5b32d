from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp.changes import Strategies, creation
from lapstrake.kube.resource import Resource
from lapstrake.operations.kapp_run import Filters
from lapstrake.operations.resource_filter import accepts, accepts_change

BODY = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "web",
        "namespace": "n",
        "labels": {"app": "x"},
        "creationTimestamp": "2026-11-23T06:53:40Z",
    },
}
NOW = 1795416820.0 + 600


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param(Filters(), True, id="none"),
        pytest.param(Filters(kinds=("Pod", "Job")), True, id="kind"),
        pytest.param(Filters(names=("other",)), False, id="name"),
        pytest.param(Filters(kind_namespace_names=("Pod/n/web",)), True, id="kind-namespace-name"),
        pytest.param(Filters(labels=("app=y", "app in (x)")), True, id="one-of-labels"),
        pytest.param(Filters(age="5m+"), True, id="older"),
        pytest.param(Filters(age="5m-"), False, id="younger"),
        pytest.param(Filters(json='{"not": {"resource": {"kinds": ["Pod"]}}}'), False, id="json"),
        pytest.param(Filters(kinds=("Pod",), names=("other",)), False, id="all-must-hold"),
    ],
)
def test_filter(filters: Filters, expected: bool) -> None:
    assert accepts(filters, Resource(BODY), NOW) is expected


def test_filter_that_cannot_be_read() -> None:
    with pytest.raises(InputError, match=r"^Expected age filter"):
        accepts(Filters(age="old"), Resource(BODY), NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", True, id="none"),
        pytest.param('{"and": [{"ops": ["update"]}]}', False, id="op"),
        pytest.param('{"newResource": {"kinds": ["Pod"]}}', True, id="new"),
        pytest.param('{"existingResource": {"kinds": ["Pod"]}}', False, id="no-existing"),
    ],
)
def test_filter_of_changes(text: str, expected: bool) -> None:
    assert accepts_change(text, creation(dict(BODY), Strategies())) is expected
