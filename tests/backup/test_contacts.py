"""Contacts and notes come back from a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.backup.restore import restore_backup
from gateway.settings import load_settings
from gateway.store.store import open_store
from gateway.telephony.contacts import ContactDraft
from tests.backup.test_backup import PASSPHRASE, START, another_machine, cheap_guesses, config, made_at

__all__ = ["cheap_guesses", "config"]


@pytest.mark.real_time
async def test_contacts_come_back_on_another_machine(config: Path, tmp_path: Path) -> None:
    settings = load_settings(config)
    async with open_store(settings) as store:
        draft = ContactDraft(name="Мария", phones=("+79031112233",), tags=("vip",), note="розы")
        made = await store.contacts.add(draft, by="anna")
    other, other_config = another_machine(tmp_path)
    restore_backup(other, other_config, made_at(settings, config, START), PASSPHRASE)
    async with open_store(other) as store:
        assert await store.contacts.find(made.id) == made
        known = store.contacts.known("89031112233")
        assert known is not None
        assert known.name == "Мария"
