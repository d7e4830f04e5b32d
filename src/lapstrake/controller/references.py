"""Which Apps and PackageRepositories refer to which Secrets and ConfigMaps."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from lapstrake.controller.runtime import Key
from lapstrake.packaging import fetch_config

Object = Mapping[str, Any]
Target = tuple[str, str, str]
User = tuple[str, Key]


class References:
    """Kept up to date by :meth:`changed`; asked by :meth:`users`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[User, frozenset[Target]] = {}
        self._users: dict[Target, set[User]] = {}

    def changed(self, kind: str, key: Key, obj: Object | None) -> None:
        """``obj`` None: the object of that kind and key is gone."""
        user = (kind, key)
        targets = frozenset(_targets(key[0], obj)) if obj is not None else frozenset()
        with self._lock:
            for target in self._of.pop(user, frozenset()):
                self._users[target].discard(user)
                if not self._users[target]:
                    del self._users[target]
            if targets:
                self._of[user] = targets
            for target in targets:
                self._users.setdefault(target, set()).add(user)

    def users(self, kind: str, namespace: str, name: str) -> list[User]:
        """Kind and key of all that refer to this Secret or ConfigMap."""
        with self._lock:
            return sorted(self._users.get((kind, namespace, name), ()))


def _targets(namespace: str, obj: Object) -> Iterable[Target]:
    found = fetch_config.all_references(obj)
    yield from (("Secret", namespace, name) for name in found.secrets)
    yield from (("ConfigMap", namespace, name) for name in found.config_maps)
