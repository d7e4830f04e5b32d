"""Requests on resources: what each verb does, and how its answer is laid out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from lapstrake.apiserver import bodies, listing, rules, status
from lapstrake.apiserver.answers import Answers, Form, form_of
from lapstrake.apiserver.decoding import duplicate_fields
from lapstrake.apiserver.deletion import Deletion, delete_options
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.objects import Objects
from lapstrake.apiserver.patching import Patching
from lapstrake.apiserver.requests import Call, Query, Target, call_of
from lapstrake.apiserver.resources import Served
from lapstrake.apiserver.reviews import Reviews
from lapstrake.apiserver.scales import rescaled, scale_of
from lapstrake.apiserver.status import ApiError
from lapstrake.apiserver.store import Stored

_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}
_REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request on a resource that is served, by a user who may make it."""

    verb: str
    target: Target
    served: Served
    query: Query
    headers: Mapping[str, str]
    user: User
    body: bytes = b""

    @property
    def form(self) -> Form:
        return form_of(self.headers.get("accept", ""), self.query.text("includeObject"))

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    def document(self) -> Any:
        return bodies.decoded(self.body, self.content_type, self.served.rt.kind)

    def call(self) -> Call:
        agent = self.headers.get("user-agent", "")
        return call_of(self.user, self.query, agent, _OPTIONS.get(self.verb, "DeleteOptions"))

    def repeated(self) -> tuple[str, ...]:
        """Fields that a JSON body gives more than once."""
        if bodies.media_type(self.content_type) != bodies.JSON:
            return ()
        return duplicate_fields(self.body)


