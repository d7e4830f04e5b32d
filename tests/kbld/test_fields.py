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
        pytest.param(
            {"keys": [1.5, 0.0001, 1e-05, 123456.75, 1e6, 12345678901234567890123.0, 1e300]},
            {"keys": ["1.5", "0.0001", "1e-05", "123456.75", "1e+06", "1.2345679e+22", "+Inf"]},
            id="numbers-of-32-bits",
        ),
        pytest.param(
            {"sources": [{"path": 5, "kubectlBuildkit": {"build": {"platform": "p"}}}]},
            {"sources": [{"path": "5", "kubectlBuildkit": {"build": {"platform": "p"}}}]},
            id="names-with-a-capital",
        ),
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
            "SourceDockerBuildOpts.sources.Docker.Build.Pull of type bool",
            id="bool",
        ),
        pytest.param(
            {"overrides": [{"image": []}]},
            "json: cannot unmarshal array into Go struct field ImageOverride.overrides.ImageRef.image of type string",
            id="embedded",
        ),
        pytest.param(
            {"overrides": [{"image": 5}]},
            "json: cannot unmarshal number into Go struct field ImageOverride.overrides.ImageRef.image of type string",
            id="embedded-number",
        ),
        pytest.param(
            {"overrides": [{"origins": "x"}]},
            "json: cannot unmarshal string into Go struct field ImageOverride.overrides.origins of type []config.Origin",
            id="origins",
        ),
        pytest.param(
            {"searchRules": [{"keyMatcher": {"path": [{"index": "0"}]}}]}, "Unknown path part", id="path-part"
        ),
        pytest.param(
            {"keys": 1, "searchRules": [{"keyMatcher": {"path": [5]}}]},
            "Unknown path part",
            id="path-part-before-others",
        ),
        pytest.param(
            {"keys": 1, "overrides": 2},
            "json: cannot unmarshal number into Go struct field Config.keys of type []string",
            id="first-of-two",
        ),
    ],
)
def test_wrong_shape(given, message):
    with pytest.raises(InputError) as caught:
        shaped(given, CONFIG)
    assert str(caught.value) == message
