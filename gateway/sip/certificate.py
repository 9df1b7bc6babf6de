"""Certificates for SIP over TLS: the owner's, or one that is made at the first start."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.errors import SettingsError

log = logging.getLogger(__name__)

SELF_MADE_DAYS = 3650
RENEW_DAYS = 30


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a TLS listener shows. Reads files. Raises SettingsError with a sentence for the owner."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as fault:
        raise SettingsError(
            f"The certificate {certificate} with the key {key} cannot be used for SIP over TLS: {fault}.",
            certificate=str(certificate),
        ) from fault
    return context


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """What a provider's certificate is judged by: the system's authorities, or the owner's file. Raises OSError.

    The certificate must be that of the name that we connect to (RFC 5922 section 7).
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 asks for more than RFC 5922 does, and than certificates that a PBX has made itself mostly have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def make_certificate(certificate: Path, key: Path, hosts: tuple[str, ...]) -> None:
    """Write a certificate that we have signed ourselves, for these addresses and this machine's name.

    One that is there already, and is good for a month more, is left as it is: phones may have been told to trust it.
    Writes files; the key is readable by nobody else.
    """
    if _is_good(certificate) and key.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    machine = socket.gethostname()[:64] or "simbridge"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, machine)])
    names: list[x509.GeneralName] = [x509.DNSName(each) for each in dict.fromkeys((machine, "simbridge.local"))]
    names += [x509.IPAddress(ipaddress.ip_address(each)) for each in hosts]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # phones' clocks are not always right
        .not_valid_after(now + timedelta(days=SELF_MADE_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .add_extension(_USAGE, critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    _write(
        key,
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    _write(certificate, made.public_bytes(serialization.Encoding.PEM))
    log.info("A certificate for SIP over TLS was made: %s.", certificate)


_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""It vouches for itself, and is shown in handshakes (RFC 5280 section 4.2.1.3)."""


def _is_good(certificate: Path) -> bool:
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return False
    return found.not_valid_after_utc > datetime.now(UTC) + timedelta(days=RENEW_DAYS)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for nobody else to read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
