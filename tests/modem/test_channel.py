"""AtChannel: each command its own answer, all news in order, whatever falls between (X-M3, X-M4)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.errors import AtRefused, AtTimeout, ModemLost
from gateway.modem import commands
from gateway.modem.channel import Answer, AtChannel, Priority
from gateway.modem.commands import fixed, query
from tests.fakes.serial import MemoryPort


@dataclass
class Desk:
    """A channel with somebody at the other end who answers as told."""

    channel: AtChannel
    port: MemoryPort
    news: list[tuple[str, str | None]]
    answers: dict[str, str | Callable[[], str]] = field(default_factory=dict)

    def say(self, text: str) -> None:
        self.channel.data_received(text.encode("latin-1"))

    @property
    def heard(self) -> list[str]:
        return [line for line, _ in self.news]


@asynccontextmanager
async def desk(answers: dict[str, str | None] | None = None) -> AsyncIterator[Desk]:
    """`answers`: command to bytes; None: silence; what is not there is OK. Answers come a moment later."""
    table = answers if answers is not None else {}
    loop = asyncio.get_running_loop()

    def answer(line: str) -> None:
        text = table.get(line, "\r\n+CMEE: 1\r\n\r\nOK\r\n" if line == "AT+CMEE?" else "\r\nOK\r\n")
        if text is not None:
            loop.call_later(0.001, lambda: channel.data_received(text.encode("latin-1")))

    news: list[tuple[str, str | None]] = []
    port = MemoryPort(answer)
    channel = AtChannel(port, lambda line, pdu: news.append((line, pdu)), name="m0")
    running = asyncio.create_task(channel.run())
    try:
        yield Desk(channel, port, news)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


SIGNAL = commands.SIGNAL


async def test_an_answer_and_its_lines() -> None:
    async with desk({"AT+CSQ": "AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n"}) as d:
        assert await d.channel.send(SIGNAL) == Answer(("+CSQ: 20,99",), "OK")
        assert d.news == []


@pytest.mark.parametrize(
    "text",
    [
        "\r\n^RSSI:19\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
        "\r\n+CSQ: 20,99\r\n\r\n^RSSI:19\r\n\r\nOK\r\n",
        "\r\n+CSQ: 20,99\r\n\r\nOK\r\n^RSSI:19\r\n",
        "\r\n+CSQ: 20,99\r\n\r\nOK^RSSI:19\r\n",
        "\r\nRING\r\n\r\n+CSQ: 20,99\r\n\r\nNO CARRIER\r\n\r\nOK\r\n",
        "\r\n+CMT: ,23\r\n0791448720003023440B\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_news_in_every_place_of_an_answer(text: str, size: int) -> None:
    async with desk({"AT+CSQ": None}) as d:
        asking = asyncio.create_task(d.channel.send(SIGNAL))
        await asyncio.sleep(0.01)
        for start in range(0, len(text), size):
            d.say(text[start : start + size])
        assert (await asking).lines == ("+CSQ: 20,99",)
        expected = {"R": ["RING", "NO CARRIER"], "^": ["^RSSI:19"], "+": ["+CMT: ,23"]}
        assert d.heard in expected.values()


async def test_bare_answers_and_news() -> None:
    async with desk({"AT+CGSN": "\r\nRING\r\n\r\n^BOOT:1,0\r\n\r\n490154203237518\r\n\r\nOK\r\n"}) as d:
        assert (await d.channel.send(commands.IMEI)).lines == ("490154203237518",)
        assert d.heard == ["RING", "^BOOT:1,0"]


async def test_two_line_news_with_something_in_between() -> None:
    async with desk() as d:
        d.say('\r\n+CMT: "",24\r\n\r\nRING\r\n\r\n0791448720003023440B\r\n')
        d.say("\r\n+CDS: 25\r\n0006D60B911326880736F4111011719551401110\r\n")
        assert d.news == [
            ("RING", None),
            ('+CMT: "",24', "0791448720003023440B"),
            ("+CDS: 25", "0006D60B911326880736F4111011719551401110"),
        ]


async def test_a_list_of_messages_with_a_message_arriving_inside_it() -> None:
    listed = (
        "\r\n+CMGL: 1,1,,24\r\n0791448720003023440B01\r\n"
        "+CMT: ,24\r\n0791448720003023440BFF\r\n"
        "+CMGL: 2,0,,24\r\nRING\r\n0791448720003023440B02\r\n\r\nOK\r\n"
    )
    async with desk({"AT+CMGL=4": listed}) as d:
        answer = await d.channel.send(commands.LIST_MESSAGES)
        assert answer.lines == (
            "+CMGL: 1,1,,24", "0791448720003023440B01", "+CMGL: 2,0,,24", "0791448720003023440B02",
        )  # fmt: skip
        assert d.news == [("+CMT: ,24", "0791448720003023440BFF"), ("RING", None)]


async def test_a_text_over_several_lines() -> None:
    async with desk() as d:
        d.say('\r\n+CUSD: 0,"Balance\r\n12.50\r\nbye",15\r\n')
        assert d.heard == ['+CUSD: 0,"Balance\n12.50\nbye",15']
        d.say('\r\n+CUSD: 0,"never closed\r\n\r\nRING\r\n')
        assert d.heard[1:] == ['+CUSD: 0,"never closed', "RING"]


@pytest.mark.parametrize("result", ["ERROR", "+CME ERROR: 10", "+CMS ERROR: 322", "COMMAND NOT SUPPORT"])
async def test_refusals(result: str) -> None:
    async with desk({"AT+CSQ": f"\r\n{result}\r\n"}) as d:
        with pytest.raises(AtRefused) as refused:
            await d.channel.send(SIGNAL)
        assert refused.value.values["result"] == result
        assert await d.channel.accepts(SIGNAL) is None


@pytest.mark.parametrize("result", ["BUSY", "NO CARRIER", "NO ANSWER", "NO DIALTONE"])
async def test_call_results_end_a_dial_and_nothing_else(result: str) -> None:
    async with desk({"ATA": f"\r\n{result}\r\n", "AT+CHUP": f"\r\n{result}\r\n\r\nOK\r\n"}) as d:
        with pytest.raises(AtRefused):
            await d.channel.send(commands.ANSWER)
        await d.channel.send(commands.HANG_UP)
        assert d.heard == [result]


async def test_a_late_answer_never_answers_another_command() -> None:
    async with desk({"AT+CSQ": None}) as d:
        with pytest.raises(AtTimeout):
            await d.channel.send(SIGNAL)
        d.say("\r\n+CSQ: 1,99\r\n\r\nOK\r\n")  # while nothing runs
        assert await d.channel.accepts(fixed("AT+CMGF=0")) is not None
        assert not d.channel.out_of_step


@pytest.mark.parametrize("late", [0.0005, 0.0015, 0.0025, 0.0035])
async def test_a_late_ok_at_any_moment_of_the_next_command(late: float) -> None:
    async with desk({"AT+CSQ": None, "AT+CMGF=0": "\r\nERROR\r\n"}) as d:
        with pytest.raises(AtTimeout):
            await d.channel.send(SIGNAL)
        asyncio.get_running_loop().call_later(late, d.say, "\r\nOK\r\n")
        with pytest.raises(AtRefused):
            await d.channel.send(fixed("AT+CMGF=0"))


@pytest.mark.parametrize("late", [0.0005, 0.0015, 0.0025, 0.0035, 0.3])
async def test_an_error_with_a_late_ok_behind_it(late: float) -> None:
    async with desk({"AT+CCWA=0,0,1": "\r\nERROR\r\n", "AT+CMGF=0": "\r\nERROR\r\n"}) as d:
        asyncio.get_running_loop().call_later(0.0015 + late, d.say, "\r\nOK\r\n")
        assert await d.channel.accepts(fixed("AT+CCWA=0,0,1")) is None
        assert await d.channel.accepts(fixed("AT+CMGF=0")) is None
        await asyncio.sleep(0.5)


async def test_an_ok_without_the_line_that_was_asked_for_is_a_leftover() -> None:
    async with desk({"AT+CSQ": "\r\nOK\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n"}) as d:
        assert (await d.channel.send(SIGNAL)).lines == ("+CSQ: 20,99",)


async def test_a_modem_that_has_nothing_to_tell_may_say_so() -> None:
    async with desk({"AT+CSQ": "\r\nOK\r\n"}) as d:
        assert (await d.channel.send(SIGNAL)).lines == ()


async def test_a_modem_without_cmee_is_resynchronised_too() -> None:
    async with desk({"AT+CSQ": None, "AT+CMEE?": "\r\nERROR\r\n"}) as d:
        with pytest.raises(AtTimeout):
            await d.channel.send(SIGNAL)
        assert await d.channel.accepts(fixed("AT+CMGF=0")) is not None


async def test_a_silent_modem_times_out_every_command() -> None:
    async with desk({"AT": None, "AT+CMEE?": None}) as d:
        for _ in range(3):
            before = asyncio.get_running_loop().time()
            with pytest.raises(AtTimeout):
                await d.channel.send(commands.ATTENTION)
            assert asyncio.get_running_loop().time() - before < 3.5


async def test_sms_goes_out_after_the_prompt() -> None:
    command = commands.send_message(bytes.fromhex("0100"))
    async with desk({"AT+CMGS=2": "\r\n> ", "000100": "\r\n+CREG: 1\r\n\r\n+CMGS: 23\r\n\r\nOK\r\n"}) as d:
        assert (await d.channel.send(command)).lines == ("+CMGS: 23",)
        assert bytes(d.port.written) == b"AT+CMGS=2\r000100\x1a"
        assert d.heard == ["+CREG: 1"]


async def test_sms_refused_in_place_of_the_prompt() -> None:
    command = commands.send_message(bytes.fromhex("0100"))
    async with desk({"AT+CMGS=2": "\r\n+CMS ERROR: 500\r\n"}) as d:
        with pytest.raises(AtRefused):
            await d.channel.send(command)
        assert b"\x1a" not in d.port.written


async def test_no_prompt_ends_in_an_escape() -> None:
    command = commands.send_message(bytes.fromhex("0100"))
    async with desk({"AT+CMGS=2": None}) as d:
        with pytest.raises(AtTimeout):
            await d.channel.send(command)
        assert (await d.channel.send(fixed("AT+CMGF=0"))).result == "OK"
        assert b"\x1b" in d.port.written
        assert b"\x1a" not in d.port.written


async def test_everyone_who_waits_fails_at_once_when_the_port_goes() -> None:
    async with desk({"AT": None, "AT+CSQ": None}) as d:
        waiting = [asyncio.create_task(d.channel.send(each)) for each in (commands.ATTENTION, SIGNAL, SIGNAL)]
        await asyncio.sleep(0.01)
        before = asyncio.get_running_loop().time()
        d.channel.port_lost()
        faults = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(fault) for fault in faults] == [ModemLost] * 3
        assert asyncio.get_running_loop().time() == before
        with pytest.raises(ModemLost):
            await d.channel.send(SIGNAL)


async def test_calls_go_before_everything_that_waits() -> None:
    async with desk() as d:
        background = [asyncio.create_task(d.channel.send(fixed("AT+CMGF=0"), priority=Priority.BACKGROUND))]
        await asyncio.sleep(0)
        background += [
            asyncio.create_task(d.channel.send(commands.LIST_MESSAGES, priority=Priority.BACKGROUND)),
            asyncio.create_task(d.channel.send(SIGNAL)),
            asyncio.create_task(d.channel.send(commands.HANG_UP, priority=Priority.CALL)),
        ]
        await asyncio.gather(*background)
        assert d.port.commands == ["AT+CMGF=0", "AT+CHUP", "AT+CSQ", "AT+CMGL=4"]


async def test_a_caller_that_is_cancelled_cuts_no_command() -> None:
    async with desk({"AT+CSQ": None}) as d:
        asking = asyncio.create_task(d.channel.send(SIGNAL))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.sleep(0.01)
        other = asyncio.create_task(d.channel.send(fixed("AT+CMGF=0")))
        await asyncio.sleep(0.01)
        assert d.port.commands == ["AT+CSQ"]
        d.say("\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
        assert (await other).result == "OK"


async def test_a_command_whose_caller_left_before_its_turn_is_not_sent() -> None:
    async with desk() as d:
        first = asyncio.create_task(d.channel.send(fixed("AT+CMGF=0")))
        second = asyncio.create_task(d.channel.send(SIGNAL))
        await asyncio.sleep(0)
        second.cancel()
        await first
        await asyncio.sleep(0.01)
        assert d.port.commands == ["AT+CMGF=0"]


async def test_each_command_sees_its_own_answer_in_a_storm(seed: int) -> None:
    """X-M4, X-M5: 400 questions under noise, each with a number of its own in its answer."""
    dice = random.Random(seed)
    noise = ["\r\n+CREG: 1\r\n", "\r\nRING\r\n", "\0\0\xff\xfe\r\n", "\r\n^RSSI:9\r\n", "+C\r\n", "\r\n\r\n"]
    counter = 0

    def reply() -> None:
        nonlocal counter
        counter += 1
        parts = [f"\r\n+CSQ: {counter},99\r\n", "\r\nOK\r\n"]
        text = "".join(part + dice.choice(noise) * dice.randrange(3) for part in parts)
        loop.call_later(dice.random() * 0.01, channel.data_received, text.encode("latin-1"))

    loop = asyncio.get_running_loop()
    port = MemoryPort(lambda _: reply())
    channel = AtChannel(port, lambda _, __: None, name="m0")
    running = asyncio.create_task(channel.run())
    for number in range(1, 401):
        assert (await channel.send(SIGNAL)).first == f"+CSQ: {number},99"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_queries_are_built_in_commands_only() -> None:
    assert query("AT+CSQ", "+CSQ").must_answer
