"""The MD5s that the original kapp recorded on objects; ours must be the same, so that each reads the other's apps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lapstrake.kapp.changes import DiffRules
from lapstrake.kapp.labels import ORIGINAL, recorded_original
from lapstrake.kube.resource import Resource
from lapstrake.yamldoc.plain import load_all

_DUMPS = Path(__file__).parents[3] / "shared" / "reference" / "guide" / "dumps"
LABELS = {"kapp.k14s.io/app": "1"}


def given(kind: str, **parts: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x", "labels": LABELS}, **parts}


def applied(kind: str, annotations: dict[str, str] | None = None, **parts: Any) -> dict[str, Any]:
    obj = given(kind, **parts)
    obj["metadata"] |= {
        "uid": "u",
        "resourceVersion": "1",
        **({"annotations": annotations} if annotations else {}),
    }
    return obj


@pytest.mark.parametrize(
    ("original", "found", "md5"),
    [
        pytest.param(
            given("ConfigMap"),
            applied("ConfigMap"),
            "c6e94dc94aed3401b5d0f26ed6c0bff3",
            id="nothing-filled-in",
        ),
        pytest.param(
            {**given("ConfigMap"), "metadata": {"name": "x", "labels": LABELS, "annotations": {"a": "b"}}},
            applied("ConfigMap", {"a": "b"}),
            "58e0494c51d30eb3494f7c9198986bb9",
            id="with-annotations",
        ),
        pytest.param(
            given("Secret", data={"bin": "YmJi"}, stringData={"pass": "same", "user": "bob"}),
            applied("Secret", data={"bin": "YmJi", "pass": "c2FtZQ==", "user": "Ym9i"}, type="Opaque"),
            "9b0a8a4435353c36730d65ac01c07da8",
            id="secret",
        ),
    ],
)
def test_md5_of_a_recorded_difference(original: dict[str, Any], found: dict[str, Any], md5: str) -> None:
    assert DiffRules().md5(original, found) == md5


def recorded() -> Iterator[dict[str, Any]]:
    """All objects of the guide's dumps that carry a record."""
    for path in sorted(_DUMPS.glob("*.yaml")):
        for document in load_all(path.read_bytes(), path.name):
            for obj in document.get("items", [document]):
                if ORIGINAL in Resource(obj).annotations:
                    yield obj


@pytest.mark.skipif(not _DUMPS.is_dir(), reason="the recordings of the guide are not there")
def test_md5_of_every_object_of_the_guide() -> None:
    wrong = []
    count = 0
    for obj in recorded():
        original = recorded_original(Resource(obj))
        assert original is not None, json.dumps(obj["metadata"])
        count += 1
        if DiffRules().md5(original[0], obj) != original[1]:
            wrong.append(str(Resource(obj)))
    assert (wrong, count > 30) == ([], True)
