from __future__ import annotations

from typing import Any

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp.matchers import matcher
from lapstrake.kube.resource import Resource

RESOURCE = Resource(
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "n", "annotations": {"a": ""}},
        "spec": {},
    }
)
KIND = {"apiVersionKindMatcher": {"apiVersion": "apps/v1", "kind": "Deployment"}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(KIND, True, id="version-kind"),
        pytest.param(
            {"apiGroupKindMatcher": {"apiGroup": "apps", "kind": "Deployment"}}, True, id="group-kind"
        ),
        pytest.param(
            {"kindNamespaceNameMatcher": {"kind": "Deployment", "namespace": "n", "name": "other"}},
            False,
            id="name",
        ),
        pytest.param({"allMatcher": {}}, True, id="all"),
        pytest.param({"notMatcher": {"matcher": KIND}}, False, id="not"),
        pytest.param({"andMatcher": {"matchers": [KIND, {"customResourceMatcher": {}}]}}, False, id="and"),
        pytest.param({"anyMatcher": {"matchers": [{"customResourceMatcher": {}}, KIND]}}, True, id="any"),
        pytest.param({"hasAnnotationMatcher": {"keys": ["a"]}}, True, id="annotation"),
        pytest.param({"hasNamespaceMatcher": {"names": ["m"]}}, False, id="namespace"),
        pytest.param({"emptyFieldMatcher": {"path": ["spec", "replicas"]}}, True, id="empty"),
    ],
)
def test_matcher(spec: dict[str, Any], expected: bool) -> None:
    assert matcher(spec)(RESOURCE) is expected


def test_two_forms_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="Expected exactly one resource matcher"):
        matcher({"allMatcher": {}, "anyMatcher": {}})
