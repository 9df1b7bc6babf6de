"""So many calls run by a provider at once as the owner allows; an emergency always finds room."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import NoFreeLine
from gateway.sip.trunk import SipTrunk
from gateway.telephony.leg import LegState
from gateway.telephony.shop import PhoneSettings, Shop, TrunkSettings
from tests.fakes.exchange import scene
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld
from tests.fakes.sip_registrar import Provider, accepting

CUSTOMER = "+79035550001"


def has_room(trunk: SipTrunk) -> bool:
    return trunk.has_room


async def test_a_full_provider_takes_no_call_but_an_emergency() -> None:
    with Provider(accepting()) as provider:
        world = SipWorld()
        world.shop = Shop(trunks=(TrunkSettings(name="provider", host=provider.address, calls_at_once=2),))
        async with world.server:
            await asyncio.sleep(1)
            trunk = world.server.trunks["provider"]
            legs = [trunk.dial(dialable(CUSTOMER), caller_id="", call_id=f"c{each}", extension="101") for each in "12"]
            assert trunk.is_usable
            assert not has_room(trunk)
            with pytest.raises(NoFreeLine):
                trunk.dial(dialable(CUSTOMER), caller_id="", call_id="c3", extension="101")
            legs.append(trunk.dial(dialable("112"), caller_id="", call_id="c4", extension="101"))
            for leg in legs[1:]:
                leg.hangup()
            assert has_room(trunk), "what has ended takes no room"
            legs[0].hangup()


async def test_a_customer_who_calls_takes_room_too() -> None:
    with Provider(accepting()) as provider:
        world = SipWorld()
        row = TrunkSettings(name="provider", host=provider.address, number="+74951234567", calls_at_once=1)
        world.shop = Shop(trunks=(row,))
        async with world.server:
            await asyncio.sleep(1)
            lines = [
                f"INVITE sip:+74951234567@{world.server.addresses[0]} SIP/2.0",
                f"Via: SIP/2.0/UDP {provider.address};rport;branch=z9hG4bKroom",
                "Max-Forwards: 70",
                f"From: <sip:{CUSTOMER}@{provider.host}>;tag=customer",
                f"To: <sip:+74951234567@{provider.host}>",
                "Call-ID: room",
                "CSeq: 1 INVITE",
                f"Contact: <sip:{provider.address}>",
                "Content-Type: application/sdp",
            ]
            provider.send(lines, provider.media.offer(), world.server.addresses[0])
            await provider.next_response(100)
            trunk = world.server.trunks["provider"]
            assert not has_room(trunk)
            world.legs[0].hangup()
            assert has_room(trunk)


async def test_a_call_that_finds_no_room_leaves_by_the_next_way_in_order() -> None:
    shop = Shop(
        phones=(PhoneSettings(extension="101", password="a-password-of-101"),),
        trunks=(TrunkSettings(name="provider", host="h"), TrunkSettings(name="second", host="h")),
    )
    async with scene(shop) as s:
        s.trunks["provider"].has_room = False
        first = s.call_from_phone("101", CUSTOMER)
        await s.after(0.1)
        assert [len(s.trunks[name].legs) for name in ("provider", "second")] == [0, 1]
        s.trunks["second"].has_room = False
        second = s.call_from_phone("101", CUSTOMER)
        await s.after(0.1)
        assert second.state is LegState.ENDED
        assert second.told[-1] == "hangup no-free-line"
        third = s.call_from_phone("101", "112")
        await s.after(0.1)
        assert len(s.trunks["provider"].legs) == 1, "an emergency finds room"
        for leg in (first, third):
            leg.hangs_up()
        await s.after(0.1)
