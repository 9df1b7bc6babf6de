"""What the doctor says of the machine, of secrets, backups and providers."""

from __future__ import annotations

import ast
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.alert_settings import AlertSettings
from gateway.doctor import Finding, Severity, findings
from gateway.doctor import machine as machine_part
from gateway.doctor.machine import machine_findings, outside_findings
from gateway.doctor.secrets import is_guessed, is_guessed_pin, secret_findings
from gateway.doctor.sims import sim_findings
from gateway.doctor.vitals import FIRMWARE
from gateway.messages import LANGUAGES, finding_text
from gateway.mqtt_settings import MqttSettings
from gateway.replication_settings import ReplicationSettings
from gateway.settings import ApiSettings, DiscoverySettings, Settings, SipSettings
from gateway.sip.certificate import make_certificate
from gateway.store.database import prepare
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, SipTransport, TrunkSettings
from gateway.webhook_settings import WebhookSettings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    nothing = DiscoverySettings(sysfs=str(tmp_path / "sys"), devices=str(tmp_path / "dev"))
    (tmp_path / "data").mkdir()
    return Settings(data_dir=tmp_path / "data", discovery=nothing)


def codes(found: Iterable[Finding]) -> dict[str, Severity]:
    """Every finding by its code; each must have its sentences in both languages, and a fix when it needs one."""
    known: dict[str, Severity] = {}
    for finding in found:
        known[finding.code] = finding.severity
        for language in LANGUAGES:
            title, advice = finding_text(finding.code, language, finding.values)
            assert title != finding.code
            assert "{" not in title + (advice or "")
            assert finding.severity is Severity.GOOD or advice
    return known


def of_machine(settings: Settings, root: Path) -> dict[str, Severity]:
    return codes(machine_findings(settings, served=False, root=root))


@pytest.mark.parametrize(
    ("bits", "code"), [("0x0", "voltage-good"), ("0x50000", "voltage-was-low"), ("0x50005", "voltage-low")]
)
def test_a_raspberry_pi_tells_of_its_voltage(settings: Settings, tmp_path: Path, bits: str, code: str) -> None:
    file = tmp_path / "pi" / FIRMWARE
    file.parent.mkdir(parents=True)
    file.write_text(bits + "\n")
    assert [each for each in of_machine(settings, tmp_path / "pi") if each.startswith("voltage")] == [code]


def test_a_newer_kernel_tells_of_it_elsewhere_and_a_pc_not_at_all(settings: Settings, tmp_path: Path) -> None:
    hwmon = tmp_path / "pi" / "sys" / "class" / "hwmon" / "hwmon1"
    hwmon.mkdir(parents=True)
    (hwmon / "name").write_text("rpi_volt\n")
    (hwmon / "in0_lcrit_alarm").write_text("1\n")
    assert of_machine(settings, tmp_path / "pi")["voltage-low"] is Severity.PROBLEM
    assert not [each for each in of_machine(settings, tmp_path / "pc") if each.startswith("voltage")]


def test_a_release_that_did_not_start_is_told(settings: Settings, tmp_path: Path) -> None:
    marker = tmp_path / "pi" / "var" / "lib" / "simbridge-previous" / "in-use"
    assert "former-release-runs" not in of_machine(settings, tmp_path / "pi")
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert of_machine(settings, tmp_path / "pi")["former-release-runs"] is Severity.PROBLEM


def test_a_worker_that_is_to_send_rows_needs_a_network(settings: Settings, tmp_path: Path) -> None:
    pi = tmp_path / "pi"
    sharing = replace(settings, replication=ReplicationSettings(name="North", database="postgresql://north@db/rows"))
    assert "worker-without-network" not in of_machine(sharing, pi)  # from the source, without units
    generator = pi / "usr/lib/systemd/system-generators/simbridge-network-generator"
    generator.parent.mkdir(parents=True)
    generator.touch()
    assert of_machine(sharing, pi)["worker-without-network"] is Severity.PROBLEM
    assert "worker-without-network" not in of_machine(settings, pi)
    unit = pi / "run/systemd/generator/simbridge-worker.service.d/network.conf"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert "worker-without-network" not in of_machine(sharing, pi)


