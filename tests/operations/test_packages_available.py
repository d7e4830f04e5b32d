from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.operations import packages_available as available
from lapstrake.operations.cluster_access import PACKAGE_METADATA, PACKAGES
from tests.operations.package_world import Cluster

SCHEMA = {
    "type": "object",
    "properties": {
        "color": {"type": "string", "default": "red", "description": "The color of things"},
        "nested": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "default": 3},
                "names": {"type": "array", "default": []},
                "free": {"type": "object"},
            },
        },
    },
}


def package(version: str, namespace: str = "ns", **spec):
    name = "simple.example.com"
    return {
        "metadata": {"name": f"{name}.{version}", "namespace": namespace},
        "spec": {"refName": name, "version": version, **spec},
    }


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    made.create(
        PACKAGE_METADATA,
        {"metadata": {"name": "simple.example.com", "namespace": "ns"}, "spec": {"displayName": "Simple"}},
    )
    for version in ("1.10.0", "2.0.0", "1.9.0", "2.0.0-rc.1"):
        made.create(PACKAGES, package(version, releasedAt="2024-02-01T00:00:00Z"))
    return made


def test_summaries_name_each_package_once(cluster):
    (only,) = available.summaries(cluster, "ns")
    assert (only.name, only.display_name, only.short_description) == ("simple.example.com", "Simple", "")


def test_versions_are_in_their_order(cluster):
    found = available.versions(cluster, None, "simple.example.com")
    assert [v.version for v in found] == ["1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0"]
    assert found[0].released_at == "2024-02-01 00:00:00 +0000 UTC"


def test_details_of_one_version(cluster):
    found = available.details(cluster, "ns", "simple.example.com", "2.0.0")
    assert found.package["version"] == "2.0.0"
    assert found.versions == ()


def test_absent_package_is_named(cluster):
    with pytest.raises(InputError) as caught:
        available.details(cluster, "ns", "none.example.com")
    assert str(caught.value) == "Package 'none.example.com' not found in namespace 'ns'"


def test_values_are_listed_by_key():
    rows = available.value_rows({"valuesSchema": {"openAPIv3": SCHEMA}})
    assert [(r.key, r.default, r.type) for r in rows] == [
        ("color", "red", "string"),
        ("nested.free", "", "object"),
        ("nested.names", "", "array"),
        ("nested.size", "3", "integer"),
    ]


def test_default_values_are_comments():
    text = available.default_values({"valuesSchema": {"openAPIv3": SCHEMA}})
    assert text == "# color: red\n# nested:\n#   names: []\n#   size: 3\n"
    assert available.default_values({}) == ""
