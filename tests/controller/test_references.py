from __future__ import annotations

from lapstrake.controller.references import References

KEY = ("ns", "app")


def app(*secrets):
    values = [{"secretRef": {"name": name}} for name in secrets]
    return {"spec": {"template": [{"ytt": {"valuesFrom": values}}]}}


def test_users_follow_the_objects():
    references = References()
    references.changed("App", KEY, app("a", "b"))
    assert references.users("Secret", "ns", "a") == [("App", KEY)]
    references.changed("App", KEY, app("b"))
    assert references.users("Secret", "ns", "a") == []
    assert references.users("Secret", "other", "b") == []
    references.changed("App", KEY, None)
    assert references.users("Secret", "ns", "b") == []


def test_kinds_with_the_same_key_are_told_apart():
    references = References()
    references.changed("App", KEY, app("a"))
    repository = {"spec": {"fetch": {"image": {"url": "x", "secretRef": {"name": "a"}}}}}
    references.changed("PackageRepository", KEY, repository)
    assert references.users("Secret", "ns", "a") == [("App", KEY), ("PackageRepository", KEY)]
