from __future__ import annotations

from typing import Any

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp import config
from lapstrake.kapp.rebase import rebased
from lapstrake.kapp.waits import ongoing, reconciled, succeeded
from lapstrake.kube.resource import Resource

WIDGETS = [{"apiVersionKindMatcher": {"apiVersion": "x.test/v1", "kind": "Widget"}}]


def read(**parts: Any) -> config.Config:
    return config.read([{"apiVersion": "kapp.k14s.io/v1alpha1", "kind": "Config", **parts}])


def widget(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "x.test/v1", "kind": "Widget", "metadata": {"name": "w"}, **parts}


def test_rebase_rules() -> None:
    rules = read(
        rebaseRules=[
            {
                "path": ["spec", "size"],
                "type": "copy",
                "sources": ["existing", "new"],
                "resourceMatchers": WIDGETS,
            },
            {
                "path": ["spec", "items", {"allIndexes": True}, "id"],
                "type": "remove",
                "resourceMatchers": WIDGETS,
            },
        ]
    ).rebase
    new = widget(spec={"size": 1, "items": [{"id": 1}, {"n": 2}]})
    assert rebased(new, widget(spec={"size": 5}), rules)["spec"] == {"size": 5, "items": [{}, {"n": 2}]}


def test_wait_rules() -> None:
    waits = read(
        waitRules=[
            {
                "supportsObservedGeneration": True,
                "conditionMatchers": [{"type": "Ready", "status": "True", "success": True}],
                "resourceMatchers": WIDGETS,
            }
        ]
    ).waits
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    stale = widget(metadata={"generation": 2}, status=ready)
    assert reconciled(Resource(stale), waits) == ongoing("Waiting for generation 2 to be observed")
    done = widget(metadata={"generation": 1}, status=ready)
    assert reconciled(Resource(done), waits) == succeeded(
        "Encountered successful condition Ready == True:  (message: )"
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        pytest.param({"rebaseRules": [{"type": "move"}]}, "Unknown rebase rule type: move", id="type"),
        pytest.param(
            {"waitRules": [{"resourceMatchers": [{"no": {}}]}]}, "Unknown resource matcher 'no'", id="matcher"
        ),
        pytest.param(
            {"minimumRequiredVersion": "99.0.0"}, "does not meet the minimum required version", id="version"
        ),
        pytest.param({"waitRules": [{"ytt": {"funcContractV1": {}}}]}, "cannot be used here", id="no-ytt"),
        pytest.param({"changeGroupBindings": [{}]}, "unexpected shape", id="shape"),
    ],
)
def test_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(**parts)
    assert str(caught.value).startswith(
        "Parsing resource 'config/ (kapp.k14s.io/v1alpha1) cluster' as kapp config: "
    )
