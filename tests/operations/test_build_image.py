from __future__ import annotations

import json
import os
import re
import stat

import pytest

from lapstrake.errors import InputError
from lapstrake.kbld.builders import Bazel, Docker, DockerBuildx, Kaniko, Ko, KubectlBuildkit, Pack
from lapstrake.kbld.config import Destination, ImageMatch, Source
from lapstrake.operations.build_image import ImageBuilds
from lapstrake.operations.build_log import BuildLog

ID = "sha256:" + "1d" * 32
DIGEST = "sha256:" + "d1" * 32
LASTING = f"kbld:app-sha256-{'1d' * 32}"
TO = Destination(ImageMatch("app"), "e.test/app")
SCRIPT = """#!/bin/sh
echo "$(basename "$0") $* in $(basename "$PWD")" >>"$CALLS"
case "$(basename "$0") $1" in %s
esac
"""


class World:
    """A folder with programs that note how they are called; ``log`` is what a user sees of them."""

    def __init__(self, folder, monkeypatch) -> None:
        self._folder = folder
        self.log = ""
        self.written: list[str] = []
        (folder / "bin").mkdir()
        (folder / "src").mkdir()
        monkeypatch.chdir(folder)
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
        monkeypatch.setenv("CALLS", str(folder / "calls"))
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder))
        self.program(
            "docker", inspect=f"""echo '{json.dumps([{"Id": ID, "RepoDigests": [f"x/app@{DIGEST}"]}])}'"""
        )

    def program(self, name: str, **answers: str) -> None:
        path = self._folder / "bin" / name
        path.write_text(SCRIPT % "".join(f"\n'{name} {word}') {act};;" for word, act in answers.items()))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def write_tag(self, image, tag: str) -> None:
        self.written.append(f"{image} {tag}")

    def build(self, builder, destination: Destination | None = None):
        def write(data: bytes) -> None:
            self.log += data.decode()

        builds = ImageBuilds(BuildLog(write), self)
        return builds.build("app:v1", Source(ImageMatch("app"), "src", builder), destination)

    @property
    def calls(self) -> list[str]:
        return re.sub(r"rand-\d+-\d+", "rand", (self._folder / "calls").read_text()).splitlines()


@pytest.fixture
def world(tmp_path, monkeypatch):
    return World(tmp_path, monkeypatch)


def test_docker_builds_into_the_daemon(world, tmp_path):
    built = world.build(Docker())
    assert (built.url, built.origins) == (LASTING, ({"local": {"path": str(tmp_path / "src")}},))
    here = tmp_path.name
    assert world.calls == [
        "docker build --tag kbld:rand-app . in src",
        f"docker inspect kbld:rand-app in {here}",
        f"docker tag kbld:rand-app {LASTING} in {here}",
        f"docker rmi kbld:rand-app in {here}",
    ]


def test_log_shows_the_program_while_it_runs(world):
    world.program("ko", publish="printf 'one\\n\\ntwo' >&2; echo ko.local/app")
    world.build(Ko())
    assert sorted(world.log.splitlines()) == [
        "app | ",
        "app | finished build (using ko)",
        "app | ko.local/app",
        "app | one",
        "app | starting build (using ko): src",
        "app | two",
    ]


def test_destination_is_pushed_and_tagged(world):
    built = world.build(Docker(), Destination(ImageMatch("app"), "e.test/app", ("v1", "latest")))
    assert built.url == f"e.test/app@{DIGEST}"
    assert built.origins[-1] == {"tagged": {"tags": ["v1", "latest"]}}
    assert world.written == [f"e.test/app@{DIGEST} v1", f"e.test/app@{DIGEST} latest"]
    assert [call.partition(" in ")[0] for call in world.calls[-4:]] == [
        f"docker inspect {LASTING}",
        f"docker tag {LASTING} e.test/app:kbld-rand",
        "docker push e.test/app:kbld-rand",
        "docker inspect e.test/app:kbld-rand",
    ]


@pytest.mark.parametrize(
    ("builder", "program", "answer", "url", "call"),
    [
        pytest.param(
            Pack("b"),
            "pack",
            {"build": f"echo 'Image ID: {ID}'"},
            LASTING,
            "pack build --verbose app --path . --builder b",
            id="pack",
        ),
        pytest.param(
            Ko(), "ko", {"publish": "echo ko.local/app:1"}, "ko.local/app:1", "ko publish . --local", id="ko"
        ),
        pytest.param(
            Bazel(":img"),
            "bazel",
            {"run": f"echo 'Loaded image ID: {ID}'"},
            LASTING,
            "bazel run :img",
            id="bazel",
        ),
        pytest.param(
            KubectlBuildkit(),
            "kubectl",
            {"buildkit": f"echo 'exporting manifest {DIGEST} done' >&2"},
            "kbld:rand-app",
            "kubectl buildkit build --progress=plain --tag kbld:rand-app .",
            id="kubectl",
        ),
        pytest.param(
            DockerBuildx(),
            "docker",
            {"inspect": f"""echo '[{{"Id": "{ID}"}}]'"""},
            LASTING,
            "docker buildx build --progress=plain --tag kbld:rand-app . --load",
            id="buildx",
        ),
    ],
)
def test_builder_without_destination(world, builder, program, answer, url, call):
    world.program(program, **answer)
    assert re.sub(r"rand-\d+-\d+", "rand", world.build(builder).url) == url
    assert world.calls[0] == f"{call} in src"


