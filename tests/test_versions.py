from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.versions import (
    Check,
    NoVersionError,
    Prereleases,
    Range,
    Version,
    VersionError,
    check_minimum,
    highest,
    is_exact_prerelease,
    select,
    valid,
)

ORDERED = [
    "0.9.0",
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "1.2.0",
    "1.10.0",
    "v2.0.0",
]


def test_versions_are_ordered_by_precedence():
    assert [str(v) for v in valid(reversed(ORDERED))] == ORDERED


def test_build_metadata_orders_what_is_equal_else():
    ordered = ["1.2.3-rc.1+z", "1.2.3", "1.2.3+9", "1.2.3+10", "1.2.3+10.a", "1.2.3+a", "1.2.4"]
    assert [v.text for v in valid(reversed(ordered))] == ordered
    assert highest(["1.0.0+b2", "1.0.0+b10", "1.0.0"], "1.0.0+b2").text == "1.0.0+b2"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "Version string empty", id="empty"),
        pytest.param("x", "No Major.Minor.Patch elements found", id="word"),
        pytest.param("1.2", "No Major.Minor.Patch elements found", id="two-parts"),
        pytest.param("1.2.3,", 'Invalid character(s) found in patch number "3,"', id="comma"),
        pytest.param("01.2.3", 'Major number must not contain leading zeroes "01"', id="zero"),
        pytest.param("1.2.3-", "PreRelease is empty", id="no-prerelease"),
        pytest.param("1.2.3+", "BuildMeta is empty", id="no-build"),
        pytest.param(
            "18446744073709551616.0.0",
            'strconv.ParseUint: parsing "18446744073709551616": value out of range',
            id="beyond-64-bits",
        ),
        pytest.param("1.2.3-a_b", 'Invalid character(s) found in PreRelease "a_b"', id="bad-prerelease"),
    ],
)
def test_version_is_refused(text, message):
    with pytest.raises(VersionError) as caught:
        Version.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("constraints", "inside", "outside"),
    [
        pytest.param("1.2.3", "1.2.3", "1.2.3+x", id="exact"),
        pytest.param(">= 1.0.0", "1.0.0", "0.9.9", id="blank-after-comparator"),
        pytest.param(">=1.0.0 <2.0.0", "2.0.0-rc.1", "2.0.0", id="and"),
        pytest.param("<1.0.0 || >=3.0.0", "3.1.0", "2.0.0", id="or"),
        pytest.param(">1.2.3", "1.2.3+x", "1.2.3", id="build"),
        pytest.param(">1.0.0 >", "1.0.1", "1.0.0", id="lost-sign"),
        pytest.param("x 1.0.0", "1.0.0", "1.0.1", id="lost-letter"),
        pytest.param("1.x.x", "1.0.5", "1.1.0", id="two-wildcards"),
        pytest.param(">=1.0.0 2", "1.0.0", "0.1.0", id="single-character"),
        pytest.param("!1.2.3", "1.2.4", "1.2.3", id="not"),
        pytest.param(">=1.0.0 !=1.2.3", "1.2.4", "1.2.3", id="not-equal"),
        pytest.param("1.x", "1.9.9", "2.0.0", id="minor-wildcard"),
        pytest.param("1.2.x", "1.2.9", "1.3.0", id="patch-wildcard"),
        pytest.param(">1.2.x", "1.3.0", "1.2.9", id="above-wildcard"),
        pytest.param("<=1.2.x", "1.2.9", "1.3.0", id="up-to-wildcard"),
    ],
)
def test_range_holds(constraints, inside, outside):
    wanted = Range.parse(constraints)
    assert Version.parse(inside) in wanted
    assert Version.parse(outside) not in wanted


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        pytest.param("not a version", 'Could not get version from string: "not"', id="words"),
        pytest.param(
            ">=1.0.0, <2.0.0",
            'Could not parse Range ">=1.0.0,": Could not parse version "1.0.0," in ">=1.0.0,": '
            'Invalid character(s) found in patch number "0,"',
            id="comma",
        ),
        pytest.param(
            "~1.0.0", 'Could not parse Range "~1.0.0": Could not parse comparator "~" in "~1.0.0"', id="tilde"
        ),
        pytest.param(
            "<1.0.0||>=3.0.0",
            'Could not parse Range "<1.0.0||>=3.0.0": Could not parse version "1.0.0||>=3.0.0" in '
            '"<1.0.0||>=3.0.0": Invalid character(s) found in patch number "0||>=3.0.0"',
            id="or-without-blanks",
        ),
        pytest.param("1.0.0-x", 'Could not get version from string: "<"', id="x-elsewhere"),
        pytest.param("*", "Last element in range is '||'", id="star"),
        pytest.param("|| 1.0.0", "First element in range is '||'", id="or-first"),
        pytest.param("1", "Last element in range is '||'", id="single-character-alone"),
        pytest.param(" ", "Last element in range is '||'", id="blank"),
        pytest.param("1.0.0 || || 2.0.0", "Nothing stands between '||' and '||'", id="or-twice"),
        pytest.param(
            "1.0.0 ||2.0.0",
            'Could not parse Range "||2.0.0": Could not parse comparator "||" in "||2.0.0"',
            id="or-without-blank",
        ),
        pytest.param(
            ">=1.0.0\t<2.0.0",
            'Could not parse Range ">=1.0.0\\t<2.0.0": Could not parse version "1.0.0\\t<2.0.0" in ">=1.0.0\\t<2.0.0": '
            'Invalid character(s) found in patch number "0\\t<2.0.0"',
            id="tab",
        ),
        pytest.param("1.2.x-rc", 'Could not get version from string: "<"', id="wildcard-inside"),
        pytest.param("1.0.0 ||", "Last element in range is '||'", id="or-last"),
    ],
)
def test_range_is_refused(constraints, message):
    with pytest.raises(VersionError) as caught:
        Range.parse(constraints)
    assert str(caught.value) == message


