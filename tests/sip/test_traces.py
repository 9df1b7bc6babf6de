"""The ladder of a call between two phones: every message of it, in order, and none of others."""

from __future__ import annotations

import asyncio

from gateway.events import CallTraced
from tests.fakes.sip_exchange import sip_exchange


async def test_a_call_between_two_phones_leaves_its_ladder() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "102")
        calling, _ = await x.talk(desk, store, "one")
        await asyncio.sleep(1)
        calling.ask("BYE")
        await desk.response(200)
        await store.asked("BYE")
        await asyncio.sleep(2)
        (traced,) = [each for each in x.world.events if isinstance(each, CallTraced)]
        port = {"101": desk.port, "102": store.port}
        for extension, expected in (
            ("101", ["in INVITE", "out 100 Trying", "out 180 Ringing", "out 200 OK", "in ACK", "in BYE", "out 200 OK"]),
            ("102", ["out INVITE", "in 200 OK", "out ACK", "out BYE"]),
        ):
            ladder = [each for each in traced.lines if each.kind == "sip" and each.who.endswith(f":{port[extension]}")]
            said = [f"{each.way} {each.text.split(' sip:')[0].split(' [')[0]}" for each in ladder]
            kept = [each for place, each in enumerate(said) if each not in said[:place] or each == "out 200 OK"]
            assert [each for each in kept if each in expected] == expected, said
        assert not any("REGISTER" in each.text or "response=" in each.text for each in traced.lines)
        assert any("PCMU" in each.text or "RTP/AVP" in each.text for each in traced.lines)