@pytest.mark.parametrize(
    ("builder", "program", "answer"),
    [
        pytest.param(
            KubectlBuildkit(),
            "kubectl",
            {"buildkit": f"echo 'exporting manifest {DIGEST} done' >&2"},
            id="kubectl",
        ),
        pytest.param(
            DockerBuildx(),
            "docker",
            {"buildx": f"echo 'pushing manifest for x@{DIGEST} done' >&2"},
            id="buildx",
        ),
    ],
)
def test_builder_that_pushes_by_itself(world, builder, program, answer):
    world.program(program, **answer)
    assert world.build(builder, TO).url == f"e.test/app@{DIGEST}"
    assert len(world.calls) == 1
    assert "--push" in world.calls[0]


def test_kaniko_pushes_and_writes_the_digest_down(world, tmp_path):
    world.program("executor", **{"--context": f'echo {DIGEST} >"$6"'})
    built = world.build(Kaniko("final", "Dockerfile.prod", ("--insecure",)), TO)
    assert built.url == f"e.test/app@{DIGEST}"
    call, _, digest_file = world.calls[0].partition(" --digest-file ")
    assert call == f"executor --context dir://{tmp_path}/src --destination e.test/app:rand-app"
    assert digest_file.partition(" ")[2] == "--target final --dockerfile Dockerfile.prod --insecure in src"
    assert not os.path.exists(digest_file.partition(" ")[0])


@pytest.mark.parametrize(
    ("destination", "answer", "message"),
    [
        pytest.param(
            None,
            "",
            "Expected a destination for image 'app' (hint: kaniko pushes what it builds, add one to 'destinations')",
            id="nowhere",
        ),
        pytest.param(
            TO,
            "true",
            "Expected kaniko to write down the digest of what it pushed, but it did not",
            id="silent",
        ),
        pytest.param(TO, "exit 1", "exit status 1", id="failed"),
        pytest.param(
            TO,
            'echo nonsense >"$6"',
            "Validating destination digest ref 'e.test/app@nonsense': unsupported digest algorithm: nonsense",
            id="nonsense",
        ),
    ],
)
def test_kaniko_that_cannot_say_what_it_pushed(world, destination, answer, message):
    world.program("executor", **{"--context": answer or "true"})
    with pytest.raises(InputError) as caught:
        world.build(Kaniko(), destination)
    assert str(caught.value) == message


def test_failed_build_is_told_in_log_and_error(world):
    world.program("docker", build="echo no room >&2; exit 3")
    with pytest.raises(InputError) as caught:
        world.build(Docker())
    assert str(caught.value) == "exit status 3"
    assert world.log.splitlines()[1:] == [
        "app | no room",
        "app | error: exit status 3",
        "app | finished build (using Docker)",
    ]


@pytest.mark.parametrize(
    ("after", "message"),
    [
        pytest.param([{"Id": ID}], "Expected to find at least one repo digest", id="none"),
        pytest.param(
            [{"Id": ID, "RepoDigests": [f"x/a@{DIGEST}", f"x/a@{ID}"]}],
            f'Expected to find same repo digest, but found []string{{"x/a@{DIGEST}", "x/a@{ID}"}}',
            id="two",
        ),
        pytest.param([], "Expected to find exactly one image, but found 0", id="gone"),
        pytest.param(
            [5], "json: cannot unmarshal number into Go value of type docker.InspectData", id="odd-image"
        ),
        pytest.param(
            [{"id": 5}],
            "json: cannot unmarshal number into Go struct field InspectData.ID of type string",
            id="odd-id",
        ),
        pytest.param(
            [{"Id": ID, "RepoDigests": [{}]}],
            "json: cannot unmarshal object into Go struct field InspectData.RepoDigests of type string",
            id="odd-digest",
        ),
        pytest.param(
            {}, "json: cannot unmarshal object into Go value of type []docker.InspectData", id="odd"
        ),
        pytest.param(
            [{"Id": DIGEST}], f"Expected pushed image to have ID '{ID}', but was '{DIGEST}'", id="raced"
        ),
    ],
)
def test_pushed_image_that_is_not_as_expected(world, after, message):
    first = json.dumps([{"Id": ID}])
    world.program(
        "docker", inspect=f"""case $2 in e.test*) echo '{json.dumps(after)}';; *) echo '{first}';; esac"""
    )
    with pytest.raises(InputError) as caught:
        world.build(Docker(), TO)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("builder", "path", "message"),
    [
        pytest.param(
            Docker(),
            "gone",
            "Checking if path 'gone' is a directory: stat gone: no such file or directory",
            id="absent",
        ),
        pytest.param(Docker(), "file", "Expected path 'file' to be a directory, but was not", id="file"),
        pytest.param(Ko(), "gone", "chdir gone: no such file or directory", id="other-builder"),
    ],
)
def test_source_that_is_no_folder(world, tmp_path, builder, path, message):
    (tmp_path / "file").touch()
    world.program("ko")
    with pytest.raises(InputError) as caught:
        ImageBuilds(BuildLog(lambda _: None), world).build(
            "app", Source(ImageMatch("app"), path, builder), None
        )
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "builder", [pytest.param(Docker(), id="docker"), pytest.param(DockerBuildx(), id="buildx")]
)
def test_destination_with_a_tag_is_refused(world, builder):
    with pytest.raises(InputError) as caught:
        world.build(builder, Destination(ImageMatch("app"), "e.test/app:v1"))
    assert "repository can only contain the characters" in str(caught.value)
