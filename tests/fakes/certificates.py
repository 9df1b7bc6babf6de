"""Certificates of made-up authorities, as owners bring them."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Pair(NamedTuple):
    """PEM texts."""

    certificate: str
    key: str


def certificate_pair(
    *names: str, begins: timedelta = timedelta(days=-1), ends: timedelta = timedelta(days=90), passphrase: str = ""
) -> Pair:
    """A certificate for these names and addresses, with the authority's own after it, and its key."""
    now, authority, own = (
        datetime.now(UTC),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = _name("Test Authority")
    chain = [
        _signed(issuer, issuer, authority, authority, (now - timedelta(days=9), now + timedelta(days=900))),
        _signed(_name("shop"), issuer, own, authority, (now + begins, now + ends), *names),
    ]
    sealing = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)
    texts = [each.public_bytes(serialization.Encoding.PEM).decode() for each in reversed(chain)]
    return Pair("".join(texts), key.decode())


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    own: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    days: tuple[datetime, datetime],
    *names: str,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(own.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(days[0]).not_valid_after(days[1])
    )  # fmt: skip
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), False)
    return builder.sign(signer, hashes.SHA256())


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
