from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.packaging.repository_content import against_other, check_layout, package_objects

API = "data.packaging.carvel.dev/v1alpha1"


def package(revision=None, repository="ns/five", template="x"):
    annotations = {"packaging.carvel.dev/package-repository-ref": repository}
    if revision:
        annotations["packaging.carvel.dev/revision"] = revision
    return {
        "kind": "Package",
        "metadata": {"name": "a.b.c.1.0.0", "annotations": annotations},
        "spec": {"t": template},
    }


def test_layout_needs_packages():
    check_layout(["packages/a.yml"])
    with pytest.raises(InputError) as raised:
        check_layout(["a.yml"])
    assert str(raised.value) == (
        "Invalid package repository content: must contain 'packages/' directory but did not"
    )


def test_only_packages_remain_with_their_annotations():
    documents = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}},
        None,
        {
            "apiVersion": API,
            "kind": "Package",
            "metadata": {"name": "a.b.c.1.0.0", "namespace": "elsewhere", "annotations": {"k": "v"}},
            "spec": {"refName": "a.b.c", "version": "1.0.0", "nonsense": 1},
        },
    ]
    assert package_objects(documents, namespace="ns", name="five") == [
        {
            "apiVersion": API,
            "kind": "Package",
            "metadata": {
                "name": "a.b.c.1.0.0",
                "annotations": {
                    "k": "v",
                    "packaging.carvel.dev/package-repository-ref": "ns/five",
                    "kapp.k14s.io/disable-original": "",
                    "kapp.k14s.io/disable-wait": "",
                    "kapp.k14s.io/create-strategy": "fallback-on-update-or-noop",
                },
            },
            "spec": {
                "refName": "a.b.c",
                "version": "1.0.0",
                "releasedAt": None,
                "valuesSchema": {"openAPIv3": None},
            },
        }
    ]


@pytest.mark.parametrize(
    ("given", "present", "noop"),
    [
        pytest.param(package(), None, False, id="new"),
        pytest.param(package(template="y"), package(), False, id="own"),
        pytest.param(package(), package(repository="ns/first"), True, id="identical"),
        pytest.param(
            package("1.10", template="y"), package("1.9", repository="ns/first"), False, id="higher-here"
        ),
        pytest.param(
            package("1", template="y"), package("2", repository="ns/first"), True, id="higher-there"
        ),
    ],
)
def test_two_repositories_with_one_package(given, present, noop):
    annotations = against_other(given, present)["metadata"]["annotations"]
    assert ("kapp.k14s.io/noop" in annotations) is noop


def test_two_repositories_that_disagree():
    with pytest.raises(
        InputError, match=r"^Conflicting resources: Package/a\.b\.c\.1\.0\.0 is already present"
    ):
        against_other(package(template="y"), package(repository="ns/first"))
