"""A certificate that this machine has signed itself. The only module that imports `cryptography` for SIP."""

from __future__ import annotations

import ipaddress
import socket
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SELF_MADE_DAYS = 3650


def self_signed(hosts: tuple[str, ...]) -> tuple[bytes, bytes]:
    """A new certificate for these addresses and this machine's name, and its key; both as PEM."""
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
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


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
