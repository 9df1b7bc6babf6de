"""`simbridge support-bundle`: one archive for who helps, masked, and to be read before it is sent."""

from __future__ import annotations

import contextlib
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway import __version__
from gateway.clock import WallClock, utc_now
from gateway.doctor import findings
from gateway.errors import GatewayError
from gateway.messages import finding_text
from gateway.settings import Settings
from gateway.store.alert_ways import stored_alert_ways
from gateway.store.database import schema_version
from gateway.store.event_hooks import stored_event_hooks
from gateway.store.opened import transaction
from gateway.store.schema import calls
from gateway.store.schema_access import users
from gateway.store.schema_call_backs import call_backs
from gateway.store.schema_contacts import contacts
from gateway.store.schema_orders import orders
from gateway.store.schema_site import site_visits
from gateway.store.shop_document.shop_commands import export_shop
from gateway.support.masks import Masks, toml_words

LOG_LINES = 5_000
CALLS = 200
_UNITS = ("simbridge", "simbridge-worker", "simbridge-web", "simbridge-backup")
_CALL_FACTS = (
    *(calls.c.started_at, calls.c.direction, calls.c.line, calls.c.flow, calls.c.cause, calls.c.ended_by),
    *(calls.c.talk_seconds, calls.c.total_seconds, calls.c.verdict, calls.c.caller_mos, calls.c.callee_mos),
)
"""Who spoke with whom is not among them."""

Log = Callable[[], str]


