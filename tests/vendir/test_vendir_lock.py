from __future__ import annotations

from dataclasses import replace

import pytest

from lapstrake.errors import InputError
from lapstrake.vendir.config import Config, Contents, Directory
from lapstrake.vendir.lock import Lock, LockedContents, LockedDirectory, apply, chosen, parse


def lock_of(*contents: LockedContents) -> Lock:
    return Lock((LockedDirectory("v", contents),))


def config_of(*contents: Contents) -> Config:
    return Config((Directory("v", contents),))


def test_lock_is_read_as_it_was_printed():
    lock = lock_of(
        LockedContents("a", "git", {"sha": "abc", "commitTitle": "one...", "tags": ["v1"]}),
        LockedContents("b", "inline", {}, "0123"),
    )
    assert parse(lock.printed()) == lock


def test_git_is_pinned_to_the_commit():
    config = config_of(Contents("a", "git", {"url": "u", "refSelection": {"semver": {}}}))
    locked = apply(config, lock_of(LockedContents("a", "git", {"sha": "abc"})))
    assert locked.directories[0].contents[0].source == {
        "url": "u",
        "ref": "abc",
        "refSelection": {"semver": {}},
    }


def test_image_is_pinned_and_keeps_its_tag():
    config = config_of(Contents("a", "image", {"url": "u", "tagSelection": {"semver": {}}}))
    (contents,) = (
        apply(config, lock_of(LockedContents("a", "image", {"url": "u@d", "tag": "v1"})))
        .directories[0]
        .contents
    )
    assert contents.source == {"url": "u@d"}
    assert contents.locked_tag == "v1"


@pytest.mark.parametrize(
    ("locked", "message"),
    [
        pytest.param(
            LockedContents("b", "git", {"sha": "x"}),
            "Expected to find contents 'a' within directory 'v' in lock config, but did not",
            id="contents",
        ),
        pytest.param(
            LockedContents("a", "inline", {}), "Expected git lock configuration to be non-empty", id="kind"
        ),
        pytest.param(LockedContents("a", "git", {"sha": ""}), "Expected git SHA to be non-empty", id="sha"),
        pytest.param(
            LockedContents("a", "", {}), "Expected git lock configuration to be non-empty", id="nothing"
        ),
    ],
)
def test_lock_that_does_not_fit_is_refused(locked, message):
    with pytest.raises(InputError) as caught:
        apply(config_of(Contents("a", "git", {"url": "u", "ref": "main"})), lock_of(locked))
    assert str(caught.value) == message


def test_missing_bundle_is_told_as_an_image():
    own = Contents("a", "imgpkgBundle", {"image": "e.test/app"})
    with pytest.raises(InputError) as caught:
        apply(config_of(own), lock_of(LockedContents("a", "", {})))
    assert str(caught.value) == "Expected image lock configuration to be non-empty"


def test_merging_replaces_and_appends():
    older = lock_of(LockedContents("a", "git", {"sha": "1"}), LockedContents("b", "inline", {}))
    newer = lock_of(LockedContents("a", "git", {"sha": "2"}), LockedContents("c", "inline", {}))
    merged = older.merged(newer).directories[0].contents
    assert [(c.path, c.entry) for c in merged] == [("a", {"sha": "2"}), ("b", {}), ("c", {})]


def test_entry_for_the_same_folder_is_replaced_wherever_it_stands():
    older = Lock((LockedDirectory("v/a", (LockedContents(".", "manual", {}),)),))
    newer = lock_of(LockedContents("a", "inline", {}), LockedContents("b", "inline", {}))
    assert [(d.path, [(c.path, c.kind) for c in d.contents]) for d in older.merged(newer).directories] == [
        ("v/a", [("a", "inline")]),
        ("v", [("a", "inline"), ("b", "inline")]),
    ]


def test_chosen_contents_need_no_minimum_version():
    config = replace(config_of(Contents("a", "inline")), minimum_version="0.1.0")
    assert chosen(config, [("v/a", "")]).minimum_version == ""


def test_chosen_contents_can_come_from_a_local_folder():
    config = config_of(Contents("a", "inline", new_root_path="x", permissions=0), Contents("b", "inline"))
    (only,) = chosen(config, [("v/a", "mine")]).directories[0].contents
    assert (only.path, only.kind, only.source) == ("a", "directory", {"path": "mine"})
    assert (only.new_root_path, only.permissions) == ("", None)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param(("v", ""), "Expected to match path 'v' once, but did not match any", id="directory"),
        pytest.param(
            ("v/x", "mine"),
            "Overriding 'v/x' with local directory: Expected to match exactly one directory, but did not match any",
            id="local",
        ),
    ],
)
def test_choice_of_nothing_is_refused(wanted, message):
    with pytest.raises(InputError) as caught:
        chosen(config_of(Contents("a", "inline")), [wanted])
    assert str(caught.value) == message


def test_lock_of_another_kind_is_refused():
    with pytest.raises(InputError) as caught:
        parse("apiVersion: vendir.k14s.io/v1alpha1\nkind: Lock\n")
    assert str(caught.value) == "Validating lock config: Validating kind: Unknown kind (known: LockConfig)"
