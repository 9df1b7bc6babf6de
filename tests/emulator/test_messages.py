"""Messages both ways, in every shape a SIM may meet."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.emulator import sms_pdu, sms_text
from gateway.emulator.sms_pdu import Concatenation
from gateway.emulator.subscriber import Subscriber
from tests.emulator.host import Host, one_modem
from tests.faults import rounds

FRIEND = "+79161234567"
RUSSIAN = "Заказ 4711: два пакета, третий этаж, домофон не работает. " * 3
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


async def stored(host: Host) -> list[str]:
    return [line for line in await host.ask("AT+CMGL=4") if len(line) > 40]


def library_reads(pdu: str) -> dict[str, Any]:
    """What python-gsmmodem's codec makes of it."""
    from gsmmodem.pdu import decodeSmsPdu

    read: dict[str, Any] = decodeSmsPdu(pdu)
    return read


@pytest.mark.parametrize("wide_reference", [False, True])
def test_long_russian_text_is_read_by_a_foreign_codec(wide_reference: bool) -> None:
    pieces = sms_pdu.split(RUSSIAN, wide_reference=wide_reference)
    assert len(pieces) == 3
    text = ""
    for part, piece in enumerate(pieces, 1):
        which = Concatenation(0x1234 if wide_reference else 0x34, 3, part, wide_reference)
        read = library_reads(sms_pdu.deliver(piece, FRIEND, NOW, "+79168999100", which))
        assert read["number"] == FRIEND
        assert read["smsc"] == "+79168999100"
        assert read["time"] == NOW
        (header,) = read["udh"]
        assert (header.reference, header.parts, header.number) == (which.reference, 3, part)
        text += read["text"]
    assert text == RUSSIAN


@given(text=st.text(st.sampled_from("abcXYZ09 @£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!^{}[]~|€\\"), max_size=400))
@settings(max_examples=rounds(60, 2_000))
def test_latin_text_survives_the_alphabet_and_the_parts(text: str) -> None:
    pieces = sms_pdu.split(text)
    assert "".join(pieces) == text
    for part, piece in enumerate(pieces, 1):
        which = Concatenation(7, len(pieces), part) if len(pieces) > 1 else None
        pdu = sms_pdu.deliver(piece, "Bank", NOW, "+79168999100", which)
        assert sms_text.read_deliver(pdu)[:2] == ("Bank", piece)
        assert len(bytes.fromhex(pdu)) <= 8 + 1 + 12 + 10 + 140


@given(text=st.text(min_size=1, max_size=60))
@example(text="\x1b")
@settings(max_examples=rounds(50, 2_000))
def test_submitted_text_is_read_back(text: str) -> None:
    text = text.encode("utf-16-be", "ignore").decode("utf-16-be")
    if len(text.encode("utf-16-be")) > 140 or not text:
        return
    submitted = sms_pdu.read_submit(bytes.fromhex(sms_text.submit(FRIEND, text, wants_report=True)))
    assert (submitted.recipient, submitted.text, submitted.wants_report) == (FRIEND, text, True)


def test_a_library_s_submit_is_read() -> None:
    from gsmmodem.pdu import encodeSmsSubmitPdu

    for reference, text in enumerate(("Hello [world] €", RUSSIAN, "x" * 400)):
        parts = [sms_pdu.read_submit(bytes(pdu.data)) for pdu in encodeSmsSubmitPdu(FRIEND, text, reference)]
        assert "".join(part.text or "" for part in parts) == text
        assert {part.recipient for part in parts} == {FRIEND}


@pytest.mark.parametrize("pdu", ["00", "0001", "001100", "0004000B919761214365F70000FF0100", "0011000091000000"])
def test_what_is_no_submit_is_refused(pdu: str) -> None:
    with pytest.raises(ValueError, match=r"PDU|user data"):
        sms_pdu.read_submit(bytes.fromhex(pdu))


