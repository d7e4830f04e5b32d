"""Status objects: the one form in which the API server says no.

Every refusal is an :class:`ApiError`; its texts are those of a Kubernetes API server 1.36
(facts/kube-api.md section 5, checked by the recorded sessions of vectors/kube).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lapstrake.errors import LapstrakeError

Cause = Mapping[str, str]
"""One of several reasons: ``{"reason": ..., "message": ..., "field": ...}``."""


class ApiError(LapstrakeError):
    """A refusal: HTTP status ``code``, machine-readable ``reason`` and ``details`` (None: left out)."""

    def __init__(
        self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = dict(details) if details is not None else None
        self.warnings: tuple[str, ...] = ()

    def status(self) -> dict[str, Any]:
        """The Status object that goes over the wire."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def qualified(plural: str, group: str = "") -> str:
    """A resource as messages name it: ``configmaps``, ``deployments.apps``."""
    return f"{plural}.{group}" if group else plural


def details(name: str, kind: str, group: str = "") -> dict[str, Any]:
    """``details`` of a Status; empty parts are left out."""
    parts = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in parts.items() if value}


def success(name: str, kind: str, group: str, uid: str) -> dict[str, Any]:
    """The answer to a deletion that took effect at once."""
    found = details(name, kind, group)
    if uid:
        found["uid"] = uid
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": found}


def not_found(plural: str, name: str, group: str = "") -> ApiError:
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, details(name, plural, group))


def no_such_resource() -> ApiError:
    """The path names no resource of a group that is served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, name: str, group: str = "", *, deleting: bool = False) -> ApiError:
    message = f'{qualified(plural, group)} "{name}" already exists'
    if deleting:
        message = f"object is being deleted: {message}"
    return ApiError(409, "AlreadyExists", message, details(name, plural, group))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(plural: str, name: str, group: str = "", cause: str = MODIFIED) -> ApiError:
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {cause}'
    return ApiError(409, "Conflict", message, details(name, plural, group))


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def cause(reason: str, field: str, message: str) -> dict[str, str]:
    """One field that is wrong; ``reason`` as FieldValueRequired, FieldValueInvalid."""
    return {"reason": reason, "message": message, "field": field}


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422: the object breaks a rule of its kind. Messages of the causes do not name their field."""
    subject = qualified(kind, group)
    texts = list(dict.fromkeys(f"{found['field']}: {found['message']}" for found in causes))
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    found = details(name, kind, group)
    found["causes"] = [dict(cause) for cause in causes]
    return ApiError(422, "Invalid", f'{subject} "{name}" is invalid: {listed}', found)


def forbidden(plural: str, name: str, group: str, text: str, causes: Sequence[Cause] = ()) -> ApiError:
    """403 about an object, or about all of a resource if ``name`` is empty."""
    subject = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    found = details(name, plural, group)
    if causes:
        found["causes"] = [dict(cause) for cause in causes]
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {text}", found)


def forbidden_path(user: str, verb: str, path: str) -> ApiError:
    return ApiError(403, "Forbidden", f'forbidden: User "{user}" cannot {verb} path "{path}"', {})


def namespace_terminating(plural: str, name: str, group: str, namespace: str) -> ApiError:
    text = f"unable to create new content in namespace {namespace} because it is being terminated"
    found = cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
    return forbidden(plural, name, group, text, [found])


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, {})


def not_acceptable(offered: Sequence[str]) -> ApiError:
    message = f"only the following media types are accepted: {', '.join(offered)}"
    return ApiError(406, "NotAcceptable", message)


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(
        accepted
    )
    return ApiError(415, "UnsupportedMediaType", message)


def expired(message: str) -> ApiError:
    """410: what was asked for lies too far back in the history."""
    return ApiError(410, "Expired", message)


def too_old(asked: int, oldest: int) -> ApiError:
    return expired(f"too old resource version: {asked} ({oldest})")


def internal(message: str) -> ApiError:
    """500 without a reason, as the server answers for mistakes it does not classify."""
    return ApiError(500, "", message)


def too_large(limit: int) -> ApiError:
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")
