from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_INDEX,
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    Descriptor,
    manifest_of,
)
from lapstrake.registry.refusals import Refusal
from lapstrake.registry.shelf import Shelf
from lapstrake.registry.store import Store
from tests.registry.conftest import Clock

DAY = 86400.0
CONFIG = b"{}"


def add_blob(store: Store, repository: str, data: bytes) -> Digest:
    path = store.upload_path(repository)
    Path(path).write_bytes(data)
    digest = Digest.of(data)
    store.add_blob(repository, digest, path)
    return digest


def push(store: Store, repository: str, tag: str, layer: bytes, *, internal: bool = True) -> Digest:
    """An image as imgpkg pushes it: under its tag and its digest's."""
    add_blob(store, repository, CONFIG)
    descriptor = Descriptor(DOCKER_LAYER, len(layer), add_blob(store, repository, layer))
    manifest = manifest_of(CONFIG, [descriptor])
    store.put_manifest(repository, tag, DOCKER_MANIFEST, manifest.data)
    if internal:
        own = f"{manifest.digest.tag_prefix}.imgpkg"
        store.put_manifest(repository, own, DOCKER_MANIFEST, manifest.data)
    return manifest.digest


def content(tmp_path: Path) -> set[str]:
    return {name for _, _, names in os.walk(tmp_path / "content" / "blobs") for name in names}


def is_there(store: Store, repository: str, reference: str) -> bool:
    try:
        store.manifest(repository, reference)
    except Refusal as refusal:
        return refusal.code != "MANIFEST_UNKNOWN"
    return True


def test_manifest_is_found_by_tag_and_digest(store: Store) -> None:
    digest = push(store, "a/b", "v1", b"layer")
    assert store.manifest("a/b", "v1") == store.manifest("a/b", str(digest))
    assert store.manifest("a/b", "v1").media_type == DOCKER_MANIFEST


