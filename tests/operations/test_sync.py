from __future__ import annotations

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest

from lapstrake.adapters.archives import unpack
from lapstrake.errors import InputError
from lapstrake.operations.fetch_image import Cache, ImageFetcher, Pulled
from lapstrake.operations.fetch_inline import fetch_inline
from lapstrake.operations.registry_login import RegistryLogin
from lapstrake.operations.sync import FetchRequest, SyncOptions, sync
from lapstrake.vendir.config import Config, Contents, Directory, References
from lapstrake.vendir.lock import Lock

DIGEST = "sha256:" + "ab" * 32


def inline(path: str, paths: dict[str, str], **more: object) -> Contents:
    return Contents(path, "inline", {"paths": paths}, **more)  # type: ignore[arg-type]


def run(base: Path, *contents: Contents, former: Lock | None = None, **options: object) -> Lock:
    config = Config((Directory("v", contents),))
    chosen = SyncOptions(base=str(base), **options)  # type: ignore[arg-type]
    return sync(config, References(), {"inline": fetch_inline}, chosen, former)


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_sync_replaces_what_was_there(tmp_path):
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "stale").write_text("s")
    lock = run(tmp_path, inline("a", {"f": "1", "sub/g": "2"}))
    assert tree(tmp_path) == {"v/a/f": "1", "v/a/sub/g": "2"}
    assert lock.find("v", "a").entry == {}
    assert os.stat(tmp_path / "v/a/sub").st_mode & 0o777 == 0o700


def test_contents_may_be_the_whole_directory(tmp_path):
    run(tmp_path, inline(".", {"f": "1"}))
    assert tree(tmp_path) == {"v/f": "1"}


def test_partial_sync_leaves_the_rest(tmp_path):
    run(tmp_path, inline("a", {"f": "1"}), inline("b", {"f": "2"}))
    run(tmp_path, inline("a", {"f": "3"}), partial=True)
    assert tree(tmp_path) == {"v/a/f": "3", "v/b/f": "2"}


def test_folders_above_a_partly_synced_directory_are_private(tmp_path):
    config = Config((Directory("w/z", (inline("a", {"f": "1"}),)),))
    sync(config, References(), {"inline": fetch_inline}, SyncOptions(base=str(tmp_path), partial=True))
    assert os.stat(tmp_path / "w").st_mode & 0o777 == 0o700


def test_filters_and_new_root(tmp_path):
    files = {"cmd/m.go": "m", "cmd/m_test.go": "t", "LICENSE": "l", "docs/a": "a"}
    run(
        tmp_path,
        inline("a", files, include_paths=("cmd/**",), exclude_paths=("**/*_test.go",)),
        inline("b", files, new_root_path="docs"),
    )
    assert tree(tmp_path / "v") == {"a/cmd/m.go": "m", "a/LICENSE": "l", "b/a": "a"}


def test_ignored_files_stay(tmp_path):
    run(tmp_path, inline("a", {"f": "1", "local/mine": "old"}))
    run(tmp_path, inline("a", {"f": "2"}, ignore_paths=("local/**",)))
    assert tree(tmp_path / "v") == {"a/f": "2", "a/local/mine": "old"}


def test_lazy_contents_are_kept_while_their_configuration_is_the_same(tmp_path):
    contents = inline("a", {"f": "1"}, lazy=True)
    lock = run(tmp_path, contents)
    (tmp_path / "v/a/f").write_text("changed by hand")
    lines: list[str] = []
    run(tmp_path, contents, former=lock, progress=lines.append)
    assert tree(tmp_path / "v") == {"a/f": "changed by hand"}
    assert lines == ["Skipping fetch: v + a (flagged as lazy, config has not changed since last sync)"]
    run(tmp_path, contents, former=lock, lazy=False)
    assert tree(tmp_path / "v") == {"a/f": "1"}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        pytest.param(
            inline("x", {"../../evil": "e"}),
            "Syncing directory 'v': Syncing directory 'x' with inline contents: Invalid path: ../../evil",
            id="path-that-leaves",
        ),
        pytest.param(
            inline("x", {"f": "1"}, include_paths=("g",)),
            "Syncing directory 'v': Filtering paths in directory 'x': Expected to find at least one file within directory",
            id="nothing-left",
        ),
        pytest.param(
            Contents("x", "hg", {"url": "u"}),
            "Syncing directory 'v': Syncing directory 'x' with hg contents: This source is not supported",
            id="unsupported",
        ),
    ],
)
def test_failure_names_the_chain_and_leaves_no_traces(tmp_path, contents, message):
    with pytest.raises(InputError) as caught:
        run(tmp_path, contents)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_links_out_of_the_directory_are_refused(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "f").write_text("f")
    (tmp_path / "src" / "out").symlink_to("../../src/f")
    with pytest.raises(InputError) as caught:
        run(tmp_path, Contents("s", "directory", {"path": "src"}))
    assert str(caught.value).startswith("Invalid symlink found to outside parent directory")
    run(tmp_path, Contents("s", "directory", {"path": "src"}), any_links=True)


