"""What the registry answers when it will not: codes, texts and statuses.

Source: OCI distribution specification, "Error codes"; texts and details as Debian's docker-registry 2.8
gives them, since clients print them.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping, Sequence

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Refusal(Exception):
    """An answer with an error. ``detail`` is any JSON value, None leaves it out; ``headers`` go along."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        detail: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        return json.dumps({"errors": [error]}, separators=(",", ":")).encode() + b"\n"


def unknown_manifest(repository: str, reference: str) -> Refusal:
    by_digest = ":" in reference
    detail = {"Name": repository, "Revision": reference} if by_digest else {"Tag": reference}
    return Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown", detail)


def unknown_blob(digest: str) -> Refusal:
    return Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)


def unknown_content(digest: str) -> Refusal:
    """A manifest names content that the repository does not hold."""
    return Refusal(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", digest)


def unknown_name(repository: str) -> Refusal:
    return Refusal(404, "NAME_UNKNOWN", "repository name not known to registry", {"name": repository})


def unknown_upload() -> Refusal:
    return Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry", {})


def invalid_name(repository: str) -> Refusal:
    return Refusal(400, "NAME_INVALID", "invalid repository name", {"name": repository})


def invalid_tag(tag: str) -> Refusal:
    return Refusal(400, "TAG_INVALID", "manifest tag did not match URI", {"Tag": tag})


def invalid_digest(detail: object = None) -> Refusal:
    return Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content", detail)


def invalid_manifest(detail: object) -> Refusal:
    return Refusal(400, "MANIFEST_INVALID", "manifest invalid", detail)


def invalid_upload(headers: Mapping[str, str] | None = None) -> Refusal:
    """A chunk that does not begin where the upload ends; the headers tell where it would go on."""
    return Refusal(416, "BLOB_UPLOAD_INVALID", "blob upload invalid", headers=headers)


def stalled_upload() -> Refusal:
    """What came is kept; the connection is of no more use."""
    headers = {"Connection": "close"}
    return Refusal(408, "BLOB_UPLOAD_INVALID", "nothing came for too long", headers=headers)


def invalid_range(size: int) -> Refusal:
    headers = {"Content-Range": f"bytes */{size}"}
    return Refusal(416, "RANGE_INVALID", "invalid content range", headers=headers)


def too_large(limit: int) -> Refusal:
    return Refusal(413, "SIZE_INVALID", "content is larger than this registry takes", {"Limit": limit})


def full() -> Refusal:
    """No room on the disk or within the total that is allowed.

    507 and DENIED because clients take neither for something that passes: imgpkg and others try again
    at once after 429, 500, 502, 503, 504, UNKNOWN, UNAVAILABLE and TOOMANYREQUESTS.
    """
    return Refusal(507, "DENIED", "the registry has no room for more content")


def is_for_want_of_room(error: OSError) -> bool:
    return error.errno in _NO_ROOM


def too_many_uploads() -> Refusal:
    return Refusal(429, "TOOMANYREQUESTS", "too many uploads at the same time")


def unauthorized(challenge: str, wanted: Sequence[tuple[str, str, str]]) -> Refusal:
    """``wanted``: type, name and action of the rights that it takes."""
    detail = [{"Type": type, "Class": "", "Name": name, "Action": action} for type, name, action in wanted]
    headers = {"WWW-Authenticate": challenge}
    return Refusal(401, "UNAUTHORIZED", "authentication required", detail or None, headers)


def too_many_logins() -> Refusal:
    return Refusal(429, "TOOMANYREQUESTS", "too many logins at the same time")


def denied() -> Refusal:
    """The account is known and may not do this."""
    return Refusal(403, "DENIED", "requested access to the resource is denied")


def unfinished(error: str) -> Refusal:
    """Something is wrong with us, not with the request."""
    return Refusal(500, "UNKNOWN", "unknown error", {"Reason": error})
