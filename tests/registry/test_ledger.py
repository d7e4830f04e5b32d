from __future__ import annotations

from lapstrake.oci.digest import Digest
from lapstrake.registry.ledger import Ledger, Repository
from lapstrake.registry.manifest import Inspected
from lapstrake.registry.shelf import Tag

ONE, TWO, LAYER, SUBJECT = (Digest.of(text) for text in (b"1", b"2", b"layer", b"subject"))


def inspected(subject: Digest | None = None) -> Inspected:
    return Inspected(False, (LAYER, LAYER), (LAYER,), subject)


def test_what_is_dropped_leaves_nothing_behind() -> None:
    ledger = Ledger()
    for digest in (ONE, TWO):
        ledger.add_content(digest, 10)
        ledger.add_manifest("app", digest, "text/plain", inspected(SUBJECT))
        ledger.set_tag("app", digest.hex[:8], Tag(digest, None))
    ledger.add_content(LAYER, 5)
    ledger.add_blob("app", LAYER)
    assert (ledger.bytes, ledger.repository("app").named[LAYER]) == (25, 2)
    assert ledger.repository("app").referrers == {SUBJECT: {ONE, TWO}}
    for digest in (ONE, TWO):
        ledger.drop_tag("app", digest.hex[:8])
        ledger.drop_manifest("app", digest)
        ledger.drop_content(digest)
    ledger.drop_blob("app", LAYER)
    ledger.drop_content(LAYER)
    assert ledger.repository("app") == Repository(ever_manifest=True)
    assert not any(ledger.is_held(digest) for digest in (ONE, TWO, LAYER))
    assert (ledger.bytes, ledger.sizes) == (0, {})


def test_pushing_again_counts_once() -> None:
    ledger = Ledger()
    for size, subject in ((10, None), (12, None), (12, SUBJECT), (12, SUBJECT)):
        ledger.add_content(ONE, size)
        ledger.add_manifest("app", ONE, "text/plain", inspected(subject))
        ledger.add_blob("app", LAYER)
        ledger.set_tag("app", "v1", Tag(ONE, None))
    found = ledger.repository("app")
    assert (ledger.bytes, found.named[LAYER], found.tagged) == (12, 1, {ONE: {"v1"}})
    ledger.set_tag("app", "v1", Tag(TWO, None))
    assert found.tagged == {TWO: {"v1"}}
    ledger.drop_manifest("app", ONE)
    ledger.drop_blob("app", LAYER)
    assert (ledger.is_held(ONE), ledger.is_held(LAYER), found.referrers) == (False, False, {})