def test_kept_files_lose_their_links(tmp_path):
    run(tmp_path, inline("a", {"f": "1"}))
    (tmp_path / "v/a/inside").symlink_to("f")
    (tmp_path / "v/a/outside").symlink_to("/etc/passwd")
    run(tmp_path, inline("a", {"g": "2"}, ignore_paths=("*side",)), any_links=True)
    assert not (tmp_path / "v/a/inside").is_symlink()
    assert (tmp_path / "v/a/inside").read_text() == "1"
    assert os.readlink(tmp_path / "v/a/outside") == "/etc/passwd"


def test_link_as_source_is_not_pruned_through(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious").write_text("p")
    (tmp_path / "src").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError) as caught:
        run(tmp_path, Contents("s", "directory", {"path": "src"}, exclude_paths=("precious",)))
    assert str(caught.value).endswith("/staging/s: not a directory")
    assert (tmp_path / "mine/precious").read_text() == "p"


def test_folder_is_not_copied_into_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = Config((Directory("v", (Contents("s", "directory", {"path": "."}),)),))
    with pytest.raises(InputError) as caught:
        sync(config, References(), {}, SyncOptions())
    assert str(caught.value).endswith("Expected '.' not to hold the place it is copied to")


def test_absolute_path_of_contents_counts_from_the_directory(tmp_path):
    run(tmp_path, inline("/a/b", {"f": "1"}))
    assert tree(tmp_path) == {"v/a/b/f": "1"}


@pytest.mark.parametrize("path", ["../out", "/etc/x"])
def test_directory_may_not_leave_the_base(tmp_path, path):
    base = tmp_path / "base"
    base.mkdir()
    config = Config((Directory(path, (inline("a", {"f": "1"}),)),))
    if path.startswith("/"):
        sync(config, References(), {"inline": fetch_inline}, SyncOptions(base=str(base)))
        assert tree(base) == {"etc/x/a/f": "1"}
    else:
        with pytest.raises(InputError) as caught:
            sync(config, References(), {"inline": fetch_inline}, SyncOptions(base=str(base)))
        assert str(caught.value) == "Syncing directory '../out': Invalid path: ../out"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base"]


def test_link_that_leads_out_stops_the_sync_before_the_next_directory(tmp_path):
    def fetch_link(request: FetchRequest) -> dict[str, str]:
        os.makedirs(request.into)
        os.symlink("/etc", os.path.join(request.into, "link"))
        return {}

    first = Directory("v", (Contents("x", "git", {"url": "u"}),))
    config = Config((first, Directory("w", (inline("a", {"f": "1"}),))))
    fetchers = {"git": fetch_link, "inline": fetch_inline}
    with pytest.raises(InputError, match=r"^Invalid symlink found to outside parent directory"):
        sync(config, References(), fetchers, SyncOptions(base=str(tmp_path)))
    assert sorted(os.listdir(tmp_path)) == ["v"]


def test_ignored_link_to_nothing_is_refused_before_anything_is_replaced(tmp_path):
    (tmp_path / "v/a").mkdir(parents=True)
    (tmp_path / "v/a/old").write_text("1")
    (tmp_path / "v/a/link").symlink_to("none")
    with pytest.raises(InputError, match=r"Unable to read file info: .*/v/a/link$"):
        run(tmp_path, inline("a", {"f": "1"}, ignore_paths=("link",)))
    assert (tmp_path / "v/a/old").exists()


