"""Referrers, both digests and the counts of a store: what came with version 1.1 of the specification."""

from __future__ import annotations

import json
from pathlib import Path

from lapstrake.oci.digest import Digest
from lapstrake.oci.manifest import (
    DOCKER_FOREIGN_LAYER,
    DOCKER_MANIFEST,
    OCI_MANIFEST,
    Descriptor,
    manifest_of,
)
from lapstrake.registry.store import Store
from tests.registry.conftest import Clock
from tests.registry.test_store import CONFIG, DAY, add_blob, content, is_there, push


def refer(store: Store, repository: str, subject: Digest, tag: str = "") -> Digest:
    """A signature of ``subject``, by its digest or a tag."""
    add_blob(store, repository, CONFIG)
    value = {
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "size": 2,
            "digest": str(Digest.of(CONFIG)),
        },
        "layers": [],
        "subject": {"mediaType": DOCKER_MANIFEST, "size": 1, "digest": str(subject)},
    }
    data = json.dumps(value).encode()
    store.put_manifest(repository, tag or str(Digest.of(data)), OCI_MANIFEST, data)
    return Digest.of(data)


def referrers(store: Store, subject: Digest) -> list[Digest]:
    return [referrer.manifest.digest for referrer in store.referrers("app", subject)]


def test_referrers_survive_a_restart(store: Store, clock: Clock, tmp_path: Path) -> None:
    subject = push(store, "app", "v1", b"layer")
    signature = refer(store, "app", subject)
    again = Store(str(tmp_path / "content"), clock)
    again.sweep(clock.now)
    assert referrers(again, subject) == [signature]


def test_untagged_referrers_end_with_their_subject(store: Store, clock: Clock, tmp_path: Path) -> None:
    subject = push(store, "app", "1h", b"layer")
    signature = refer(store, "app", subject)
    countersignature = refer(store, "app", signature)
    clock.now += 3600
    for digest in (subject, signature, countersignature):
        assert not is_there(store, "app", str(digest))
    assert (referrers(store, subject), content(tmp_path)) == ([], set())


def test_tagged_referrers_outlive_their_subject(store: Store, clock: Clock) -> None:
    subject = push(store, "app", "1h", b"layer")
    signature = refer(store, "app", subject, "signature")
    clock.now += 3600
    assert not is_there(store, "app", str(subject))
    assert referrers(store, subject) == [signature]


def test_referrers_outlive_a_subject_that_is_deleted(store: Store) -> None:
    subject = push(store, "app", "v1", b"layer")
    signature = refer(store, "app", subject)
    store.delete_manifest("app", str(subject))
    assert referrers(store, subject) == [signature]


def test_layers_of_elsewhere_stay_when_they_were_pushed(store: Store, clock: Clock, tmp_path: Path) -> None:
    add_blob(store, "app", CONFIG)
    foreign = Descriptor(DOCKER_FOREIGN_LAYER, 5, add_blob(store, "app", b"layer"))
    store.put_manifest("app", "v1", DOCKER_MANIFEST, manifest_of(CONFIG, [foreign]).data)
    store.sweep(clock.now + DAY)
    assert Digest.of(b"layer").hex in content(tmp_path)


def test_both_digests_lie_side_by_side(store: Store, clock: Clock, tmp_path: Path) -> None:
    push(store, "app", "v1", b"layer")
    path = store.upload_path("app")
    Path(path).write_bytes(b"layer")
    digest = Digest.of(b"layer", "sha512")
    store.add_blob("app", digest, path)
    config = Descriptor("application/octet-stream", 5, digest)
    data = json.dumps({"config": {"size": 5, "digest": str(config.digest)}, "layers": []}).encode()
    manifest = Digest.of(data, "sha512")
    store.put_manifest("app", str(manifest), OCI_MANIFEST, data)
    again = Store(str(tmp_path / "content"), clock)
    again.sweep(clock.now)
    assert again.manifest("app", str(manifest)).data == data
    assert Path(again.blob("app", digest)).read_bytes() == b"layer"
    assert again.counts() == {
        "repositories": 1,
        "manifests": 2,
        "tags": 2,
        "contents": 5,
        "bytes": again.counts()["bytes"],
    }


def test_counts_follow_what_is_stored(store: Store, clock: Clock, tmp_path: Path) -> None:
    digest = push(store, "one", "v1", b"layer")
    push(store, "two", "v1", b"layer")
    size = sum(
        (tmp_path / "content" / "blobs" / name[:2] / name).stat().st_size for name in content(tmp_path)
    )
    assert store.counts() == {"repositories": 2, "manifests": 2, "tags": 4, "contents": 3, "bytes": size}
    for name in ("one", "two"):
        store.delete_manifest(name, str(digest))
    clock.now += 3600
    store.sweep(clock.now)
    assert store.counts() == {"repositories": 2, "manifests": 0, "tags": 0, "contents": 0, "bytes": 0}


def test_damaged_manifest_is_not_served_and_can_be_pushed_again(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    digest = push(store, "app", "v1", b"layer")
    root = tmp_path / "content"
    (root / "blobs" / digest.hex[:2] / digest.hex).write_bytes(manifest_of(CONFIG, []).data)
    again = Store(str(root), clock)
    assert not is_there(again, "app", "v1")
    assert not is_there(again, "app", str(digest))
    assert push(again, "app", "v1", b"layer") == digest
    assert is_there(again, "app", "v1")
