"""How registries are to be reached, as flags and variables say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from lapstrake.distribution.credentials import CredentialOptions


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """``env_prefix`` begins the names of the variables with credentials.

    ``retry_count`` is the number of tries in all; ``response_timeout`` is in seconds, 0 for none.
    """

    ca_cert_paths: tuple[str, ...] = ()
    verify_certs: bool = True
    insecure: bool = False
    credentials: CredentialOptions = field(default_factory=CredentialOptions)
    response_timeout: float = 30.0
    retry_count: int = 5
    env_prefix: str = "IMGPKG"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