def test_absent_source_is_named_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = Config((Directory("v", (Contents("a", "directory", {"path": "./none/"}),)),))
    with pytest.raises(InputError) as caught:
        sync(config, References(), {}, SyncOptions())
    assert str(caught.value).endswith("directory 'a': lstat ./none/: no such file or directory")


def test_manual_contents_may_not_be_the_whole_of_a_directory(tmp_path):
    (tmp_path / "v").mkdir()
    (tmp_path / "v/f").write_text("1")
    with pytest.raises(InputError) as caught:
        run(tmp_path, Contents(".", "manual"))
    assert str(caught.value).startswith(
        f"Syncing directory 'v': Moving directory '{tmp_path}/v' to staging dir: "
    )
    assert str(caught.value).endswith("/staging: file exists")
    assert tree(tmp_path) == {"v/f": "1"}


def test_directory_cannot_be_put_below_a_file(tmp_path):
    (tmp_path / "p").touch()
    config = Config((Directory("p/v", (inline("a", {"f": "1"}),)),))
    with pytest.raises(InputError) as caught:
        sync(config, References(), {"inline": fetch_inline}, SyncOptions(base=str(tmp_path)))
    target = tmp_path / "p/v"
    assert str(caught.value) == (
        f"Syncing directory 'p/v': Deleting dir {target}: unlinkat {target}: not a directory"
    )


def test_missing_new_root_names_what_is_there(tmp_path):
    files = {"f": "1", "config/a": "2", ".git/b": "3"}
    with pytest.raises(InputError) as caught:
        run(tmp_path, inline(".", files, new_root_path="none"))
    assert str(caught.value) == (
        "Syncing directory 'v': Changing to new root path '.': "
        "Expected directory 'none' (subpath) to exist (found other directories: .git, config)"
    )


def test_new_root_may_not_be_a_link_that_leads_out(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("k")

    def fetch_link(request: FetchRequest) -> dict[str, str]:
        os.makedirs(request.into)
        os.symlink(secret, os.path.join(request.into, "link"))
        return {}

    base = tmp_path / "base"
    base.mkdir()
    contents = Contents("x", "git", {"url": "u"}, new_root_path="link")
    config = Config((Directory("v", (contents,)),))
    with pytest.raises(InputError) as caught:
        sync(config, References(), {"git": fetch_link}, SyncOptions(base=str(base)))
    assert str(caught.value) == "Syncing directory 'v': Changing to new root path 'x': Invalid path: link"
    assert (secret / "key").exists()


class OneImage:
    """A registry with one image of one file."""

    def __init__(self) -> None:
        self.pulls: list[str] = []
        self.closed = False

    def tags(self, repository: str) -> list[str]:
        return ["v1.0.0", "v1.2.0", "main"]

    def pull_image(self, reference: str, into: str) -> Pulled:
        self.pulls.append(reference)
        os.makedirs(into)
        Path(into, "f").write_text("content")
        return Pulled(f"{reference.partition('@')[0].rpartition(':')[0] or reference}@{DIGEST}")

    def pull_bundle(self, reference: str, into: str, *, recursive: bool) -> Pulled:
        return self.pull_image(reference, into)

    def close(self) -> None:
        self.closed = True


def request(tmp_path: Path, source: dict[str, object], **more: object) -> FetchRequest:
    return FetchRequest(Contents("a", "image", source, **more), str(tmp_path / "a"), str(tmp_path))  # type: ignore[arg-type]


def test_selected_tag_is_pulled_and_locked(tmp_path):
    images = OneImage()
    fetch = ImageFetcher("image", lambda login: images)
    entry = fetch(request(tmp_path, {"url": "e.test/app", "tagSelection": {"semver": {}}}))
    assert images.pulls == ["e.test/app:v1.2.0"]
    assert images.closed
    assert entry == {"url": f"e.test/app@{DIGEST}", "tag": "v1.2.0"}


def test_repository_of_a_selection_must_be_one(tmp_path):
    source = {"url": "e.test/UP", "tagSelection": {"semver": {}}}
    with pytest.raises(InputError) as caught:
        ImageFetcher("image", lambda login: OneImage())(request(tmp_path, source))
    assert str(caught.value) == "could not parse reference: e.test/UP"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("e.test/UP", "could not parse reference: e.test/UP", id="reference"),
        pytest.param(
            "https://e.test/app:v1",
            "Fetching image: Reference 'https://e.test/app:v1' should not include https:// protocol prefix",
            id="protocol",
        ),
    ],
)
def test_unusable_reference_is_told_before_a_missing_secret(tmp_path, url, message):
    source = {"url": url, "secretRef": {"name": "none"}}
    with pytest.raises(InputError) as caught:
        ImageFetcher("image", lambda login: OneImage())(request(tmp_path, source))
    assert str(caught.value) == message


