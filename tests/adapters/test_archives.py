from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from lapstrake.adapters.archives import Limits, unpack
from lapstrake.errors import InputError


def tar_of(*entries: tuple[str, bytes | None, dict[str, object]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar; content None makes an entry without any."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as opened:
        for name, data, attributes in entries:
            member = tarfile.TarInfo(name)
            member.size = len(data or b"")
            for key, value in attributes.items():
                setattr(member, key, value)
            opened.addfile(member, io.BytesIO(data or b""))
    return out.getvalue()


def zip_of(*entries: tuple[str, bytes], modes: dict[str, int] | None = None, method: int = 8) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        for name, data in entries:
            member = zipfile.ZipInfo(name)
            member.compress_type = method
            member.external_attr = (modes or {}).get(name, 0o644) << 16
            opened.writestr(member, data)
    return out.getvalue()


USUAL = Limits()


def unpacked(tmp_path: Path, archive: bytes, limits: Limits = USUAL) -> tuple[bool, dict[str, bytes]]:
    """What came of it; fails if anything was written beside the folder."""
    (tmp_path / "archive").write_bytes(archive)
    (tmp_path / "into").mkdir()
    try:
        done = unpack(str(tmp_path / "archive"), str(tmp_path / "into"), limits)
    finally:
        assert sorted(os.listdir(tmp_path)) == ["archive", "into"]
    into = tmp_path / "into"
    return done, {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}


def refusal(tmp_path: Path, archive: bytes, limits: Limits = USUAL) -> str:
    with pytest.raises(InputError) as caught:
        unpacked(tmp_path, archive, limits)
    return str(caught.value).replace(str(tmp_path), "")


FILES = (("pkg/a", b"1", {}), ("pkg/deep/b", b"2", {"mode": 0o4755}))


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(tar_of(*FILES), id="tar"),
        pytest.param(gzip.compress(tar_of(*FILES)), id="tgz"),
        pytest.param(tar_of(*FILES, form=tarfile.GNU_FORMAT), id="gnu-tar"),
        pytest.param(zip_of(("pkg/a", b"1"), ("pkg/deep/b", b"2")), id="zip"),
        pytest.param(
            b"#!/bin/sh\n" + zip_of(("pkg/a", b"1"), ("pkg/deep/b", b"2")), id="zip-after-a-program"
        ),
        pytest.param(zip_of(("pkg/a", b"1"), ("pkg/deep/b", b"2"), method=0), id="stored-zip"),
    ],
)
def test_archive_is_unpacked_with_plain_modes(tmp_path, archive):
    assert unpacked(tmp_path, archive) == (True, {"pkg/a": b"1", "pkg/deep/b": b"2"})
    modes = {p.name: p.stat().st_mode & 0o7777 for p in (tmp_path / "into").rglob("*")}
    assert modes == {"pkg": 0o700, "deep": 0o700, "a": 0o644, "b": 0o644}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"plain text", id="text"),
        pytest.param(gzip.compress(b"plain text"), id="gzipped-text"),
        pytest.param(gzip.compress(gzip.compress(tar_of(*FILES))), id="gzipped-twice"),
        pytest.param(b"\x1f\x8bnot gzip", id="gzip-by-name-only"),
        pytest.param(zip_of(("a", b"1"))[:-8], id="zip-without-its-end"),
        pytest.param(b"PK\x05\x06" + b"\xff" * 18, id="end-of-zip-only"),
    ],
)
def test_other_files_are_no_archives(tmp_path, data):
    assert unpacked(tmp_path, data) == (False, {})


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        pytest.param(tarfile.SYMTYPE, "/etc", id="symbolic-link"),
        pytest.param(tarfile.LNKTYPE, "../../etc/passwd", id="hard-link"),
        pytest.param(tarfile.CHRTYPE, "", id="character-device"),
        pytest.param(tarfile.BLKTYPE, "", id="block-device"),
        pytest.param(tarfile.FIFOTYPE, "", id="fifo"),
        pytest.param(b"S", "", id="old-sparse-file"),
        pytest.param(b"V", "", id="volume-header"),
    ],
)
def test_tar_ends_at_what_is_neither_file_nor_folder(tmp_path, kind, link):
    archive = tar_of(("a", b"1", {}), ("x", None, {"type": kind, "linkname": link}), ("x/passwd", b"2", {}))
    assert unpacked(tmp_path, archive) == (False, {"a": b"1"})


