"""The page System: what is wrong stands first, backups can be taken away, and help is one button away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

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
    assert "Say that you have written it down." in choose(passphrase=good, passphrase_again=good)
    assert "too easy to guess" in choose(passphrase="1" * 12, passphrase_again="1" * 12, sure="1")
    assert gateway.passphrases == []
    page = choose(passphrase=good, passphrase_again=good, sure="1")
    assert "Backups are sealed with the new passphrase" in page
    assert gateway.passphrases == [good]
    gateway.settings.panel_passphrase.write_text(good)
    page = owner.get(where).text
    assert "keep both" in page
    assert good not in page
