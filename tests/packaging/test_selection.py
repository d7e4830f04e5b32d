from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.packaging.selection import concerns, refuses_downgrade, select_package

SEEN = (
    "all=5 -> after-prereleases-filter=4 -> after-kubernetes-version-check=3 -> "
    "after-kapp-controller-version-check=2 -> after-constraints-filter=0"
)


def package(version, ref_name="simple.example.com", **spec):
    return {"metadata": {}, "spec": {"refName": ref_name, "version": version, **spec}}


PACKAGES = [
    package("1.0.0"),
    package("1.1.0"),
    package("2.0.0-rc.1"),
    package("3.0.0", kubernetesVersionSelection={"constraints": ">=99.0.0"}),
    package("4.0.0", kappControllerVersionSelection={"constraints": ">=99.0.0"}),
]


def install(selection=None, *, ref_name="simple.example.com", annotations=None, status=None):
    reference = {"refName": ref_name}
    if selection is not None:
        reference["versionSelection"] = selection
    return {
        "metadata": {"annotations": annotations or {}},
        "spec": {"packageRef": reference},
        "status": status or {},
    }


def choose(install, packages=PACKAGES):
    found = select_package(install, packages, kubernetes_version="v1.36.2", controller_version="0.53.0")
    return found["spec"]["version"]


@pytest.mark.parametrize(
    ("selection", "version"),
    [
        pytest.param({"constraints": "<2.0.0"}, "1.1.0", id="range"),
        pytest.param({}, "1.1.0", id="no-constraint"),
        pytest.param({"constraints": ">=1.0.0", "prereleases": {}}, "2.0.0-rc.1", id="prereleases"),
        pytest.param(
            {"constraints": ">=1.0.0", "prereleases": {"identifiers": ["beta"]}},
            "1.1.0",
            id="other-identifier",
        ),
        pytest.param({"constraints": "2.0.0-rc.1"}, "2.0.0-rc.1", id="exact-prerelease"),
    ],
)
def test_selection_takes_the_highest(selection, version):
    assert choose(install(selection)) == version


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        pytest.param({"constraints": ">=9.0.0"}, SEEN, id="unmet"),
        pytest.param({"constraints": "3.0.0"}, SEEN, id="kubernetes-version"),
        pytest.param({"constraints": "4.0.0"}, SEEN, id="controller-version"),
    ],
)
def test_selection_counts_what_filters_leave(wanted, text):
    with pytest.raises(InputError) as raised:
        choose(install(wanted))
    assert str(raised.value) == f"Expected to find at least one version, but did not (details: {text})"


def test_selection_without_demands_has_no_kubernetes_counter():
    with pytest.raises(InputError) as raised:
        choose(install({"constraints": "1.0.0"}, ref_name="none.example.com"))
    assert str(raised.value).endswith(
        "(details: all=0 -> after-prereleases-filter=0 -> after-kapp-controller-version-check=0 "
        "-> after-constraints-filter=0)"
    )


def test_selection_names_what_is_missing():
    with pytest.raises(InputError, match=r"^Expected non nil PackageRef$"):
        choose({"metadata": {}, "spec": {}})
    with pytest.raises(InputError, match=r"^Expected non-empty version selection$"):
        choose(install())
    with pytest.raises(InputError, match=r"^Package simple.example.com not found$"):
        choose(install({"constraints": "1.0.0"}), [])
    with pytest.raises(InputError) as raised:
        choose(install({"constraints": "not a version"}))
    assert str(raised.value) == (
        "Selecting versions: Parsing version constraint 'not a version': Could not get version from string: \"not\""
    )


def test_annotations_switch_demands_off():
    ignoring = {
        "packaging.carvel.dev/ignore-kubernetes-version-selection": "",
        "packaging.carvel.dev/ignore-kapp-controller-version-selection": "",
    }
    assert choose(install({"constraints": ">=1.0.0"}, annotations=ignoring)) == "4.0.0"


def test_downgrade_is_refused_unless_allowed():
    status = {"lastAttemptedVersion": "1.2.0"}
    assert refuses_downgrade(install({}, status=status), "1.0.0") == (
        "Stopped installing matched version '1.0.0' since last attempted version '1.2.0' is higher.\n"
        'hint: Add annotation packaging.carvel.dev/downgradable: "" to PackageInstall to proceed with downgrade'
    )
    assert refuses_downgrade(install({}, status=status), "1.2.0") is None
    allowed = install({}, status=status, annotations={"packaging.carvel.dev/downgradable": ""})
    assert refuses_downgrade(allowed, "1.0.0") is None


def test_package_concerns_installs_whose_constraints_allow_it():
    assert concerns(install({"constraints": "<2.0.0"}), [package("1.5.0")])
    assert not concerns(install({"constraints": "<2.0.0"}), [package("3.0.0")])
    assert not concerns(install({}), [package("1.0.0", ref_name="other.example.com")])
