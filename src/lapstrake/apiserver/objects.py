"""The operations on objects: what HTTP requests and the server's own controllers do to the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from lapstrake.apiserver import metadata, rules, status
from lapstrake.apiserver.admission import Admit, admitted
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.reading import NAMESPACES, Reading, at_rest, seen, unstored
from lapstrake.apiserver.requests import Call
from lapstrake.apiserver.resources import Registry, Served
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import Collection, Key, Store, Stored
from lapstrake.apiserver.times import rfc3339
from lapstrake.kube.types import ResourceType

Prepare = Callable[[dict[str, Any], Mapping[str, Any] | None], None]
"""``(new, old)``: complete in place what the server decides about objects of one collection."""

Guard = Callable[[User, ResourceType, Mapping[str, Any], Mapping[str, Any] | None], None]
"""``(user, rt, object, old)``: raises Forbidden for what the user may not write."""

Change = Callable[[Stored], dict[str, Any]]
"""From the live object to what it shall become."""

_NAME_ATTEMPTS = 8
_STATUS_FROM_CLIENT = frozenset({Collection("", "nodes")})
"""Created with the status they are given."""


class Objects:
    """Creates, changes and reads objects by the rules of their kinds."""

    def __init__(self, store: Store, registry: Registry, clock: Callable[[], datetime]) -> None:
        self.store = store
        self.registry = registry
        self.reading = Reading(store, registry)
        self.clock = clock
        self.hooks: list[Admit] = []
        self.guards: list[Guard] = []
        self.preparations: dict[Collection, Prepare] = {}

    # -- reading

    def get(self, served: Served, namespace: str, name: str) -> Stored:
        found = self.reading.get(served, namespace, name)
        if found is None:
            raise not_found(served, name)
        return found

    # -- creating

    def create(
        self, served: Served, namespace: str, body: Any, call: Call, *, repeated: tuple[str, ...] = ()
    ) -> Stored:
        """The new object. ``body`` is what the client sent, decoded from JSON, and is not kept.

        ``repeated``: the fields that its text gave more than once.
        """
        obj = rules.decoded(served, body, call, repeated)
        self._check_place(served, obj, namespace)
        meta = obj["metadata"]
        if meta.get("resourceVersion"):
            raise status.internal("resourceVersion should not be set on objects to be created")
        base = "" if meta.get("name") else meta.get("generateName", "")
        for attempt in range(_NAME_ATTEMPTS):
            if base:
                meta["name"] = metadata.generated_name(base)
            try:
                return self.create_decoded(served, namespace, obj, call)
            except ApiError as refusal:
                if not base or refusal.reason != "AlreadyExists" or attempt + 1 == _NAME_ATTEMPTS:
                    raise
        raise AssertionError("the loop returns or raises")

    def create_decoded(
        self, served: Served, namespace: str, obj: dict[str, Any], call: Call, *, owned: bool = False
    ) -> Stored:
        """Create what has been decoded. ``owned``: its managedFields are those that it shall have."""
        with self.store.transaction():
            self._require_home(served, namespace, obj)
            if served.terminating:
                text = "create not allowed while custom resource definition is terminating"
                raise status.forbidden(
                    served.rt.plural, obj["metadata"].get("name", ""), served.rt.group, text
                )
            metadata.stamp(served, obj, self.clock())
            if served.status and served.collection not in _STATUS_FROM_CLIENT:
                obj.pop("status", None)
            _require_name(served, obj)
            obj = rules.defaulted(served, obj)
            if not owned:
                rules.own_created(served, obj, call, rfc3339(self.clock()))
            obj = self._prepared(served, "CREATE", obj, None)
            self._guard(served, obj, None, call)
            self._validate(served, obj, None)
            name = obj["metadata"]["name"]
            key = served.key(namespace, name)
            if (existing := self.store.get(key)) is not None:
                deleting = "deletionTimestamp" in existing.object["metadata"]
                raise status.already_exists(served.rt.plural, name, served.rt.group, deleting=deleting)
            if call.dry_run:
                return unstored(obj)
            return seen(served, self.store.put(key, at_rest(served, obj), expected=0))

    def _check_place(self, served: Served, obj: dict[str, Any], namespace: str) -> None:
        """The namespace of the path holds; the object may only repeat it."""
        meta = obj["metadata"]
        if not served.rt.namespaced:
            if meta.get("namespace"):
                raise status.bad_request(_WRONG_NAMESPACE)
            meta.pop("namespace", None)
        elif meta.setdefault("namespace", namespace) != namespace:
            if meta["namespace"]:
                raise status.bad_request(_WRONG_NAMESPACE)
            meta["namespace"] = namespace

    def _require_home(self, served: Served, namespace: str, obj: Mapping[str, Any]) -> None:
        if not served.rt.namespaced:
            return
        home = self.store.get(Key(NAMESPACES, "", namespace))
        if home is None:
            raise status.not_found("namespaces", namespace)
        if "deletionTimestamp" in home.object["metadata"]:
            name = obj["metadata"].get("name", "")
            raise status.namespace_terminating(served.rt.plural, name, served.rt.group, namespace)

    # -- changing

    def replace(
        self,
        served: Served,
        namespace: str,
        name: str,
        body: Any,
        call: Call,
        subresource: str = "",
        *,
        repeated: tuple[str, ...] = (),
    ) -> Stored:
        """PUT of the object or of its status."""
        obj = rules.decoded(served, body, call, repeated)
        self._check_place(served, obj, namespace)
        if obj["metadata"].setdefault("name", name) != name:
            sent = obj["metadata"]["name"]
            raise status.bad_request(
                f"the name of the object ({sent}) does not match the name on the URL ({name})"
            )

        def change(live: Stored) -> dict[str, Any]:
            self._check_version(served, obj, live)
            return obj

        return self.modify(served, namespace, name, change, call, subresource)

    def _check_version(self, served: Served, obj: Mapping[str, Any], live: Stored) -> None:
        rt, meta = served.rt, obj["metadata"]
        version = meta.get("resourceVersion", "")
        if not version and served.custom:
            found = status.cause(
                "FieldValueInvalid",
                "metadata.resourceVersion",
                "Invalid value: 0: must be specified for an update",
            )
            raise status.invalid(rt.plural, rt.group, meta["name"], [found])
        uid, lived = meta.get("uid", ""), live.object["metadata"]["uid"]
        if uid and uid != lived:
            raise status.conflict(rt.plural, meta["name"], rt.group, _uid_text(served, live, uid))
        if version and version != str(live.version):
            raise status.conflict(rt.plural, meta["name"], rt.group)

    def modify(
        self,
        served: Served,
        namespace: str,
        name: str,
        change: Change,
        call: Call,
        subresource: str = "",
        *,
        owned: bool = False,
    ) -> Stored:
        """Turn the live object into what ``change`` makes of a copy, and write that if it differs.

        Only the part that ``subresource`` covers changes. The last state of an object that goes with its last
        finalizer is answered as well. ``owned``: ``change`` has settled the managedFields.
        """
        key = served.key(namespace, name)
        with self.store.transaction():
            found = self.store.get(key)
            if found is None:
                raise not_found(served, name)
            live = seen(served, found)
            new = change(live)
            version = new["metadata"].get("resourceVersion")
            if version and version != str(live.version):
                raise status.conflict(served.rt.plural, name, served.rt.group)
            new = self._changed(served, new, live, call, subresource, owned=owned)
            if _same(new, live.object):
                return live
            if call.dry_run:
                new["metadata"]["resourceVersion"] = str(live.version)
                return unstored(new)
            if is_finished(new):
                gone = self.store.delete(key, expected=live.version, last=at_rest(served, new))
                return seen(served, gone) if gone is not None else live
            return seen(served, self.store.put(key, at_rest(served, new), expected=live.version))

    def amend(self, key: Key, change: Callable[[dict[str, Any]], None]) -> Stored | None:
        """A controller's own change of the live object, past all rules; None if the object is not there.

        ``change`` works on a copy, in place. An object that has nothing left to wait for goes.
        """
        with self.store.transaction():
            live = self.store.get(key)
            if live is None:
                return None
            new = live.copy()
            change(new)
            if is_finished(new):
                return self.store.delete(key, expected=live.version, last=new)
            if _same(new, live.object):
                return live
            return self.store.put(key, new, expected=live.version)

    def _changed(
        self, served: Served, new: dict[str, Any], live: Stored, call: Call, subresource: str, *, owned: bool
    ) -> dict[str, Any]:
        metadata.keep_system_fields(new, live.object)
        self._keep_other_parts(served, new, live.object, subresource)
        new = rules.defaulted(served, new)
        if not owned:
            rules.own_changed(served, new, live.object, call, rfc3339(self.clock()), subresource)
        new = self._prepared(served, "UPDATE", new, live.object)
        self._guard(served, new, live.object, call)
        metadata.bump_generation(served, new, live.object, subresource)
        self._validate(served, new, live.object)
        return new

    def _keep_other_parts(
        self, served: Served, new: dict[str, Any], live: Mapping[str, Any], subresource: str
    ) -> None:
        if subresource == "status":
            managed = new["metadata"].get("managedFields")
            for name in [name for name in new if name not in ("status", "metadata", "kind", "apiVersion")]:
                del new[name]
            new.update(
                deepcopy({name: value for name, value in live.items() if name not in ("status", "metadata")})
            )
            if served.custom:
                new["metadata"] = deepcopy(live["metadata"])
                if managed is not None:
                    new["metadata"]["managedFields"] = managed
        elif served.status:
            if "status" in live:
                new["status"] = deepcopy(live["status"])
            else:
                new.pop("status", None)

    def _prepared(
        self, served: Served, operation: str, obj: dict[str, Any], old: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        prepare = self.preparations.get(served.collection)
        if prepare is not None:
            prepare(obj, old)
        return admitted(self.hooks, operation, served.rt, obj, old)

    def _guard(
        self, served: Served, obj: Mapping[str, Any], old: Mapping[str, Any] | None, call: Call
    ) -> None:
        for guard in self.guards:
            guard(call.user, served.rt, obj, old)

    def _validate(self, served: Served, obj: Mapping[str, Any], old: Mapping[str, Any] | None) -> None:
        causes: Sequence[status.Cause] = rules.violations(served, obj, old)
        if causes:
            name = obj["metadata"].get("name", "")
            # The original data API says nothing of kind and group.
            kind, group = ("", "") if served.view is not None else (served.rt.kind, served.rt.group)
            raise status.invalid(kind, group, name, causes)


_WRONG_NAMESPACE = "the namespace of the provided object does not match the namespace sent on the request"


def not_found(served: Served, name: str) -> ApiError:
    """Views name their resource in the singular, as the original data API does."""
    rt = served.rt
    return status.not_found(rt.singular if served.view is not None else rt.plural, name, rt.group)


def _require_name(served: Served, obj: Mapping[str, Any]) -> None:
    if not obj["metadata"].get("name"):
        text = "Required value: name or generateName is required"
        found = status.cause("FieldValueRequired", "metadata.name", text)
        raise status.invalid(served.rt.kind, served.rt.group, "", [found])


def _uid_text(served: Served, live: Stored, uid: str) -> str:
    meta = live.object["metadata"]
    place = "/".join(
        part
        for part in ("/registry", served.rt.group, served.rt.plural, meta.get("namespace"), meta["name"])
        if part
    )
    return (
        f"StorageError: invalid object, Code: 4, Key: {place}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {uid}, UID in object meta: {meta['uid']}"
    )


def is_finished(obj: Mapping[str, Any]) -> bool:
    """Whether a deleted object has nothing left to wait for."""
    meta = obj["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers"):
        return False
    if obj["kind"] == "Namespace" and obj["apiVersion"] == "v1" and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not meta.get("deletionGracePeriodSeconds")


def _same(new: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether nothing changed; versions and the times of field owners do not count."""
    return _comparable(new) == _comparable(live)


def _comparable(obj: Mapping[str, Any]) -> dict[str, Any]:
    meta = {name: value for name, value in obj["metadata"].items() if name != "resourceVersion"}
    if meta.get("managedFields"):
        meta["managedFields"] = [{**entry, "time": ""} for entry in meta["managedFields"]]
    return {**obj, "metadata": meta}
