"""What can be wrong with the machine and with what it reaches: power, disk, clock, certificates, names, providers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.backup.state import Verdict, backup_state
from gateway.boot_clock import told_of_time_servers
from gateway.doctor.finding import Finding, Severity
from gateway.doctor.vitals import read_vitals, vital_findings
from gateway.health import sip_answers
from gateway.settings import Settings
from gateway.sip.addresses import addresses_of
from gateway.sip.transport import is_numeric, is_wildcard
from gateway.telephony.shop import Shop, SipTransport

SYNC_SECONDS = 0.5
"""A card whose small writes take longer makes calls wait for their budget to be on disk."""
SYNCS = 5
NAME_SECONDS = 5.0
SOON = timedelta(days=30)
_DEFAULT_PORTS = {SipTransport.TLS: 5061}
"""RFC 3261 section 19.1.2; 5060 with any other transport."""


def machine_findings(settings: Settings, *, served: bool, root: Path = Path("/")) -> Iterator[Finding]:
    """Of the machine itself. `served`: the daemon runs. `root` is where the kernel's files are, for tests."""
    yield from still_findings(settings, root=root)
    yield from _storage(settings.data_dir)
    if served:
        yield from _own_sip(settings)


def still_findings(settings: Settings, *, root: Path = Path("/")) -> Iterator[Finding]:
    """Those that need neither network nor devices, nor time."""
    yield from _release(root)
    if settings.replication.is_on:
        yield from _worker_network(root)
    yield from vital_findings(read_vitals(root))
    yield from _clock_source()
    yield from _certificates(settings)
    yield from _backups(settings)


def outside_findings(shop: Shop) -> Iterator[Finding]:
    """Of providers and the PBX: whether their names are known, and whether somebody answers there."""
    places = [(trunk.host, _DEFAULT_PORTS.get(trunk.transport, 5060), trunk.transport) for trunk in shop.trunks]
    if shop.pbx is not None:
        places.append((shop.pbx.host, shop.pbx.port, shop.pbx.transport))
    for host, port, transport in dict.fromkeys(places):
        address = _looked_up(host)
        if address is None:
            # A name that has no address may still have SRV records, which the daemon asks for.
            severity = Severity.WARNING if transport is SipTransport.AUTO else Severity.PROBLEM
            yield Finding(severity, "name-unknown", {"host": host})
        elif transport is SipTransport.AUTO:
            yield Finding(Severity.GOOD, "name-known", {"host": host})
        elif _answers(address, port, transport):
            yield Finding(Severity.GOOD, "provider-answers", {"host": host, "port": str(port)})
        else:
            yield Finding(Severity.WARNING, "provider-silent", {"host": host, "port": str(port)})


def _release(root: Path) -> Iterator[Finding]:
    """The package goes back to the release before when a new one does not start (systemd/deb/postinst)."""
    if (root / "var/lib/simbridge-previous/in-use").exists():
        yield Finding(Severity.PROBLEM, "former-release-runs")


def _worker_network(root: Path) -> Iterator[Finding]:
    """Where our generator is installed: whether systemd has run it since gateway.toml shares rows with others."""
    unit = root / "run/systemd/generator/simbridge-worker.service.d/network.conf"
    if (root / "usr/lib/systemd/system-generators/simbridge-network-generator").exists() and not unit.exists():
        yield Finding(Severity.PROBLEM, "worker-without-network")


def _storage(data_dir: Path) -> Iterator[Finding]:
    """How long the disk takes for what every call waits for: a few kilobytes that must be on it."""
    if not data_dir.is_dir() or not os.access(data_dir, os.W_OK):
        return
    slowest = 0.0
    try:
        with tempfile.TemporaryFile(dir=data_dir) as file:
            for _ in range(SYNCS):
                began = time.monotonic()
                file.write(os.urandom(4096))
                file.flush()
                os.fsync(file.fileno())
                slowest = max(slowest, time.monotonic() - began)
    except OSError as fault:
        yield Finding(Severity.PROBLEM, "storage-faulty", {"path": str(data_dir), "reason": str(fault.strerror)})
        return
    values = {"ms": f"{slowest * 1000:.0f}"}
    if slowest > SYNC_SECONDS:
        yield Finding(Severity.WARNING, "storage-slow", values)
    else:
        yield Finding(Severity.GOOD, "storage-quick", values)


