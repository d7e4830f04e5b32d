from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.cli.imgpkg import main
from lapstrake.registry.server import RunningRegistry, serve


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with serve("127.0.0.1", 0, str(tmp_path / "registry"), sweep_seconds=3600) as running:
        yield running


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param("push -i a.test/bb -b a.test/bb", "Expected only one of image or bundle", id="push two"),
        pytest.param("push -f x", "Expected either image or bundle", id="push none"),
        pytest.param(
            "push -i a.test/bb --lock-output l",
            "Lock output is not compatible with image, use bundle for lock output",
            id="push lock of an image",
        ),
        pytest.param(
            "push -i a.test/bb -l dev.carvel.imgpkg.bundle=x",
            "label 'dev.carvel.imgpkg.bundle' is reserved and cannot be overriden. Please use a different key",
            id="push reserved label",
        ),
        pytest.param(
            "push -i a.test/bb -l x",
            'invalid argument "x" for "-l, --labels" flag: x must be formatted as key=value',
            id="push label",
        ),
        pytest.param("pull -i a.test/bb", 'required flag(s) "output" not set', id="pull nowhere"),
        pytest.param(
            "pull -b a.test/bb -o ..",
            "Disallowed output directory (trying to avoid accidental deletion)",
            id="pull here",
        ),
        pytest.param("pull -o o", "Expected either image or bundle reference", id="pull nothing"),
        pytest.param(
            "copy",
            "Expected either --lock, --bundle (-b), --image (-i), or --tar as a source",
            id="copy nothing",
        ),
        pytest.param("copy -b a.test/bb", "Expected either --to-tar or --to-repo", id="copy nowhere"),
        pytest.param(
            "copy -b a.test/bb --to-repo a.test/cc --resume",
            "Flag --resume can only be used when copying to tar",
            id="copy resume",
        ),
        pytest.param(
            "describe -b a.test/bb -o json",
            "--output-type can only have the following values [text, yaml]",
            id="describe as",
        ),
        pytest.param("pish", "command 'imgpkg' does not accept extra arguments 'pish'", id="no such command"),
    ],
)
def test_flags_that_do_not_go_together(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 1
    assert capsys.readouterr().err == f"imgpkg: Error: {message}\n"


def test_push_prints_nothing_into_a_pipe(
    registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f").write_text("hello")
    words = ["push", "-i", f"{registry.host}/app:1d", "-f", str(tmp_path / "f")]
    assert main(words) == 0
    assert capsys.readouterr().out == ""
    assert main([*words, "--tty"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert (first, second.partition("@")[0], last) == ("file: f", f"Pushed '{registry.host}/app", "Succeeded")


def test_bundle_lock_leads_back_to_the_bundle(
    registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, lock, out = tmp_path / "b", str(tmp_path / "lock.yml"), tmp_path / "out"
    (folder / ".imgpkg").mkdir(parents=True)
    (folder / ".imgpkg" / "images.yml").write_text(
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\n"
    )
    assert main(["push", "-b", f"{registry.host}/app:1.0", "-f", str(folder), "--lock-output", lock]) == 0
    assert main(["copy", "--lock", lock, "--to-repo", f"{registry.host}/copy"]) == 0
    assert main(["pull", "--lock", lock, "-o", str(out)]) == 0
    assert (out / ".imgpkg" / "images.yml").exists()
    assert main(["tag", "list", "-i", f"{registry.host}/copy"]) == 0
    assert capsys.readouterr().out == "1.0\t\n"


def test_version_comes_with_and_without_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["version"]), main(["--version"])) == (0, 0)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first == second
    assert rest == ["", "Succeeded"]
