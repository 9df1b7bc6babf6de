"""The tables [[webhooks]] of gateway.toml, and the programs that are made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.event_hooks import event_post
from gateway.messaging.outside import Outside
from gateway.settings import Settings, load_settings
from gateway.telephony.event_hooks import EventHook, Happening
from gateway.telephony.shop import Shop

CRM = '[[webhooks]]\nname = "crm"\nurl = "http://10.0.0.5/hook"\nsecret_file = "secrets/crm"\n'


def _settings(directory: Path, text: str) -> Settings:
    file = directory / "gateway.toml"
    file.write_text('data_dir = "d"\n' + text)
    return load_settings(file)


async def test_a_program_of_gateway_toml_comes_before_those_of_the_panel(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "crm").write_text("shared-with-the-crm\n")
    settings = _settings(tmp_path, CRM + 'events = ["call.missed"]\npanel = "https://shop.example:8080"\n')
    panel = EventHook(id="h1", name="1C")
    post = await event_post(settings.webhooks, Outside(), lambda: (panel,), Shop)
    assert post.hooks() == (
        EventHook(
            id="crm", name="crm", url="http://10.0.0.5/hook", secret="shared-with-the-crm",
            events=(Happening.CALL_MISSED,), panel="https://shop.example:8080", of_file=True,
        ),
        panel,
    )  # fmt: skip
    assert "shared-with" not in repr(post.hooks())


def test_left_out_events_are_all(tmp_path: Path) -> None:
    (hook,) = _settings(tmp_path, CRM).webhooks
    assert hook.events == tuple(Happening)
    assert _settings(tmp_path, "").webhooks == ()


@pytest.mark.parametrize("content", [None, "", " \n"])
async def test_a_file_that_is_empty_or_away_stops_the_start(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "secrets").mkdir()
    if content is not None:
        (tmp_path / "secrets" / "crm").write_text(content)
    with pytest.raises(SettingsError, match="secrets/crm"):
        await event_post(_settings(tmp_path, CRM).webhooks, Outside(), tuple, Shop)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (CRM.replace('"crm"', '"my crm"'), "Latin letters"),
        (CRM + CRM, "two"),
        (CRM.replace("http:", "ftp:"), "url"),
        (CRM + 'panel = "https://x.example/calls"', "panel"),
        (CRM + 'events = ["call.rings"]', "call.rings"),
        (CRM + "events = []", "one at least"),
        (CRM + 'events = ["call.ended", "call.ended"]', "each once"),
        (CRM.replace("secret_file", "secret"), "secret_file"),
    ],
)
def test_what_cannot_be_is_named(tmp_path: Path, text: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        _settings(tmp_path, text)
