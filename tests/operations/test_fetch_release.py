from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.sources import standard_fetchers
from lapstrake.operations.sync import FetchRequest, SyncOptions, sync
from lapstrake.vendir.config import Config, Contents, Directory, References
from tests.web import Answer, Web, web_server

TEXT = b"plain\n"
TEXT_SUM = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        server.answers["/a"] = Answer(TEXT)
        yield server


def zip_of(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        opened.writestr(name, data)
    return out.getvalue()


def describe(web: Web, *names: str, notes: str = f"{TEXT_SUM}  ./a.txt\n", **more: object) -> None:
    assets = [{"name": name, "url": f"{web.url}/a", "size": len(TEXT), **more} for name in names]
    release = {"url": "https://api.test/7", "tag_name": "v1.4.0", "body": notes, "assets": assets}
    web.answers["/r"] = Answer(json.dumps(release).encode())


LOCKED = {"tag": "v1.4.0", "url": "https://api.test/7"}


def fetched(
    tmp_path: Path, web: Web, token: str = "", secrets=None, locked=LOCKED, **source: object
) -> dict[str, bytes]:
    (tmp_path / "scratch").mkdir(exist_ok=True)
    request = FetchRequest(
        Contents("a", "githubRelease", {"url": f"{web.url}/r", **source}),
        str(tmp_path / "into"),
        str(tmp_path / "scratch"),
        references=References(secrets or {}),
    )
    fetchers = standard_fetchers({"VENDIR_GITHUB_API_TOKEN": token}, lambda login: pytest.fail("no image"))
    assert fetchers["githubRelease"](request) == locked
    into = tmp_path / "into"
    return {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}


def failure(tmp_path: Path, web: Web, **source: object) -> str:
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, web, **source)
    return str(caught.value).replace(web.url, "URL")


def test_asset_is_compared_with_the_notes(tmp_path, web):
    describe(web, "a.txt")
    assert fetched(tmp_path, web) == {"a.txt": TEXT}


def test_token_goes_to_the_server_of_the_release_alone(tmp_path, web):
    with web_server() as other:
        other.answers["/a"] = Answer(TEXT)
        describe(web, "a.txt", url=f"{other.url}/a")
        fetched(tmp_path, web, token="secret")
        assert web.asked[0][1]["Authorization"] == "token secret"
        assert "Authorization" not in other.asked[0][1]


def test_assets_are_chosen_by_name(tmp_path, web):
    describe(web, "a.txt", "b.bin")
    assert list(fetched(tmp_path, web, assetNames=["*.txt"])) == ["a.txt"]


def test_archive_is_unpacked_in_the_place_of_the_assets(tmp_path, web):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as opened:
        member = tarfile.TarInfo("bin/tool")
        member.size = 4
        opened.addfile(member, io.BytesIO(b"tool"))
    web.answers["/a"] = Answer(out.getvalue())
    describe(web, "t.tgz", size=len(out.getvalue()))
    found = fetched(tmp_path, web, unpackArchive={"path": "t.tgz"}, disableAutoChecksumValidation=True)
    assert found == {"bin/tool": b"tool"}


def test_file_elsewhere_may_stand_for_the_assets(tmp_path, web):
    describe(web, "a.txt")
    web.answers["/dl/v1.4.0.txt"] = Answer(b"1")
    assert fetched(tmp_path, web, http={"url": f"{web.url}/dl/{{tag}}.txt"}) == {"v1.4.0.txt": b"1"}


def test_archive_from_elsewhere_is_unpacked(tmp_path, web):
    describe(web)
    web.answers["/x.zip"] = Answer(zip_of("f", b"1"))
    source = {"http": {"url": f"{web.url}/x.zip", "disableUnpack": True}, "unpackArchive": {"path": "x.zip"}}
    assert fetched(tmp_path, web, **source) == {"f": b"1"}


@pytest.mark.parametrize(
    ("names", "source", "message"),
    [
        pytest.param(
            ("b.txt",),
            {},
            "Finding checksums in release notes: Expected to find sha256 checksum for file 'b.txt'",
            id="no-checksum",
        ),
        pytest.param(
            ("a.txt",),
            {"checksums": {"a.txt": "0" * 64}},
            f"Checking asset 'a.txt' checksum: Expected file checksum to be '{'0' * 64}', but was '{TEXT_SUM}'",
            id="wrong-checksum",
        ),
        pytest.param(
            ("a.txt", "b.txt"),
            {"checksums": {"a.txt": TEXT_SUM}},
            "Expected checksums to list asset 'b.txt'",
            id="checksum-left-out",
        ),
        pytest.param(
            ("../evil",),
            {"disableAutoChecksumValidation": True},
            "Invalid path: ../evil",
            id="name-that-leads-out",
        ),
        pytest.param(
            ("a.txt",),
            {"assetNames": ["["]},
            "Matching asset name 'a.txt': syntax error in pattern",
            id="pattern",
        ),
        pytest.param(
            ("a.txt",),
            {"unpackArchive": {"path": "../x"}},
            "Unpacking archive '../x' is not part of the github release",
            id="other-archive",
        ),
        pytest.param(
            ("a.txt",),
            {"unpackArchive": {"path": "a.txt"}},
            "Expected known archive type (zip, tgz, tar)",
            id="no-archive",
        ),
    ],
)
def test_release_that_does_not_fit_is_refused(tmp_path, web, names, source, message):
    describe(web, *names)
    assert failure(tmp_path, web, **source) == message
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("pattern", ["./a.txt", "/a.txt", "a.txt/"])
def test_pattern_of_assets_is_no_path(tmp_path, web, pattern):
    describe(web, "a.txt")
    assert fetched(tmp_path, web, assetNames=[pattern]) == {}


