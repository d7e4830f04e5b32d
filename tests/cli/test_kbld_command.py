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
        pytest.param(["unknown"], "command 'kbld' does not accept extra arguments 'unknown'", id="argument"),
    ],
)
def test_error_is_on_stderr(folder, capsys, argv, message):
    assert main(argv) == 1
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"kbld: Error: {message}\n")


def test_unresolved_images_are_listed(folder, capsys):
    (folder / "b.yml").write_text("image: zeta\n---\nimage: alpha\n")
    assert main(["-f", "b.yml", "--unresolved-inspect"]) == 0
    assert capsys.readouterr().out == "- image: alpha\n- image: zeta\n"


def test_inspect_prints_images_without_a_terminal(folder, capsys):
    assert main(["inspect", "-f", "a.yml"]) == 0
    assert capsys.readouterr().out == f"e.test/app@{DIGEST}\t\n-\t\nx/ () cluster\t\n"
