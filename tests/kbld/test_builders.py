from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kbld.builders import (
    Bazel,
    Docker,
    DockerBuildx,
    DockerfileOptions,
    Ko,
    KubectlBuildkit,
    Pack,
    local_name,
    tag_name,
)

ALL = DockerfileOptions("stage", True, True, "hack/Dockerfile", ("--squash",))
SAID = "--target stage --pull --no-cache --file hack/Dockerfile --squash"
DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("command", "line"),
    [
        pytest.param(Docker().command("t"), "docker build --tag t .", id="docker"),
        pytest.param(Docker(ALL).command("t"), f"docker build {SAID} --tag t .", id="docker-options"),
        pytest.param(
            DockerBuildx(ALL).command("t", push=False),
            f"docker buildx build --progress=plain {SAID} --tag t . --load",
            id="buildx-load",
        ),
        pytest.param(
            DockerBuildx().command("t", push=True),
            "docker buildx build --progress=plain --tag t . --push",
            id="buildx-push",
        ),
        pytest.param(
            KubectlBuildkit(ALL).command("t", push=True),
            f"kubectl buildkit build --progress=plain {SAID} --push --tag t .",
            id="kubectl",
        ),
        pytest.param(
            KubectlBuildkit(DockerfileOptions("stage"), "linux/arm64").command("t", push=False),
            "kubectl buildkit build --progress=plain --target stage --platform linux/arm64 --tag t .",
            id="kubectl-platform",
        ),
        pytest.param(
            Docker(DockerfileOptions(target="", file="")).command("t"),
            "docker build --target  --file  --tag t .",
            id="empty-options",
        ),
        pytest.param(
            Pack("").command("app"), "pack build --verbose app --path . --builder ", id="empty-builder"
        ),
        pytest.param(
            Pack("b", ("x", "y"), True, ("--raw",)).command("app"),
            "pack build --verbose app --path . --builder b --buildpack x --buildpack y --clear-cache --raw",
            id="pack",
        ),
        pytest.param(Ko(("--bare",)).command(), "ko publish . --local --bare", id="ko"),
        pytest.param(Bazel(":img", ("--", "--norun")).command(), "bazel run :img -- --norun", id="bazel"),
    ],
)
def test_command_line(command, line):
    assert command == line.split(" ")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(
            DockerBuildx().digest(f"#1 pushing manifest for e.test/a:x@sha256:{DIGEST} 0.1s done\n"),
            f"sha256:{DIGEST}",
            id="buildx",
        ),
        pytest.param(
            KubectlBuildkit().digest(f"#1 exporting manifest sha256:{DIGEST} done\n"),
            f"sha256:{DIGEST}",
            id="kubectl",
        ),
        pytest.param(Pack().image_id("*** Image ID: 0a1b\n"), "sha256:0a1b", id="pack"),
        pytest.param(Pack().image_id("Image ID: sha256:0a1b\n"), "sha256:0a1b", id="pack-with-algorithm"),
        pytest.param(Bazel().image_id("Loaded image ID: sha256:0a\n"), "sha256:0a", id="bazel"),
    ],
)
def test_output_names_the_image(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        pytest.param(
            DockerBuildx().digest,
            f"exporting manifest sha256:{DIGEST} done\n",
            "Expected to find image digest in build output but did not",
            id="buildx",
        ),
        pytest.param(
            Pack().image_id, "no image", "Expected to find image ID in pack output but did not", id="pack"
        ),
        pytest.param(
            Bazel().image_id, "no image", "Expected to find image ID in bazel output but did not", id="bazel"
        ),
    ],
)
def test_output_without_an_image(read, text, message):
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("command", "what"),
    [
        pytest.param(lambda: Pack().command("a"), "builder", id="pack"),
        pytest.param(lambda: Bazel().command(), "target", id="bazel"),
    ],
)
def test_what_a_builder_must_be_told(command, what):
    with pytest.raises(InputError) as caught:
        command()
    assert str(caught.value) == f"Expected {what} to be specified, but was not"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        pytest.param("gcr.io/foo/App_x:v1.2", "gcr-io-foo-App-x", id="characters"),
        pytest.param("a" * 60, "a" * 50, id="long"),
        pytest.param("a" * 49 + "/b", "a" * 49 + "e", id="cut-at-a-dash"),
    ],
)
def test_tag_name(image, name):
    assert tag_name(image) == name


def test_local_name_tells_the_content():
    assert local_name("e.test/app:v1", "sha256:0a") == "kbld:e-test-app-sha256-0a"