def test_a_slow_card_is_told_and_a_broken_one_too(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(each.startswith("storage-") for each in of_machine(settings, tmp_path))
    moments = iter(range(100))
    monkeypatch.setattr(machine_part, "time", type("Time", (), {"monotonic": staticmethod(lambda: next(moments))}))
    assert of_machine(settings, tmp_path)["storage-slow"] is Severity.WARNING
    monkeypatch.undo()

    def refuse(_descriptor: int) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(os, "fsync", refuse)
    assert of_machine(settings, tmp_path)["storage-faulty"] is Severity.PROBLEM


def test_certificates(settings: Settings, tmp_path: Path) -> None:
    with_tls = replace(settings, sip=SipSettings(tls_port=5061))
    assert not [each for each in of_machine(with_tls, tmp_path) if each.startswith("certificate")]
    files = with_tls.sip_tls
    make_certificate(files.certificate, files.key, ("127.0.0.1",))
    assert of_machine(with_tls, tmp_path)["certificate-good"] is Severity.GOOD
    files.certificate.write_text("no certificate")
    assert of_machine(with_tls, tmp_path)["certificate-unusable"] is Severity.PROBLEM


def test_backups_are_missed(settings: Settings, tmp_path: Path) -> None:
    assert not [each for each in of_machine(settings, tmp_path) if each.startswith("backup")], "nothing to lose yet"
    prepare(settings)
    assert "backup-without-passphrase" in of_machine(settings, tmp_path)
    settings.backup_passphrase.write_text("long enough for this")
    assert "backup-missing" in of_machine(settings, tmp_path)
    settings.backup_dir.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    (settings.backup_dir / f"simbridge-{now - timedelta(days=9):%Y%m%d-%H%M%S}.backup").touch()
    assert of_machine(settings, tmp_path)["backup-old"] is Severity.WARNING
    (settings.backup_dir / f"simbridge-{now:%Y%m%d-%H%M%S}.backup").touch()
    assert of_machine(settings, tmp_path)["backup-good"] is Severity.GOOD
    (settings.data_dir / "backup-failure.json").write_text('{"reason": "No room."}')
    assert of_machine(settings, tmp_path)["backup-failed"] is Severity.PROBLEM


def test_a_processor_that_is_too_warm(settings: Settings, tmp_path: Path) -> None:
    assert not [each for each in of_machine(settings, tmp_path) if each.startswith("temperature")]
    file = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    file.parent.mkdir(parents=True)
    file.write_text("51540\n")
    assert of_machine(settings, tmp_path)["temperature-good"] is Severity.GOOD
    file.write_text("80000\n")
    assert of_machine(settings, tmp_path)["temperature-high"] is Severity.WARNING


def test_secrets_that_are_none(settings: Settings, tmp_path: Path) -> None:
    (settings.data_dir / "setup-code").write_text("ABCD-EFGH")
    settings.backup_passphrase.write_text("long enough for this")
    settings.backup_passphrase.chmod(0o644)
    phones = (("101", "101101"), ("102", "k3Zq9vTxw2LpR7ma"))
    couriers = (("2001", "123456"), ("2002", "482913"))
    shop = Shop(
        phones=tuple(PhoneSettings(extension=extension, password=password) for extension, password in phones),
        couriers=tuple(CourierSettings(extension=name, mobile="+79161234567", pin=pin) for name, pin in couriers),
        lines=(LineSettings(name="red", modem="m0", pin_file=str(tmp_path / "nowhere")),),
    )
    found = list(secret_findings(settings, shop))
    assert set(codes(found)) == {"owner-missing", "password-weak", "pin-weak", "pin-file-missing", "secret-open-to-all"}
    said = " ".join(value for finding in found for value in finding.values.values())
    assert "101" in said
    assert "2001" in said
    for not_said in ("101101", "123456", "102", "2002", "ABCD"):
        assert not_said not in said


def test_files_that_alerts_and_mqtt_need(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("shared")
    (tmp_path / "hook").chmod(0o640)
    (tmp_path / "bot").write_text("token")
    (tmp_path / "bot").chmod(0o644)
    (tmp_path / "crm").write_text("shared")
    (tmp_path / "crm").chmod(0o604)
    hook = WebhookSettings(name="crm", url="https://crm.example/", secret_file=str(tmp_path / "crm"))
    alerts = AlertSettings(webhook_secret_file=str(tmp_path / "hook"), telegram_token_file=str(tmp_path / "bot"))
    mqtt = MqttSettings(host="broker.lan", password_file=str(tmp_path / "nowhere"))
    found = list(secret_findings(replace(settings, alerts=alerts, mqtt=mqtt, webhooks=(hook,)), Shop()))
    assert [(each.code, each.values["path"]) for each in found] == [
        ("secret-open-to-all", str(tmp_path / "bot")),
        ("secret-open-to-all", str(tmp_path / "crm")),
        ("secret-unreadable", str(tmp_path / "nowhere")),
    ]


@pytest.mark.parametrize(
    "password", ["", "secret", "1234567890", "qwertyuiop", "aaaaaaaaaaaa", "abababababab", "password123"]
)
def test_passwords_that_are_tried_first(password: str) -> None:
    assert is_guessed(password, "101")


@pytest.mark.parametrize("password", ["k3Zq9vTxw2LpR7ma", "Gd8sLw0qPz", "correct horse battery staple"])
def test_passwords_that_are_not(password: str) -> None:
    assert not is_guessed(password, "101")


@pytest.mark.parametrize(
    ("pin", "is_weak"), [("000000", True), ("121212", True), ("654321", True), ("200120", True), ("482913", False)]
)
def test_pins(pin: str, *, is_weak: bool) -> None:
    assert is_guessed_pin(pin, "2001") is is_weak


@pytest.mark.real_time
def test_a_provider_that_answers_one_that_is_silent_and_one_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_part, "NAME_SECONDS", 1.0)
    real = socket.getaddrinfo

    def look_up(host: str, *rest: object, **named: object) -> object:
        if host == "nobody.example":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **named)  # type: ignore[arg-type]  # passed through as they came

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(machine_part, "_DEFAULT_PORTS", {SipTransport.TCP: server.getsockname()[1]})
        answering = TrunkSettings(name="a", host="127.0.0.1", transport=SipTransport.TCP)
        assert codes(outside_findings(Shop(trunks=(answering,)))) == {"provider-answers": Severity.GOOD}
    unknown = TrunkSettings(name="b", host="nobody.example")
    assert codes(outside_findings(Shop(trunks=(answering, unknown)))) == {
        "provider-silent": Severity.WARNING,
        "name-unknown": Severity.PROBLEM,
    }


