"""USSD by the owner's list and nothing else (T-F11); balances as operators say them, their schedule and the alert."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.errors import AtRefused, NoFreeLine, UssdNotListed
from gateway.events import AlertCleared, AlertRaised, BalanceChecked
from gateway.messaging.balance import BalanceDesk
from gateway.messaging.operators import ANY_OPERATOR_PATTERN, OPERATORS, amount_in, operator_of
from gateway.messaging.ussd import UssdDesk
from gateway.telephony.messages import UssdAnswer
from gateway.telephony.shop import LineSettings, Shop, UssdRules
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock
from tests.fakes.text_line import FakeTextLine


@dataclass
class Room:
    store: DirectStore
    shop: Shop
    line: FakeTextLine = field(default_factory=lambda: FakeTextLine("red"))

    def __post_init__(self) -> None:
        lines = {"red": self.line}
        self.ussd = UssdDesk(lines, shop=lambda: self.shop)
        self.balances = BalanceDesk(
            lines, self.ussd, self.store.balances, shop=lambda: self.shop, publish=self.store.events.append,
            clock=loop_clock,
        )  # fmt: skip

    @property
    def alerts(self) -> list[str]:
        return [type(each).__name__ for each in self.store.events if isinstance(each, AlertRaised | AlertCleared)]


def shop(*codes: str, answers: tuple[str, ...] = (), **line: object) -> Shop:
    return Shop(
        lines=(LineSettings(name="red", modem="m0", **line),),  # type: ignore[arg-type]  # settings of one test
        ussd=UssdRules(codes=codes, answers=answers),
    )


@asynccontextmanager
async def running(room: Room) -> AsyncIterator[None]:
    """The schedule runs within the block."""
    task = asyncio.create_task(room.balances.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_only_what_is_listed_is_sent_exactly_as_it_stands(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with direct_store(tmp_path) as store:
        room = Room(store, shop("*100#", "*111*2#"))
        room.line.answers = {"*100#": UssdAnswer("ok", False), "*111*2#": UssdAnswer("ok", False)}
        for _ in range(500):
            text = "".join(chance.choices("*#0123456789+ ;AT\r\n\x1a", k=chance.randint(0, 12)))
            if text not in room.line.answers:
                with pytest.raises(UssdNotListed):
                    await room.ussd.ask("red", text)
        assert not room.line.asked
        assert (await room.ussd.ask("red", "*111*2#")).text == "ok"
        assert room.line.asked == ["*111*2#"]


async def test_an_answer_is_given_only_while_the_network_waits_for_one(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop("*100#", answers=("1",)))
        room.line.answers = {"*100#": UssdAnswer("1 - balance, 2 - credit", True), "1": UssdAnswer("12.50", False)}
        with pytest.raises(UssdNotListed):
            await room.ussd.ask("red", "1")
        assert (await room.ussd.ask("red", "*100#")).wants_answer
        with pytest.raises(UssdNotListed):
            await room.ussd.ask("red", "2")
        assert (await room.ussd.ask("red", "1")).text == "12.50"
        with pytest.raises(UssdNotListed):
            await room.ussd.ask("red", "1")
        await room.ussd.ask("red", "*100#")
        await room.ussd.end("red")
        with pytest.raises(UssdNotListed):
            await room.ussd.ask("red", "1")
        assert room.line.asked == ["*100#", "1", "*100#"]
        assert room.line.ended == 3


async def test_a_line_that_cannot_ask_says_so(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop("*100#"))
        room.line.can_text = False
        for name in ("red", "green"):
            with pytest.raises(NoFreeLine):
                await room.ussd.ask(name, "*100#")
            with pytest.raises(NoFreeLine):
                await room.balances.check(name)


SAID = [
    ("MTS", "Баланс:123,45р,Лимит:0,00р. *111*123#", 123.45), ("MTS", "Balance:0.99r", 0.99),
    ("MTS", "Баланс: -12,30 руб.", -12.3), ("Beeline", "Ваш баланс 1 234.50 р.", 1234.5),
    ("Beeline", "Na schete 55.10 rub.", 55.1), ("MegaFon", "Баланс: 100 руб. 50 мин.", 100.0),
    ("MegaFon", "Ostatok 77,00 r.", 77.0), ("t2", "Баланс 300.07 руб., доступно 300.07", 300.07),
    ("Yota", "На счёте 15 р.", 15.0), ("Yota", "На вашем счете\nДоступно: 9,90 ₽", 9.9),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "amount"), SAID)
def test_what_operators_say(name: str, text: str, amount: float) -> None:
    """Written after their help pages; not recorded from live SIMs."""
    operator = operator_of(name)
    assert operator is not None
    assert amount_in(text, operator.pattern) == amount
    assert amount_in(text, ANY_OPERATOR_PATTERN) == amount


@pytest.mark.parametrize("text", ["", "Услуга временно недоступна", "Запрос принят, ждите SMS", "Balance unknown"])
def test_what_holds_no_amount(text: str) -> None:
    assert amount_in(text, OPERATORS[0].pattern) is None
    assert amount_in(text, ANY_OPERATOR_PATTERN) is None


@pytest.mark.parametrize(
    ("shown", "name"),
    [("MTS RUS", "MTS"), ("МТС", "MTS"), ("Bee Line GSM", "Beeline"), ("Билайн", "Beeline"), ("MegaFon RUS", "MegaFon"),
     ("Tele2", "t2"), ("T2 RU", "t2"), ("YOTA", "Yota"), ("Vodafone", None), (None, None), ("25099", None)],
)  # fmt: skip
def test_who_the_operator_is(shown: str | None, name: str | None) -> None:
    operator = operator_of(shown)
    assert (operator.name if operator is not None else None) == name


async def test_a_balance_is_kept_and_told_and_survives_a_restart(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop())
        room.line.answers = {"*100#": UssdAnswer("Баланс: 50,00 р.", False)}
        assert (await room.balances.check("red")).value == 50.0
        told = [each for each in store.events if isinstance(each, BalanceChecked)]
        assert [(each.line, each.value, each.failure) for each in told] == [("red", 50.0, None)]
    with direct_store(tmp_path) as store:
        await store.balances.load()
        known = Room(store, shop()).balances.last("red")
        assert known is not None
        assert (known.value, known.code) == (50.0, "*100#")


@pytest.mark.parametrize(
    ("answer", "operator", "failure"),
    [(UssdAnswer("Ждите SMS", False), "MTS", "balance-unread"), (AtRefused("no"), "MTS", "at-refused"),
     (UssdAnswer("12", False), "Vodafone", "balance-no-code")],
)  # fmt: skip
async def test_what_could_not_be_learned_is_kept_with_its_reason(
    tmp_path: Path, answer: UssdAnswer | Exception, operator: str, failure: str
) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop())
        room.line.operator = operator
        room.line.answers = {"*100#": answer}
        balance = await room.balances.check("red")
        assert (balance.value, balance.failure) == (None, failure)


async def test_a_line_may_have_its_own_code_and_pattern(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop(balance_code="*555#", balance_pattern=r"Kontostand ([0-9.,]+) EUR"))
        room.line.answers = {"*555#": UssdAnswer("1 Monat, Kontostand 7,25 EUR", False)}
        assert (await room.balances.check("red")).value == 7.25


async def test_it_is_asked_once_a_day_where_the_owner_wants_it_and_an_alert_comes_and_goes(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop(low_balance=100))
        room.line.answers = {"*100#": UssdAnswer("Баланс: 150 р.", False)}
        async with running(room):
            await asyncio.sleep(3600)
            assert room.line.asked == ["*100#"]
            room.line.answers = {"*100#": UssdAnswer("Баланс: 99,90 р.", False)}
            await asyncio.sleep(24 * 3600)
            assert len(room.line.asked) == 2
            assert room.alerts == ["AlertRaised"]
            room.line.answers = {"*100#": UssdAnswer("Баланс: 500 р.", False)}
            await asyncio.sleep(24 * 3600)
            assert room.alerts == ["AlertRaised", "AlertCleared"]


async def test_a_restart_does_not_ask_again_and_knows_the_alert(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop(low_balance=100))
        room.line.answers = {"*100#": UssdAnswer("Баланс: 5 р.", False)}
        await room.balances.check("red")
    with direct_store(tmp_path) as store:
        await store.balances.load()
        room = Room(store, shop(low_balance=100))
        async with running(room):
            await asyncio.sleep(3600)
        assert not room.line.asked
        assert room.alerts == ["AlertRaised"]


async def test_a_failure_is_asked_again_an_hour_later_and_nobody_is_asked_unwanted(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        room = Room(store, shop(low_balance=1))
        room.line.answers = {"*100#": UssdAnswer("Попробуйте позже", False)}
        async with running(room):
            await asyncio.sleep(5 * 3600 + 600)
        assert len(room.line.asked) in (5, 6)
        assert not room.alerts
        quiet = Room(store, shop())
        async with running(quiet):
            await asyncio.sleep(3 * 24 * 3600)
        assert not quiet.line.asked