def test_link_of_a_zip_becomes_a_plain_file(tmp_path):
    archive = zip_of(("link", b"/etc"), modes={"link": 0o120777})
    assert unpacked(tmp_path, archive) == (True, {"link": b"/etc"})
    assert not (tmp_path / "into/link").is_symlink()


def test_file_through_a_link_of_a_zip_is_refused(tmp_path):
    archive = zip_of(("link", b"/etc"), ("link/passwd", b"x"), modes={"link": 0o120777})
    assert refusal(tmp_path, archive) == "Making intermediate dir: mkdir /into/link: not a directory"


NAMES = [
    pytest.param("../evil", "Invalid path: ../evil", id="parent"),
    pytest.param("a/../../evil", "Invalid path: a/../../evil", id="parent-inside"),
    pytest.param("/../evil", "Invalid path: /../evil", id="parent-of-root"),
    pytest.param("..\\evil", r"Invalid path: '..\\evil'", id="backslash"),
    pytest.param("a/..\\../evil", r"Invalid path: 'a/..\\../evil'", id="mixed"),
    pytest.param(
        "n" * 300, f"Creating dst file: open /into/{'n' * 300}: file name too long", id="name-too-long"
    ),
]


@pytest.mark.parametrize(("name", "message"), NAMES)
def test_tar_entry_may_not_leave(tmp_path, name, message):
    assert refusal(tmp_path, tar_of((name, b"x", {}))) == message


@pytest.mark.parametrize(("name", "message"), NAMES)
def test_zip_entry_may_not_leave(tmp_path, name, message):
    assert refusal(tmp_path, zip_of((name, b"x"))) == message


def test_zip_name_may_not_hide_behind_a_nul(tmp_path):
    archive = zip_of(("aaa", b"x")).replace(b"aaa", b"a\x00b")
    assert refusal(tmp_path, archive) == r"Invalid path: 'a\x00b'"


def test_pax_name_may_not_leave(tmp_path):
    archive = tar_of(("harmless", b"x", {"pax_headers": {"path": "../evil"}}))
    assert refusal(tmp_path, archive) == "Invalid path: ../evil"


def test_absolute_names_count_from_the_folder(tmp_path):
    assert unpacked(tmp_path, tar_of(("/etc/x", b"1", {}))) == (True, {"etc/x": b"1"})


def test_last_of_equal_names_wins(tmp_path):
    assert unpacked(tmp_path, tar_of(("a", b"1", {}), ("./a", b"22", {}))) == (True, {"a": b"22"})


def test_names_that_differ_in_case_stay_apart(tmp_path):
    if (tmp_path / "x").mkdir() or (tmp_path / "X").exists():
        pytest.skip("this file system does not tell them apart")
    (tmp_path / "x").rmdir()
    assert unpacked(tmp_path, tar_of(("a", b"1", {}), ("A", b"2", {}))) == (True, {"a": b"1", "A": b"2"})


def test_file_that_is_there_already_is_not_written_through(tmp_path):
    (tmp_path / "into").mkdir()
    (tmp_path / "into/A").symlink_to("/etc/passwd")
    (tmp_path / "archive").write_bytes(tar_of(("A", b"2", {})))
    with pytest.raises(InputError) as caught:
        unpack(str(tmp_path / "archive"), str(tmp_path / "into"))
    assert str(caught.value) == (
        "Expected archive entry 'A' not to take the place of another whose name differs in case only"
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        pytest.param(
            (("a", b"1", {}), ("a/b", b"2", {})),
            "Making intermediate dir: mkdir /into/a: not a directory",
            id="folder-in-the-place-of-a-file",
        ),
        pytest.param(
            (("a/b", b"1", {}), ("a", b"2", {})),
            "Creating dst file: open /into/a: is a directory",
            id="file-in-the-place-of-a-folder",
        ),
    ],
)
def test_entries_in_each_others_place_are_refused(tmp_path, entries, message):
    assert refusal(tmp_path, tar_of(*entries)) == message


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        pytest.param(700, "Copying into dst file: unexpected EOF", id="in-content"),
        pytest.param(2100, "Reading next tar header: unexpected EOF", id="in-header"),
    ],
)
def test_truncated_tar_is_refused(tmp_path, cut, message):
    archive = tar_of(("a", b"x" * 1500, {}), ("b", b"y", {}))
    assert refusal(tmp_path, archive[:cut]) == message


def test_truncated_gzip_is_refused(tmp_path):
    archive = gzip.compress(tar_of(("a", os.urandom(5000), {})))
    assert refusal(tmp_path, archive[:2000]) == "Copying into dst file: unexpected EOF"


