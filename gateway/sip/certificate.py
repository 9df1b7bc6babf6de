"""Certificates for SIP over TLS: the owner's, or one that is made at the first start."""

from __future__ import annotations

import logging
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.errors import SettingsError

log = logging.getLogger(__name__)

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
    # Here alone: made once in ten years, and the library weighs seven mebibytes.
    from gateway.sip.self_signed import self_signed  # noqa: PLC0415  # as said above

    made, private = self_signed(hosts)
    certificate.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    _write(key, private)
    _write(certificate, made)
    log.info("A certificate for SIP over TLS was made: %s.", certificate)


def _is_good(certificate: Path) -> bool:
    """As an authority that vouches for itself, which ours is, so that the standard library can read it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=certificate)
    except (OSError, ValueError):
        return False
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    return bool(ends) and min(ends) > (datetime.now(UTC) + timedelta(days=RENEW_DAYS)).timestamp()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for nobody else to read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
