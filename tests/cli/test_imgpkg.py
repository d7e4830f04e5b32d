from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.cli.imgpkg import main
from lapstrake.cli.request_log import show_requests
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
        pytest.param("pull -o ./", "Expected either image or bundle reference", id="pull nothing here"),
        pytest.param(
            "pull --lock none.yml -o o --registry-ca-cert-path none.pem",
            "Reading path none.yml: open none.yml: no such file or directory",
            id="pull by a lock, which comes before the certificates",
        ),
        pytest.param(
            "copy --tar a --to-tar b --registry-ca-cert-path none.pem",
            "Creating registry HTTP transport:\n  Reading CA certificates from 'none.pem': open none.pem: "
            "no such file or directory",
            id="copy tar to tar, which comes after the certificates",
        ),
        pytest.param(
            "pull -i http://a.test/bb -o o",
            "Fetching image:\n  Reference 'http://a.test/bb' should not include http:// protocol prefix",
            id="pull a URL",
        ),
        pytest.param(
            "tag resolve -i http://a.test/bb",
            "Reference 'http://a.test/bb' should not include http:// protocol prefix",
            id="resolve a URL",
        ),
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
        pytest.param(
            "push -i a.test/b",
            "Parsing 'a.test/b': repository must be between 2 and 255 characters in length: b",
            id="push short name",
        ),
        pytest.param(
            "describe -b a",
            "Unable to check if a is a bundle: could not parse reference: a",
            id="describe bad name",
        ),
        pytest.param("pull x", 'required flag(s) "output" not set', id="pull nowhere, and too much"),
        pytest.param(
            "pull x -o o", "command 'imgpkg pull' does not accept extra arguments 'x'", id="pull too much"
        ),
        pytest.param(
            "pull -b a.test/bb -o o --image-is-bundle-check=false",
            "Cannot set --image-is-bundle-check while using -b flag",
            id="pull without a check that -b needs",
        ),
        pytest.param(
            "pull --lock none.yml -o o --image-is-bundle-check=false",
            "Reading path none.yml: open none.yml: no such file or directory",
            id="pull by a lock without a check that it does not make",
        ),
        pytest.param("tag", "Use one of available subcommands: list, resolve", id="tag"),
        pytest.param(
            "tag list x y", "command 'imgpkg tag list' does not accept extra arguments 'x'", id="too much"
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


def test_push_of_a_url_says_what_is_wrong_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "f").write_text("")
    assert main(["push", "-i", "http://a.test/bb", "-f", str(tmp_path / "f")]) == 1
    assert capsys.readouterr().err == (
        "imgpkg: Error: Writing 'http://a.test/bb:latest':\n"
        "  Reference 'http://a.test/bb' should not include http:// protocol prefix\n"
    )


def test_exclusions_have_a_former_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["push", "-i", "http://a.test/bb", "-f", str(tmp_path), "--file-exclude-defaults", "x"]
    assert main(words) == 1
    assert capsys.readouterr().out == (
        "Flag --file-exclude-defaults has been deprecated, use '--file-exclusion' instead\n\n"
    )


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


def test_pull_does_not_empty_the_folder_it_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for output in (".", "./", "..", "../", "/", "//", "../here", "x/..", str(tmp_path)):
        assert main(["pull", "-i", "127.0.0.1:1/a/b", "-o", output]) == 1
        assert "Disallowed output directory" in capsys.readouterr().err
    assert main(["pull", "-i", "127.0.0.1:1/a/b", "-o", "../here-too"]) == 1
    assert "Disallowed output directory" not in capsys.readouterr().err


def test_terminal_sets_an_error_apart(
    registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "f").write_text("")
    assert main(["push", "-i", f"{registry.host}/app", "-f", str(tmp_path), "--tty"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "dir: .\nfile: f\n\n"
    assert captured.err.startswith("imgpkg: Error: Adding file ")


def test_json_has_the_lines_as_they_were_begun(
    registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f").write_text("hello")
    assert main(["push", "-i", f"{registry.host}/app", "-f", str(tmp_path / "f"), "--json"]) == 0
    first, second, last = json.loads(capsys.readouterr().out)["Lines"]
    assert (first, second.partition("@")[0], last) == (
        "file: f\n",
        f"Pushed '{registry.host}/app",
        "Succeeded",
    )


def test_tags_have_the_columns_that_are_wanted(
    registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f").write_text("hello")
    image = f"{registry.host}/app:1d"
    assert main(["push", "-i", image, "-f", str(tmp_path / "f")]) == 0
    assert main(["tag", "list", "-i", image, "--column", "digest"]) == 0
    assert main(["tag", "list", "-i", image, "--column", "Name,digest"]) == 0
    assert capsys.readouterr().out == "-\t\n1d\t-\t\n"
    assert main(["tag", "list", "-i", image, "--column", "nope"]) == 1
    assert capsys.readouterr().err == "imgpkg: Error: Failed to find header: nope\n"


def test_debug_shows_requests_without_secrets(
    registry: RunningRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["tag", "resolve", "-i", f"{registry.host}/app:1d", "--registry-username", "me"]
    assert main([*words, "--registry-password", "hunter2", "--debug"]) == 1
    shown = capsys.readouterr().err
    assert f'http://{registry.host} "GET /v2/ HTTP/1.1" 200' in shown
    assert "hunter2" not in shown
    assert main(words) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_debug_hides_tokens_in_addresses() -> None:
    out = io.StringIO()
    end = show_requests(out)
    logging.getLogger("urllib3.connectionpool").debug(
        "%s -> %s", "http://a.test/x?token=s3cret&n=1", "http://b.test"
    )
    end()
    assert out.getvalue().endswith(" http://a.test/x?n=1&token=REDACTED -> http://b.test\n")


def test_version_comes_with_and_without_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["version"]), main(["--version"])) == (0, 0)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert first == second
    assert rest == ["", "Succeeded"]
