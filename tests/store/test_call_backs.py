"""Promised call-backs on disk, and the rules of the reception in shop.toml."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import SettingsError, StoreError
from gateway.store.call_backs import KEPT_FOR, StoredCallBacks
from gateway.store.shop_document.reception_settings import with_reception
from gateway.store.shop_document.shop_file import plain, read_shop, shop_of_plain, write_shop
from gateway.telephony.promised import PromisedCall, PromiseState
from gateway.telephony.reception import CallBackFirst, Reception
from gateway.telephony.shop import PhoneSettings, Shop
from tests.fakes.direct_store import memory_writer

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PROMISE = PromisedCall(
    id="p1", number="+79035550001", name="Мария", called="red", extensions=("101", "102"), call_id="c1",
    promised_at=NOW, due_at=NOW, expires_at=NOW + timedelta(days=1), changed_at=NOW,
)  # fmt: skip


async def test_a_promise_is_found_again_as_it_was_kept_last() -> None:
    stored = StoredCallBacks(memory_writer(), gateway_id="g", clock=lambda: NOW)
    await stored.keep(PROMISE)
    begun = replace(PROMISE, state=PromiseState.DIALLING, attempts=1, last_cause="busy")
    stored.keep_later(begun)
    assert list(await stored.load()) == [begun]
    assert await stored.over(limit=10) == []


async def test_what_is_over_is_listed_the_last_first_and_forgotten_after_a_while() -> None:
    moment = NOW
    stored = StoredCallBacks(memory_writer(), gateway_id="g", clock=lambda: moment)
    for days, state in enumerate((PromiseState.KEPT, PromiseState.FAILED, PromiseState.WAITING)):
        await stored.keep(
            replace(PROMISE, id=f"p{days}", state=state, changed_at=NOW + timedelta(days=days), attempts=days)
        )
    assert [each.id for each in await stored.over(limit=10)] == ["p1", "p0"]
    assert [each.id for each in await stored.over(limit=1)] == ["p1"]
    moment = NOW + KEPT_FOR + timedelta(hours=12)
    assert [each.id for each in await stored.load()] == ["p2"], "what waits is never forgotten"
    assert [each.id for each in await stored.over(limit=10)] == ["p1"]


async def test_another_gateway_s_promises_are_not_ours() -> None:
    writer = memory_writer()
    await StoredCallBacks(writer, gateway_id="other", clock=lambda: NOW).keep(PROMISE)
    stored = StoredCallBacks(writer, gateway_id="g", clock=lambda: NOW)
    assert (await stored.load(), await stored.over(limit=10)) == ([], [])


async def test_a_disk_that_is_away_is_told_at_once() -> None:
    writer = memory_writer()
    writer.is_away = True
    with pytest.raises(StoreError):
        await StoredCallBacks(writer, gateway_id="g", clock=lambda: NOW).keep(PROMISE)


RULES = Reception(
    on=False, quiet_rings=4, greeting_seconds=10, call_back_first=CallBackFirst.CUSTOMER, night_to="+79161112233",
    night_message=True, night_hours=False,
)  # fmt: skip


def test_the_rules_travel_in_the_file_and_in_the_store() -> None:
    shop = Shop(reception=RULES)
    assert read_shop(write_shop(shop)).reception == RULES
    assert shop_of_plain(plain(shop)).reception == RULES
    assert read_shop("").reception == Reception(), "on from the first start"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quiet_rings = 0", '"quiet_rings" of [reception] must be from 1 to 10, not 0'),
        ("greeting_seconds = 19", '"greeting_seconds" of [reception] must be from 1 to 18, not 19'),
        ('night_to = "112"', '"night_to" of [reception] must be a phone\'s extension or a number that may be called'),
        ('night_to = "+882161234567"', '"night_to" of [reception] must be'),
        ('call_back_first = "boss"', "employee, customer"),
    ],
)
def test_what_cannot_be_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_shop(f"[reception]\n{text}\n")
    assert "shop.toml:2:" in str(refusal.value)
    assert said in str(refusal.value)


def test_some_values_are_changed_and_all_checks_hold() -> None:
    shop = Shop(phones=(PhoneSettings(extension="101", password="a-long-password"),))
    assert with_reception(shop, {"night_to": "101", "quiet_rings": 3}).reception == Reception(
        night_to="101", quiet_rings=3
    )
    assert with_reception(replace(shop, reception=RULES), {"quiet_rings": None}).reception.quiet_rings == 2
    with pytest.raises(SettingsError, match="night_to"):
        with_reception(shop, {"night_to": "102"})
