from __future__ import annotations

import re
from pathlib import Path

import pytest

from lapstrake.packaging import crds

FACTS = Path(__file__).parents[3] / "shared" / "facts" / "crd-fields.md"


def paths(schema, prefix=""):
    for name, child in schema.get("properties", {}).items():
        yield from one(child, f"{prefix}{name}", name in schema.get("required", ()))


def one(schema, path, required):
    if schema["type"] == "array":
        yield from one(schema["items"], path + "[]", required)
        return
    if "additionalProperties" in schema:
        yield from one(schema["additionalProperties"], path + "{}", required)
        return
    yield path + ("*" if required else ""), schema["type"]
    yield from paths(schema, path + ".")


def recorded(kind):
    text = FACTS.read_text()
    section = re.search(rf"^## {kind} .*?(?=^## |\Z)", text, re.S | re.M).group(0)
    rows = re.findall(r"^((?:spec|status)[^:]*): (\w+)", section, re.M)
    return dict(rows)


@pytest.mark.skipif(not FACTS.exists(), reason="the recorded fields are not in this checkout")
@pytest.mark.parametrize("definition", crds.definitions(), ids=lambda d: d["spec"]["names"]["kind"])
def test_fields_are_those_recorded(definition):
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found = {path: kind for path, kind in paths(schema) if path.startswith(("spec", "status"))}
    assert found == recorded(definition["spec"]["names"]["kind"])


def test_unknown_fields_are_pruned():
    schema = crds.PACKAGE_SPEC
    value = {
        "version": "1",
        "no": 1,
        "licenses": ["x"],
        "template": {"spec": {"fetch": [{"inline": {"paths": {"a": "b"}}, "z": 1}]}},
        "valuesSchema": {"openAPIv3": {"free": {"form": 1}}},
    }
    assert crds.pruned(value, schema) == {
        "version": "1",
        "licenses": ["x"],
        "template": {"spec": {"fetch": [{"inline": {"paths": {"a": "b"}}}]}},
        "valuesSchema": {"openAPIv3": {"free": {"form": 1}}},
    }
