"""Sealed packets: what is honest comes through, what is forged or repeated does not (RFC 3711)."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.sip.sealed_packets import SecurePackets
from gateway.sip.srtp import Suite, new_key


def packet(sequence: int, ssrc: int = 7) -> bytes:
    return struct.pack(">BBHII", 0x80, 8, sequence, 160 * sequence, ssrc) + bytes(160)


REPORT = struct.pack(">BBHI", 0x80, 201, 1, 7)


def pair(suite: Suite = Suite.SHA1_80) -> tuple[SecurePackets, SecurePackets]:
    one, other = new_key(), new_key()
    return SecurePackets(suite, one, other), SecurePackets(suite, other, one)


@pytest.mark.parametrize(("suite", "seal"), [(Suite.SHA1_80, 10), (Suite.SHA1_32, 4)])
def test_what_is_sealed_there_is_opened_here(suite: Suite, seal: int) -> None:
    near, far = pair(suite)
    for sequence in (65_534, 65_535, 0, 1):
        sealed = near.seal(packet(sequence))
        assert sealed is not None
        assert len(sealed) == len(packet(sequence)) + seal
        assert bytes(100) not in sealed
        assert far.open(sealed) == packet(sequence)
    report = near.seal_report(REPORT)
    assert report is not None
    assert far.open_report(report) == REPORT
    assert (far.counters.forged, far.counters.replayed) == (0, 0)


def test_a_key_derivation_as_the_rfc_has_it() -> None:
    """The bytes of RFC 3711 appendix B.3's master key and salt, and the key stream that B.2 and B.3 lead to."""
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE41390EC675AD498AFEEBB6960B3AABE6")
    sealed = SecurePackets(Suite.SHA1_80, master, new_key()).seal(packet(0, ssrc=0))
    assert sealed is not None
    # Encryption key C61E7A93744F39EE10734AFE3FF7A087, salt 30CBBC08863D8C85D49DB34A9AE1 (appendix B.3).
    key = bytes.fromhex("C61E7A93744F39EE10734AFE3FF7A087")
    counter = bytes.fromhex("30CBBC08863D8C85D49DB34A9AE1") + bytes(2)
    stream = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(bytes(160))
    assert sealed[12:172] == stream


def test_wrong_keys_changed_bytes_and_plain_packets_are_counted_and_dropped() -> None:
    near, far = pair()
    stranger, _ = pair()
    sealed = near.seal(packet(1))
    assert sealed is not None
    forged = [stranger.seal(packet(2)), packet(3), b"", b"\x80", sealed[:-1]]
    for place in (1, 12, 100, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        forged.append(bytes(changed))
    for each in forged:
        assert far.open(each or b"") is None
    assert far.counters.forged == len(forged)
    assert far.open_report(stranger.seal_report(REPORT) or b"") is None
    assert far.open(sealed) == packet(1)


def test_a_replay_is_counted_and_dropped_and_a_late_packet_is_not() -> None:
    near, far = pair()
    sealed = [near.seal(packet(sequence)) or b"" for sequence in range(100, 140)]
    assert far.open(sealed[39]) is not None
    assert all(far.open(each) is not None for each in sealed[:39])
    assert all(far.open(each) is None for each in sealed)
    assert far.counters.replayed == 40


def test_a_number_is_sealed_once() -> None:
    """Two contents under one number would give the key stream away."""
    near, _ = pair()
    assert near.seal(packet(1)) is not None
    assert near.seal(packet(1)) is None


def test_new_keys_count_from_the_start_and_a_key_that_stays_goes_on() -> None:
    one, other, third = new_key(), new_key(), new_key()
    near, far = SecurePackets(Suite.SHA1_80, one, other), SecurePackets(Suite.SHA1_80, other, one)
    first = near.seal(packet(1))
    assert first is not None
    assert far.open(first) is not None
    near.rekey(Suite.SHA1_80, one, third)
    assert near.seal(packet(1)) is None
    far.rekey(Suite.SHA1_80, third, one)
    assert far.open(first) is None
    back = far.seal(packet(1, ssrc=9))
    assert back is not None
    assert near.open(back) == packet(1, ssrc=9)
