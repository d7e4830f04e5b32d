"""The old OpenAPI document, which describes nothing.

kubectl reads it, as protobuf only, when the new documents do not know a kind: for lists of objects and for kinds
that nobody serves. It must be there and be readable; finding nothing in it, kubectl asks the server itself.
"""

from __future__ import annotations

_TITLE, _VERSION = "Kubernetes", "v1.36.0"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


def document(accept: str) -> tuple[bytes, str]:
    """The document and its media type."""
    if "protobuf" not in accept:
        text = f'{{"swagger":"2.0","info":{{"title":"{_TITLE}","version":"{_VERSION}"}},"paths":{{}},"definitions":{{}}}}'
        return text.encode(), "application/json"
    info = _field(1, _TITLE.encode()) + _field(2, _VERSION.encode())
    # Document of gnostic's openapi_v2: 1 swagger, 2 info, 8 paths, 9 definitions.
    return _field(1, b"2.0") + _field(2, info) + _field(8, b"") + _field(9, b""), PROTOBUF


def _field(number: int, value: bytes) -> bytes:
    """A length-delimited field; all lengths here are below 128."""
    return bytes(((number << 3) | 2, len(value))) + value
