from __future__ import annotations

from typing import Any

from lapstrake.kapp.changes import Change, DiffRules, Strategies
from lapstrake.kapp.labels import Key, key_of, record_annotations
from lapstrake.kapp.plan import planned
from lapstrake.kapp.waits import Progress, ongoing, succeeded
from lapstrake.kube.resource import Resource

RULES = DiffRules()


def config_map(name: str, value: str = "1", **annotations: str) -> dict[str, Any]:
    found = {f"kapp.k14s.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
    metadata = {"name": name, "namespace": "n", **({"annotations": found} if found else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}}


def applied(given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """As the cluster has it after kapp applied ``given``, with what the server filled in."""
    obj = {**given, **fields, "metadata": {**given["metadata"], "uid": "u", "resourceVersion": "1"}}
    annotations = record_annotations(given, Resource(obj), RULES.md5(given, obj))
    obj["metadata"]["annotations"] = {**obj["metadata"].get("annotations", {}), **annotations}
    return obj


def existing(*objects: dict[str, Any]) -> dict[Key, dict[str, Any]]:
    return {key_of(Resource(obj)): obj for obj in objects}


def shown(changes: list[Change]) -> list[str]:
    return [f"{change.op} {change.resource.name}" for change in changes]


def plan(
    given: list[dict[str, Any]], found: dict[Key, dict[str, Any]], state: Progress | None = None
) -> list[Change]:
    strategies = Strategies(progress=lambda _: state or succeeded())
    return planned(given, found, rules=RULES, strategies=strategies)


def test_create_update_delete_in_this_order() -> None:
    found = existing(applied(config_map("gone")), applied(config_map("changed")), applied(config_map("same")))
    given = [config_map("new"), config_map("changed", "2"), config_map("same")]
    assert shown(plan(given, found)) == ["create new", "update changed", "delete gone"]


def test_defaults_of_the_server_are_no_difference() -> None:
    assert plan([config_map("a")], existing(applied(config_map("a"), immutable=False))) == []


def test_somebody_elses_change_is_a_difference() -> None:
    touched = {**applied(config_map("a"), immutable=False), "immutable": True}
    [change] = plan([config_map("a")], existing(touched))
    assert (change.op, change.left and change.left["immutable"]) == ("update", True)


def test_unfinished_resource_is_waited_for() -> None:
    [change] = plan([config_map("a")], existing(applied(config_map("a"))), ongoing("soon"))
    assert (change.op, change.wait) == ("noop", "reconcile")


def test_external_resource() -> None:
    given = [config_map("a", exists="")]
    assert shown(plan(given, {})) == ["exists a"]
    assert plan(given, existing(config_map("a"))) == []


def test_resource_that_is_somebody_elses_business() -> None:
    assert plan([config_map("a", "2", noop="")], existing(applied(config_map("a")))) == []


def test_version_is_made_only_of_new_content() -> None:
    first = config_map("conf", versioned="")
    one = applied({**first, "metadata": {**first["metadata"], "name": "conf-ver-1"}})
    assert plan([first], existing(one)) == []
    [change] = plan([config_map("conf", "2", versioned="")], existing(one))
    assert shown([change]) == ["create conf-ver-2"]
    assert change.left is not None
    assert change.left["data"] == {"v": "1"}


def test_kept_original_beside_its_version() -> None:
    given = [config_map("conf", versioned="", versioned_keep_original="")]
    assert shown(plan(given, {})) == ["create conf-ver-1", "create conf"]


def test_references_follow_the_version() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {
            "volumes": [
                {"name": "v", "configMap": {"name": "conf"}},
                {"name": "w", "configMap": {"name": "x"}},
            ]
        },
    }
    changes = plan([config_map("conf", versioned=""), pod], {})
    assert changes[1].new is not None
    assert [volume["configMap"]["name"] for volume in changes[1].new["spec"]["volumes"]] == [
        "conf-ver-1",
        "x",
    ]
