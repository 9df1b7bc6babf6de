"""`simbridge doctor`: everything on this machine that can be wrong, in words, with the way to mend it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from serial.tools import list_ports

from gateway.audio.opus import is_installed as opus_is_installed
from gateway.clock import is_set
from gateway.doctor.finding import Finding, Severity
from gateway.doctor.machine import machine_findings, outside_findings, still_findings
from gateway.doctor.secrets import secret_findings
from gateway.doctor.sims import sim_findings
from gateway.errors import GatewayError, SettingsError
from gateway.messages import finding_text, language_of
from gateway.modem.discovery import UsbBus, UsbModem
from gateway.modem.discovery_table import hexadecimal
from gateway.modem.port_owner import owner_of, running
from gateway.settings import ModemSettings, Settings, load_settings
from gateway.store.shop_document.shop_commands import stored_shop
from gateway.telephony.shop import Srtp

LEAST_FREE_BYTES = 500_000_000


def examine(config: Path) -> int:
    """Print the report; 0 when nothing is a problem, 2 when the settings cannot be read, else 1."""
    language = language_of(os.environ)
    try:
        settings = load_settings(config)
    except SettingsError as fault:
        _print(Finding(Severity.PROBLEM, "settings-invalid", {"detail": str(fault)}), language)
        return 2
    worst = 0
    for finding in findings(settings):
        _print(finding, language)
        worst = max(worst, 1 if finding.severity is Severity.PROBLEM else 0)
    return worst


def findings(settings: Settings) -> Iterator[Finding]:
    """All findings, the daemon's own state first."""
    yield Finding(Severity.GOOD, "settings-read")
    status = _daemon_status(settings)
    if status is None:
        yield Finding(Severity.WARNING, "daemon-away")
    else:
        yield Finding(Severity.GOOD, "daemon-running", {"status": status})
    yield from _data_directory(settings.data_dir)
    if status is None:
        yield from _ports(settings)
    for modem in settings.modems:
        yield from _modem(modem, served=status is not None)
    found = list(_usb_modems(settings, served=status is not None))
    yield from found
    if not settings.modems and not any(finding.code in _USB_MODEM for finding in found):
        yield Finding(Severity.WARNING, "no-modems")
    if status is not None:
        yield from sim_findings(settings)
    yield from _modem_manager()
    yield from _clock()
    yield from machine_findings(settings, served=status is not None)
    opus = opus_is_installed()
    yield Finding(Severity.GOOD if opus else Severity.WARNING, "opus-installed" if opus else "opus-missing")
    yield from _shop(settings)


def machine_state(settings: Settings) -> Iterator[Finding]:
    """What can be said without the network and without touching a device, for the panel's page."""
    yield from _data_directory(settings.data_dir)
    yield from _clock()
    yield from still_findings(settings)


def _daemon_status(settings: Settings) -> str | None:
    request = f"http://{settings.api.bind}/api/v1/health"
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return str(json.load(answer)["status"])
    except urllib.error.HTTPError as answer:
        return "starting" if answer.code == 503 else None
    except (OSError, ValueError, KeyError):
        return None


