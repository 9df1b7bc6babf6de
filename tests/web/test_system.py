"""The page System: what is wrong stands first, backups can be taken away, and help is one button away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.upkeep import BUNDLE


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


def test_the_support_bundle_is_one_button_away(owner: FlaskClient) -> None:
    assert 'href="/system/support-bundle"' in owner.get("/system").text
    answer = owner.get("/system/support-bundle")
    assert answer.data == BUNDLE
    assert "attachment" in answer.headers["Content-Disposition"]
    assert owner.get("/system/log").status_code == 200
    answer.close()
