from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.kapp.app import App, Change, app_of, change_text, timestamp

RECORDED = (
    '{"labelKey":"kapp.k14s.io/app","labelValue":"1795416818120107918","lastChangeName":"shop-change-5k8hm",'
    '"lastChange":{"startedAt":"2026-11-23T06:53:38.224417696Z","finishedAt":"2026-11-23T06:53:39.299085559Z",'
    '"successful":true,"description":"update: Op: 3 create, 0 delete, 0 update, 0 noop, 0 exists / '
    'Wait to: 3 reconcile, 0 delete, 0 noop","namespaces":["ks-deploy-new"]},'
    '"usedGVs":[{"Group":"apps","Version":"v1"},{"Group":"","Version":"v1"}],'
    '"usedGKs":[{"Group":"","Kind":"ConfigMap"},{"Group":"","Kind":"Service"},{"Group":"apps","Kind":"Deployment"}]}'
)


def config_map(spec: str) -> dict[str, object]:
    return {"metadata": {"name": "shop", "namespace": "n"}, "data": {"spec": spec}}


def test_recorded_app_is_read_and_written_back() -> None:
    assert app_of(config_map(RECORDED)).spec_text() == RECORDED


def test_new_app_as_recorded() -> None:
    assert App("same", "n", "1795419233135994022").spec_text() == (
        '{"labelKey":"kapp.k14s.io/app","labelValue":"1795419233135994022","lastChange":'
        '{"startedAt":"0001-01-01T00:00:00Z","finishedAt":"0001-01-01T00:00:00Z"},"usedGKs":[]}'
    )


def test_running_change_has_no_outcome() -> None:
    change = Change("2026-11-23T07:13:17.3Z", description="update: x", namespaces=("n",))
    assert change_text(change) == (
        '{"startedAt":"2026-11-23T07:13:17.3Z","finishedAt":"0001-01-01T00:00:00Z",'
        '"description":"update: x","namespaces":["n"]}'
    )


def test_foreign_config_map_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        app_of(config_map("not json"))
    assert str(caught.value) == "App 'shop' (namespace: n) did not contain parseable app metadata"


def test_timestamp_drops_final_zeros() -> None:
    assert timestamp(1795416818_120107900) == "2026-11-23T06:53:38.1201079Z"
    assert timestamp(1795416818_000000000) == "2026-11-23T06:53:38Z"
