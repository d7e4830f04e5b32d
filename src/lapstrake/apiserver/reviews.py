"""Questions about identity and access that come as objects: reviews and token requests.

Nothing here is stored; the answer is the object sent, with a status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from lapstrake.apiserver import status
from lapstrake.apiserver.access import Authorizer
from lapstrake.apiserver.identity import User
from lapstrake.apiserver.times import rfc3339

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
SHORTEST_TOKEN = 600
USUAL_TOKEN = 3600
SERVER_AUDIENCE = "https://kubernetes.default.svc"


class Issued(Protocol):
    """A token; ``expires`` in seconds since 1970."""

    @property
    def token(self) -> str: ...
    @property
    def expires(self) -> float: ...


class Tokens(Protocol):
    """Issues and knows the tokens of ServiceAccounts."""

    def issue(
        self, namespace: str, name: str, uid: str, *, audiences: Sequence[str] = ..., seconds: int = ...
    ) -> Issued: ...

    def user(self, token: str, audiences: Sequence[str] = ...) -> User | None: ...


class Reviews:
    """Answers to reviews. ``tokens`` None: the server issues none."""

    def __init__(self, authorizer: Authorizer, tokens: Tokens | None, clock: Callable[[], datetime]) -> None:
        self._authorizer = authorizer
        self._tokens = tokens
        self._clock = clock

    def review(self, plural: str, body: Mapping[str, Any], user: User) -> dict[str, Any]:
        """The answer to a POST on one of the review resources; ``body`` has been decoded."""
        spec = body.get("spec") or {}
        match plural:
            case "selfsubjectreviews":
                found = {"userInfo": _user_info(user)}
                created = {"creationTimestamp": rfc3339(self._clock())}
                return _answer(_AUTHENTICATION, "SelfSubjectReview", None, found, created)
            case "tokenreviews":
                return _answer(_AUTHENTICATION, "TokenReview", spec, self._token_review(spec))
            case "selfsubjectaccessreviews":
                return self._access(spec, user, "SelfSubjectAccessReview")
            case "localsubjectaccessreviews":
                return self._access(spec, _subject(spec), "LocalSubjectAccessReview")
            case "subjectaccessreviews":
                return self._access(spec, _subject(spec), "SubjectAccessReview")
            case "selfsubjectrulesreviews":
                return self._rules(spec, user)
        raise status.no_such_resource()

    def token(self, account: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a TokenRequest for a ServiceAccount."""
        spec = body.get("spec") or {}
        seconds = int(spec.get("expirationSeconds") or USUAL_TOKEN)
        if seconds < SHORTEST_TOKEN:
            text = f"Invalid value: {seconds}: may not specify a duration less than 10 minutes"
            found = status.cause("FieldValueInvalid", "spec.expirationSeconds", text)
            raise status.invalid("TokenRequest", _AUTHENTICATION, "", [found])
        if self._tokens is None:
            raise status.method_not_allowed()
        audiences = list(spec.get("audiences") or [SERVER_AUDIENCE])
        meta = account["metadata"]
        issued = self._tokens.issue(
            meta["namespace"], meta["name"], meta["uid"], audiences=audiences, seconds=seconds
        )
        return {
            "kind": "TokenRequest",
            "apiVersion": f"{_AUTHENTICATION}/v1",
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
                "creationTimestamp": rfc3339(self._clock()),
            },
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {
                "token": issued.token,
                "expirationTimestamp": rfc3339(datetime.fromtimestamp(issued.expires, UTC)),
            },
        }

    def _token_review(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        token = spec.get("token", "")
        audiences = list(spec.get("audiences") or [SERVER_AUDIENCE])
        user = self._tokens.user(token, audiences) if self._tokens is not None and token else None
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        return {"authenticated": True, "user": _user_info(user), "audiences": audiences}

    def _access(self, spec: Mapping[str, Any], user: User, kind: str) -> dict[str, Any]:
        resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
        if bool(resource) is bool(path):
            shown = "null" if not resource else "{}"
            text = (
                f"Invalid value: {shown}: exactly one of nonResourceAttributes or resourceAttributes "
                "must be specified"
            )
            raise status.invalid(
                "", _AUTHORIZATION, "", [status.cause("FieldValueInvalid", "spec.resourceAttributes", text)]
            )
        if path:
            allowed = self._authorizer.allowed(user, path.get("verb", ""), path=path.get("path", "") or "/")
        else:
            assert resource is not None
            allowed = self._authorizer.allowed(
                user,
                resource.get("verb", ""),
                group=resource.get("group", ""),
                resource=resource.get("resource", ""),
                subresource=resource.get("subresource", ""),
                namespace=resource.get("namespace", ""),
                name=resource.get("name", ""),
            )
        return _answer(_AUTHORIZATION, kind, spec, {"allowed": allowed})

    def _rules(self, spec: Mapping[str, Any], user: User) -> dict[str, Any]:
        """An authorizer that can list its rules is asked for them; else the answer says that it is incomplete."""
        listing = getattr(self._authorizer, "rules", None)
        resources: list[dict[str, Any]] = []
        paths: list[dict[str, Any]] = []
        for rule in listing(user, spec.get("namespace", "")) if listing is not None else ():
            if rule.urls:
                paths.append({"verbs": list(rule.verbs), "nonResourceURLs": list(rule.urls)})
            else:
                found = {
                    "verbs": list(rule.verbs),
                    "apiGroups": list(rule.groups),
                    "resources": list(rule.resources),
                }
                resources.append(found | ({"resourceNames": list(rule.names)} if rule.names else {}))
        result = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": listing is None}
        return _answer(_AUTHORIZATION, "SelfSubjectRulesReview", {}, result)


def _answer(
    group: str,
    kind: str,
    spec: Mapping[str, Any] | None,
    result: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    answer: dict[str, Any] = {"kind": kind, "apiVersion": f"{group}/v1", "metadata": dict(metadata or {})}
    if spec is not None:
        answer["spec"] = dict(spec)
    answer["status"] = dict(result)
    return answer


def _subject(spec: Mapping[str, Any]) -> User:
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""))


def _user_info(user: User) -> dict[str, Any]:
    found: dict[str, Any] = {"username": user.name}
    if user.uid:
        found["uid"] = user.uid
    if user.groups:
        found["groups"] = list(user.groups)
    if user.extra:
        found["extra"] = {name: list(values) for name, values in user.extra.items()}
    return found
