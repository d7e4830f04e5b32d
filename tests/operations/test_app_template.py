from __future__ import annotations

import base64

import pytest

from lapstrake.errors import NotFoundError
from lapstrake.operations.app_template import TemplateTools, template_app
from lapstrake.packaging.downward_api import Surroundings
from lapstrake.yamldoc import plain

TEMPLATE = "#@ load('@ytt:data', 'data')\n---\nname: a\ncolor: #@ data.values.color\n"
SCHEMA = "#@data/values-schema\n---\ncolor: red\n"


class Cluster:
    def get(self, rt, namespace, name):
        if (rt.kind, name) == ("Secret", "values"):
            data = {"v.yml": base64.b64encode(b"color: blue\n").decode()}
            return {"kind": "Secret", "data": data}
        if (rt.kind, name) == ("ConfigMap", "overlay"):
            text = (
                "#@ load('@ytt:overlay', 'overlay')\n#@overlay/match by=overlay.all\n---\n"
                "#@overlay/match missing_ok=True\nlaid: over\n"
            )
            return {"kind": "ConfigMap", "data": {"over.yml": text}}
        raise NotFoundError(f'{rt.resource} "{name}" not found')


class Programs:
    """Helm that prints how it was called, or nothing at all."""

    def __init__(self, *names):
        self.names = names
        self.calls = []

    def find(self, name):
        return f"/bin/{name}" if name in self.names else None

    def run(self, arguments, *, stdin, folder):
        self.calls.append(list(arguments))
        return 0, "from: helm\n", "noted\n"


def run(tmp_path, *steps, files=None, programs=None):
    for path, text in (files or {"config/a.yml": TEMPLATE, "config/schema.yml": SCHEMA}).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    app = {"metadata": {"name": "app", "namespace": "n", "labels": {}}, "spec": {"template": list(steps)}}
    tools = TemplateTools(
        cluster=Cluster(),
        resolver=lambda: None,
        surroundings=Surroundings(lambda: "1.36.2", "0.53.0", lambda: ["v1"]),
        programs=programs or Programs(),
    )
    return template_app(app, str(tmp_path), tools)


def output(templated):
    assert templated.result.error == "", templated.result
    return plain.load_all(templated.output, "output")


def test_values_come_in_their_order(tmp_path):
    (tmp_path / "last.yml").write_text("color: green\n")
    sources = [{"secretRef": {"name": "values"}}, {"path": "last.yml"}]
    step = {"ytt": {"paths": ["config"], "valuesFrom": sources}}
    assert output(run(tmp_path, step)) == [{"name": "a", "color": "green"}]


def test_downward_values_are_values(tmp_path):
    items = [{"name": "color", "fieldPath": "metadata.name"}]
    step = {"ytt": {"paths": ["config"], "valuesFrom": [{"downwardAPI": {"items": items}}]}}
    assert output(run(tmp_path, step))[0]["color"] == "app"


def test_inline_files_from_a_config_map_are_laid_over(tmp_path):
    step = {"ytt": {"inline": {"pathsFrom": [{"configMapRef": {"name": "overlay"}}]}}}
    assert output(run(tmp_path, step)) == [{"name": "a", "color": "red", "laid": "over"}]


def test_second_step_works_on_the_output_of_the_first(tmp_path):
    over = (
        "#@ load('@ytt:overlay', 'overlay')\n#@overlay/match by=overlay.all\n---\n"
        "#@overlay/match missing_ok=True\nsecond: step\n"
    )
    steps = [{"ytt": {"paths": ["config"]}}, {"ytt": {"inline": {"paths": {"over.yml": over}}}}, {"kbld": {}}]
    assert output(run(tmp_path, *steps)) == [{"name": "a", "color": "red", "second": "step"}]


def test_helm_is_run_if_it_is_there(tmp_path):
    programs = Programs("helm")
    step = {"helmTemplate": {"path": "chart", "name": "n", "valuesFrom": [{"secretRef": {"name": "values"}}]}}
    templated = run(tmp_path, step, programs=programs)
    assert output(templated) == [{"from": "helm"}]
    assert templated.result.stderr == "noted\n"
    [call] = programs.calls
    assert call[:4] == ["/bin/helm", "template", "n", str(tmp_path / "chart")]
    assert call[4:7] == ["--namespace", "n", "--include-crds"]
    assert call[7] == "--values"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({}, "Unsupported way to template"),
        ({"kustomize": {}}, "Unsupported way to template"),
        ({"helmTemplate": {}}, 'Templating helm chart: exec: "helm": executable file not found in $PATH'),
        ({"cue": {}}, 'Templating dir: exec: "cue": executable file not found in $PATH'),
        (
            {"sops": {"pgp": {"privateKeysSecretRef": {"name": "none"}}}},
            'Building config: Getting private keys secret: secrets "none" not found',
        ),
        ({"ytt": {"paths": ["../.."]}}, "Checking path: Invalid path: ../.."),
        (
            {"ytt": {"valuesFrom": [{"secretRef": {"name": "none"}}]}},
            'Preparing template values: secrets "none" not found',
        ),
    ],
)
def test_own_refusals(tmp_path, step, message):
    result = run(tmp_path, step).result
    assert (result.exit_code, result.error, result.useful_message) == (-1, message, message)


def test_no_step_is_refused(tmp_path):
    assert run(tmp_path).result.error == "Expected at least one template option"


def test_missing_path_is_the_tools_error(tmp_path):
    result = run(tmp_path, {"ytt": {"paths": ["nowhere"]}}).result
    place = tmp_path / "nowhere"
    assert result.error == "Templating dir: Error (see .status.usefulErrorMessage for details)"
    assert result.stderr == (
        f"ytt: Error: Checking file '{place}': lstat {place}: no such file or directory\n"
    )