def _clock_source() -> Iterator[Finding]:
    """Whether something sets the clock; where systemd does not run, nothing is said."""
    match told_of_time_servers().get("NTPSynchronized"):
        case "no":
            yield Finding(Severity.WARNING, "clock-unsynced")
        case "yes":
            yield Finding(Severity.GOOD, "clock-synced")


def _certificates(settings: Settings) -> Iterator[Finding]:
    """Those of SIP and, where it is the owner's, the panel's: one of its making lies where only the panel may look."""
    files = [settings.sip_tls] if settings.sip.tls_port is not None else []
    panel = settings.web_tls()
    if settings.web.has_tls and not panel.is_self_made:
        files.append(panel)
    if settings.uploaded_certificate.exists():
        yield _ending(settings.uploaded_certificate, is_self_made=False)
    for each in files:
        if each.is_self_made and not each.certificate.exists():
            continue  # made at the next start
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(each.certificate, each.key)
        except (OSError, ValueError) as fault:
            values = {"path": str(each.certificate), "reason": str(fault)}
            yield Finding(Severity.PROBLEM, "certificate-unusable", values)
        else:
            yield _ending(each.certificate, is_self_made=each.is_self_made)


def _ending(certificate: Path, *, is_self_made: bool) -> Finding:
    try:
        ends = _end_of(certificate)
    except (OSError, ValueError) as fault:
        return Finding(Severity.PROBLEM, "certificate-unusable", {"path": str(certificate), "reason": str(fault)})
    values = {"path": str(certificate), "day": f"{ends:%Y-%m-%d}"}
    if ends < datetime.now(UTC):
        return Finding(Severity.PROBLEM, "certificate-expired", values)
    if ends < datetime.now(UTC) + SOON and not is_self_made:
        return Finding(Severity.WARNING, "certificate-expires", values)
    return Finding(Severity.GOOD, "certificate-good", values)


def _end_of(certificate: Path) -> datetime:
    # Here alone: the report has no other use for the library.
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415  # as said above

    return load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _own_sip(settings: Settings) -> Iterator[Finding]:
    for host in addresses_of(settings.sip.bind):
        address = ("::1" if ":" in host else "127.0.0.1") if is_wildcard(host) else host
        values = {"address": f"{address}:{settings.sip.port}"}
        if _answers(address, settings.sip.port, SipTransport.UDP):
            yield Finding(Severity.GOOD, "sip-answers", values)
        else:
            yield Finding(Severity.PROBLEM, "sip-silent", values)


def _answers(host: str, port: int, transport: SipTransport) -> bool:
    if transport is SipTransport.UDP:
        return asyncio.run(sip_answers(host, port))
    try:
        with socket.create_connection((host, port), timeout=NAME_SECONDS):
            return True
    except OSError:
        return False


def _looked_up(host: str) -> str | None:
    """The address of a name; None when there is none, or no answer in time."""
    if is_numeric(host):
        return host
    found: list[str] = []

    def look() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.append(str(socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0][4][0]))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(NAME_SECONDS)
    return found[0] if found else None


def _backups(settings: Settings) -> Iterator[Finding]:
    if not settings.database.exists():
        return
    state = backup_state(settings, datetime.now(UTC))
    values = {"path": str(settings.backup_dir), "reason": state.reason or ""}
    if state.kept:
        values["day"] = f"{state.kept[0].made_at:%Y-%m-%d %H:%M} UTC"
    match state.verdict:
        case Verdict.OFF:
            yield Finding(Severity.WARNING, "backup-without-passphrase", {"path": str(settings.backup_passphrase)})
        case Verdict.FAILED:
            yield Finding(Severity.PROBLEM, "backup-failed", values)
        case Verdict.GOOD:
            yield Finding(Severity.GOOD, "backup-good", values)
        case Verdict.OLD | Verdict.WAITING:
            yield Finding(Severity.WARNING, "backup-old" if state.kept else "backup-missing", values)
