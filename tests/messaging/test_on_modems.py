"""SMS and USSD on emulated modems of every family, through the real drivers into a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.clock import utc_now
from gateway.emulator.client import EmulatorClient, RemoteModem, running_emulator
from gateway.errors import UssdNotListed
from gateway.events import SmsChanged, SmsReceived
from gateway.messaging.desk import MessageDesk
from gateway.modem.fleet import ModemFleet
from gateway.modem.text_lines import ModemTextLines, count_parts
from gateway.settings import DiscoverySettings
from gateway.telephony.leg import Leg
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import LineSettings, Shop, UssdRules
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock
from tests.fakes.modem_ledgers import MemoryBudget, MemoryPinTries
from tests.modem.fleet_room import ready, settings_of, until

pytestmark = pytest.mark.real_time

COURIER = "+79161234567"
LONG = "Заказ 1001 готов 😀, заберите его до восьми вечера. " * 4


class _NoPhones:
    async def deliver(self, extension: str, *, sender: str, text: str) -> bool:
        del extension, sender, text
        return False


@dataclass
class House:
    store: DirectStore
    fleet: ModemFleet
    desk: MessageDesk
    emulator: EmulatorClient
    modems: list[RemoteModem]

    def state(self, message_id: str) -> str:
        return str(self.store.rows(f"SELECT state FROM messages WHERE id = '{message_id}'")[0][0])  # noqa: S608  # our id

    @property
    def received(self) -> list[str | None]:
        return [event.text for event in self.store.events if isinstance(event, SmsReceived)]


@asynccontextmanager
async def served(directory: Path, emulator: EmulatorClient) -> AsyncIterator[House]:
    """The drivers, the desk and the database, on the emulator's modems."""
    modems = await emulator.modems()
    lines = tuple(LineSettings(name=each.name, modem=each.name, sms_per_minute=60) for each in modems)
    shop = Shop(lines=lines, ussd=UssdRules(codes=("*111#",)))
    with direct_store(directory) as store:

        def incoming(leg: Leg) -> None:
            leg.hangup()

        fleet = ModemFleet(
            settings_of(modems), lambda: shop, store.events.append, incoming, MemoryBudget(), store.inbox,
            MemoryPinTries(), lambda text: NumberPolicy(shop.numbers).normalise(text) or text, utc_now,
            discovery=DiscoverySettings(enabled=False),
        )  # fmt: skip
        desk = MessageDesk(
            store, ModemTextLines(lambda: shop, fleet.modem_of), phones=_NoPhones(), shop=lambda: shop,
            count_parts=count_parts, publish=store.events.append, clock=loop_clock,
        )  # fmt: skip
        async with fleet, desk:
            for modem in modems:
                await ready(fleet, modem.name)
            yield House(store, fleet, desk, emulator, modems)


@pytest.mark.parametrize("family", ["huawei", "quectel", "simcom", "generic"])
async def test_texts_go_out_and_are_reported(tmp_path: Path, family: str) -> None:
    async with running_emulator(tmp_path, modems=[family]) as emulator:
        courier = await emulator.subscriber(COURIER)
        async with served(tmp_path, emulator) as house:
            short = await house.desk.outbox.send(COURIER, "It costs 5 € {really}", by="anna")
            long = await house.desk.outbox.send("8 916 123-45-67", LONG, by="anna")
            nobody = await house.desk.outbox.send("+79169999999", "?", by="anna")
            await until(lambda: house.state(short.id) == "delivered")
            await until(lambda: house.state(long.id) == "delivered")
            await until(lambda: house.state(nobody.id) == "failed")
            arrived = await courier.messages(at_least=2)
            assert sorted((each["text"], each["parts"]) for each in arrived) == sorted(
                [("It costs 5 € {really}", 1), (LONG, long.parts)]
            )


