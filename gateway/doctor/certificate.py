"""What a certificate says of itself, and whether browsers would take it: for the panel's own, and for the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.errors import GatewayError

LONGEST_PEM = 64 * 1024
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[\sA-Za-z0-9+/=]+-----END CERTIFICATE-----")


class CertificateUnreadable(GatewayError):
    """There is no certificate in it, in the form PEM (RFC 7468)."""

    code = "certificate-unreadable"


class CertificateOver(GatewayError):
    """It ended at `values["day"]`."""

    code = "certificate-over"


class CertificateTooEarly(GatewayError):
    """It begins at `values["day"]`, which is not yet, by this machine's clock."""

    code = "certificate-too-early"


class CertificateNameless(GatewayError):
    """It is for no name and no address: browsers look at nothing else (RFC 6125 section 6.4.4)."""

    code = "certificate-nameless"


class CertificateChainBroken(GatewayError):
    """A certificate of the file is not followed by the one that vouches for it (RFC 8446 section 4.4.2)."""

    code = "certificate-chain-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCertificate:
    """`names` are names and addresses; `pem` is the chain, and nothing else that was in the text; times are UTC."""

    names: tuple[str, ...]
    issuer: str
    begins_at: datetime
    ends_at: datetime
    sha256: str
    is_self_signed: bool
    pem: str


def read_certificate(text: str) -> ReadCertificate:
    """The first certificate of a chain. Raises CertificateUnreadable."""
    return _read(_chain(text))


def judge_certificate(text: str, now: datetime) -> ReadCertificate:
    """The same, if browsers would take it, their trust in its issuer apart. Raises GatewayError that says why not."""
    chain = _chain(text)
    found = _read(chain)
    if now >= found.ends_at:
        raise CertificateOver(f"The certificate ended on {found.ends_at:%Y-%m-%d}.", day=f"{found.ends_at:%Y-%m-%d}")
    if now < found.begins_at:
        day = f"{found.begins_at:%Y-%m-%d}"
        raise CertificateTooEarly(f"The certificate begins on {day}.", day=day)
    if not found.names:
        raise CertificateNameless("The certificate is for no name.")
    for each, following in pairwise(chain):
        if each.issuer != following.subject:
            raise CertificateChainBroken("The certificates of the file are not in their order.")
    return found


def _chain(text: str) -> list[x509.Certificate]:
    blocks = _BLOCK.findall(text[:LONGEST_PEM])
    try:
        chain = [x509.load_pem_x509_certificate(block.encode("ascii")) for block in blocks]
    except ValueError as fault:
        raise CertificateUnreadable("A certificate of the file is damaged.") from fault
    if not chain:
        raise CertificateUnreadable("There is no certificate in the file.")
    return chain


def _read(chain: Sequence[x509.Certificate]) -> ReadCertificate:
    first = chain[0]
    try:
        issuers = first.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        issuers += first.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return ReadCertificate(
            names=_names(first),
            issuer=", ".join(str(each.value) for each in issuers),
            begins_at=first.not_valid_before_utc,
            ends_at=first.not_valid_after_utc,
            sha256=first.fingerprint(SHA256()).hex(),
            is_self_signed=first.issuer == first.subject,
            pem="".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in chain),
        )
    except (ValueError, x509.DuplicateExtension) as fault:
        raise CertificateUnreadable(f"The certificate cannot be read: {fault}.") from fault


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return (*(name.lower() for name in names.get_values_for_type(x509.DNSName)), *addresses)
