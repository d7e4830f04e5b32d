from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir import schema


def config(contents: object) -> object:
    return {"directories": [{"path": "v", "contents": [contents]}]}


def read(contents: object) -> object:
    return schema.read(config(contents), schema.CONFIG)["directories"][0]["contents"][0]


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param({"path": 5, "zork": 1}, {"path": "5"}, id="number-as-text"),
        pytest.param({"path": True}, {"path": "true"}, id="boolean-as-text"),
        pytest.param({"PATH": "a"}, {"path": "a"}, id="other-letter-case"),
        pytest.param({"lazy": False, "includePaths": [], "newRootPath": None}, {}, id="empty"),
        pytest.param({"legalPaths": [], "permissions": 0}, {"legalPaths": [], "permissions": 0}, id="kept"),
        pytest.param({"git": {"secretRef": {}}}, {"git": {"secretRef": {}}}, id="empty-object"),
        pytest.param({"directory": {}}, {"directory": {"path": ""}}, id="always-there"),
        pytest.param(
            {"githubRelease": {"url": "u"}},
            {"githubRelease": {"slug": "", "tag": "", "url": "u"}},
            id="always-there-of-a-release",
        ),
        pytest.param(
            {"image": {"responseHeaderTimeout": 5}}, {"image": {"responseHeaderTimeout": 5}}, id="time-limit"
        ),
        pytest.param({"inline": {"paths": {"a": None}}}, {"inline": {"paths": {"a": ""}}}, id="null-in-map"),
        pytest.param({"permissions": 448.0}, {"permissions": 448}, id="whole-float"),
    ],
)
def test_values_are_read_as_the_original_reads_them(raw, found):
    assert read(raw) == found


AT = "directories.contents"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param(
            "a",
            f"string into Go struct field Directory.{AT} of type config.DirectoryContents",
            id="list-item",
        ),
        pytest.param(
            {"git": []},
            f"array into Go struct field DirectoryContents.{AT}.git of type config.DirectoryContentsGit",
            id="source",
        ),
        pytest.param(
            {"lazy": "x"}, f"string into Go struct field DirectoryContents.{AT}.lazy of type bool", id="bool"
        ),
        pytest.param(
            {"permissions": 5.5},
            f"number 5.5 into Go struct field DirectoryContents.{AT}.permissions of type fs.FileMode",
            id="fraction",
        ),
        pytest.param(
            {"permissions": -1},
            f"number -1 into Go struct field DirectoryContents.{AT}.permissions of type fs.FileMode",
            id="negative",
        ),
        pytest.param(
            {"git": {"refSelection": {"semver": 1}}},
            f"number into Go struct field VersionSelection.{AT}.git.refSelection.semver "
            "of type v1alpha1.VersionSelectionSemver",
            id="deep",
        ),
        pytest.param(
            {"inline": {"paths": {"f": {}}}},
            f"object into Go struct field DirectoryContentsInline.{AT}.inline.paths of type string",
            id="map-value",
        ),
        pytest.param(
            {"inline": {"pathsFrom": [{"secretRef": {"name": 1}}]}},
            f"number into Go struct field DirectoryContentsInlineSourceRef.{AT}.inline.pathsFrom.secretRef."
            "DirectoryContentsLocalRef.name of type string",
            id="embedded-name-is-text-alone",
        ),
        pytest.param(
            {"includePaths": [[]]},
            f"array into Go struct field DirectoryContents.{AT}.includePaths of type string",
            id="text-in-list",
        ),
        pytest.param(
            {"path": [], "lazy": 1},
            f"number into Go struct field DirectoryContents.{AT}.lazy of type bool",
            id="first-by-name",
        ),
    ],
)
def test_wrong_value_is_told_in_gos_words(raw, message):
    with pytest.raises(InputError) as caught:
        read(raw)
    prefix = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal "
    assert str(caught.value) == prefix + message


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"metadata": []}, "array into Go struct field Secret.Metadata of type config.GenericMetadata"),
        (
            {"metadata": {"name": []}},
            "array into Go struct field GenericMetadata.Metadata.Name of type string",
        ),
        ({"type": []}, "array into Go struct field Secret.Type of type string"),
        ({"data": {"k": 1}}, "number into Go struct field Secret.Data of type []uint8"),
        ({"data": {"k": [300]}}, "number 300 into Go struct field Secret.Data of type uint8"),
    ],
)
def test_wrong_value_of_a_secret_is_told_with_capital_names(raw, message):
    with pytest.raises(InputError) as caught:
        schema.read(raw, schema.SECRET)
    assert str(caught.value).endswith(f"json: cannot unmarshal {message}")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param("***", 0, id="stray"),
        pytest.param("dmFs\ndm!s", 7, id="stray-after-a-line-break"),
        pytest.param("dmFsdm", 4, id="group-without-end"),
        pytest.param("d===", 1, id="padding-too-early"),
        pytest.param("dm=", 3, id="padding-without-end"),
        pytest.param("dm=\ns", 3, id="padding-goes-on-otherwise"),
        pytest.param("dm==x", 4, id="after-padding"),
        pytest.param("dmFs=", 4, id="padding-without-need"),
    ],
)
def test_secret_must_be_base64(text, at):
    with pytest.raises(InputError) as caught:
        schema.read({"data": {"k": text}}, schema.SECRET)
    message = f"error unmarshaling JSON: while decoding JSON: illegal base64 data at input byte {at}"
    assert str(caught.value) == message


def test_secret_may_be_a_list_of_bytes():
    assert schema.read({"data": {"k": [104, 105]}}, schema.SECRET) == {"data": {"k": b"hi"}}


def test_base64_may_be_broken_over_lines():
    assert schema.read({"data": {"k": "dm\nE\r\n=\n"}}, schema.SECRET) == {"data": {"k": b"va"}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (1e5, "100000"), (1.1, "1.1"), (12345678901234567890123.0, "1.2345679e+22"), (None, "")],
)
def test_numbers_are_written_as_go_writes_them(value, text):
    assert schema.text_of(value) == text


def test_infinite_number_is_refused():
    with pytest.raises(InputError) as caught:
        schema.read({"a": [float("inf")]}, schema.CONFIG)
    assert str(caught.value) == "error converting YAML to JSON: json: unsupported value: +Inf"
