"""A PBX in the house: who calls a courier's extension there reaches the mobile, and the courier calls out by it.

It is set by the API, and when it is taken away the registration ends.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.site import COURIER, PIN, SIM_NUMBERS
from gateway.sip.message import Request
from tests.end_to_end.house import house
from tests.fakes.sip_registrar import Provider
from tests.interop.programs import until

CUSTOMER = "+79035550001"


def granting(request: Request) -> tuple[int, tuple[str, ...]]:
    return 200, (f"Contact: <{request.contacts[0].uri}>;expires=300",)


def gone(pbx: Provider) -> list[str]:
    """Contacts that are to be called no more."""
    return [str(each.request.contacts[0].uri) for each in pbx.registers if each.request.expires == 0]


def is_ready(snapshot: Any) -> bool:
    return [(row["name"], row["state"]) for row in snapshot["trunks"]] == [("pbx 2001", "ready")]


@pytest.mark.real_time
async def test_the_couriers_extension_at_the_pbx_both_ways(tmp_path: Path) -> None:
    with Provider(granting) as pbx:
        async with house(tmp_path) as stack:
            server = {"host": pbx.host, "port": pbx.port}
            await stack.api.put("/shop/pbx", {**server, "passwords": {"2001": "secret"}})
            await stack.api.until("/snapshot", is_ready, within=15)
            trial = {"host": pbx.address, "name": "pbx 2001", "user": "2001"}
            assert (await stack.api.post("/shop/trunk-trial", trial))["state"] == "ready"
            assert (await stack.api.get("/shop/pbx"))["couriers"][0]["has_password"]

            courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.3)
            ours = f"127.0.0.1:{stack.site.ports.sip}"
            contact = f"Contact: <sip:{pbx.address}>"
            lines = [
                f"INVITE sip:2001@{ours} SIP/2.0",
                f"Via: SIP/2.0/UDP {pbx.address};rport;branch=z9hG4bKcolleague",
                "Max-Forwards: 70",
                f"From: <sip:105@{pbx.host}>;tag=colleague",
                f"To: <sip:2001@{pbx.host}>",
                "Call-ID: colleague",
                "CSeq: 1 INVITE",
                contact,
                "Content-Type: application/sdp",
            ]
            pbx.send(lines, pbx.media.offer())
            mobile = await courier.next_call(within=20)
            answer = await pbx.next(within=20)
            while not (not isinstance(answer, Request) and answer.status == 200):
                answer = await pbx.next(within=20)
            ack = [line.replace("INVITE", "ACK").replace("bKcolleague", "bKack") for line in lines[:-1]]
            ack[4] = f"To: {answer.headers.get('To')}"
            pbx.send(ack)
            await asyncio.sleep(0.5)
            await mobile.hang_up()
            bye = await pbx.next(within=10)
            assert isinstance(bye, Request)
            assert bye.method == "BYE"
            pbx.respond(bye, 200)

            courier = await stack.emulator.subscriber(COURIER, presses=f"{PIN}#89035550001#")
            await courier.call_in(SIM_NUMBERS["red"])
            invite = await pbx.next(within=40)
            assert isinstance(invite, Request)
            assert invite.method == "INVITE"
            assert str(invite.sender.uri) == f"sip:2001@{pbx.address}"
            assert str(invite.uri) == f"sip:{CUSTOMER}@{pbx.address}"
            pbx.respond(invite, 486)

            outgoing, incoming = await stack.ended_calls(2, within=20)
            assert (incoming["caller"], incoming["called"], incoming["line"]) == ("105", "2001", "pbx 2001")
            assert (incoming["courier"], incoming["answered_by"]) == ("2001", COURIER)
            assert (outgoing["caller"], outgoing["courier"]) == (COURIER, "2001")

            assert not gone(pbx), "the trial has let the registration that is used stand"
            await stack.api.delete("/shop/pbx")
            await stack.api.until("/snapshot", lambda snapshot: snapshot["trunks"] == [], within=5)
            assert await until(lambda: bool(gone(pbx)), 15)
            assert gone(pbx)[-1].startswith("sip:2001@")
