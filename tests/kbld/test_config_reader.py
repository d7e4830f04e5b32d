from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kbld.config import ImageMatch, Override, parse_platform
from lapstrake.kbld.config_reader import split
from lapstrake.kbld.documents import read
from lapstrake.kbld.rules import find

CONFIG = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\n"
LOCK = "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n"
DIGEST = "sha256:" + "ab" * 32


def config_of(text: str):
    return split(read("c.yml", text.encode()))[0]


def test_configurations_are_taken_out_and_joined():
    config, rest = split(
        read("c.yml", f"{CONFIG}keys: [a]\n---\nkind: Pod\n---\n{CONFIG}keys: [b]\n".encode())
    )
    assert config.keys == ("a", "b")
    assert [d.body for d in rest] == [{"kind": "Pod"}]


def test_images_lock_becomes_preresolved_overrides():
    config = config_of(f"{LOCK}- image: nginx@{DIGEST}\n  annotations: {{kbld.carvel.dev/id: short}}\n")
    assert config.overrides == (
        Override(ImageMatch("short"), f"index.docker.io/library/nginx@{DIGEST}", True),
    )


def test_override_carries_its_origins_on():
    config = config_of(
        f"{CONFIG}overrides: [{{image: a, newImage: b, origins: [{{git: {{sha: s}}}}, {{x: y}}, null]}}]\n"
    )
    assert config.overrides[0].origins == ({"git": {"remoteURL": "", "sha": "s", "dirty": False}}, {}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            f"{CONFIG}overrides: [{{image: a}}]\n",
            "Validating config/ (kbld.k14s.io/v1alpha1) cluster: Validating Overrides[0]: Expected NewImage to be non-empty",
            id="override",
        ),
        pytest.param(
            f"{CONFIG}sources: [{{image: a}}]\n",
            "Validating config/ (kbld.k14s.io/v1alpha1) cluster: Validating Sources[0]: Expected Path to be non-empty",
            id="source",
        ),
        pytest.param(
            f"{CONFIG}searchRules: [{{keyMatcher: {{path: [3]}}}}]\n",
            "Unmarshaling config/ (kbld.k14s.io/v1alpha1) cluster: error unmarshaling JSON: while decoding JSON: Unknown path part",
            id="path-part",
        ),
        pytest.param(
            f"{LOCK}- image: app:v1\n",
            "Unmarshaling imageslock/ (imgpkg.carvel.dev/v1alpha1) cluster as ImagesLock: Validating images lock: "
            "Expected ref to be in digest form, got 'app:v1'",
            id="lock-with-tag",
        ),
        pytest.param(
            f"{LOCK}- image: app@{DIGEST}\n  extra: 1\n",
            "Unmarshaling imageslock/ (imgpkg.carvel.dev/v1alpha1) cluster as ImagesLock: Unmarshaling images lock: "
            'error unmarshaling JSON: while decoding JSON: json: unknown field "extra"',
            id="lock-with-unknown-key",
        ),
    ],
)
def test_bad_configuration_is_refused(text, message):
    with pytest.raises(InputError) as caught:
        config_of(text)
    assert str(caught.value) == message


def test_platform_is_read():
    assert parse_platform("linux/arm/v7").variant == "v7"
    with pytest.raises(InputError) as caught:
        parse_platform("linux")
    assert str(caught.value) == "Parsing platform 'linux': expected format os/arch[/variant]"


def test_rule_whose_strategy_is_unknown_harms_only_where_it_applies():
    config = config_of(f"{CONFIG}searchRules: [{{keyMatcher: {{name: a}}, updateStrategy: {{all: {{}}}}}}]\n")
    assert find({"image": "b"}, config.rules) == ["b"]
    with pytest.raises(InputError) as caught:
        find({"a": "b"}, config.rules)
    assert str(caught.value) == "Expected UpdateStrategy to be one of none, entireValue, json, yaml"
