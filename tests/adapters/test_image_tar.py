from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lapstrake.adapters.image_tar import TarFileReader, unfinished, write_tar
from lapstrake.errors import InputError
from lapstrake.oci.digest import Digest

CONTENTS = {f"layer-{i}": bytes([i]) * (300_000 + i) for i in range(6)}


def member(name: str, content: bytes) -> tuple[str, int, Callable[[], Iterator[bytes]]]:
    return name, len(content), lambda: iter([content])


def write(path: Path, contents: dict[str, bytes]) -> list[str]:
    return list(
        write_tar(str(path), [member(name, data) for name, data in contents.items()], keep_unfinished=True)
    )


def test_tar_is_one_that_others_read(tmp_path: Path) -> None:
    assert write(tmp_path / "t.tar", CONTENTS) == list(CONTENTS)
    with tarfile.open(tmp_path / "t.tar") as tar:
        found = {info.name: (info.mode, info.mtime, info.size) for info in tar}
    assert found == {name: (0o644, 0, len(data)) for name, data in CONTENTS.items()}


def test_tar_is_read_by_several_threads_at_once(tmp_path: Path) -> None:
    write(tmp_path / "t.tar", CONTENTS)
    with TarFileReader(str(tmp_path / "t.tar")) as tar, ThreadPoolExecutor(6) as pool:
        names = [*CONTENTS] * 5
        assert list(pool.map(tar.digest, names)) == [Digest.of(CONTENTS[name]) for name in names]


def test_tar_that_fails_leaves_what_was_there_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    write(path, {"before": b"old"})

    def breaks() -> Iterator[bytes]:
        yield b"12345"
        raise InputError("the connection is gone")

    with pytest.raises(InputError, match="the connection is gone"):
        list(write_tar(str(path), [member("one", b"1"), ("two", 10, breaks)], keep_unfinished=True))
    with TarFileReader(str(path)) as tar:
        assert b"".join(tar.chunks("before")) == b"old"
    with TarFileReader(unfinished(str(path))) as part:
        assert part.digest("one") == Digest.of(b"1")
        assert part.digest("two") is None
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.tar", "t.tar.part"]


def test_tar_that_nobody_can_resume_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterator[bytes]:
        yield b"12345"
        raise InputError("the connection is gone")

    with pytest.raises(InputError, match="the connection is gone"):
        list(write_tar(str(tmp_path / "t.tar"), [("one", 10, breaks)], keep_unfinished=False))
    assert list(tmp_path.iterdir()) == []


def test_tar_that_succeeds_takes_the_unfinished_one_away(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    Path(unfinished(str(path))).write_bytes(b"half")
    write(path, CONTENTS)
    assert [p.name for p in tmp_path.iterdir()] == ["t.tar"]


def test_tar_that_is_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    write(path, {"whole": b"w", "cut": bytes(200_000)})
    path.write_bytes(path.read_bytes()[:100_000])
    with TarFileReader(str(path)) as tar:
        assert b"".join(tar.chunks("whole")) == b"w"
        assert tar.digest("cut") is None
        with pytest.raises(InputError, match=r"^unexpected EOF$"):
            list(tar.chunks("cut"))
        with pytest.raises(InputError, match=r"^file none not found in tar \(hint: "):
            tar.chunks("none")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"x" * 2000, "archive/tar: invalid tar header", id="something else"),
        pytest.param(b"x" * 20, "unexpected EOF", id="too short"),
    ],
)
def test_tar_that_is_none_is_an_error(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "t.tar").write_bytes(data)
    with pytest.raises(InputError, match=f"^{message}$"):
        TarFileReader(str(tmp_path / "t.tar"))


def test_tar_of_nothing_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "t.tar").write_bytes(b"")
    with TarFileReader(str(tmp_path / "t.tar")) as tar:
        assert "manifest.json" not in tar
    with pytest.raises(InputError, match="no such file or directory"):
        TarFileReader(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("name", "reason"), [("gone/t.tar", "no such file or directory"), ("", "is a directory")]
)
def test_tar_that_cannot_be_created_is_an_error(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    with pytest.raises(InputError) as caught:
        write(path, CONTENTS)
    assert str(caught.value) == f"Creating file '{path}': open {path}: {reason}"
    assert list(tmp_path.iterdir()) == []