@pytest.mark.parametrize("version", ["0.1.0", "1.5.0", "2.0.0"])
def test_what_is_not_a_wildcard_holds_nothing(version):
    assert Version.parse(version) not in Range.parse("!=1.x")


def test_highest_passes_over_what_is_no_version():
    assert highest(["latest", "v1.9.5", "1.9", "1.10.0-rc.1"]).text == "v1.9.5"


def test_prereleases_count_only_when_asked_for():
    tags = ["1.0.0", "1.1.0-alpha.1", "1.1.0-beta.1"]
    assert highest(tags, "", Prereleases()).text == "1.1.0-beta.1"
    assert highest(tags, "", Prereleases(("alpha",))).text == "1.1.0-alpha.1"
    assert [v.text for v in select(tags, "", Prereleases(("rc",)))] == ["1.0.0"]


def test_nothing_left_names_every_filter():
    never = Check("after-kubernetes-version-check", lambda version: version.major < 2)
    with pytest.raises(NoVersionError) as caught:
        highest(["1.0.0", "1.1.0-a", "2.0.0"], ">=9.0.0", checks=[never])
    assert str(caught.value) == (
        "Expected to find at least one version, but did not (details: all=3 -> after-prereleases-filter=2"
        " -> after-kubernetes-version-check=1 -> after-constraints-filter=0)"
    )


def test_unreadable_constraint_is_named():
    with pytest.raises(VersionError) as caught:
        highest(["1.0.0"], "about 3")
    assert (
        str(caught.value)
        == "Selecting versions: Parsing version constraint 'about 3': Could not get version from string: \"about\""
    )


def test_exact_prerelease_is_recognised():
    assert is_exact_prerelease("2.0.0-rc.1")
    assert not is_exact_prerelease("2.0.0")
    assert not is_exact_prerelease(">=2.0.0-rc.1")


@pytest.mark.parametrize(
    "minimum",
    [
        "",
        "0",
        "0.42",
        "0.42.0",
        "0.42.0.0",
        "0.042",
        " 0.1 ",
        "0.42.0-rc.1",
        "0.1x",
        "0.42+b",
        "0.1, <1, ~>0.40",
    ],
)
def test_minimum_version_that_is_met_is_silent(minimum):
    check_minimum("kbld", "0.42.0", minimum)


@pytest.mark.parametrize(
    ("minimum", "message"),
    [
        pytest.param(
            "v0.1.0", "Validating minimum version: Must not have prefix 'v' (e.g. '0.8.0')", id="prefix"
        ),
        pytest.param(
            "900.0.0",
            "kbld version '0.42.0' does not meet the minimum required version '900.0.0'",
            id="higher",
        ),
        pytest.param(
            "1", "kbld version '0.42.0' does not meet the minimum required version '1'", id="one-part"
        ),
        pytest.param(
            "0.1, <0.2",
            "kbld version '0.42.0' does not meet the minimum required version '0.1, <0.2'",
            id="second-requirement",
        ),
        pytest.param(
            "0.42.0.1",
            "kbld version '0.42.0' does not meet the minimum required version '0.42.0.1'",
            id="four-parts",
        ),
        pytest.param(
            "soon", "Parsing minimum version constraint: Malformed constraint: >=soon", id="no-version"
        ),
        pytest.param(
            "9223372036854775808",
            "Parsing minimum version constraint: Error parsing version: "
            'strconv.ParseInt: parsing "9223372036854775808": value out of range',
            id="huge",
        ),
    ],
)
def test_minimum_version_is_refused(minimum, message):
    with pytest.raises(InputError) as caught:
        check_minimum("kbld", "0.42.0", minimum)
    assert str(caught.value) == message