def test_tar_is_read_to_its_end_not_to_that_of_its_gzip(tmp_path):
    archive = gzip.compress(tar_of(*FILES))
    assert unpacked(tmp_path, archive[:-8] + bytes(8)) == (True, {"pkg/a": b"1", "pkg/deep/b": b"2"})


def test_gzip_damaged_behind_its_first_header_is_refused(tmp_path):
    archive = bytearray(gzip.compress(tar_of(*((f"{i}", b"text " * 180, {}) for i in range(10))), mtime=0))
    archive[150:155] = b"\xff" * 5
    assert refusal(tmp_path, bytes(archive)).startswith("Reading next tar header: gzip: invalid data")


def test_gzip_damaged_before_any_header_is_no_archive(tmp_path):
    archive = bytearray(gzip.compress(tar_of(*FILES)))
    archive[11:30] = b"\xff" * 19
    assert unpacked(tmp_path, bytes(archive)) == (False, {})


SMALL = Limits(total_bytes=1 << 20, entries=20, ratio=10, free_bytes=1 << 16)
ZEROS = bytes(1 << 17)


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(gzip.compress(tar_of(("a", ZEROS, {}))), id="tgz"),
        pytest.param(zip_of(("a", ZEROS)), id="zip"),
        pytest.param(zip_of(*((f"f{i}", bytes(1 << 14)) for i in range(10))), id="zip-of-many"),
    ],
)
def test_bomb_is_refused(tmp_path, archive):
    assert refusal(tmp_path, archive, SMALL) == f"Expected archive to hold at most {1 << 16} bytes"


def test_bomb_of_headers_alone_is_refused(tmp_path):
    header = tar_of(("a", b"", {"pax_headers": {"comment": "x" * 1000}}))[: 3 * 512]
    archive = gzip.compress(header * 100)
    assert refusal(tmp_path, archive, SMALL) == f"Expected archive to hold at most {1 << 16} bytes"


@pytest.mark.parametrize(
    "pack", [tar_of, lambda *e: zip_of(*((n, d or b"") for n, d, _ in e))], ids=["tar", "zip"]
)
def test_many_entries_are_refused(tmp_path, pack):
    archive = pack(*((f"f{i}", b"", {}) for i in range(30)))
    assert refusal(tmp_path, archive, SMALL) == "Expected archive to hold at most 20 entries"


def test_large_directory_of_a_zip_is_not_read(tmp_path):
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 33 << 20, 0, 0)
    assert (
        refusal(tmp_path, bytes(33 << 20) + end)
        == f"Expected archive to list its entries in at most {32 << 20} bytes"
    )


def test_overlapping_entries_of_a_zip_are_refused(tmp_path):
    archive = bytearray(zip_of(("a", b"1" * 50), ("b", b"2" * 50), method=0))
    second = archive.rindex(b"PK\x01\x02")
    archive[second + 42 : second + 46] = bytes(4)  # both now begin where the first does
    assert refusal(tmp_path, bytes(archive)) == "Expected archive entry 'b' not to overlap with another"


def test_encrypted_zip_is_refused(tmp_path):
    archive = bytearray(zip_of(("a", b"x")))
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    archive[6] |= 1
    assert refusal(tmp_path, bytes(archive)) == "Expected archive entry 'a' not to be encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unknown_compression_is_refused(tmp_path, method):
    message = "Opening zip file: zip: unsupported compression algorithm"
    assert refusal(tmp_path, zip_of(("a", b"x"), method=method)) == message


def test_wrong_checksum_of_a_zip_is_refused(tmp_path):
    archive = zip_of(("a", b"content"), method=0).replace(b"content", b"Content")
    assert refusal(tmp_path, archive) == "Copying into dst file: zip: checksum error"


def test_local_name_of_a_zip_that_is_no_utf8_is_refused(tmp_path):
    archive = zip_of(("é", b"x")).replace("é".encode(), b"\xff\xff", 1)  # the directory keeps the right one
    assert refusal(tmp_path, archive) == "Copying into dst file: zip: not a valid zip file"


def test_size_of_a_pax_header_is_not_believed(tmp_path):
    archive = tar_of(("a", b"1", {"pax_headers": {"size": str(1 << 60)}}))
    assert refusal(tmp_path, archive) == "Copying into dst file: unexpected EOF"


def test_pax_sparse_file_is_refused(tmp_path):
    archive = tar_of(("GNUSparseFile.0/a", b"1\n0\n1\n", {}))
    assert refusal(tmp_path, archive) == "Expected archive entry 'GNUSparseFile.0/a' not to be sparse"
