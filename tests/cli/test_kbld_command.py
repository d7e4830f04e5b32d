from __future__ import annotations

import json
import os

import pytest

from lapstrake.cli.kbld import main

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yml").write_text(f"kind: X\nimage: e.test/app@{DIGEST}\n")
    return tmp_path


def test_documents_go_to_stdout_and_the_log_to_stderr(folder, capsys):
    assert main(["-f", "a.yml", "--images-annotation=false"]) == 0
    out, err = capsys.readouterr()
    assert out == f"---\nimage: e.test/app@{DIGEST}\nkind: X\n"
    assert err == f"resolve | final: e.test/app@{DIGEST} -> e.test/app@{DIGEST}\n"


def test_terminal_ends_with_succeeded(folder, capsys):
    assert main(["--tty", "-f", "a.yml", "--images-annotation=false"]) == 0
    assert capsys.readouterr().out.endswith("kind: X\n\nSucceeded\n")


def test_lock_is_private(folder):
    assert main(["-f", "a.yml", "--imgpkg-lock-output", "images.yml"]) == 0
    assert os.stat("images.yml").st_mode & 0o777 == 0o600


def test_folder_gives_its_yaml_files_in_order(folder, capsys):
    (folder / "b").mkdir()
    (folder / "b" / "z.yaml").write_text("x: 2\n")
    (folder / "c.txt").write_text("x: 3\n")
    (folder / "a.yml").write_text("x: 1\n")
    assert main(["-f", "."]) == 0
    assert capsys.readouterr().out == "---\nx: 1\n---\nx: 2\n"


def test_image_map_file(folder, capsys):
    (folder / "b.yml").write_text("image: app\n")
    (folder / "map.json").write_text(json.dumps({"app": f"e.test/app@{DIGEST}"}))
    assert main(["-f", "b.yml", "--image-map-file", "map.json", "--images-annotation=false"]) == 0
    assert capsys.readouterr().out == f"---\nimage: e.test/app@{DIGEST}\n"


@pytest.mark.parametrize("url", [pytest.param('""', id="empty"), pytest.param("null", id="null")])
def test_image_that_is_mapped_to_nothing_stays(folder, capsys, url):
    (folder / "b.yml").write_text("image: app\n")
    (folder / "map.json").write_text(f'{{"app": {url}}}')
    assert main(["-f", "b.yml", "--image-map-file", "map.json", "--images-annotation=false"]) == 0
    assert capsys.readouterr() == ("---\nimage: app\n", "resolve | final: app -> app\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(
            ["-f", "gone.yml"], "Unable to stat file: stat gone.yml: no such file or directory", id="file"
        ),
        pytest.param(
            ["-f", "a.yml", "--platform", "x"],
            "Parsing platform 'x': expected format os/arch[/variant]",
            id="platform",
        ),
        pytest.param(
            ["-f", "a.yml", "--lock-output", "x", "--imgpkg-lock-output", "y"],
            "Can only output one lockfile type, please provide only one of '--lock-output' or '--imgpkg-lock-output'",
            id="two-locks",
        ),
        pytest.param(
            ["-f", "a.yml", "--registry-ca-cert-path", "none.pem"],
            "Reading CA certificates from 'none.pem': open none.pem: no such file or directory",
            id="certificate",
        ),
        pytest.param(
            ["-f", "a.yml", "--lock-output", "no/x"],
            "Writing lock config: open no/x: no such file or directory",
            id="lock",
        ),
        pytest.param(
            ["-f", "a.yml", "--imgpkg-lock-output", "no/x"],
            "Writing images config: open no/x: no such file or directory",
            id="images-lock",
        ),
        pytest.param(
            ["-f", "a.yml", "--image-map-file", "."], "read .: is a directory", id="map-is-a-folder"
        ),
        pytest.param(
            ["-f", "gone", "--platform", "x", "--image-map-file", "gone"],
            "Unable to stat file: stat gone: no such file or directory",
            id="inputs-before-the-map",
        ),
        pytest.param(
            ["-f", "a.yml", "--unresolved-inspect", "--platform", "x", "--image-map-file", "gone"],
            "open gone: no such file or directory",
            id="map-before-the-platform",
        ),
        pytest.param(
            ["-f", "a.yml", "--platform", "x", "--registry-ca-cert-path", "gone"],
            "Reading CA certificates from 'gone': open gone: no such file or directory",
            id="certificates-before-the-platform",
        ),
        pytest.param(["unknown"], "command 'kbld' does not accept extra arguments 'unknown'", id="argument"),
    ],
)
def test_error_is_on_stderr(folder, capsys, argv, message):
    assert main(argv) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(f"kbld: Error: {message}\n")


def test_unresolved_images_are_listed(folder, capsys):
    (folder / "b.yml").write_text("image: zeta\n---\nimage: alpha\n")
    assert main(["-f", "b.yml", "--unresolved-inspect"]) == 0
    assert capsys.readouterr().out == "- image: alpha\n- image: zeta\n"


def test_inspect_prints_images_without_a_terminal(folder, capsys):
    assert main(["inspect", "-f", "a.yml"]) == 0
    assert capsys.readouterr().out == f"e.test/app@{DIGEST}\t\n-\t\nx/ () cluster\t\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["package"], "Expected 'output' flag to be non-empty", id="package"),
        pytest.param(["unpkg"], "Expected 'input' flag to be non-empty", id="unpackage"),
        pytest.param(["unpackage", "-i", "x"], "Expected 'repository' flag to be non-empty", id="to-nowhere"),
        pytest.param(["relocate"], "Expected repository flag to be non-empty", id="relocate"),
        pytest.param(["relocate", "-r", "A B"], "Expected at least one input file", id="nothing"),
        pytest.param(
            ["relocate", "-r", "A B", "-f", "."],
            "Building import repository ref: repository can only contain the characters "
            "`abcdefghijklmnopqrstuvwxyz0123456789_-./`:\n  A B",
            id="repository",
        ),
    ],
)
def test_commands_that_move_images_say_what_they_lack(folder, capsys, argv, message):
    assert main(argv) == 1
    warning, _, error = capsys.readouterr().err.partition("\n")
    assert warning.startswith('Warning: Command "')
    assert error == f"kbld: Error: {message}\n"


def test_build_is_heard_on_stderr(folder, monkeypatch, capfd):
    (folder / "bin").mkdir()
    (folder / "bin" / "ko").write_text("#!/bin/sh\necho compiling >&2\necho ko.local/app\n")
    (folder / "bin" / "ko").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder / "bin"))
    (folder / "a.yml").write_text(
        "image: app\n---\napiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nsources: [{image: app, path: ., ko: {}}]\n"
    )
    assert main(["-f", "a.yml", "--images-annotation=false"]) == 0
    out, err = capfd.readouterr()
    assert out == "---\nimage: ko.local/app\n"
    assert err.splitlines()[0] == "app | starting build (using ko): ."
    assert err.splitlines()[-1] == "resolve | final: app -> ko.local/app"
    assert main(["-f", "a.yml", "--build=false"]) == 1
    assert "Building of images is disallowed" in capfd.readouterr().err


def test_json_has_a_block_for_each_document(folder, capsys):
    (folder / "a.yml").write_text("x: 1\n---\nx: 2\n")
    assert main(["-f", "a.yml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["Blocks"] == ["---\nx: 1\n", "---\nx: 2\n"]
