from __future__ import annotations

import pytest

from lapstrake.packaging.data_api import (
    PACKAGE,
    PACKAGE_METADATA,
    decoded_name,
    encoded_name,
    package_spec,
)


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


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        pytest.param(
            "config.my-opinionated.com.0.0.1",
            "cdnmspj9csn6qu9ddto6irj9dtn62t35cgn66rrd5oo2sc1e64",
            id="recorded",
        ),
        pytest.param("a.b.c.1.0.0+vmware.1", "c4n64bj35ooisc1e60lncrbnc5p6abhh", id="plus"),
    ],
)
def test_name_of_the_stored_package(name, stored):
    assert (encoded_name(name), decoded_name(stored)) == (stored, name)


def test_name_that_was_never_encoded():
    assert decoded_name("a.b.c.1.0.0") == "a.b.c.1.0.0"


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