def test_what_the_daemon_says_of_each_sim(settings: Settings) -> None:
    assert list(sim_findings(settings)) == []
    prepare(settings)
    states = ("ready", "no-sim", "locked", "searching", "faulty", "lost", "opening")
    with closing(sqlite3.connect(settings.database)) as connection:
        for number, state in enumerate(states):
            connection.execute(
                "INSERT INTO modems (id, gateway_id, name, line, state, changed_at, facts)"
                " VALUES (?, '1', ?, 'red', ?, ?, '{}')",
                (str(number), f"m{number}", state, "2026-03-02T09:00:00.000Z"),
            )
        connection.commit()
    assert codes(sim_findings(settings)) == {
        "sim-ready": Severity.GOOD,
        "sim-missing": Severity.PROBLEM,
        "sim-needs-pin": Severity.PROBLEM,
        "sim-without-network": Severity.WARNING,
        "modem-misbehaves": Severity.PROBLEM,
        "modem-away": Severity.WARNING,
    }


def test_every_port_that_is_wanted_is_tried(settings: Settings) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken, socket.create_server(("0.0.0.0", 0)) as another:
        port, free = taken.getsockname()[1], another.getsockname()[1]
        another.close()
        ports = replace(settings.sip, port=free, tls_port=port)
        away = replace(settings, sip=ports, api=ApiSettings(bind="127.0.0.1:1"))
        tried = [finding for finding in findings(away) if finding.code in ("port-taken", "port-free")]
    assert [finding.values["name"] for finding in tried if finding.code == "port-taken"] == ["sip over tls"]
    assert len(tried) >= 3


def test_every_code_of_the_doctor_has_its_sentences() -> None:
    """Also those that this machine cannot show."""
    words = json.loads(Path("gateway/words.json").read_text(encoding="utf-8"))["doctor"]
    used = set()
    for file in Path("gateway/doctor").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                used |= {each.value for each in ast.walk(node.args[1]) if isinstance(each, ast.Constant)}
    assert len(used) > 50
    assert used <= words.keys(), used - words.keys()


def test_the_whole_report_can_be_made_where_nothing_is(settings: Settings) -> None:
    began = time.monotonic()
    assert "settings-read" in codes(findings(settings))
    assert time.monotonic() - began < 30
