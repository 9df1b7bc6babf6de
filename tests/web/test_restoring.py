"""A backup comes back by the browser: at the first set-up and later, and what is wrong with one is said."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.backup import sealed_file
from gateway.backup.make import make_backup
from gateway.backup.waiting import WAITING
from gateway.settings import load_settings
from gateway.store.database import prepare
from tests.fakes.gateway_thread import GatewayThread, gateway_running
from tests.web.conftest import csrf_of
from web.app import LARGEST_FORM_BYTES, create_app

PASSPHRASE = "ночь, улица, фонарь"


@pytest.fixture(scope="module", autouse=True)
def cheap_guesses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_file, "_SCRYPT_COST", 2)
        yield


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Larger than a form may be."""
    home = tmp_path_factory.mktemp("old")
    (home / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    config = home / "gateway.toml"
    config.write_text('data_dir = "data"\n[backup]\npassphrase_file = "passphrase"\n', encoding="utf-8")
    settings = load_settings(config)
    prepare(settings)
    settings.prompts_dir.mkdir()
    (settings.prompts_dir / "random.wav").write_bytes(os.urandom(LARGEST_FORM_BYTES))
    content = make_backup(settings, config).path.read_bytes()
    assert len(content) > LARGEST_FORM_BYTES
    return content


def form(browser: FlaskClient, path: str, content: bytes, **fields: str) -> dict[str, object]:
    file = (io.BytesIO(content), "simbridge-20260302-033000.backup")
    return {"csrf_token": csrf_of(browser, path), "passphrase": PASSPHRASE, **fields, "file": file}


def post(browser: FlaskClient, path: str, data: dict[str, object]) -> TestResponse:
    """Send a form; the test client leaves the file open in which it has packed a large one."""
    answer = browser.post(path, data=data)
    answer.request.environ["wsgi.input"].close()
    return answer


def test_a_new_gateway_begins_with_a_backup(tmp_path: Path, backup: bytes) -> None:
    with gateway_running(GatewayThread(tmp_path)) as gateway:
        browser = create_app(gateway.url).test_client()
        path = "/setup/restore"
        assert path in browser.get("/setup").text
        answer = post(browser, path, data=form(browser, path, backup, code="WRÖNG"))
        assert (answer.status_code, "The setup code is wrong." in answer.text) == (403, True)
        answer = post(browser, path, data=form(browser, path, backup, code="SETUP-CODE", passphrase="guessed"))
        assert (answer.status_code, "The passphrase does not open this backup." in answer.text) == (422, True)
        answer = post(browser, path, data=form(browser, path, backup[:-9], code="SETUP-CODE"))
        assert (answer.status_code, "damaged or incomplete" in answer.text) == (422, True)
        assert PASSPHRASE not in answer.text
        data = {key: value for key, value in form(browser, path, b"", code="SETUP-CODE").items() if key != "file"}
        assert "Choose the backup file" in post(browser, path, data=data).text
        assert gateway.started_again == []
        answer = post(browser, path, data=form(browser, path, backup, code="SETUP-CODE"))
        assert (answer.status_code, "being restored" in answer.text) == (200, True)
        assert "url=/login" in answer.text
        assert gateway.started_again == [True]
        assert (gateway.settings.data_dir / WAITING / "data" / "prompts" / "random.wav").is_file()


def test_an_owner_restores_and_is_signed_out(owner: FlaskClient, gateway: GatewayThread, backup: bytes) -> None:
    assert post(owner, "/restore", data=form(owner, "/restore", backup)).status_code == 422, "without saying so"
    answer = post(owner, "/restore", data=form(owner, "/restore", b"GIF89a", sure="1"))
    assert (answer.status_code, "not a simbridge backup" in answer.text) == (422, True)
    answer = post(owner, "/restore", data=form(owner, "/restore", backup, sure="1"))
    assert (answer.status_code, gateway.started_again) == (200, [True])
    assert owner.get("/").location.startswith("/login")


def test_who_may_not_sends_no_large_file(app: Flask, backup: bytes) -> None:
    """Neither a stranger, nor anybody at the door of a gateway that has its owner."""
    stranger = app.test_client()
    for path in ("/restore", "/setup/restore"):
        answer = post(stranger, path, data=form(stranger, "/login", backup, code="SETUP-CODE", sure="1"))
        assert answer.status_code == 413, path


def test_a_prompt_may_be_larger_than_a_form(owner: FlaskClient) -> None:
    sound = (io.BytesIO(bytes(LARGEST_FORM_BYTES + 1)), "greeting.wav")
    token = csrf_of(owner, "/prompts")
    assert post(owner, "/prompts/en/greeting/file", {"csrf_token": token, "file": sound}).status_code == 302