@pytest.mark.parametrize("family", ["huawei", "quectel"])
async def test_a_burst_larger_than_the_sim_loses_nothing(tmp_path: Path, family: str) -> None:
    """50 texts at once on a SIM of 10 places, some in two parts and out of order: each arrives once."""
    texts = [f"Сообщение {number}: " + "и ещё слово " * (number % 3 * 4) for number in range(50)]
    async with running_emulator(tmp_path, modems=[family]) as emulator:
        (modem,) = await emulator.modems()
        await modem.sim(slots=10)
        async with served(tmp_path, emulator) as house:
            for number, text in enumerate(texts):
                parts = count_parts(text)
                order = list(range(parts, 0, -1)) if number % 2 else None
                await emulator.send_sms(
                    f"+7903000{number:04}", modem.number, text, order=order, wide_reference=number % 4 == 0
                )
            await until(lambda: len(house.received) >= 50, within=40)
            await asyncio.sleep(0.3)
            assert sorted(str(text) for text in house.received) == sorted(texts)
            assert (await modem.sim())["stored"] == 0


async def test_a_modem_that_is_pulled_out_in_the_midst_sends_nothing_twice(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["huawei", "quectel"]) as emulator:
        courier = await emulator.subscriber(COURIER)
        async with served(tmp_path, emulator) as house:
            for modem in house.modems:
                await modem.misbehave("slow_messages", seconds=60.0)
            message = await house.desk.outbox.send(COURIER, "Только один раз", by="anna", line="m0")
            assert len(await courier.messages(at_least=1)) == 1
            await house.modems[0].unplug()
            await until(lambda: house.state(message.id) == "unknown")
            await house.modems[0].replug()
            await ready(house.fleet, "m0")
            await asyncio.sleep(1)
            assert [each["text"] for each in await courier.messages()] == ["Только один раз"]
            assert house.state(message.id) in ("unknown", "delivered")


async def test_a_report_settles_what_the_modem_did_not_live_to_say(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["quectel"]) as emulator:
        await emulator.subscriber(COURIER)
        async with served(tmp_path, emulator) as house:
            await house.modems[0].misbehave("slow_messages", seconds=60.0)
            message = await house.desk.outbox.send(COURIER, "x", by="anna")
            await until(lambda: house.state(message.id) == "sending")
            await asyncio.sleep(0.1)
            await house.modems[0].unplug()
            await until(lambda: house.state(message.id) == "unknown")
            await house.modems[0].behave()
            await house.modems[0].replug()
            await until(lambda: house.state(message.id) == "delivered", within=20)


async def test_a_refusal_is_named_and_ends_when_the_network_takes_messages_again(tmp_path: Path) -> None:
    async with running_emulator(tmp_path, modems=["simcom"]) as emulator:
        await emulator.subscriber(COURIER)
        async with served(tmp_path, emulator) as house:
            await emulator.refuse_sms(8)
            barred = await house.desk.outbox.send(COURIER, "x", by="anna")
            await until(lambda: house.state(barred.id) == "failed")
            await emulator.refuse_sms(42)
            message = await house.desk.outbox.send(COURIER, "y", by="anna")
            await until(lambda: _failure(house, message.id) == "sms-network-busy")
            assert house.state(message.id) == "queued"
            await emulator.refuse_sms(None)
            states = [each.failure for each in house.store.events if isinstance(each, SmsChanged)]
            assert "sms-barred" in states


def _failure(house: House, message_id: str) -> str | None:
    failure: str | None = house.store.rows(f"SELECT failure FROM messages WHERE id = '{message_id}'")[0][0]  # noqa: S608  # our id
    return failure


@pytest.mark.parametrize("family", ["huawei", "quectel", "simcom", "generic"])
async def test_codes_and_balances(tmp_path: Path, family: str) -> None:
    async with running_emulator(tmp_path, modems=[family]) as emulator:
        (modem,) = await emulator.modems()
        await modem.radio(operator="MegaFon")
        await emulator.answer_ussd("*100#", "Баланс: 1 234,56 р. Тариф «Дело»")
        async with served(tmp_path, emulator) as house:
            assert (await house.desk.ussd.ask("m0", "*111#")).text == "Balance: 123.45 RUB"
            with pytest.raises(UssdNotListed):
                await house.desk.ussd.ask("m0", "*105#")
            balance = await house.desk.balances.check("m0")
            assert (balance.code, balance.value, balance.failure) == ("*100#", 1234.56, None)
            sent = [line for _, line in await modem.commands() if line.startswith("AT+CUSD=1")]
            assert len(sent) == 2
