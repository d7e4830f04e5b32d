from __future__ import annotations

import pytest

from lapstrake.kbld.rules import (
    ALL_INDEXES,
    DEFAULT_RULE,
    KeyMatcher,
    SearchRule,
    ValueMatcher,
    find,
    repository_part,
    rewrite,
)


def in_image(strategy: str) -> SearchRule:
    return SearchRule(KeyMatcher(name="text"), None, strategy, (DEFAULT_RULE,))


@pytest.mark.parametrize(
    ("reference", "repository"),
    [
        pytest.param("nginx", "nginx", id="bare"),
        pytest.param("nginx:1.2", "nginx", id="tag"),
        pytest.param("host:5000/a/b", "host:5000/a/b", id="port"),
        pytest.param("host:5000/a/b:v1@sha256:00", "host:5000/a/b", id="all"),
        pytest.param("a:b:c", "a:b", id="last-colon"),
        pytest.param("a:b@c", "a:b@c", id="no-digest"),
        pytest.param("a@@b:c", "a", id="first-at"),
        pytest.param("a:b c", "a:b c", id="no-tag"),
        pytest.param("@x", "@x", id="nothing-before"),
        pytest.param("a:b\n", "a:b\n", id="lines"),
    ],
)
def test_repository_part(reference, repository):
    assert repository_part(reference) == repository


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        pytest.param(DEFAULT_RULE, ["one", "two"], id="key"),
        pytest.param(SearchRule(KeyMatcher(path=("image",))), ["one"], id="path-must-match-fully"),
        pytest.param(SearchRule(KeyMatcher(path=("list", 1))), ["b"], id="index"),
        pytest.param(SearchRule(KeyMatcher(path=("list", ALL_INDEXES))), ["a", "b"], id="all-indexes"),
        pytest.param(SearchRule(value=ValueMatcher(image="a")), ["a"], id="value"),
        pytest.param(SearchRule(value=ValueMatcher(image_repo="repo")), ["repo:v1"], id="repository"),
        pytest.param(SearchRule(KeyMatcher(name="image"), ValueMatcher(image="two")), ["two"], id="both"),
    ],
)
def test_rule_finds(rule, found):
    body = {"image": "one", "spec": {"image": "two", "n": 3}, "list": ["a", "b"], "other": "repo:v1"}
    assert find(body, [rule]) == found


def test_first_rule_decides():
    shield = SearchRule(KeyMatcher(path=("image",)), None, "none")
    assert find({"image": "one", "spec": {"image": "two"}}, [shield, DEFAULT_RULE]) == ["two"]


@pytest.mark.parametrize(
    ("strategy", "text", "expected"),
    [
        pytest.param("json", '{"z": "<", "image": "a"}', '{"image":"A","z":"\\u003c"}', id="json"),
        pytest.param("json", '{"image": ', '{"image": ', id="broken-json"),
        pytest.param("yaml", "# c\nimage: a\n---\nx: 1\n", "---\nimage: A\n---\nx: 1\n", id="yaml"),
        pytest.param("yaml", '{"image": "a"}', '{"image":"A"}', id="yaml-tries-json-first"),
        pytest.param("yaml", "image", "---\nimage\n", id="text-alone-is-no-image"),
        pytest.param("yaml", "a\n--- b\n", "a\n--- b\n", id="broken-yaml"),
        pytest.param("json", '["x", {"image": "a"}]', '["x",{"image":"A"}]', id="json-list"),
        pytest.param(
            "json", '{"x": 12345678901234567890}', '{"x":12345678901234567000}', id="number-as-a-float"
        ),
        pytest.param("json", '{"x": -0}', '{"x":-0}', id="negative-zero"),
        pytest.param("json", '{"x": "\\ud800"}', '{"x":"\ufffd"}', id="half-a-character"),
        pytest.param("json", "[" * 9000 + "]" * 9000, "[" * 9000 + "]" * 9000, id="too-deep"),
        pytest.param("json", '{"x": NaN}', '{"x": NaN}', id="no-json-number"),
    ],
)
def test_text_within_text(strategy, text, expected):
    assert rewrite({"text": text}, [in_image(strategy)], str.upper) == {"text": expected}


def test_original_is_not_changed():
    body = {"a": [{"image": "x"}]}
    assert rewrite(body, [DEFAULT_RULE], str.upper) == {"a": [{"image": "X"}]}
    assert body == {"a": [{"image": "x"}]}
