"""The handshake by which a browser and we agree on the keys of a call's media: DTLS-SRTP (RFC 5763, RFC 5764).

We are always the client: a browser that is asked may choose, and takes the other part. A server would have to ask
for the browser's certificate, which nobody has signed, and to take it by a callback of ours from OpenSSL; for that
cffi needs memory that can be written and executed, which the daemon may not have (MemoryDenyWriteExecute of its unit).
A client gets the certificate unasked and goes on, whoever has signed it. Only who carries a browser's call imports
this module.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL

from gateway.sip.self_signed import self_signed

log = logging.getLogger(__name__)

_PROFILE = b"SRTP_AES128_CM_SHA1_80"
_KEY_BYTES, _SALT_BYTES = 16, 14
_LARGEST_DATAGRAM = 1_200
_HANDSHAKE_SECONDS = 20.0

OnKeys = Callable[[bytes, bytes], None]
"""With the master key and salt that we seal with, and those of the browser."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What we are known by in handshakes; `fingerprint` as in a description (RFC 8122)."""

    context: SSL.Context
    fingerprint: str


@cache
def our_identity() -> Identity:
    """Made once for as long as the daemon runs: the descriptions say which it is, so nobody need know it before."""
    pem, secret = self_signed(())
    made = x509.load_pem_x509_certificate(pem)
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(made)
    private = load_pem_private_key(secret, None)
    assert isinstance(private, EllipticCurvePrivateKey)  # noqa: S101  # we have made it; for the type checker
    context.use_privatekey(private)
    # Whose certificate theirs is, its fingerprint in the description says, not an authority: it is looked at below.
    context.set_verify(SSL.VERIFY_NONE)
    context.set_tlsext_use_srtp(_PROFILE)
    context.set_options(SSL.OP_NO_QUERY_MTU)
    return Identity(context, _fingerprint(made))


class DtlsClient:
    """One handshake, from `begin` on. Bytes come by `receive`, and go out by `send`."""

    def __init__(self, fingerprint: str, *, send: Callable[[bytes], None], on_keys: OnKeys) -> None:
        """`fingerprint` is what the browser has said its certificate has."""
        self._fingerprint = fingerprint
        self._send = send
        self._on_keys = on_keys
        self._connection = SSL.Connection(our_identity().context, None)
        self._connection.set_connect_state()
        self._connection.set_ciphertext_mtu(_LARGEST_DATAGRAM)
        self._has_begun = self._is_over = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """There is a way to the browser; only the first time counts."""
        if not self._has_begun:
            self._has_begun = True
            self._deadline = asyncio.get_running_loop().time() + _HANDSHAKE_SECONDS
            self._go_on()

    def receive(self, data: bytes) -> None:
        """A packet of the browser's. Afterwards none is waited for: the last word of a handshake is the server's."""
        if self._has_begun and not self._is_over:
            self._connection.bio_write(data)
            self._go_on()

    def stop(self) -> None:
        """The call is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._flush()
            self._wait()
            return
        except SSL.Error as fault:
            log.warning("A browser's media could not be sealed: %s", fault)
            self._flush()
            self._end()
            return
        self._flush()
        self._end()
        theirs = self._connection.get_peer_certificate(as_cryptography=True)
        if theirs is None or not hmac.compare_digest(_fingerprint(theirs), self._fingerprint):
            log.warning("A browser's media is not taken: its certificate is not the one that was announced.")
            return
        length = 2 * (_KEY_BYTES + _SALT_BYTES)
        keys = self._connection.export_keying_material(b"EXTRACTOR-dtls_srtp", length)
        # RFC 5764 section 4.2: the client's key, the server's, the client's salt, the server's.
        salts = 2 * _KEY_BYTES
        client = keys[:_KEY_BYTES] + keys[salts : salts + _SALT_BYTES]
        server = keys[_KEY_BYTES:salts] + keys[salts + _SALT_BYTES :]
        self._on_keys(client, server)

    def _flush(self) -> None:
        while True:
            try:
                data = self._connection.bio_read(_LARGEST_DATAGRAM * 4)
            except SSL.WantReadError:
                return
            self._send(data)

    def _wait(self) -> None:
        """Say it again when nothing comes (RFC 6347 section 4.2.4)."""
        self.stop()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._deadline:
            log.warning("A browser's media could not be sealed: it has said nothing more for %d s.", _HANDSHAKE_SECONDS)
            self._is_over = True
            return
        seconds = self._connection.DTLSv1_get_timeout()
        self._timer = loop.call_later(1.0 if seconds is None else max(seconds, 0.01), self._again)

    def _again(self) -> None:
        self._connection.DTLSv1_handle_timeout()
        self._flush()
        self._wait()

    def _end(self) -> None:
        self._is_over = True
        self.stop()


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