class Crud:
    """All verbs but watch."""

    def __init__(
        self, objects: Objects, deletion: Deletion, patching: Patching, answers: Answers, reviews: Reviews
    ) -> None:
        self._objects = objects
        self._deletion = deletion
        self._patching = patching
        self._answers = answers
        self._reviews = reviews

    def answer(self, asked: Asked) -> tuple[Response, list[str]]:
        """The response and the warnings that go with it. Raises ApiError."""
        call = asked.call() if asked.verb in _OPTIONS else Call(asked.user)
        try:
            response = self._dispatch(asked, call)
        except ApiError as refusal:
            refusal.warnings = tuple(call.warnings)
            raise
        except RecursionError:
            raise status.bad_request("the object is nested too deeply") from None
        if asked.served.deprecation:
            call.warnings.append(asked.served.deprecation)
        return response, call.warnings

    def _dispatch(self, asked: Asked, call: Call) -> Response:
        form = asked.form
        if asked.target.subresource:
            return self._subresource(asked, call, form)
        match asked.verb:
            case "get":
                item = self._objects.get(asked.served, asked.target.namespace, asked.target.name)
                return self._answers.object(asked.served, item, form)
            case "list":
                return self._list(asked, form)
            case "create":
                return self._create(asked, call, form)
            case "update":
                body = asked.document()
                item = self._objects.replace(
                    asked.served,
                    asked.target.namespace,
                    asked.target.name,
                    body,
                    call,
                    repeated=asked.repeated(),
                )
                return self._answers.object(asked.served, item, form)
            case "patch":
                return self._patch(asked, call, form)
            case "delete":
                return self._delete(asked, form)
            case "deletecollection":
                return self._delete_collection(asked, form)
        raise status.method_not_allowed()

    def _list(self, asked: Asked, form: Form) -> Response:
        items, meta = listing.page(self._objects.reading, asked.served, asked.target.namespace, asked.query)
        return self._answers.list(asked.served, items, meta, form)

    def _create(self, asked: Asked, call: Call, form: Form) -> Response:
        target = asked.target
        body = asked.document()
        if target.group in _REVIEWS:
            body = rules.decoded(asked.served, body, call)
            review = self._reviews.review(target.plural, body, asked.user)
            return self._answers.value(review, form, 201)
        item = self._objects.create(asked.served, target.namespace, body, call, repeated=asked.repeated())
        return self._answers.object(asked.served, item, form, 201)

    def _patch(self, asked: Asked, call: Call, form: Form) -> Response:
        item, created = self._patching.patch(
            asked.served,
            asked.target.namespace,
            asked.target.name,
            asked.body,
            bodies.media_type(asked.content_type),
            call,
            asked.target.subresource,
        )
        return self._answers.object(asked.served, item, form, 201 if created else 200)

    def _delete(self, asked: Asked, form: Form) -> Response:
        target = asked.target
        options = delete_options(asked.query, self._options_body(asked))
        left = self._deletion.delete(asked.served, target.namespace, target.name, options)
        if isinstance(left, Stored):
            return self._answers.object(asked.served, left, form)
        return self._answers.value(left, form)

    def _delete_collection(self, asked: Asked, form: Form) -> Response:
        options = delete_options(asked.query, self._options_body(asked))
        items, meta = listing.page(self._objects.reading, asked.served, asked.target.namespace, asked.query)
        self._deletion.delete_collection(asked.served, items, options)
        return self._answers.list(asked.served, items, meta, form)

    def _options_body(self, asked: Asked) -> Mapping[str, Any]:
        if not asked.body.strip():
            return {}
        return rules.read_as("meta.v1.DeleteOptions", asked.document())

    # -- subresources

    def _subresource(self, asked: Asked, call: Call, form: Form) -> Response:
        name = asked.target.subresource
        if name == "status":
            return self._status(asked, call, form)
        if name == "scale" and asked.served.scale is not None:
            return self._scale(asked, call, form)
        if name == "finalize" and asked.verb == "update":
            return self._finalize(asked, call, form)
        if name == "token" and asked.verb == "create":
            account = self._objects.get(asked.served, asked.target.namespace, asked.target.name)
            wanted = rules.read_as("authentication.v1.TokenRequest", asked.document())
            return self._answers.value(self._reviews.token(account.object, wanted), form, 201)
        if name in ("log", "exec", "attach", "portforward"):
            return self._of_container(asked, name)
        if name == "eviction" and asked.verb == "create":
            return self._evict(asked, form)
        raise status.method_not_allowed()

    def _status(self, asked: Asked, call: Call, form: Form) -> Response:
        target = asked.target
        if asked.verb == "get":
            return self._answers.object(
                asked.served, self._objects.get(asked.served, target.namespace, target.name), form
            )
        if asked.verb == "patch":
            return self._patch(asked, call, form)
        item = self._objects.replace(
            asked.served, target.namespace, target.name, asked.document(), call, "status"
        )
        return self._answers.object(asked.served, item, form)

    def _scale(self, asked: Asked, call: Call, form: Form) -> Response:
        target, served = asked.target, asked.served
        if asked.verb == "get":
            item = self._objects.get(served, target.namespace, target.name)
            return self._answers.scale(scale_of(served, item), form)
        media = bodies.media_type(asked.content_type)

        def change(live: Stored) -> dict[str, Any]:
            if asked.verb == "patch":
                wanted = self._patching.patched_value(scale_of(served, live), asked.body, media)
            else:
                wanted = asked.document()
            return rescaled(served, live, rules.read_as("autoscaling.v1.Scale", wanted))

        item = self._objects.modify(served, target.namespace, target.name, change, call, "scale")
        return self._answers.scale(scale_of(served, item), form)

    def _finalize(self, asked: Asked, call: Call, form: Form) -> Response:
        """PUT of a namespace's own finalizers."""
        body = rules.read_as("core.v1.Namespace", asked.document())
        wanted = (body.get("spec") or {}).get("finalizers") or []

        def change(live: Stored) -> dict[str, Any]:
            obj = live.copy()
            obj["spec"] = {**(obj.get("spec") or {}), "finalizers": wanted}
            return obj

        item = self._objects.modify(asked.served, "", asked.target.name, change, call, "finalize")
        return self._answers.object(asked.served, item, form)

    def _of_container(self, asked: Asked, name: str) -> Response:
        """Nothing runs in a simulated Pod, so it has printed nothing and takes no commands."""
        pod = self._objects.get(asked.served, asked.target.namespace, asked.target.name).object
        if name == "log":
            return Response(b"", 200 if pod["spec"].get("nodeName") else 204)
        if not pod["spec"].get("nodeName"):
            raise status.bad_request(f"pod {asked.target.name} does not have a host assigned")
        raise status.bad_request(f"pod {asked.target.name} is simulated: nothing runs in its containers")

    def _evict(self, asked: Asked, form: Form) -> Response:
        body = rules.read_as("policy.v1.Eviction", asked.document())
        options = delete_options(asked.query, body.get("deleteOptions") or {})
        self._deletion.delete(asked.served, asked.target.namespace, asked.target.name, options)
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return self._answers.value(done, form, 201)