def test_tag_with_a_life_ends_with_all_that_imgpkg_made_for_it(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    digest = push(store, "app", "1d", b"layer")
    locations = push(store, "app", f"{digest.tag_prefix}.image-locations.imgpkg", b"where")
    clock.now += DAY - 1
    assert is_there(store, "app", "1d")
    clock.now += 1
    for reference in ("1d", str(digest), str(locations)):
        assert not is_there(store, "app", reference)
    assert store.tags("app") == []
    assert content(tmp_path) == set()


def test_sweep_says_what_ended(store: Store, clock: Clock) -> None:
    push(store, "app", "1d", b"layer")
    push(store, "app", "1w", b"other")
    assert store.sweep(clock.now) == []
    assert store.sweep(clock.now + 2 * DAY) == [("app", "1d")]


def test_push_of_an_ended_tag_works_again(store: Store, clock: Clock) -> None:
    push(store, "app", "1d", b"layer")
    clock.now += 2 * DAY
    assert not is_there(store, "app", "1d")
    push(store, "app", "1d", b"layer")
    clock.now += DAY - 1
    assert is_there(store, "app", "1d")


def test_push_begins_the_life_of_a_tag_anew(store: Store, clock: Clock) -> None:
    push(store, "app", "1d", b"layer")
    clock.now += DAY - 1
    push(store, "app", "1d", b"layer")
    clock.now += DAY - 1
    assert is_there(store, "app", "1d")


def test_manifest_stays_while_another_tag_holds_it(store: Store, clock: Clock, tmp_path: Path) -> None:
    digest = push(store, "app", "1h", b"layer")
    push(store, "app", "v1", b"layer")
    clock.now += DAY
    assert not is_there(store, "app", "1h")
    assert is_there(store, "app", str(digest))
    assert len(content(tmp_path)) == 3


def test_manifest_stays_while_an_index_names_it(store: Store, clock: Clock) -> None:
    digest = push(store, "app", "1h", b"layer")
    index = index_of(digest)
    store.put_manifest("app", "multi", DOCKER_INDEX, index)
    clock.now += DAY
    assert is_there(store, "app", str(digest))
    store.delete_manifest("app", str(Digest.of(index)))
    assert is_there(store, "app", f"{digest.tag_prefix}.imgpkg")


def test_what_a_tag_left_behind_ends_when_the_tag_would_have(store: Store, clock: Clock) -> None:
    old = push(store, "app", "1d", b"old")
    clock.now += DAY / 2
    new = push(store, "app", "1d", b"new")
    assert is_there(store, "app", str(old))
    clock.now += DAY / 2
    assert not is_there(store, "app", str(old))
    assert is_there(store, "app", str(new))
    assert len(store.tags("app")) == 2


def test_content_stays_while_another_repository_has_it(store: Store, clock: Clock) -> None:
    push(store, "one", "1h", b"layer")
    digest = push(store, "two", "v1", b"layer")
    clock.now += DAY
    store.sweep(clock.now)
    assert is_there(store, "two", str(digest))
    assert os.path.exists(store.blob("two", Digest.of(b"layer")))


def test_content_stays_for_a_push_that_has_no_manifest_yet(store: Store, clock: Clock) -> None:
    push(store, "one", "2h", b"layer")
    clock.now += 7200 - 3000
    digest = add_blob(store, "two", b"layer")
    clock.now += 3000
    assert store.sweep(clock.now) == [("one", "2h")]
    assert os.path.exists(store.blob("two", digest))


def test_blob_that_is_not_named_within_an_hour_is_swept(store: Store, clock: Clock, tmp_path: Path) -> None:
    push(store, "app", "v1", b"layer")
    digest = add_blob(store, "app", b"pushed, but never named")
    clock.now += 3599
    store.sweep(clock.now)
    assert digest.hex in content(tmp_path)
    clock.now += 1
    store.sweep(clock.now)
    assert digest.hex not in content(tmp_path)
    assert len(content(tmp_path)) == 3, "what a manifest names stays"


def test_blob_is_kept_as_long_as_more_is_coming_in(store: Store, clock: Clock, tmp_path: Path) -> None:
    digest = add_blob(store, "app", b"first layer")
    for _ in range(3):
        clock.now += 3000
        store.receiving("app")
        store.sweep(clock.now)
        assert digest.hex in content(tmp_path)
    clock.now += 3600
    store.sweep(clock.now)
    assert digest.hex not in content(tmp_path)


def test_damaged_files_do_not_stop_a_sweep(store: Store, clock: Clock, tmp_path: Path) -> None:
    digest = push(store, "app", "1h", b"layer")
    push(store, "app", "2h", b"other")
    root = tmp_path / "content"
    (root / "blobs" / digest.hex[:2] / digest.hex).write_bytes(b"nonsense")
    (root / "repositories" / "app" / "_tags" / "2h").write_bytes(b"nonsense")
    assert store.sweep(clock.now + DAY) == [("app", "1h"), ("app", "2h")]


def test_blob_that_was_just_asked_for_survives_a_sweep(store: Store, clock: Clock) -> None:
    push(store, "app", "1h", b"layer")
    clock.now += 3600
    store.blob("app", Digest.of(b"layer"))
    store.sweep(clock.now)
    assert os.path.exists(store.blob("app", Digest.of(b"layer")))
    store.sweep(clock.now + 301)
    with pytest.raises(Refusal, match="blob unknown"):
        store.blob("app", Digest.of(b"layer"))


def test_blob_that_just_came_survives_the_end_of_another_manifest_that_named_it(
    store: Store, clock: Clock
) -> None:
    digest = push(store, "app", "v1", b"layer")
    clock.now += DAY
    add_blob(store, "app", b"layer")
    store.delete_manifest("app", str(digest))
    push(store, "app", "v2", b"other")
    assert os.path.exists(store.blob("app", Digest.of(b"layer")))


def test_deletion_takes_the_tags_along(store: Store) -> None:
    digest = push(store, "app", "v1", b"layer")
    store.delete_manifest("app", str(digest))
    assert store.tags("app") == []
    with pytest.raises(Refusal):
        store.delete_manifest("app", str(digest))


def test_next_start_remembers_everything(store: Store, clock: Clock, tmp_path: Path) -> None:
    digest = push(store, "app", "1d", b"layer")
    again = Store(str(tmp_path / "content"), clock)
    assert again.manifest("app", "1d").digest == digest
    clock.now += DAY
    assert not is_there(again, "app", str(digest))


def test_push_goes_on_over_a_restart(store: Store, clock: Clock, tmp_path: Path) -> None:
    """A blob that was answered 201 is there for the manifest that comes after it."""
    digest = add_blob(store, "app", b"pushed, and not named yet")
    clock.now += DAY
    again = Store(str(tmp_path / "content"), clock)
    clock.now += 3599
    again.sweep(clock.now)
    assert digest.hex in content(tmp_path)
    clock.now += 1
    again.sweep(clock.now)
    assert content(tmp_path) == set()


def test_blob_that_a_push_found_is_kept_while_the_push_brings_others(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    push(store, "app", "1h", b"layer")
    clock.now += 3500
    store.blob("app", Digest.of(b"layer"))  # found there, so it is not sent again
    for _ in range(10):
        clock.now += 200
        store.receiving("app")
        store.sweep(clock.now)
    assert not is_there(store, "app", "1h")
    assert Digest.of(b"layer").hex in content(tmp_path)
    clock.now += 301
    store.sweep(clock.now)
    assert Digest.of(b"layer").hex not in content(tmp_path)


def index_of(*children: Digest) -> bytes:
    described = [{"mediaType": DOCKER_MANIFEST, "size": 1, "digest": str(child)} for child in children]
    return json.dumps({"schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": described}).encode()


def put_alone(store: Store, repository: str, layer: bytes) -> Digest:
    """An image by its digest, as it comes before the index that names it."""
    add_blob(store, repository, CONFIG)
    descriptor = Descriptor(DOCKER_LAYER, len(layer), add_blob(store, repository, layer))
    manifest = manifest_of(CONFIG, [descriptor])
    store.put_manifest(repository, str(manifest.digest), DOCKER_MANIFEST, manifest.data)
    return manifest.digest


def test_image_that_came_for_another_index_survives_the_end_of_the_first(store: Store, clock: Clock) -> None:
    child = put_alone(store, "app", b"shared")
    store.put_manifest("app", "1h", DOCKER_INDEX, index_of(child))
    clock.now += 3590
    put_alone(store, "app", b"shared")
    other = put_alone(store, "app", b"other")
    clock.now += 20
    assert not is_there(store, "app", "1h")
    store.put_manifest("app", "v2", DOCKER_INDEX, index_of(child, other))
    clock.now += DAY
    store.sweep(clock.now)
    assert is_there(store, "app", str(child))


def test_image_that_came_for_an_index_that_never_came_ends_a_little_later(store: Store, clock: Clock) -> None:
    child = put_alone(store, "app", b"shared")
    store.put_manifest("app", "1h", DOCKER_INDEX, index_of(child))
    clock.now += 3590
    put_alone(store, "app", b"shared")
    for seconds, there in ((20, True), (300, False)):
        clock.now += seconds
        store.sweep(clock.now)
        assert is_there(store, "app", str(child)) == there


def test_image_of_an_index_goes_with_it(store: Store, clock: Clock, tmp_path: Path) -> None:
    child = put_alone(store, "app", b"layer")
    store.put_manifest("app", "45s", DOCKER_INDEX, index_of(child))
    clock.now += 45
    assert not is_there(store, "app", str(child))


def test_next_start_clears_what_was_left_unfinished(store: Store, clock: Clock, tmp_path: Path) -> None:
    push(store, "app", "v1", b"layer")
    root = tmp_path / "content"
    Path(store.upload_path("app")).write_bytes(b"half")
    (root / "blobs" / "ff").mkdir(exist_ok=True)
    (root / "blobs" / "ff" / ("ff" + "0" * 62)).write_bytes(b"nobody's")
    (root / "repositories" / "app" / "_tags" / ".new-1").write_bytes(b"half")
    (root / "repositories" / "app" / "_tags" / "dangling").write_text('{"digest": "sha256:%s"' % ("0" * 64))
    again = Store(str(root), clock)
    again.sweep(clock.now)
    assert content(tmp_path) == {
        str(d)[7:] for d in (again.manifest("app", "v1").digest, Digest.of(CONFIG), Digest.of(b"layer"))
    }
    assert os.listdir(root / "uploads") == []
    assert [tag for tag in again.tags("app") if not tag.endswith(".imgpkg")] == ["v1"]


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/../b", "/a", "a/", "a//b", "A", "_blobs", "a/_tags/b", ".a", "a" * 256, "a\x00b", "a b"],
)
def test_names_that_are_none_are_refused(store: Store, name: str) -> None:
    with pytest.raises(Refusal) as caught:
        add_blob(store, name, b"x")
    assert caught.value.code == "NAME_INVALID"


@pytest.mark.parametrize("tag", ["..", ".hidden", "a/b", "-x", "x" * 129, ""])
def test_tags_that_are_none_are_refused(store: Store, tag: str) -> None:
    push(store, "app", "v1", b"layer")
    data = store.manifest("app", "v1").data
    with pytest.raises(Refusal) as caught:
        store.put_manifest("app", tag, DOCKER_MANIFEST, data)
    assert caught.value.code == "TAG_INVALID"
    assert not is_there(store, "app", tag)


def test_manifest_needs_what_it_names(store: Store) -> None:
    manifest = manifest_of(CONFIG, [])
    with pytest.raises(Refusal) as caught:
        store.put_manifest("app", "v1", DOCKER_MANIFEST, manifest.data)
    assert (caught.value.code, caught.value.detail) == ("MANIFEST_BLOB_UNKNOWN", str(Digest.of(CONFIG)))


def test_mount_gives_a_blob_to_another_repository(store: Store) -> None:
    digest = add_blob(store, "one", b"x")
    assert store.mount_blob("two", digest, "one")
    assert os.path.exists(store.blob("two", digest))
    assert not store.mount_blob("two", Digest.of(b"y"), "one")
    assert not store.mount_blob("two", digest, "../one")


SERVE = """
import sys
from lapstrake.registry.server import serve
running = serve("127.0.0.1", 0, sys.argv[1])
print(running.host, flush=True)
sys.stdin.read()
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path, clock: Clock) -> None:
    import urllib3

    folder = str(tmp_path / "content")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with server:
        assert server.stdout is not None
        url = f"http://{server.stdout.readline().decode().strip()}/v2/app"
        pool = urllib3.PoolManager()
        pool.request("POST", f"{url}/blobs/uploads/?digest={Digest.of(CONFIG)}", body=CONFIG)
        headers = {"Content-Type": DOCKER_MANIFEST}
        answer = pool.request(
            "PUT", f"{url}/manifests/v1", body=manifest_of(CONFIG, []).data, headers=headers
        )
        pool.clear()
        server.send_signal(signal.SIGKILL)
    assert answer.status == 201
    assert is_there(Store(folder, clock), "app", "v1")


def test_names_are_written_through_before_the_answer(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr("lapstrake.registry.shelf._sync_folder", synced.append)
    config = add_blob(store, "app", CONFIG)
    root = tmp_path / "content"
    assert {str(root / "blobs" / config.hex[:2]), str(root / "repositories/app/_blobs")} <= set(synced)
    synced.clear()
    store.mount_blob("other", config, "app")
    assert str(root / "repositories/other/_blobs") in synced
    synced.clear()
    manifest = manifest_of(CONFIG, [])
    for _ in range(2):  # the second time all folders are there
        synced.clear()
        store.put_manifest("app", "v1", DOCKER_MANIFEST, manifest.data)
    places = ("_manifests", "_tags")
    expected = {str(root / "blobs" / manifest.digest.hex[:2])}
    assert set(synced) == expected | {str(root / "repositories/app" / place) for place in places}


def test_manifest_whose_blob_goes_while_it_comes_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = add_blob(store, "app", CONFIG)
    draft = Shelf.draft

    def meanwhile(shelf: Shelf, data: bytes) -> str:
        with suppress(Refusal):
            store.delete_blob("app", config)
        return draft(shelf, data)

    monkeypatch.setattr(Shelf, "draft", meanwhile)
    with pytest.raises(Refusal) as caught:
        store.put_manifest("app", "v1", DOCKER_MANIFEST, manifest_of(CONFIG, []).data)
    assert caught.value.code == "MANIFEST_BLOB_UNKNOWN"
