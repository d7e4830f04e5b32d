"""Requests signed for AWS.

Source: AWS's public documentation, "Signature Version 4 signing process".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKey:
    """``session`` is the token that goes with a key that was lent."""

    id: str
    secret: str
    session: str = ""

    def __repr__(self) -> str:
        return f"AwsKey({self.id!r}, ...)"


def signed(
    key: AwsKey,
    region: str,
    service: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """``headers`` of a POST to ``url`` (without query) and those that sign it; ``now`` is in UTC."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    if key.session:
        sent["X-Amz-Security-Token"] = key.session
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
    names = ";".join(name for name, _ in lines)
    request = "\n".join(
        [
            "POST",
            parts.path or "/",
            "",
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    secret = f"AWS4{key.secret}".encode()
    for step in scope.split("/"):
        secret = hmac.digest(secret, step.encode(), "sha256")
    signature = hmac.new(secret, text.encode(), "sha256").hexdigest()
    sent["Authorization"] = (
        f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent
