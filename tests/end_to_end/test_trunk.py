"""A provider in the shop: the whole gateway registers there, calls by it, and is called by it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.house import house
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting

CUSTOMER = "+79035550001"
NUMBER = "+74951234567"


def is_ready(snapshot: Any) -> bool:
    return [row["state"] for row in snapshot["trunks"]] == ["ready"]


@pytest.mark.real_time
async def test_a_phone_and_a_customer_reach_each_other_by_the_provider(tmp_path: Path) -> None:
    with Provider(accepting()) as provider:

        def with_trunk(shop: str) -> str:
            return shop + (
                f'\n[[trunks]]\nname = "provider"\nhost = "{provider.address}"\nuser = "{SHOP_USER}"\n'
                f'password = "{SHOP_PASSWORD}"\nnumber = "{NUMBER}"\n'
            )

        async with house(tmp_path, shop=with_trunk) as stack, stack.phone() as phone:
            await stack.api.until("/snapshot", is_ready, within=10)
            await phone.register()

            call = phone.call(CUSTOMER)
            invite = await provider.next_request("INVITE")
            assert str(invite.sender.uri) == f"sip:{NUMBER}@{provider.address}"
            provider.media.use_answer(invite.body)
            contact = (f"Contact: <sip:{provider.address}>",)
            provider.respond(invite, 200, extra=contact, body=provider.media.offer())
            await provider.next_request("ACK")
            async with asyncio.timeout(10):
                await call.answered()
            for _ in range(50):
                provider.media.send_frame(np.full(160, 3000, np.int16))
                await asyncio.sleep(0.02)
            assert len(provider.media.heard) >= 25
            call.hang_up()
            provider.respond(await provider.next_request("BYE"), 200)

            ours = f"127.0.0.1:{stack.site.ports.sip}"
            lines = [
                f"INVITE sip:{SHOP_USER}@{ours} SIP/2.0",
                f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bKcustomer",
                "Max-Forwards: 70",
                f"From: <sip:{CUSTOMER}@{provider.host}>;tag=customer",
                f"To: <sip:{NUMBER}@{provider.host}>",
                "Call-ID: customer",
                "CSeq: 1 INVITE",
                *contact,
                "Content-Type: application/sdp",
            ]
            provider.send(lines, provider.media.offer())
            async with asyncio.timeout(10):
                caller = await phone.incoming()
            caller.ring()
            caller.answer()
            await provider.next_response(100)
            await provider.next_response(180)
            answer = await provider.next_response(200)
            ack = [line.replace("INVITE", "ACK").replace("bKcustomer", "bKack") for line in lines[:-1]]
            ack[4] = f"To: {answer.headers.get('To')}"
            provider.send(ack)
            await asyncio.sleep(0.3)
            caller.hang_up()
            provider.respond(await provider.next_request("BYE"), 200)
            rows = await stack.ended_calls(2)
            assert [(row["direction"], row["caller"], row["called"], row["line"]) for row in rows] == [
                ("incoming", CUSTOMER, NUMBER, "provider"),
                ("outgoing", "101", CUSTOMER, None),
            ]
