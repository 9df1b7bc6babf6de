"""The shop in the store: saved, imported from outside while the daemon runs, kept in versions."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import MenuFirst, SettingsError
from gateway.events import Event, EventBus, ShopChanged
from gateway.settings import Settings
from gateway.store.audit import first_broken
from gateway.store.database import open_engine
from gateway.store.shop_document.shop_commands import export_shop, import_shop, stored_shop
from gateway.store.shop_document.shop_file import write_shop
from gateway.store.store import open_store
from gateway.telephony.shop import LineSettings, Shop
from tests.store.conftest import HandClock, small_shop

ASKS = {"asks_extension": True}


async def test_a_saved_shop_is_the_shop_from_then_on(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event]
) -> None:
    async with open_store(places, clock, bus) as store:
        assert store.shop() == Shop()
        view = store.shop
        assert await store.save_shop(small_shop(), by="owner")
        assert view() == small_shop()
        assert not await store.save_shop(small_shop(), by="owner")
        assert [event for event in heard if isinstance(event, ShopChanged)] == [ShopChanged(by="owner")]
        gateway_id = store.gateway_id
    async with open_store(places, clock) as store:
        assert store.shop() == small_shop()
        assert store.gateway_id == gateway_id


async def test_the_text_of_the_shop_goes_out_masked_and_comes_back_whole(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        await store.save_shop(small_shop(), by="owner")
        text = await store.export_text()
        assert "a-password-of-101" not in text
        assert not await store.import_text(text, by="owner")
        assert await store.import_text(text.replace("Front desk", "Касса"), by="owner")
        changed = store.shop()
        assert changed.phones[0].name == "Касса"
        assert changed.phones[0].password == "a-password-of-101"
        with pytest.raises(SettingsError, match=r"shop\.toml:\d+: "):
            await store.import_text(text.replace("2001", "20x1"), by="owner")
        assert store.shop() is changed


async def test_ten_versions_are_kept_and_each_is_in_the_audit(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        for number in range(13):
            await store.save_shop(replace(small_shop(), name=f"Shop {number}"), by="owner")
    with closing(sqlite3.connect(places.database)) as connection:
        numbers = [number for (number,) in connection.execute("SELECT number FROM shop_versions ORDER BY number")]
        assert numbers == list(range(4, 14))
        assert connection.execute("SELECT count(*) FROM audit WHERE action = 'shop.saved'").fetchone() == (13,)
        details = " ".join(str(row) for row in connection.execute("SELECT * FROM audit"))
        assert "a-password" not in details
        assert "482913" not in details


async def test_a_menu_before_anybody_rings_is_kept_only_when_it_is_meant_and_who_meant_it_is_in_the_audit(
    places: Settings, clock: HandClock
) -> None:
    """A9."""
    async with open_store(places, clock) as store:
        main = LineSettings(name="red", modem="m0", number="+79160000001")
        await store.save_shop(replace(small_shop(), lines=(main,), trunks=(), couriers=()), by="owner")
        before = store.shop()
        for change in (store.change_line("red", ASKS, by="anna"), store.change_part("lines", "red", ASKS, by="anna")):
            with pytest.raises(MenuFirst):
                await change
        assert store.shop() is before
        await store.change_part("lines", "red", ASKS, by="anna", accepts_menu=True)
        assert store.shop().lines[0].asks_extension
        await store.change_line("red", {"roaming": True}, by="anna")
    with closing(sqlite3.connect(places.database)) as connection:
        found = connection.execute("SELECT \"by\", subject FROM audit WHERE action = 'menu-first.accepted'").fetchall()
    assert found == [("anna", "red")]


async def test_a_changed_line_of_the_audit_shows(places: Settings, clock: HandClock) -> None:
    """T-L10."""
    async with open_store(places, clock) as store:
        for number in range(20):
            await store.save_shop(replace(small_shop(), name=f"Shop {number}"), by="owner")
            clock.pass_by(seconds=1)
        gateway_id = store.gateway_id
    engine = open_engine(places.database)
    with engine.connect() as connection:
        assert first_broken(connection, gateway_id) is None
        connection.exec_driver_sql("UPDATE audit SET \"by\" = 'somebody else' WHERE number = 7")
        assert first_broken(connection, gateway_id) == 7
        connection.rollback()
        connection.exec_driver_sql("DELETE FROM audit WHERE number = 12")
        assert first_broken(connection, gateway_id) == 12
    engine.dispose()


def test_import_and_export_without_a_daemon(places: Settings, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(
        '[[phones]]\nextension = "101"\n[[lines]]\nname = "red"\nmodem = "m0"\n'
        '[[couriers]]\nextension = "2001"\nmobile = "89161234567"\npin = "********"\n',
        encoding="utf-8",
    )
    told = import_shop(places, file).splitlines()
    password = stored_shop(places).phones[0].password
    assert told == [
        f"{file}: taken; lines: 1, phones: 1, couriers: 1, providers: 0. Changed: couriers, lines, phones.",
        f"Phone 101 has a new password: {password}",
        'The pin of "2001" is masked in the file and not known here: set it again.',
    ]
    assert import_shop(places, file) == f"{file}: nothing has changed."  # the generated password is kept
    assert stored_shop(places).phones[0].password == password
    assert password not in export_shop(places)
    assert password in export_shop(places, with_secrets=True)

    before = stored_shop(places)
    file.write_text('[[phones]]\nextension = "101"\n[[phones]]\nextension = "101"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r'shop\.toml:4: The extension "101" is taken already, in line 2\.'):
        import_shop(places, file)
    assert stored_shop(places) == before


@pytest.mark.real_time
async def test_an_import_by_the_command_line_is_noticed_within_a_second(
    places: Settings, clock: HandClock, bus: EventBus, heard: list[Event], tmp_path: Path
) -> None:
    changed = asyncio.Event()
    bus.subscribe(lambda published: changed.set() if isinstance(published.event, ShopChanged) else None)
    async with open_store(places, clock, bus) as store:
        await store.save_shop(small_shop(), by="owner")
        for name in ("First", "Second"):
            file = tmp_path / "shop.toml"
            file.write_text(write_shop(replace(store.shop(), name=name)), encoding="utf-8")
            changed.clear()
            await asyncio.to_thread(import_shop, places, file)
            async with asyncio.timeout(1.5):
                await changed.wait()
            assert store.shop().name == name
        assert store.shop().phones[0].password == "a-password-of-101"
        await store.save_shop(replace(store.shop(), name="Third"), by="owner")
    changes = [event.by for event in heard if isinstance(event, ShopChanged)]
    assert changes == ["owner", "import", "import", "owner"]
    assert stored_shop(places).name == "Third"


async def test_a_request_with_a_known_key_is_not_carried_out_again(places: Settings, clock: HandClock) -> None:
    async with open_store(places, clock) as store:
        answers = store.answers
        assert await answers.begin("owner", "key", "digest") is None
        running = await answers.begin("owner", "key", "digest")
        assert running is not None
        assert (running.same_request, running.status) == (True, None)
        assert await answers.begin("somebody else", "key", "digest") is None
        await answers.finish("owner", "key", status=202, response={"id": "1"})
    async with open_store(places, clock) as store:
        known = await store.answers.begin("owner", "key", "digest")
        assert known is not None
        assert (known.same_request, known.status, known.response) == (True, 202, {"id": "1"})
        other = await store.answers.begin("owner", "key", "another digest")
        assert other is not None
        assert not other.same_request
        clock.pass_by(hours=25)
        assert await store.answers.begin("owner", "key", "digest") is None
