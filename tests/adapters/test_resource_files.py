from __future__ import annotations

import pytest

from lapstrake.adapters import resource_files
from lapstrake.errors import InputError
from tests.web import Answer, web_server


def test_file_of_a_url():
    with web_server() as web:
        web.answers["/moved"] = Answer(status=302, headers={"Location": "/config.yml"})
        web.answers["/config.yml"] = Answer(b"a: 1\n")
        [file] = resource_files.read_resource_files([f"{web.url}/moved"])
    assert (file.path, file.data) == (f"{web.url}/moved", b"a: 1\n")


def test_file_of_a_url_through_the_proxy_of_the_environment(monkeypatch):
    with web_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        proxy.answers["http://files.test/config.yml"] = Answer(b"a: 1\n")
        [file] = resource_files.read_resource_files(["http://files.test/config.yml"])
    assert file.data == b"a: 1\n"


def test_file_is_read_when_it_is_asked_for(tmp_path):
    (tmp_path / "a.yml").write_text("a: 1\n")
    files = resource_files.each_resource_file([str(tmp_path / "a.yml"), "gone.yml"])
    assert next(files).data == b"a: 1\n"
    with pytest.raises(InputError) as caught:
        next(files)
    assert str(caught.value) == "Unable to stat file: stat gone.yml: no such file or directory"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        pytest.param("gone", "open {}: no such file or directory", id="nowhere"),
        pytest.param("inner", "read {}: is a directory", id="folder"),
    ],
)
def test_link_in_a_folder_is_a_file(tmp_path, target, why):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    link = tmp_path / "folder" / "a.yml"
    link.symlink_to(target)
    with pytest.raises(InputError) as caught:
        resource_files.read_resource_files([str(tmp_path / "folder")])
    assert str(caught.value) == f"Parsing file '{link}': {why.format(link)}"


def test_status_that_is_no_success():
    with web_server() as web, pytest.raises(InputError) as caught:
        resource_files.read_resource_files([f"{web.url}/missing"])
    url = f"{web.url}/missing"
    assert str(caught.value) == f"Parsing HTTP URL '{url}': Requesting URL '{url}': 404 Not Found"


def test_nobody_answers():
    url = "http://127.0.0.1:1/x.yml"
    with pytest.raises(InputError) as caught:
        resource_files.read_resource_files([url])
    assert str(caught.value) == (
        f"Parsing HTTP URL '{url}': Requesting URL '{url}': "
        f'Get "{url}": dial tcp 127.0.0.1:1: connect: connection refused'
    )


def test_too_much(monkeypatch):
    monkeypatch.setattr(resource_files, "_MOST_BYTES", 3)
    with web_server() as web:
        web.answers["/x"] = Answer(b"1234")
        with pytest.raises(InputError, match="Expected at most 3 bytes"):
            resource_files.read_resource_files([f"{web.url}/x"])
