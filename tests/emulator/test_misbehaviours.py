"""Every misbehaviour does what its name says."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.emulator import sound
from gateway.emulator.misbehaviour import options_of
from gateway.emulator.subscriber import Subscriber
from tests.emulator.host import Host, one_modem
from tests.emulator.test_voice_port import FRIEND, SPEECH, live_call

pytestmark = pytest.mark.real_time


async def silent(host: Host, command: str = "AT") -> bool:
    host.text = b""
    host.write(command.encode() + b"\r")
    return await host.quiet(0.1) == []


async def test_silent_after(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("silent_after", {"commands": 2})
        assert await host.ask("AT") == ["OK"]
        assert await host.ask("AT") == ["OK"]
        assert await silent(host)
        modem.say("^RSSI:1")
        assert await host.quiet() == []
        modem.behave()
        assert await host.ask("AT") == ["OK"]


async def test_silent_until_the_port_is_opened_again(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("silent_after", {"until": "reopened"})
        assert await silent(host)
        host.close()
        await asyncio.sleep(0.1)
        host.open()
        await asyncio.sleep(0.1)
        assert (await host.ask("AT"))[-1] == "OK"


async def test_silent_until_it_is_reset(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("silent_after", {"until": "reset"})
        assert await silent(host)
        assert await silent(host, "AT+CFUN=1,1")
        await asyncio.sleep(1.3)
        assert modem.is_on
        assert not modem.misbehaviours()


async def test_late_ok(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("late_ok", {"seconds": 0.2, "command": "AT+CSQ", "error_first": True})
        assert await host.ask("AT+CSQ") == ["ERROR"]
        assert await host.ask("AT+CGMM") == ["E1550", "OK"]
        assert await host.until("OK") == ["+CSQ: 19,99", "OK"]
        assert await host.ask("AT+CSQ") == ["+CSQ: 19,99", "OK"]


async def test_urc_inside_answer(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("urc_inside_answer", {})
        answer = await host.ask("AT+CGMM")
    assert answer[1] == "E1550"
    assert answer[3] == "OK"
    assert answer[0].startswith("^")
    assert answer[2].startswith("^")


async def test_ok_glued_to_urc(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("ok_glued_to_urc", {})
        host.write(b"AT\r")
        await asyncio.sleep(0.1)
    assert host.text.startswith(b"\r\nOK\r\n^")


async def test_half_lines(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("half_lines", {"gap_ms": 1.0})
        assert await host.ask("ATI") == [
            "Manufacturer: huawei", "Model: E1550", "Revision: 11.608.14.15.311", f"IMEI: {modem.imei}",
            "+GCAP: +CGSM,+DS,+ES", "OK",
        ]  # fmt: skip
        pieces = [entry.data for entry in modem.log.entries if not entry.to_modem]
    assert max(map(len, pieces[-15:])) <= 7


async def test_echo_stays_on(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("echo_stays_on", {})
        await host.ask("ATE1")
        await host.ask("ATE0")
        modem.behave()
        await host.ask("ATE1")
        modem.misbehave("echo_stays_on", {})
        await host.ask("ATE0")
        assert await host.ask("AT") == ["AT", "OK"]
        modem.behave()
        await host.ask("ATE0")
        assert await host.ask("AT") == ["OK"]


async def test_prompt_without_crlf(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("prompt_without_crlf", {})
        host.write(b"AT+CMGS=20\r")
        await asyncio.sleep(0.1)
        assert host.text == b"> "
        host.write(b"\x1b")
        assert (await host.until("OK"))[-1] == "OK"


async def test_slow_messages(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        friend = emulator.network.add(Subscriber(FRIEND))
        modem.misbehave("slow_messages", {"seconds": 0.5})
        await host.ask("AT+CMGF=1")
        host.write(f'AT+CMGS="{FRIEND}"\r'.encode())
        async with asyncio.timeout(3):
            while b"> " not in host.text:  # noqa: ASYNC110  # a prompt is no line that could be waited for
                await asyncio.sleep(0.01)
            host.write(b"hello\x1a")
            while not friend.messages:  # noqa: ASYNC110  # the network has no event for it
                await asyncio.sleep(0.01)
        assert b"+CMGS" not in host.text
        assert (await host.until("OK"))[-2:] == ["+CMGS: 1", "OK"]


async def test_garbage_and_storm_leave_commands_alone(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("garbage", {"every_ms": 5.0})
        modem.misbehave("urc_storm", {"per_second": 5000, "seconds": 0.3})
        await asyncio.sleep(0.2)
        assert len(host.text) > 5000
        assert "E1550" in await host.ask("AT+CGMM")
        await asyncio.sleep(0.3)
        assert "urc_storm" not in modem.misbehaviours()
        modem.behave()
        await host.quiet()
        assert await host.quiet() == []


async def test_reboots_on_ussd(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (_, modem, host):
        modem.misbehave("reboots_on_ussd", {})
        assert await host.ask('AT+CUSD=1,"*100#",15') == ["OK"]
        await asyncio.sleep(0.3)
        assert not modem.is_on
        assert not (tmp_path / "m0-at").is_symlink()
        await asyncio.sleep(1.2)
        assert (tmp_path / "m0-at").is_symlink()


async def test_drops_port_during_call(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, call):
        first = os.fspath((tmp_path / "m0-at").readlink())
        modem.misbehave("drops_port_during_call", {"after_seconds": 0.1, "back_after_seconds": 0.8})
        await host.ask("AT+CHUP")
        await host.ask(f"ATD{FRIEND};")
        await asyncio.sleep(0.6)
        assert not modem.is_on
        assert (call.ended_by, call.cause) == ("modem", 16)
        host.close()
        await asyncio.sleep(0.8)
        assert (tmp_path / "m0-at").is_symlink()
        assert first.startswith("/dev/pts/")
        host.open()
        await asyncio.sleep(0.05)
        assert (await host.ask("AT"))[-1] == "OK"


async def test_clcc_empty_while_live(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, _):
        modem.misbehave("clcc_empty_while_live", {})
        assert await host.ask("AT+CLCC") == ["OK"]
        modem.behave()
        assert len(await host.ask("AT+CLCC")) == 2


@pytest.mark.parametrize(
    ("family", "command", "answer"),
    [
        ("huawei", "AT^CVOICE?", ["^CVOICE:1", "OK"]),
        ("huawei", "AT^DDSETEX=2", ["ERROR"]),
        ("quectel", "AT+QPCMV=1,0", ["ERROR"]),
        ("simcom", "AT+CPCMREG?", ["ERROR"]),
    ],
)
async def test_no_voice(tmp_path: Path, family: str, command: str, answer: list[str]) -> None:
    async with one_modem(tmp_path, family) as (_, modem, host):
        modem.misbehave("no_voice", {})
        assert await host.ask(command) == answer


async def test_voice_refused_first(tmp_path: Path) -> None:
    async with live_call(tmp_path, "simcom", routes=False) as (modem, host, _):
        modem.misbehave("voice_refused_first", {"times": 2})
        assert [(await host.ask("AT+CPCMREG=1"))[0] for _ in range(3)] == ["ERROR", "ERROR", "OK"]


async def test_voice_port_stalls(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, call):
        await asyncio.sleep(0.1)
        modem.misbehave("voice_port_stalls", {"seconds": 0.2})
        await asyncio.sleep(0.05)
        before = len(host.sound)
        host.speak(b"\x11\x22" * 160)
        await asyncio.sleep(0.1)
        assert len(host.sound) == before
        assert not any(call.track.heard_bytes())
        await asyncio.sleep(0.15)
        assert len(host.sound) > before


async def test_short_voice_reads(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, _):
        modem.misbehave("short_voice_reads", {})
        await asyncio.sleep(0.1)
        host.sound_chunks.clear()
        await asyncio.sleep(0.4)
    sizes = [size for _, size in host.sound_chunks]
    assert any(size % 2 for size in sizes)
    assert min(sizes) < 160
    assert sound.to_bytes(SPEECH)[1600:6400] in bytes(host.sound)  # all of it, in order


async def test_odd_byte(tmp_path: Path) -> None:
    async with live_call(tmp_path) as (modem, host, _):
        await asyncio.sleep(0.1)
        modem.misbehave("odd_byte", {})
        await asyncio.sleep(0.2)
    assert len(host.sound) % 2 == 1
    assert 319 in [size for _, size in host.sound_chunks]


def test_a_wrong_name_or_option_is_told() -> None:
    with pytest.raises(ValueError, match="no misbehaviour 'sulks'"):
        options_of("sulks", {})
    with pytest.raises(ValueError, match="no option 'hours'"):
        options_of("late_ok", {"hours": 1})
    with pytest.raises(ValueError, match="is like"):
        options_of("late_ok", {"seconds": "six"})
    assert options_of("late_ok", {"seconds": 2})["seconds"] == 2.0
