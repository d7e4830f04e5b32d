"""The certificate of a registry of one's own, kept where the registry keeps its content."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from cryptography import x509

from lapstrake.embedded import pki
from lapstrake.http.serving import Tls

_LOCAL = ("127.0.0.1", "::1", "localhost")


def self_signed(storage: Path, host: str) -> tuple[Tls, Path]:
    """A certificate for ``host`` and this machine, and the file of the authority that clients have to trust.

    Made once below ``storage``; made anew, with its authority, when it is for other names than these.
    """
    folder = storage / "tls"
    names = _names(host)
    certificate = folder / "server.crt"
    if certificate.exists() and not _certified(certificate.read_bytes()).issuperset(names):
        certificate.unlink()
    made = pki.ensure_certificates(folder, "lapstrake-registry", names)
    return Tls(str(made.certificate_file), str(made.key_file)), made.ca_file


def _names(host: str) -> list[str]:
    """Those by which clients may call a registry that listens at ``host``."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return list(dict.fromkeys([*_LOCAL, socket.gethostname() if everywhere else host]))


def _certified(certificate: bytes) -> set[str]:
    try:
        extensions = x509.load_pem_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return set()
    addresses = names.get_values_for_type(x509.IPAddress)
    return {*names.get_values_for_type(x509.DNSName), *map(str, addresses)}
