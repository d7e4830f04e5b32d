from __future__ import annotations

import pytest

from lapstrake.packaging.data_api import PACKAGE, PACKAGE_METADATA, package_spec


def package(name, ref_name, version):
    return {"metadata": {"name": name}, "spec": {"refName": ref_name, "version": version}}


@pytest.mark.parametrize(
    ("kind", "obj", "message"),
    [
        pytest.param(
            PACKAGE,
            package("wrong", "simple.example.com", "1.0.0"),
            ("metadata.name", "wrong", "must be <spec.refName> + '.' + <spec.version>"),
            id="name",
        ),
        pytest.param(
            PACKAGE,
            package("simple.example.com.x", "simple.example.com", "x"),
            ("spec.version", "x", "must be valid semver: No Major.Minor.Patch elements found"),
            id="version",
        ),
        pytest.param(
            PACKAGE,
            package("a.b.1.0.0", "a.b", "1.0.0"),
            ("spec.refName", "a.b", "should be a domain with at least three segments separated by dots"),
            id="ref-name",
        ),
        pytest.param(
            PACKAGE_METADATA,
            {"metadata": {"name": "nodots"}, "spec": {}},
            ("metadata.name", "nodots", "should be a domain with at least three segments separated by dots"),
            id="metadata",
        ),
    ],
)
def test_refusal(kind, obj, message):
    field, value, text = message
    assert kind.causes(obj) == [
        {"reason": "FieldValueInvalid", "field": field, "message": f'Invalid value: "{value}": {text}'}
    ]


def test_good_package_has_no_errors():
    assert PACKAGE.causes(package("a.b.c.1.0.0", "a.b.c", "1.0.0")) == []


def test_short_description_is_cut_to_fifty():
    text = "This package provides DNS synchronization functionality."
    metadata = {"spec": {"categories": ["dns", "network"], "shortDescription": text}}
    assert {name: cell(metadata) for name, cell in PACKAGE_METADATA.cells.items()} == {
        "Categories": "dns,network",
        "Short Description": "This package provides DNS synchronization funct...",
    }


def test_package_has_its_nulls_by_default():
    spec = PACKAGE.schema["properties"]["spec"]["properties"]
    assert spec["releasedAt"]["default"] is None
    assert spec["valuesSchema"]["default"] == {}
    assert package_spec({}) == {"releasedAt": None, "valuesSchema": {"openAPIv3": None}}