def test_refused_asset_brings_a_hint(tmp_path, web):
    describe(web, "a.txt")
    web.answers["/a"] = Answer(b"no", 403)
    assert failure(tmp_path, web) == (
        "Downloading asset 'a.txt': Expected response status 200, but was '403' (hint: consider setting "
        "VENDIR_GITHUB_API_TOKEN env variable to increase API rate limits) (body: 'no')"
    )


def test_checksum_stands_on_one_line_between_plain_blanks(tmp_path, web):
    for notes in (f"{TEXT_SUM}\n a.txt\n", f"{TEXT_SUM}\u00a0 a.txt"):
        describe(web, "a.txt", notes=notes)
        assert failure(tmp_path, web).endswith("Expected to find sha256 checksum for file 'a.txt'")


def test_release_without_tag_leaves_none_in_the_lock(tmp_path, web):
    web.answers["/r"] = Answer(
        json.dumps({"Assets": [{"NAME": "a.txt", "url": f"{web.url}/a", "size": len(TEXT)}]}).encode()
    )
    source = {"disableAutoChecksumValidation": True}
    assert fetched(tmp_path, web, locked={"url": ""}, **source) == {"a.txt": TEXT}


def test_token_with_a_line_break_is_refused_without_showing_it(tmp_path, web):
    describe(web, "a.txt")
    assert failure(tmp_path, web, secrets={"s": {"token": b"tk\n"}}, secretRef={"name": "s"}) == (
        "Downloading release info: Downloading release details from URL/r : "
        'Get "URL/r": net/http: invalid header field value for "Authorization"'
    )


def test_token_of_the_secret_counts_even_if_it_is_empty(tmp_path, web):
    describe(web, "a.txt")
    fetched(tmp_path, web, token="own", secrets={"s": {"token": b""}}, secretRef={"name": "s"})
    assert "Authorization" not in web.asked[0][1]


def test_archive_may_be_named_as_a_path(tmp_path, web):
    describe(web, "x.zip", size=len(zip_of("f", b"1")))
    web.answers["/a"] = Answer(zip_of("f", b"1"))
    source = {"unpackArchive": {"path": "./x.zip"}, "disableAutoChecksumValidation": True}
    assert fetched(tmp_path, web, **source) == {"f": b"1"}


def test_size_is_compared(tmp_path, web):
    describe(web, "a.txt", size=5)
    message = "Checking asset 'a.txt' size: Expected file size to be 5, but was 6"
    assert failure(tmp_path, web) == message


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(
            Answer(b"slow down", 403),
            "Downloading release details from URL/r : Expected response status 200, but was '403' (hint: consider "
            "setting VENDIR_GITHUB_API_TOKEN env variable to increase API rate limits) (body: 'slow down')",
            id="status",
        ),
        pytest.param(
            Answer(b"bad token", 401),
            "Downloading release details from URL/r : Expected response status 200, but was '401' (hint: consider "
            "setting VENDIR_GITHUB_API_TOKEN env variable to increase API rate limits) (body: 'bad token')",
            id="token",
        ),
        pytest.param(
            Answer(b"<html>", 502),
            "Downloading release details from URL/r : Expected response status 200, but was '502'",
            id="status-without-hint",
        ),
        pytest.param(
            Answer(b"<html>"),
            "Parsing response from: URL/r error: invalid character '<' looking for beginning of value",
            id="no-json",
        ),
        pytest.param(
            Answer(b"[]"),
            "Parsing response from: URL/r error: json: cannot unmarshal array into Go value of type "
            "githubrelease.ReleaseAPI",
            id="list",
        ),
        pytest.param(
            Answer(b'{"assets": {}}'),
            "Parsing response from: URL/r error: json: cannot unmarshal object into Go struct field "
            "ReleaseAPI.Assets of type []githubrelease.ReleaseAssetAPI",
            id="assets",
        ),
        pytest.param(
            Answer(b'{"assets": [{"size": "3"}]}'),
            "Parsing response from: URL/r error: json: cannot unmarshal string into Go struct field "
            "ReleaseAssetAPI.Assets.Size of type int64",
            id="size",
        ),
        pytest.param(
            Answer(b"{} x"),
            "Parsing response from: URL/r error: invalid character 'x' after top-level value",
            id="more",
        ),
    ],
)
def test_bad_description_is_told(tmp_path, web, answer, message):
    web.answers["/r"] = answer
    assert failure(tmp_path, web) == f"Downloading release info: {message}"


def test_missing_secret_is_told_before_the_contents_are_announced(tmp_path, web):
    told: list[str] = []
    contents = Contents("a", "githubRelease", {"url": f"{web.url}/r", "secretRef": {"name": "s"}})
    fetchers = standard_fetchers({}, lambda login: pytest.fail("no image"))
    options = SyncOptions(base=str(tmp_path), progress=told.append)
    with pytest.raises(InputError) as caught:
        sync(Config((Directory("v", (contents,)),)), References(), fetchers, options)
    assert str(caught.value) == (
        "Syncing directory 'v': Getting auth token: Expected to find one secret 's', but found none"
    )
    assert told == []
    assert web.asked == []


def test_password_of_the_address_is_not_shown(tmp_path, web):
    url = f"{web.url}/none".replace("http://", "http://me:s3cret@")
    with pytest.raises(InputError) as caught:
        fetched(tmp_path, web, url=url)
    assert f"Downloading release details from {web.url}/none :" in str(caught.value)
    assert "s3cret" not in str(caught.value)
