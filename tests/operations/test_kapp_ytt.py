from __future__ import annotations

import pytest

from lapstrake.errors import InputError
from lapstrake.operations.kapp_ytt import KappYtt

JUDGE = """\
def is_done(resource):
  if resource.spec.size > 4:
    return {"done": True, "successful": False, "message": "too big"}
  end
  return {"done": True, "successful": True, "message": "fine"}
end
"""
OVERLAY = """\
#@ load("@ytt:data", "data")
#@ load("@ytt:overlay", "overlay")
#@overlay/match by=overlay.all
---
data:
  #@overlay/match missing_ok=True
  kept: #@ data.values.existing.data.kept
"""


@pytest.mark.parametrize(("size", "message"), [(4, "fine"), (5, "too big")])
def test_wait_rule(size: int, message: str) -> None:
    said = KappYtt().judge({"resource.star": JUDGE}, {"kind": "Widget", "spec": {"size": size}})
    assert said == {"done": True, "successful": size < 5, "message": message}


def test_wait_rule_must_answer_with_a_map() -> None:
    with pytest.raises(InputError, match="Expected is_done"):
        KappYtt().judge({"resource.star": "def is_done(resource):\n  return 1\nend\n"}, {})


def test_rebase_rule() -> None:
    new = {"kind": "ConfigMap", "data": {"a": "1"}}
    existing = {"kind": "ConfigMap", "data": {"kept": "precious"}}
    found = KappYtt().overlay({"overlay.yml": OVERLAY}, new, existing, existing)
    assert found == {"kind": "ConfigMap", "data": {"a": "1", "kept": "precious"}}
