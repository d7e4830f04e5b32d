from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest
from lapstrake.oci.layer import Entry, Layer, Limits, Stream, pack, safe_path, unpack

LONG_FOLDER = "long-folder-name-" * 4
LONG = f"{LONG_FOLDER}/{'and-a-long-file-name-' * 3}.txt"


def content(layer: Layer) -> bytes:
    return b"".join(layer.pieces())


def names(layer: Layer) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(content(layer)), mode="r:gz") as tar:
        return tar.getnames()


def made(
    *members: tuple[str, bytes | None], change: Callable[[tarfile.TarInfo], None] = lambda _: None
) -> bytes:
    """A tar by other hands; None makes a symbolic link to /etc."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc"
            else:
                info.size = len(content)
            change(info)
            tar.addfile(info, io.BytesIO(content or b""))
    return buffer.getvalue()


WIDE = Limits()


def unpacked(data: bytes, limits: Limits = WIDE) -> dict[str, bytes]:
    return {file.path: b"".join(file.chunks()) for file in unpack([data], limits)}


ENTRIES = [
    Entry(".", 0o755, None),
    Entry("empty", 0o644, b""),
    Entry("grüße.txt", 0o644, b"hello"),
    Entry(LONG_FOLDER, 0o755, None),
    Entry(LONG, 0o755, b"x" * 2000),
    Entry("n" * 104 + ".txt", 0o600, b"unsplittable"),
    Entry("日本", 0o755, None),
    Entry("日本/語.yml", 0o644, b"a: 1\n"),
]


@pytest.mark.parametrize("preserve", [pytest.param(False, id="reduced"), pytest.param(True, id="preserved")])
def test_layer_unpacks_to_what_was_packed(preserve: bool) -> None:
    layer = pack(ENTRIES, preserve_permissions=preserve)
    assert unpacked(content(layer)) == {entry.path: entry.data for entry in ENTRIES if entry.data is not None}


def test_layer_is_readable_by_others() -> None:
    assert names(pack(ENTRIES)) == [entry.path for entry in ENTRIES]


def test_layer_modes_are_the_owners_alone() -> None:
    modes = {file.path: file.mode for file in unpack([content(pack(ENTRIES))])}
    assert (modes["empty"], modes[LONG]) == (0o600, 0o700)


def test_layer_keeps_modes_if_asked() -> None:
    modes = {file.path: file.mode for file in unpack([content(pack(ENTRIES, preserve_permissions=True))])}
    assert (modes["empty"], modes[LONG]) == (0o644, 0o755)


def test_layer_keeps_modes_of_folders_as_go_numbers_them() -> None:
    names = ("f", "long-" * 30, "grüße-" * 30)
    layer = pack([Entry(name, 0o6750, None) for name in names], preserve_permissions=True)
    with tarfile.open(fileobj=io.BytesIO(content(layer)), mode="r:gz") as tar:
        assert [(member.name, member.mode) for member in tar] == [
            (name, 1 << 31 | 1 << 23 | 1 << 22 | 0o750) for name in names
        ]


@pytest.mark.parametrize(
    ("mode", "kept"),
    [
        pytest.param(0o4755, 1 << 23 | 0o755, id="runs as its owner"),
        pytest.param(0o2755, 1 << 22 | 0o755, id="runs as its group"),
        pytest.param(0o1777, 1 << 20 | 0o777, id="sticky"),
        pytest.param(0o640, 0o640, id="plain"),
    ],
)
def test_layer_keeps_modes_of_files_as_go_numbers_them(mode: int, kept: int) -> None:
    layer = pack([Entry("f", mode, b"abc")], preserve_permissions=True)
    with tarfile.open(fileobj=io.BytesIO(content(layer)), mode="r:gz") as tar:
        assert tar.getmember("f").mode == kept
    assert [file.mode & 0o777 for file in unpack([content(layer)])] == [kept & 0o777]


def test_layer_keeps_names_that_are_no_text() -> None:
    name = b"\xff\xfe".decode(errors="surrogateescape")
    assert names(pack([Entry(name, 0o600, b"")])) == [name]


def test_layer_knows_its_digests() -> None:
    layer = pack(ENTRIES)
    assert layer.digest == Digest.of(content(layer))
    assert layer.diff_id == Digest.of(gzip.decompress(content(layer)))


def test_layer_streams_what_is_large_and_can_be_read_again(tmp_path: Path) -> None:
    pieces = [bytes([i]) * 70_000 for i in range(5)]
    entries = [Entry("large", 0o600, Stream(350_000, lambda: iter(pieces)))]
    with (tmp_path / "layer").open("w+b") as file:
        layer = pack(entries, file)
        assert layer == pack([Entry("large", 0o600, b"".join(pieces))])
        assert content(layer) == content(layer)
        assert unpacked(content(layer)) == {"large": b"".join(pieces)}


@pytest.mark.parametrize("size", [pytest.param(4, id="longer than found"), pytest.param(6, id="shorter")])
def test_pack_refuses_a_file_that_changes_its_size(size: int) -> None:
    with pytest.raises(InputError, match="Expected 'f' to keep its size"):
        pack([Entry("f", 0o600, Stream(size, lambda: [b"12", b"345"]))])


def test_unpack_reads_plain_tars_and_small_pieces() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("a")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    pieces = [bytes([byte]) for byte in buffer.getvalue()]
    assert [(file.path, b"".join(file.chunks())) for file in unpack(pieces)] == [("a", b"abc")]


def test_unpack_passes_over_links_and_whiteouts() -> None:
    assert unpacked(made(("link", None), ("dir/.wh.gone", b""), ("file", b"1"))) == {"file": b"1"}


def test_unpack_tells_what_is_no_file_if_asked() -> None:
    data = made(("link", None), ("dir/.wh.gone", b""), ("dir/.wh...", b""), (".", b""), ("win\\f", b"1"))
    assert [(file.path, file.kind) for file in unpack([data], others=True)] == [
        ("link", "other"),
        ("dir/gone", "whiteout"),
        ("dir/.wh...", "whiteout"),
        ("win/f", "file"),
    ]


def test_unpack_refuses_unknown_kinds_if_asked_for_all() -> None:
    def contiguous(info: tarfile.TarInfo) -> None:
        info.type = tarfile.CONTTYPE

    data = made(("f", b""), change=contiguous)
    assert unpacked(data) == {}
    with pytest.raises(InputError, match=r"^Unsupported tar entry type '7' for file 'f'$"):
        list(unpack([data], others=True))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_unpack_reads_long_names_that_are_cut_at_a_slash(form: int) -> None:
    """What is left of the name in the header looks like that of a folder."""
    name = "/".join(["d"] * 200)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for path in (name, "after"):
            info = tarfile.TarInfo(path)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
    assert unpacked(buffer.getvalue()) == {name: b"abc", "after": b"abc"}


def test_unpack_knows_folders_of_old_archives_by_their_slash() -> None:
    def old(info: tarfile.TarInfo) -> None:
        info.type = tarfile.AREGTYPE

    data = made(("folder/", b""), ("folder/file", b"1"), change=old)
    assert unpacked(data) == {"folder/file": b"1"}


def test_unpack_goes_on_after_content_that_nobody_read() -> None:
    assert [file.path for file in unpack([made(("one", b"x" * 5000), ("two", b""))])] == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("/etc/passwd", "etc/passwd", id="absolute"),
        pytest.param("./a//b/../c", "a/c", id="unclean"),
        pytest.param(".", "", id="the root"),
    ],
)
def test_safe_path_cleans(name: str, path: str) -> None:
    assert safe_path(name) == path


@pytest.mark.parametrize("name", ["../x", "a/../../x", "..", "/../x", "a\x00b"])
def test_safe_path_stays_inside(name: str) -> None:
    with pytest.raises(InputError, match="Invalid path in layer"):
        safe_path(name)


def test_unpack_refuses_paths_that_leave_the_folder() -> None:
    with pytest.raises(InputError, match="leads outside of the folder"):
        unpacked(made(("ok", b""), ("../evil", b"")))


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param(Limits(total_bytes=100_000), "it unpacks to more than is allowed", id="a bomb"),
        pytest.param(Limits(entries=1), "Expected a layer of at most 1 entries", id="many entries"),
    ],
)
def test_unpack_keeps_to_its_limits(limits: Limits, message: str) -> None:
    data = made(("one", bytes(1_000_000)), ("two", b""))
    with pytest.raises(InputError, match=message):
        list(unpack([data], limits))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_unpack_keeps_no_endless_name(form: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        tar.addfile(tarfile.TarInfo("x/" * (1 << 20)))
    with pytest.raises(InputError, match="archive/tar: header field too long"):
        list(unpack([buffer.getvalue()]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(made(("a", b"x" * 100_000))[:-60], "unexpected EOF", id="cut short"),
        pytest.param(b"\x1f\x8b\x08" + bytes(100), "gzip: invalid data", id="damaged gzip"),
        pytest.param(b"x" * 1024, "archive/tar: invalid tar header", id="no tar"),
    ],
)
def test_unpack_refuses(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        unpacked(data)
