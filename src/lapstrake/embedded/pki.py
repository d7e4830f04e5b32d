"""The keys of the embedded servers: an authority, a server's certificate, the control plane's tokens.

Made once and kept with the state, so that kubeconfigs and tokens outlive a restart.
Private keys are readable by their owner only.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = datetime.timedelta(days=3650)
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files in PEM form: what clients have to trust, and what the server shows them."""

    ca_file: Path
    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """Files and secrets of one control plane."""

    certificates: Certificates
    token_key: str
    """PEM of the private key that signs the tokens of ServiceAccounts."""
    admin_token: str
    """The bearer token of the administrator's kubeconfig."""


def ensure(folder: Path) -> Pki:
    """The keys of a control plane on this machine in ``folder``; those that are missing are made."""
    certificates = ensure_certificates(folder, "lapstrake-apiserver", ("127.0.0.1", "localhost"))
    token_key_file, admin_file = folder / "tokens.key", folder / "admin.token"
    if not token_key_file.exists():
        _write(token_key_file, _pem(_new_key()), _PRIVATE)
    if not admin_file.exists():
        _write(admin_file, secrets.token_urlsafe(32).encode(), _PRIVATE)
    return Pki(certificates, token_key_file.read_text(), admin_file.read_text())


def ensure_certificates(folder: Path, server: str, hosts: Sequence[str]) -> Certificates:
    """The certificate in ``folder`` for a server by the names and addresses ``hosts``, made if it is missing."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    ca_file, ca_key_file = folder / "ca.crt", folder / "ca.key"
    made = Certificates(ca_file, folder / "server.crt", folder / "server.key")
    if not all(f.exists() for f in (ca_file, ca_key_file, made.certificate_file, made.key_file)):
        _make_certificates(made, ca_key_file, server, hosts)
    return made


def _make_certificates(made: Certificates, ca_key_file: Path, server: str, hosts: Sequence[str]) -> None:
    ca_key, key = _new_key(), _new_key()
    ca_name = _name("lapstrake-ca")
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True
        )
        .sign(ca_key, hashes.SHA256())
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = (
        _builder(_name(server), ca_name, key)
        .add_extension(x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(ca_key_file, _pem(ca_key), _PRIVATE)
    _write(made.ca_file, ca.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(made.key_file, _pem(key), _PRIVATE)
    _write(made.certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(file: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by others before its mode is set."""
    temporary = file.with_suffix(file.suffix + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(file)