def test_cache_asks_no_registry(tmp_path):
    images = OneImage()
    cache = Cache(str(tmp_path / "cache"))
    fetch = ImageFetcher("image", lambda login: images, cache)
    fetch(request(tmp_path, {"url": f"e.test/app@{DIGEST}"}))
    elsewhere = FetchRequest(
        Contents("b", "image", {"url": f"other.test/app@{DIGEST}"}), str(tmp_path / "b"), str(tmp_path)
    )
    assert fetch(elsewhere) == {"url": f"other.test/app@{DIGEST}"}
    assert len(images.pulls) == 1
    assert (tmp_path / "b" / "f").read_text() == "content"


def test_cached_image_is_locked_as_it_is_named(tmp_path):
    cache = Cache(str(tmp_path / "cache"))
    fetch = ImageFetcher("image", lambda login: OneImage(), cache)
    source = {"url": f"e.test/app:v1@{DIGEST}"}
    assert fetch(request(tmp_path, source)) == {"url": f"e.test/app@{DIGEST}", "tag": "v1"}
    assert fetch(request(tmp_path, source)) == {"url": f"e.test/app:v1@{DIGEST}", "tag": "v1"}


def test_login_comes_from_the_secret(tmp_path):
    logins: list[RegistryLogin] = []

    def open_images(login: RegistryLogin) -> OneImage:
        logins.append(login)
        return OneImage()

    source = {"url": "e.test/app:v1", "secretRef": {"name": "s"}}
    references = References({"s": {"username": b"me", "password": b"secret"}})
    ImageFetcher("image", open_images)(
        FetchRequest(
            Contents("a", "image", source), str(tmp_path / "a"), str(tmp_path), references=references
        )
    )
    assert logins == [RegistryLogin({"IMGPKG_USERNAME": "me", "IMGPKG_PASSWORD": "secret"})]


def test_archive_that_leads_out_is_refused(tmp_path):
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w") as opened:
        member = tarfile.TarInfo("../evil")
        member.size = 1
        opened.addfile(member, io.BytesIO(b"x"))
    (tmp_path / "into").mkdir()
    with pytest.raises(InputError) as caught:
        unpack(str(archive), str(tmp_path / "into"))
    assert str(caught.value) == "Invalid path: ../evil"


def test_cache_keeps_nothing_of_a_copy_that_failed(tmp_path, monkeypatch):
    def break_off(source, target, symlinks):
        os.mkdir(target)
        (Path(target) / "half").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = Cache(str(tmp_path / "cache"))
    (tmp_path / "source").mkdir()
    with monkeypatch.context() as patched:
        patched.setattr("shutil.copytree", break_off)
        with pytest.raises(InputError, match=r"^mkdir .*cache.*: no space left on device$"):
            cache.keep("image", "sha256:1", str(tmp_path / "source"))
    assert not cache.take("image", "sha256:1", str(tmp_path / "into"))
    assert not list((tmp_path / "cache").rglob("*half*"))


def test_disk_that_is_full_is_told(tmp_path):
    def fetch(request):
        raise OSError(errno.ENOSPC, "No space left on device")

    config = Config((Directory("v", (Contents("a", "http", {}),)),))
    with pytest.raises(InputError) as caught:
        sync(config, References(), {"http": fetch}, SyncOptions(base=str(tmp_path)))
    assert str(caught.value) == "Syncing directory 'v': Writing content: no space left on device"
    assert os.listdir(tmp_path) == []


def test_directory_whose_place_cannot_be_taken_stays(tmp_path, monkeypatch):
    run(tmp_path, inline("a", {"f": "1"}))

    def refuse(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.move", refuse)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, inline("a", {"f": "2"}))
    assert tree(tmp_path) == {"v/a/f": "1"}
    assert os.listdir(tmp_path) == ["v"]
