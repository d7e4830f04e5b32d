from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kbld.fields import CONFIG, shaped


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"keys": ["a"], "other": 1}, {"keys": ["a"]}, id="unknown-key"),
        pytest.param({"KEYS": ["a"]}, {"keys": ["a"]}, id="other-case"),
        pytest.param({"keys": [1, True, None, 1e20]}, {"keys": ["1", "true", "", "1e+20"]}, id="texts"),
        pytest.param({"keys": None}, {}, id="null"),
        pytest.param(
            {"searchRules": [{"keyMatcher": {"path": ["a", {"Index": 1.0}, None, {"x": 1}]}}]},
            {"searchRules": [{"keyMatcher": {"path": ["a", {"index": 1}, {}, {}]}}]},
            id="path",
        ),
    ],
)
def test_shape(given, expected):
    assert shaped(given, CONFIG) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"sources": ["x"]},
            "json: cannot unmarshal string into Go struct field Config.sources of type config.Source",
            id="record",
        ),
        pytest.param(
            {"sources": [{"docker": {"build": {"pull": "x"}}}]},
            "json: cannot unmarshal string into Go struct field "
            "SourceDockerBuildOpts.sources.docker.build.pull of type bool",
            id="bool",
        ),
        pytest.param(
            {"overrides": [{"image": []}]},
            "json: cannot unmarshal array into Go struct field ImageOverride.overrides.ImageRef.image of type string",
            id="embedded",
        ),
        pytest.param(
            {"searchRules": [{"keyMatcher": {"path": [{"index": "0"}]}}]}, "Unknown path part", id="path-part"
        ),
    ],
)
def test_wrong_shape(given, message):
    with pytest.raises(InputError) as caught:
        shaped(given, CONFIG)
    assert str(caught.value) == message