@pytest.mark.real_time
async def test_parts_come_to_the_sim_in_any_order_and_twice(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        await host.ask("AT+CMGF=0;+CNMI=2,1,0,2,0")
        emulator.network.messages.send(FRIEND, modem.number, RUSSIAN, order=(3, 1, 2), copies=2)
        assert (await host.until('+CMTI: "SM",6'))[-1] == '+CMTI: "SM",6'
        pdus = await stored(host)
        assert pdus[0] == pdus[1]
        numbers = [library_reads(pdu)["udh"][0].number for pdu in pdus]
        assert numbers == [3, 3, 1, 1, 2, 2]
        await host.ask("AT+CMGD=1,4")
        assert await host.ask("AT+CMGL=4") == ["OK"]


@pytest.mark.real_time
async def test_reading_makes_read_and_deleting_makes_room(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        modem.sim.store.slots = 2
        await host.ask("AT+CMGF=0;+CNMI=2,1,0,2,0")
        for text in ("one", "two", "three"):
            emulator.network.messages.send("Bank", modem.number, text)
        assert (await host.until("^SMMEMFULL"))[-1] == '^SMMEMFULL: "SM"'
        assert (await host.ask("AT+CMGR=1"))[0].startswith("+CMGR: 0,,")
        assert (await host.ask("AT+CMGR=1"))[0].startswith("+CMGR: 1,,")
        assert await host.ask("AT+CMGR=9") == ["+CMS ERROR: 321"]
        await host.ask("AT+CMGD=1")
        await host.until('+CMTI: "SM",1')
        texts = {sms_text.read_deliver(pdu)[1] for pdu in await stored(host)}
        assert texts == {"two", "three"}


@pytest.mark.real_time
async def test_direct_delivery(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, host):
        await host.ask("AT+CMGF=0;+CNMI=2,2,0,1,0")
        (pdu,) = emulator.network.messages.send(FRIEND, modem.number, "direct")
        assert await host.until(pdu[:4]) == [f"+CMT: ,{sms_pdu.tpdu_length(pdu)}", pdu]


@pytest.mark.real_time
async def test_sending_with_a_delivery_report(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, _, host):
        friend = emulator.network.add(Subscriber(FRIEND))
        await host.ask("AT+CMGF=0;+CNMI=2,1,0,2,0")
        pdu = sms_text.submit(FRIEND, "Привет", wants_report=True)
        host.write(f"AT+CMGS={sms_pdu.tpdu_length(pdu)}\r".encode())
        await asyncio.sleep(0.05)
        assert host.text == b"\r\n> "
        host.write(pdu.encode() + b"\x1a")
        assert await host.until("OK") == ["> ", "+CMGS: 1", "OK"]
        assert await host.until("+CDSI") == ['+CDSI: "SM",1']
        report = bytes.fromhex((await host.ask("AT+CMGR=1"))[1])
        assert report[1 + report[0] + 1] == 1  # TP-MR
        assert report[-1] == 0  # TP-ST: received
    assert [(each.text, each.parts) for each in friend.messages] == [("Привет", 1)]


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("length", "body", "error"),
    [("20", "00", 304), ("14", "zz", 304), ("x", "", 304)],
)
async def test_a_broken_message_is_refused(tmp_path: Path, length: str, body: str, error: int) -> None:
    async with one_modem(tmp_path) as (_, _, host):
        await host.ask("AT+CMGF=0")
        host.write(f"AT+CMGS={length}\r".encode())
        if body:
            await asyncio.sleep(0.05)
            host.write(body.encode() + b"\x1a")
        assert (await host.until("+CMS"))[-1] == f"+CMS ERROR: {error}"


@pytest.mark.real_time
async def test_the_network_may_refuse(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, _, host):
        emulator.network.messages.refuses_with = 350
        await host.ask("AT+CMGF=1")
        host.write(f'AT+CMGS="{FRIEND}"\r'.encode())
        await asyncio.sleep(0.05)
        host.write(b"hello\x1a")
        assert (await host.until("+CMS"))[-1] == "+CMS ERROR: 350"


@pytest.mark.real_time
async def test_text_mode(tmp_path: Path) -> None:
    async with one_modem(tmp_path, "simcom") as (emulator, modem, host):
        friend = emulator.network.add(Subscriber(FRIEND))
        await host.ask("AT+CMGF=1;+CNMI=2,1,0,0,0")
        host.write(f'AT+CMGS="{FRIEND}"\r'.encode())
        await asyncio.sleep(0.05)
        host.write(b"hello\x1a")
        await host.until("OK")
        emulator.network.messages.send(FRIEND, modem.number, "and hello to you")
        await host.until("+CMTI")
        head, text, _ = await host.ask("AT+CMGR=1")
        assert head.startswith(f'+CMGR: "REC UNREAD","{FRIEND}",,"')
        assert text == "and hello to you"
        await host.ask('AT+CSCS="UCS2"')
        assert (await host.ask('AT+CMGL="ALL"'))[1] == "and hello to you".encode("utf-16-be").hex().upper()
    assert [each.text for each in friend.messages] == ["hello"]


@pytest.mark.real_time
async def test_what_cannot_be_delivered_waits(tmp_path: Path) -> None:
    async with one_modem(tmp_path) as (emulator, modem, _):
        modem.power_off()
        emulator.network.messages.send(FRIEND, modem.number, "patience")
        await asyncio.sleep(0.1)
        assert not modem.sim.store.messages
        modem.power_on()
        await asyncio.sleep(0.7)
        assert len(modem.sim.store.messages) == 1
