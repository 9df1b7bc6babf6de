"""Secrets that are none: guessed at once, readable by all, not readable by us, or refused by a SIM."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gateway.doctor.finding import Finding, Severity
from gateway.settings import Settings
from gateway.telephony.shop import Shop

LEAST_PASSWORD = 10
"""Shorter ones are found by trying."""
FEW_SIGNS = 4
"""A secret of fewer different signs is found by trying too, be it long."""
_ROWS = ("01234567890", "09876543210", "qwertyuiop", "abcdefghij", "password")


def secret_findings(settings: Settings, shop: Shop) -> Iterator[Finding]:
    """No secret stands in what is yielded, only whose it is."""
    if (settings.data_dir / "setup-code").exists():
        yield Finding(Severity.WARNING, "owner-missing")
    weak = [phone.extension for phone in shop.phones if is_guessed(phone.password or "", phone.extension)]
    if weak:
        yield Finding(Severity.PROBLEM, "password-weak", {"names": ", ".join(weak)})
    pins = [
        courier.extension for courier in shop.couriers if courier.pin and is_guessed_pin(courier.pin, courier.extension)
    ]
    if pins:
        yield Finding(Severity.PROBLEM, "pin-weak", {"names": ", ".join(pins)})
    for line in shop.lines:
        if line.pin_file is not None:
            yield from _pin_file(line.name, Path(line.pin_file))
    yield from _open_files(settings)


def is_guessed(password: str, name: str) -> bool:
    """Whether a phone's password is among those that are tried first. One of our own making never is."""
    plain = password.lower()
    return (
        len(password) < LEAST_PASSWORD
        or len(set(plain)) < FEW_SIGNS
        or plain.replace(name.lower(), "") in ("", "sip", "phone", "secret", "password")
        or any(plain in row * 2 or (row in plain and len(plain) < len(row) + FEW_SIGNS) for row in _ROWS)
    )


def is_guessed_pin(pin: str, extension: str) -> bool:
    """Two digits at most, a row of them, or the extension over again."""
    return len(set(pin)) < FEW_SIGNS - 1 or any(pin in row * 2 for row in _ROWS[:2]) or pin in extension * 6


def _pin_file(line: str, file: Path) -> Iterator[Finding]:
    values = {"line": line, "path": str(file)}
    if not file.exists():
        yield Finding(Severity.PROBLEM, "pin-file-missing", values)
    elif not os.access(file, os.R_OK):
        yield Finding(Severity.PROBLEM, "pin-file-unreadable", values)


def _open_files(settings: Settings) -> Iterator[Finding]:
    named = _named_in_settings(settings)
    keys = [settings.backup_passphrase, settings.panel_passphrase, settings.database, *named]
    if settings.sip.tls_port is not None:
        keys.append(settings.sip_tls.key)
    for path in keys:
        try:
            is_open = bool(stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO)
        except OSError:
            is_open = False
        if is_open:
            yield Finding(Severity.PROBLEM, "secret-open-to-all", {"path": str(path)})
        elif path in named and not os.access(path, os.R_OK):
            yield Finding(Severity.PROBLEM, "secret-unreadable", {"path": str(path)})


def _named_in_settings(settings: Settings) -> list[Path]:
    """Files without which alerts, MQTT and rows do not go out; the daemon does not start without those of alerts."""
    alerts, shared = settings.alerts, settings.replication
    files = [alerts.webhook_secret_file, alerts.telegram_token_file, alerts.mail_password_file]
    files += [hook.secret_file for hook in settings.webhooks]
    others = (settings.mqtt.password_file, shared.database_password_file, shared.s3_secret_key_file)
    return [Path(file) for file in (*files, *others) if file]
