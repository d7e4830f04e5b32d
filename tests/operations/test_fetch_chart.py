from __future__ import annotations

from pathlib import Path

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.fetch_chart import Charts
from lapstrake.operations.sync import FetchRequest
from lapstrake.vendir.config import Contents, References

STAND_IN = """\
#!/bin/sh
echo "$*" | sed "s#/[^ ]*/into#INTO#" >> {log}
case "$*" in *--password-stdin*) cat >> {log}; echo >> {log};; esac
[ -d "$HELM_HOME" ] && [ "$TEMP" = "$HELM_HOME" ] || echo no home >> {log}
[ "$1" = init ] && {{ echo 'Error: unknown command "init" for "helm"' >&2; exit 1; }}
[ "$1" = "$REPEATED" ] && {{ echo "cannot do: $*" >&2; exit 3; }}
[ "$1" = "$REFUSED" ] && {{ echo refused >&2; exit 3; }}
while [ $# -gt 0 ]; do
  if [ "$1" = --untardir ]; then
    for name in $CHARTS; do mkdir "$2/$name"; printf "$CHART" > "$2/$name/Chart.yaml"; done
  fi
  shift
done
"""
INIT = "init --client-only --stable-repo-url https://charts.helm.sh/stable"


@pytest.fixture
def helm(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARTS", "web")
    monkeypatch.setenv("CHART", "version: 1.0.0\\nappVersion: 1.10\\n")
    program = tmp_path / "helm"
    program.write_text(STAND_IN.format(log=tmp_path / "log"))
    program.chmod(0o755)
    return program


SECRET = References({"s": {"username": b"me", "password": b"p w"}})


def fetched(
    helm: Path, references: References = SECRET, **source: object
) -> tuple[dict[str, str], list[str]]:
    """The entry for the lock, and what helm was asked."""
    folder = helm.parent
    (folder / "scratch").mkdir()
    request = FetchRequest(
        Contents("a", "helmChart", source),
        str(folder / "into"),
        str(folder / "scratch"),
        references=references,
    )
    entry = Charts(str(helm))(request)
    return dict(entry), (folder / "log").read_text().splitlines()


def test_chart_of_a_repository(helm):
    repository = {"url": "https://e.test", "secretRef": {"name": "s"}}
    entry, asked = fetched(helm, name="web", version="1.0", repository=repository)
    assert entry == {"version": "1.0.0", "appVersion": "1.1"}
    login = "--password p w --username me"
    assert asked == [
        INIT,
        f"repo add vendir-unused https://e.test {login}",
        f"fetch web --untar --untardir INTO --version 1.0 --repo https://e.test {login}",
    ]
    assert (helm.parent / "into/Chart.yaml").exists()


def test_archive_beside_the_chart_is_no_chart(helm, monkeypatch):
    monkeypatch.setenv("CHARTS", "web web-1.0.tgz")
    entry, _ = fetched(helm, name="web")
    assert entry["version"] == "1.0.0"


def test_docker_configuration_is_a_login_at_a_registry(helm):
    config = b'{"auths": {"e.test": {"username": "me", "password": "p w"}}}'
    repository = {"url": "oci://e.test/charts", "secretRef": {"name": "s"}}
    references = References({"s": {".dockerconfigjson": config}}, docker_configs=frozenset({"s"}))
    _, asked = fetched(helm, references, name="web", version="1.0", repository=repository)
    assert asked[:2] == ["registry login e.test/charts --username me --password-stdin", "p w"]


def test_chart_of_a_registry(helm):
    repository = {"url": "oci://e.test/charts", "secretRef": {"name": "s"}}
    _, asked = fetched(helm, name="web", version="1.0", repository=repository)
    assert asked == [
        "registry login e.test/charts --username me --password-stdin",
        "p w",
        "pull oci://e.test/charts/web --version 1.0 --untar --untardir INTO",
    ]


def test_old_stable_charts(helm):
    _, asked = fetched(helm, name="stable/web")
    url = "https://kubernetes-charts.storage.googleapis.com"
    assert asked[2] == f"fetch web --untar --untardir INTO --repo {url}"


@pytest.mark.parametrize(
    ("environment", "source", "message"),
    [
        pytest.param({}, {}, "Expected non-empty name", id="name"),
        pytest.param({}, {"name": "w", "repository": {}}, "Expected non-empty repository URL", id="url"),
        pytest.param(
            {},
            {"name": "w", "repository": {"url": "oci://e.test"}},
            "Expected non-empty version",
            id="version",
        ),
        pytest.param(
            {},
            {"name": "--post-renderer=x"},
            "Expected name, version and repository URL to not begin with '-'",
            id="option",
        ),
        pytest.param(
            {"CHARTS": ""},
            {"name": "w"},
            "Finding single helm chart: Expected single directory in charts directory, but was: []",
            id="nothing",
        ),
        pytest.param(
            {"CHARTS": "a b"},
            {"name": "w"},
            "Finding single helm chart: Expected single directory in charts directory, but was: [a b]",
            id="two",
        ),
        pytest.param(
            {"CHART": "name: web"},
            {"name": "w"},
            "Retrieving helm chart metadata: Expected non-empty chart version",
            id="chart-without-version",
        ),
        pytest.param(
            {"CHART": "version: [1]"},
            {"name": "w"},
            "Retrieving helm chart metadata: error unmarshaling JSON: while decoding JSON: "
            "json: cannot unmarshal array into Go struct field chartMeta.Version of type string",
            id="version-of-a-chart-is-no-text",
        ),
        pytest.param(
            {"REFUSED": "fetch"},
            {"name": "w"},
            "Fetching helm chart: exit status 3 (stderr: refused\n)",
            id="failure",
        ),
        pytest.param(
            {},
            {"name": "w", "repository": {"url": "https://e.test", "secretRef": {"name": "z"}}},
            "Adding helm chart auth info: Expected to find one secret 'z', but found none",
            id="secret",
        ),
    ],
)
def test_failure_is_told(helm, monkeypatch, environment, source, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError) as caught:
        fetched(helm, **source)
    assert str(caught.value) == message


def test_helm_that_repeats_what_it_was_given_shows_no_password(helm, monkeypatch):
    monkeypatch.setenv("REPEATED", "repo")
    repository = {"url": "https://you:s3cret@e.test", "secretRef": {"name": "s"}}
    with pytest.raises(InputError) as caught:
        fetched(helm, name="web", repository=repository)
    assert str(caught.value) == (
        "Add helm chart repository: exit status 3 (stderr: cannot do: "
        "repo add vendir-unused https://e.test --password *** --username me\n)"
    )


def test_helm_3_has_a_name_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    request = FetchRequest(
        Contents("a", "helmChart", {"name": "w", "helmVersion": "3"}), str(tmp_path / "i"), str(tmp_path)
    )
    with pytest.raises(InputError) as caught:
        Charts()(request)
    assert str(caught.value) == ('Init helm: exec: "helm3": executable file not found in $PATH (stderr: )')
