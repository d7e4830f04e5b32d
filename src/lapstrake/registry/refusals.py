"""What the registry answers when it will not: codes, texts and statuses.

Source: OCI distribution specification, "Error codes"; texts and details as Debian's docker-registry 2.8
gives them, since clients print them.
"""

from __future__ import annotations

import json


class Refusal(Exception):
    """An answer with an error. ``detail`` is any JSON value, None leaves it out."""

    def __init__(self, status: int, code: str, message: str, detail: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail

    def body(self) -> bytes:
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.detail is not None:
            error["detail"] = self.detail
        return json.dumps({"errors": [error]}, separators=(",", ":")).encode() + b"\n"


def unknown_manifest(repository: str, reference: str) -> Refusal:
    by_digest = reference.startswith("sha256:")
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


def invalid_upload() -> Refusal:
    return Refusal(416, "BLOB_UPLOAD_INVALID", "blob upload invalid")


def too_large(limit: int) -> Refusal:
    return Refusal(413, "SIZE_INVALID", "content is larger than this registry takes", {"Limit": limit})


def too_many_uploads() -> Refusal:
    return Refusal(429, "TOOMANYREQUESTS", "too many uploads at the same time")
