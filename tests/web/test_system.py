"""The page System: what is wrong stands first, backups can be taken away, and help is one button away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from gateway.backup.make import Step
from gateway.backup.on_demand import Progress
from gateway.doctor.vitals import Vitals
from gateway.support import bundle
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.upkeep import BUNDLE
from tests.web.conftest import csrf_of


def test_the_page_says_how_the_machine_stands(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "simbridge-20260302-033000.backup" in owner.get("/system").text
    settings = gateway.settings
    settings.backup_passphrase.write_text("long enough for this")
    name = f"simbridge-{datetime.now(UTC) - timedelta(hours=5):%Y%m%d-%H%M%S}.backup"
    (settings.backup_dir / name).write_bytes(bytes(300_000))
    owner.set_cookie("language", "ru")
    page = owner.get("/system").text
    assert "Резервные копии" in page
    assert name in page
    answer = owner.get(f"/system/backups/{name}")
    assert (answer.status_code, len(answer.data)) == (200, 300_000)
    assert name in answer.headers["Content-Disposition"]
    assert owner.get("/system/backups/other").status_code == 404
    answer.close()


def test_a_backup_is_made_at_the_press_of_a_button(owner: FlaskClient, gateway: GatewayThread) -> None:
    def press() -> str:
        token = csrf_of(owner, "/system")
        return owner.post("/system/backups", data={"csrf_token": token}, follow_redirects=True).text

    assert "Make a backup now" not in owner.get("/system").text, "nothing could seal it"
    assert "The passphrase of the backups cannot be read" in press()
    gateway.settings.backup_passphrase.write_text("long enough for this")
    assert "Make a backup now" in owner.get("/system").text
    page = press()
    assert "The backup is being made and encrypted" in page
    assert 'hx-trigger="every 1s"' in page
    gateway.backups.progress = Progress(Step.CHECKING, 500_000, 2_000_000)
    part = owner.get("/parts/backups").text
    assert 'max="2000000" value="500000"' in part
    assert "opened again to check it" in part
    gateway.backups.progress = None
    part = owner.get("/parts/backups").text
    assert "every 1s" not in part
    assert "Make a backup now" in part
    (gateway.settings.data_dir / "backup-failure.json").write_text('{"reason": "The disk is full."}')
    assert "The disk is full." in owner.get("/parts/backups").text


def test_the_log_is_searched_and_taken_away(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def journal(lines: int) -> str:
        asked.append(lines)
        return "".join(
            f"line {number} <b>{'Modem' if number % 2 else 'clock'}</b> +79161234567\n" for number in range(4)
        )

    monkeypatch.setattr(bundle, "journal", journal)
    page = owner.get("/system/log").text
    assert page.index("line 3") < page.index("line 0"), "newest first"
    assert "&lt;b&gt;" in page
    assert "79161234567" not in page
    found = owner.get("/system/log?search=MODEM").text
    assert "line 1" in found
    assert "line 2" not in found
    assert "Nothing matches" in owner.get("/system/log?search=nothing").text
    answer = owner.get("/system/log.txt?search=clock")
    assert "attachment" in answer.headers["Content-Disposition"]
    assert [line[:6] for line in answer.text.splitlines()] == ["line 0", "line 2"]
    assert owner.get("/system/log.txt").text.count("\n") == 4
    assert asked == [300, 5000, 5000, 5000, 5000]


def test_the_support_bundle_is_one_button_away(owner: FlaskClient) -> None:
    assert 'href="/system/support-bundle"' in owner.get("/system").text
    answer = owner.get("/system/support-bundle")
    assert answer.data == BUNDLE
    assert "attachment" in answer.headers["Content-Disposition"]
    assert owner.get("/system/log").status_code == 200
    answer.close()


def test_the_passphrase_is_chosen_with_open_eyes_and_never_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    where, good = "/system/passphrase", "four words of no kin"

    def choose(**form: str) -> str:
        data = {"csrf_token": csrf_of(owner, where), **form}
        return owner.post(where, data=data, follow_redirects=True).text

    assert "Choose a passphrase" in owner.get("/system").text
    assert "The two passphrases differ." in choose(passphrase=good, passphrase_again=good + "!", sure="1")
    assert "Tick that you have written it down." in choose(passphrase=good, passphrase_again=good)
    assert "too easy to guess" in choose(passphrase="1" * 12, passphrase_again="1" * 12, sure="1")
    assert gateway.passphrases == []
    page = choose(passphrase=good, passphrase_again=good, sure="1")
    assert "From now on backups are encrypted with the new passphrase" in page
    assert gateway.passphrases == [good]
    gateway.settings.panel_passphrase.write_text(good)
    page = owner.get(where).text
    assert "keep both" in page
    assert good not in page


def test_the_page_says_how_busy_the_machine_is(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    calm = Vitals(
        processors=4, load=0.52, memory_bytes=4_000_000_000, free_memory_bytes=1_000_000_000, up_seconds=86400.0
    )  # fmt: skip
    monkeypatch.setattr("gateway.worker.system_routes.read_vitals", lambda: calm)
    page = owner.get("/system").text
    for said in ("0.5 of 4 in use <small>keeps up", " free <small>enough", "Switched on"):
        assert said in page, said
    busy = replace(calm, load=9.0, free_memory_bytes=100_000_000)
    monkeypatch.setattr("gateway.worker.system_routes.read_vitals", lambda: busy)
    page = owner.get("/system").text
    for said in ("9.0 of 4 in use <small>busy", "too little"):
        assert said in page, said