def _data_directory(directory: Path) -> Iterator[Finding]:
    where = {"path": str(directory)}
    existing = next((each for each in (directory, *directory.parents) if each.exists()), Path("/"))
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Finding(Severity.PROBLEM, "data-not-writable", where)
        return
    free = shutil.disk_usage(existing).free
    where["free_mb"] = str(free // 1_000_000)
    if free < LEAST_FREE_BYTES:
        yield Finding(Severity.PROBLEM, "disk-nearly-full", where)
    else:
        yield Finding(Severity.GOOD, "data-writable", where)
    if directory.exists() and stat.S_IMODE(directory.stat().st_mode) & stat.S_IRWXO:
        yield Finding(Severity.WARNING, "data-open-to-all", where)


def _ports(settings: Settings) -> Iterator[Finding]:
    wanted = [("sip", "0.0.0.0", settings.sip.port, socket.SOCK_DGRAM)]
    if settings.sip.tls_port is not None:
        wanted.append(("sip over tls", "0.0.0.0", settings.sip.tls_port, socket.SOCK_STREAM))
    served = (("api", settings.api.bind), ("web", settings.web.bind), ("phones", settings.web.phones))
    for name, bind in ((name, bind) for name, bind in served if bind is not None):
        host, _, number = bind.rpartition(":")
        wanted.append((name, "0.0.0.0" if host == "lan" else host, int(number), socket.SOCK_STREAM))
    for name, host, port, kind in wanted:
        values = {"name": name, "port": str(port)}
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as fault:
                values["reason"] = os.strerror(fault.errno or errno.EIO)
                yield Finding(Severity.PROBLEM, "port-taken", values)
            else:
                yield Finding(Severity.GOOD, "port-free", values)


def _modem(modem: ModemSettings, *, served: bool) -> Iterator[Finding]:
    ports = [("AT", modem.at)]
    if modem.voice is not None and not modem.voice.startswith("alsa:"):
        ports.append(("voice", modem.voice))
    for role, path in ports:
        values = {"modem": modem.name, "role": role, "path": path}
        if not Path(path).exists():
            yield Finding(Severity.PROBLEM, "modem-port-missing", values)
        elif not stat.S_ISCHR(Path(path).stat().st_mode):
            yield Finding(Severity.PROBLEM, "modem-port-not-serial", values)
        elif not os.access(path, os.R_OK | os.W_OK):
            yield Finding(Severity.PROBLEM, "modem-port-forbidden", values)
        elif not served and _is_locked(path):
            yield Finding(Severity.PROBLEM, "modem-port-busy", values)
        else:
            yield Finding(Severity.GOOD, "modem-port-good", values)
    if modem.voice is None:
        yield Finding(Severity.WARNING, "modem-without-voice", {"modem": modem.name})


_USB_MODEM = ("usb-modem-found", "usb-modem-without-voice", "usb-modem-unknown")


def _usb_modems(settings: Settings, *, served: bool) -> Iterator[Finding]:
    """What hangs at the USB ports, and what would become of it."""
    if not settings.discovery.enabled:
        yield Finding(Severity.GOOD, "discovery-off")
        return
    bus = UsbBus(Path(settings.discovery.sysfs), Path(settings.discovery.devices))
    fixed = {os.path.realpath(port) for modem in settings.modems for port in (modem.at, modem.voice) if port}
    seen: set[str] = set()
    for usb in bus.modems():
        files = {os.path.realpath(bus.device(port.tty)) for port in usb.ports}
        seen |= files
        if files & fixed:
            continue  # told of above, by its name
        if settings.discovery.leaves_alone(usb.path, hexadecimal(usb.usb_id)):
            yield Finding(Severity.GOOD, "usb-modem-ignored", {"device": usb.shown, "place": usb.path})
            continue
        yield _usb_modem(usb, bus)
        for file in sorted(files) if not served else ():
            if Path(file).exists() and _is_locked(file):
                holder = owner_of(file) or "?"
                yield Finding(Severity.PROBLEM, "usb-port-held", {"path": file, "holder": holder})
    for port in sorted(list_ports.comports(), key=lambda each: str(each.device)):
        # A port that is none of a USB device's is one of the board's own, which are many and empty.
        if port.vid is not None and os.path.realpath(port.device) not in seen | fixed:
            values = {"path": str(port.device), "description": str(port.description)}
            yield Finding(Severity.WARNING, "serial-port-unknown", values)


def _usb_modem(usb: UsbModem, bus: UsbBus) -> Finding:
    where = {"device": usb.shown, "place": usb.path}
    if usb.shows_disc:
        return Finding(Severity.PROBLEM, "usb-modem-shows-disc", where)
    known = usb.known
    at = next(filter(None, map(usb.tty, known.at)), None) if known is not None else None
    if known is None or at is None:
        ports = ", ".join(bus.device(port.tty) for port in usb.ports)
        return Finding(Severity.WARNING, "usb-modem-unknown", {**where, "ports": ports})
    voice = f"ALSA {usb.card}" if usb.card is not None else usb.tty(known.voice)
    if voice is None:
        return Finding(Severity.WARNING, "usb-modem-without-voice", where)
    return Finding(Severity.GOOD, "usb-modem-found", {**where, "at": at, "voice": voice})


def _is_locked(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as fault:
        return fault.errno == errno.EBUSY
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _modem_manager() -> Iterator[Finding]:
    pid = running("ModemManager")
    if pid is not None:
        yield Finding(Severity.PROBLEM, "modem-manager-runs", {"pid": str(pid)})


def _clock() -> Iterator[Finding]:
    now = datetime.now(UTC)
    values = {"time": f"{now:%Y-%m-%d %H:%M} UTC"}
    yield (
        Finding(Severity.GOOD, "clock-set", values) if is_set(now) else Finding(Severity.PROBLEM, "clock-unset", values)
    )


def _shop(settings: Settings) -> Iterator[Finding]:
    if not settings.database.exists():
        yield Finding(Severity.WARNING, "shop-missing")
        return
    try:
        shop = stored_shop(settings)
    except GatewayError as fault:
        yield Finding(Severity.PROBLEM, "store-unreadable", {"detail": str(fault)})
        return
    yield from secret_findings(settings, shop)
    yield from outside_findings(shop)
    if not shop.phones:
        yield Finding(Severity.WARNING, "no-phones")
    if not shop.couriers:
        yield Finding(Severity.WARNING, "no-couriers")
    sealed = [phone.extension for phone in shop.phones if phone.srtp is not Srtp.OFF]
    if sealed and settings.sip.tls_port is None:
        yield Finding(Severity.WARNING, "srtp-without-tls", {"name": ", ".join(sealed)})
    names = {modem.name for modem in settings.modems}
    for line in shop.lines:
        if line.modem is not None and line.modem not in names and not line.modem.startswith("usb-"):
            yield Finding(Severity.PROBLEM, "line-without-modem", {"line": line.name, "modem": line.modem})
    if shop.phones and shop.lines:
        yield Finding(
            Severity.GOOD,
            "shop-read",
            {"lines": str(len(shop.lines)), "phones": str(len(shop.phones)), "couriers": str(len(shop.couriers))},
        )


def _print(finding: Finding, language: str) -> None:
    title, advice = finding_text(finding.code, language, finding.values)
    severity, _ = finding_text(f"severity-{finding.severity.lower()}", language, {})
    print(f"{severity:8} {title}")
    if advice and finding.severity is not Severity.GOOD:
        print(f"{'':8} -> {advice}")
