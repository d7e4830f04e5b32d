from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.packaging.fetch_config import (
    all_references,
    fetch_entries,
    fetches_image,
    references,
    template_directory,
    vendir_config,
)


def directories(*entries):
    return vendir_config(entries)["directories"]


def test_each_entry_has_its_directory():
    assert directories({"inline": {}}, {"path": "x", "http": {"url": "u", "subPath": "s"}}) == [
        {"path": "0", "contents": [{"path": ".", "inline": {}}]},
        {"path": "x", "contents": [{"path": ".", "http": {"url": "u"}, "newRootPath": "s"}]},
    ]


def test_git_is_shallow():
    assert directories({"git": {"url": "u"}})[0]["contents"][0]["git"] == {"url": "u", "depth": 1}


def test_single_entry_without_path_is_where_templates_work():
    assert template_directory([{"inline": {}}]) == "0"
    assert template_directory([{"inline": {}, "path": "x"}]) == "."
    assert template_directory([{"inline": {}}, {"inline": {}}]) == "."


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param([], "Expected at least one fetch option", id="none"),
        pytest.param([{}], "Fetching (0): Unsupported way to fetch templates", id="empty"),
    ],
)
def test_missing_source(entries, message):
    with pytest.raises(InputError) as raised:
        vendir_config(entries)
    assert str(raised.value) == message


def test_references_are_found_everywhere():
    app = {
        "spec": {
            "fetch": [
                {"imgpkgBundle": {"image": "i", "secretRef": {"name": "pull"}}},
                {"inline": {"pathsFrom": [{"configMapRef": {"name": "cm"}}, {"secretRef": {"name": "s"}}]}},
            ],
            "template": [
                {
                    "ytt": {
                        "valuesFrom": [{"secretRef": {"name": "values"}}, {"path": "x"}],
                        "inline": {"pathsFrom": [{"secretRef": {"name": "overlays"}}]},
                    }
                },
                {"sops": {"pgp": {"privateKeysSecretRef": {"name": "keys"}}}},
            ],
        }
    }
    assert references(fetch_entries(app)).secrets == ("pull", "s")
    assert all_references(app).secrets == ("pull", "s", "values", "overlays", "keys")
    assert all_references(app).config_maps == ("cm",)
    assert fetches_image(fetch_entries(app))


def test_repository_has_one_entry():
    repository = {"spec": {"fetch": {"image": {"url": "u"}}}}
    assert fetch_entries(repository) == [{"image": {"url": "u"}}]