def write_bundle(
    settings: Settings, config: Path, target: Path, *, log: Log | None = None, clock: WallClock = utc_now
) -> int:
    """Write the archive; how many texts are in it. `log` gives the log of our units. Raises OSError."""
    masks = Masks(_known_words(settings, config), _known_names(settings))
    draft = target.with_name(target.name + ".part")
    count = 0
    with tarfile.open(draft, "w:gz") as archive:
        for name, text in _texts(settings, config, log or journal):
            content = masks.masked(text).encode()
            entry = tarfile.TarInfo(f"simbridge-support/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o644, int(clock().timestamp())
            archive.addfile(entry, io.BytesIO(content))
            count += 1
    draft.chmod(0o600)
    draft.replace(target)
    return count


def bundle_name(moment: datetime) -> str:
    """What the archive is called when nobody says otherwise."""
    return f"simbridge-support-{moment:%Y%m%d-%H%M%S}.tar.gz"


def masked_log(settings: Settings, lines: int) -> str:
    """The last lines of the log of our units, without what is secret or personal."""
    return Masks(_known_words(settings, None), _known_names(settings)).masked(journal(lines))


def journal(lines: int = LOG_LINES) -> str:
    """The last lines of our units; why not, when they cannot be had."""
    units = [f"--unit={unit}" for unit in _UNITS]
    try:
        told = subprocess.run(  # noqa: S603  # a fixed program, and names of our own units
            ["/usr/bin/journalctl", "--no-pager", "--quiet", "--output=short-iso", f"--lines={lines}", *units],
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as fault:
        return f"The journal cannot be read: {fault}\n"
    return told.stdout or told.stderr or "The journal holds nothing of ours.\n"


def _texts(settings: Settings, config: Path, log: Log) -> Iterator[tuple[str, str]]:
    yield "machine.json", json.dumps(_machine(settings), indent=1, ensure_ascii=False)
    yield "doctor.txt", "".join(_report(settings))
    yield "gateway.toml", config.read_text(encoding="utf-8", errors="replace")
    yield "shop.toml", _or_fault(lambda: export_shop(settings))
    yield "calls.json", _or_fault(lambda: _last_calls(settings))
    yield "log.txt", log()


def _machine(settings: Settings) -> dict[str, object]:
    existing = next(each for each in (settings.data_dir, *settings.data_dir.parents) if each.exists())
    disk = shutil.disk_usage(existing)
    model = Path("/proc/device-tree/model")
    return {
        "simbridge": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "model": model.read_text(encoding="utf-8", errors="replace").strip("\0")
        if model.exists()
        else platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "memory": _first_lines(Path("/proc/meminfo"), 3),
        "disk_mb": {"free": disk.free // 1_000_000, "total": disk.total // 1_000_000},
        "store": schema_version(settings.database) or "none",
    }


def _report(settings: Settings) -> Iterator[str]:
    for finding in findings(settings):
        title, advice = finding_text(finding.code, "en", finding.values)
        yield f"{finding.severity:8} {finding.code}: {title}\n"
        if advice and finding.severity != "ok":
            yield f"{'':8} -> {advice}\n"


def _last_calls(settings: Settings) -> str:
    if not settings.database.exists():
        return "There is no store.\n"
    with transaction(settings.database, read_only=True) as connection:
        count = connection.execute(select(func.count()).select_from(calls)).scalar_one()
        rows = connection.execute(select(*_CALL_FACTS).order_by(calls.c.started_at.desc()).limit(CALLS)).mappings()
        return json.dumps({"in_all": count, "last": [dict(row) for row in rows]}, default=str, indent=1)


def _or_fault(text: Callable[[], str]) -> str:
    try:
        return text()
    except (GatewayError, SQLAlchemyError, OSError) as fault:
        return f"This cannot be had: {fault}\n"


def _known_words(settings: Settings, config: Path | None) -> list[tuple[str, bool]]:
    """Everything secret or personal that this gateway knows of, so that it can be looked for."""
    words: list[tuple[str, bool]] = []
    with contextlib.suppress(GatewayError):  # a store that cannot be read gives nothing away either
        words += toml_words(tomllib.loads(export_shop(settings, with_secrets=True)))
    words += _words_of_alerts(settings)
    if settings.alerts.webhook is not None:
        words.append((settings.alerts.webhook, True))  # who knows the address may post to it
    words += [(hook.url, True) for hook in settings.webhooks]
    files = [settings.backup_passphrase, settings.panel_passphrase, settings.data_dir / "setup-code"]
    alerts = settings.alerts
    secret_files = [alerts.webhook_secret_file, alerts.telegram_token_file, alerts.mail_password_file]
    shared = settings.replication
    secret_files += [settings.mqtt.password_file, shared.database_password_file, shared.s3_secret_key_file]
    secret_files += [hook.secret_file for hook in settings.webhooks]
    files += [Path(each) for each in secret_files if each]
    words += [(each, False) for each in (*alerts.mail_to, alerts.mail_from, alerts.mail_user) if each]
    secrets = config.parent / "secrets" if config is not None else settings.backup_passphrase.parent
    if secrets.name == "secrets" and secrets.is_dir():
        files += [path for path in secrets.rglob("*") if path.is_file()]
    for file in files:
        try:
            words += [(line, True) for line in file.read_text(encoding="utf-8", errors="ignore").splitlines() if line]
        except OSError:
            continue
    return words


def _words_of_alerts(settings: Settings) -> list[tuple[str, bool]]:
    """What the panel was told of the ways of alerts and of programs; who knows the webhook's address may post to it."""
    if not settings.database.exists():
        return []
    try:
        with transaction(settings.database, read_only=True) as connection:
            ways, hooks = stored_alert_ways(connection), stored_event_hooks(connection)
    except SQLAlchemyError:
        return []  # a store that cannot be read gives nothing away either
    mail = ways.mail
    people = (*mail.to, mail.sender, mail.user, *ways.telegram.chats, *ways.sms.numbers)
    secrets = [ways.webhook.secret, ways.telegram.token, mail.password, ways.webhook.url]
    secrets += [each for hook in hooks for each in (hook.secret, hook.url)]
    return [(each, False) for each in people if each] + [(each, True) for each in secrets if each]


def _known_names(settings: Settings) -> list[str]:
    """Of staff, contacts, customers and visitors: whoever the store knows by name."""
    if not settings.database.exists():
        return []
    try:
        with transaction(settings.database, read_only=True) as connection:
            return [
                name
                for column in (users.c.name, contacts.c.name, orders.c.customer, call_backs.c.name, site_visits.c.name)
                for name in connection.execute(select(column).distinct()).scalars()
            ]
    except SQLAlchemyError:
        return []  # a store that cannot be read gives nothing away either


def _first_lines(file: Path, count: int) -> list[str]:
    try:
        return file.read_text(encoding="ascii", errors="replace").splitlines()[:count]
    except OSError:
        return []
