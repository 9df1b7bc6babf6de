"""REFER and Replaces between phones, a SIM line and a provider: blind, attended, refused (RFC 3515, 3891, 5589)."""

from __future__ import annotations

import asyncio

import pytest

from gateway.audio.frame import SILENCE
from gateway.audio.g711 import Law, encode
from gateway.sip.extensions import Replaces
from gateway.sip.message import Request
from gateway.telephony.leg import LegState
from tests.fakes.sip_exchange import OUTSIDE, Phone, SipExchange, sip_exchange, take
from tests.fakes.sip_peer import Peer

TRYING = "SIP/2.0 100 Trying active;expires=180"
RINGING = "SIP/2.0 180 Ringing active;expires=180"
DONE = "SIP/2.0 200 OK terminated;reason=noresource"


_FRAME = SILENCE + 1_000
_SPOKEN = encode(_FRAME, Law.ULAW)


async def hears(listener: Peer, speaker: Peer) -> bool:
    """What the one says is what the other hears, within 40 ms of the loop's time."""
    before = len(listener.media.heard)
    speaker.media.send_frame(_FRAME)
    await asyncio.sleep(0.04)
    return any(heard.payload == _SPOKEN for heard in listener.media.heard[before:])


async def test_a_blind_transfer_between_phones() -> None:
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        first, second = await x.talk(desk, customer, "one")
        assert await hears(customer, desk)
        first.refer("103")
        accepted = await desk.response(202)
        assert accepted.contacts
        assert await first.reports() == [TRYING]
        invite = await store.asked("INVITE")
        assert invite.sender.uri.user == "102"  # type: ignore[union-attr]  # else it fails
        store.respond(invite, 180, "Ringing")
        assert await first.reports() == [RINGING]
        store.respond(invite, 200, "OK", body=store.media.offer())
        await store.asked("ACK")
        store.media.use_answer(invite.body)
        assert await first.reports() == [DONE, "BYE"]
        assert await hears(customer, store)
        assert await hears(store, customer)
        second.ask("BYE")
        await customer.response(200)
        await asyncio.sleep(0.1)
        assert [message.method for message in take(store) if isinstance(message, Request)] == ["BYE"]


async def test_the_phone_may_hang_up_as_soon_as_its_transfer_is_accepted() -> None:
    """Many do: the customer is rung for all the same, and no NOTIFY is sent into the void."""
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        first, _ = await x.talk(desk, customer, "one")
        first.refer("103")
        await desk.response(202)
        first.ask("BYE")
        await asyncio.sleep(0.1)
        take(desk)
        await x.answered(store)
        await asyncio.sleep(0.1)
        assert await hears(customer, store)
        assert desk.received == []


async def test_a_transfer_that_fails_gives_the_call_back() -> None:
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        first, _ = await x.talk(desk, customer, "one")
        await first.offer("sendonly")
        first.refer("103")
        await desk.response(202)
        store.respond(await store.asked("INVITE"), 486, "Busy Here")
        await store.asked("ACK")
        assert await first.reports() == [TRYING, "SIP/2.0 486 Busy Here terminated;reason=noresource"]
        await first.offer("sendrecv")
        assert await hears(customer, desk)
        first.refer("103")
        await desk.response(202)
        await asyncio.sleep(0.05)
        second_try = take(desk)[0]
        assert second_try.headers.get("Event") == f"refer;id={first.number}", "a second REFER is told from the first"
        await x.answered(store)


async def test_who_wants_no_reports_gets_none() -> None:
    """RFC 4488."""
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        first, _ = await x.talk(desk, customer, "one")
        first.refer("103", extra=("Refer-Sub: false",))
        assert (await desk.response(202)).headers.get("Refer-Sub") == "false"
        await x.answered(store)
        assert await first.reports() == ["BYE"]


@pytest.mark.parametrize("referred_on_first", [True, False])
async def test_an_attended_transfer_and_the_customer_hears_the_new_party_at_once(referred_on_first: bool) -> None:
    """D2 and D3: under 300 ms from the REFER to the first audio; here without a network, in the loop's time."""
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        call_in = await x.call(customer, "101", "in")
        held = await x.answered(desk, "desk-one")
        await x.up(call_in)
        await held.offer("sendonly")
        asking = await x.call(desk, "103", "ask")
        await x.answered(store, "store-one")
        await x.up(asking)
        asked = asyncio.get_running_loop().time()
        by, place = (held, asking) if referred_on_first else (asking, held)
        by.refer("103", replaces=place)
        await desk.response(202)
        while not await hears(customer, store):
            pass
        assert asyncio.get_running_loop().time() - asked < 0.3
        assert await hears(store, customer)
        reports = await by.reports()
        assert reports[:2] == [TRYING, DONE]
        assert reports.count("BYE") == 2, "both calls of the one who is out of it are ended"
        assert len(x.switchboard.calls()) == 1


async def test_a_customer_on_a_sim_is_handed_over_after_a_consultation() -> None:
    async with sip_exchange() as x:
        desk, store = await x.registered("101", "103")
        customer = x.sim_calls()
        held = await x.answered(desk, "desk-one")
        await asyncio.sleep(0.2)
        assert customer.state is LegState.UP
        await held.offer("sendonly")
        assert customer.fake_port.played, "music"
        asking = await x.call(desk, "103", "ask")
        await x.answered(store, "store-one")
        await x.up(asking)
        held.refer("103", replaces=asking)
        await desk.response(202)
        heard = len(customer.fake_port.heard)
        store.media.send_frame(SILENCE)
        await asyncio.sleep(0.02)
        assert len(customer.fake_port.heard) > heard
        assert await held.reports() == [TRYING, DONE, "BYE", "BYE"]
        customer.hangs_up()
        assert (await store.asked("BYE")).method == "BYE"


# What is refused, and costs nothing (T-F5).


async def no_number_was_dialled(x: SipExchange) -> bool:
    await asyncio.sleep(0.2)
    return x.line.dialled == []


@pytest.mark.parametrize(
    ("refer_to", "status"),
    [
        ("<sip:+12025550123@127.0.0.1>", 403),
        ("<tel:+12025550123>", 403),
        ("<sip:*21*79035550001%23@127.0.0.1>", 403),
        ("<sip:+8821300655@127.0.0.1>", 404),
        ("<sip:bob@elsewhere.example>", 404),
        ("<sip:127.0.0.1>", 404),
        ("<sip:103@127.0.0.1;method=BYE>", 400),
        ("<http://example.net/>", 416),
        ("<sip:103@127.0.0.1?Replaces=nobody%3Bto-tag%3D1%3Bfrom-tag%3D2>", 481),
        ("<sip:103@127.0.0.1?Replaces=nobody>", 400),
        ("", 400),
    ],
)
async def test_a_refer_that_leads_nowhere_good_is_refused(refer_to: str, status: int) -> None:
    async with sip_exchange() as x:
        desk, customer = await x.registered("101", "102")
        first, _ = await x.talk(desk, customer, "one")
        first.ask("REFER", extra=(f"Refer-To: {refer_to}",) if refer_to else ())
        await desk.response(status)
        assert await no_number_was_dialled(x)
        assert await hears(customer, desk), "the call goes on"


async def test_a_refer_within_a_call_reaches_an_allowed_number_at_the_phones_expense() -> None:
    async with sip_exchange() as x:
        desk, customer = await x.registered("101", "102")
        first, _ = await x.talk(desk, customer, "one")
        first.refer("89035550001")
        await desk.response(202)
        await asyncio.sleep(0.1)
        assert x.line.dialled == [(OUTSIDE, "101")]
        x.line.legs[0].answers()
        await asyncio.sleep(0.1)
        assert await first.reports() == [TRYING, DONE, "BYE"]


async def test_a_refer_outside_of_a_call_is_refused() -> None:
    """Scenario refer_outside."""
    async with sip_exchange() as x:
        (desk,) = await x.registered("101")
        uri = f"sip:101@127.0.0.1:{desk.server.port}"
        fields: tuple[str, ...] = (f"Refer-To: <sip:{OUTSIDE}@127.0.0.1>",)
        desk.request("REFER", "101", call_id="r", number=1, extra=fields)
        challenge = await desk.response(401)
        fields = (*fields, desk.authorization(challenge, "REFER", uri))
        desk.request("REFER", "101", call_id="r", number=2, extra=fields)
        await desk.response(403)
        desk.request("REFER", "101", call_id="r", number=3, to_tag="guessed", extra=fields)
        await desk.response(481)
        assert await no_number_was_dialled(x)


async def test_the_place_of_another_phone_is_not_to_be_had() -> None:
    async with sip_exchange(extensions=("101", "102", "103", "104")) as x:
        desk, customer, store, other = await x.registered("101", "102", "103", "104")
        first, _ = await x.talk(desk, customer, "one")
        foreign, _ = await x.talk(store, other, "two")
        first.refer("104", replaces=foreign)
        await desk.response(403)
        first.refer("104", replaces=first)
        await desk.response(603)
        assert await hears(customer, desk)
        assert await hears(other, store)


# INVITE with Replaces, and pick-up.


def replacing(place: Phone, *, early_only: bool = False, swapped: bool = False) -> tuple[str, ...]:
    to_tag, from_tag = (place.our_tag, place.tag) if swapped else (place.tag, place.our_tag)
    tail = ";early-only" if early_only else ""
    return (f"Replaces: {place.call_id};to-tag={to_tag};from-tag={from_tag}{tail}", "Require: replaces")


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_call_that_rings_is_taken_by_an_invite_with_replaces(swapped: bool) -> None:
    """As a busy-lamp key does it; it may name the dialog as we see it or as the phone that rings does."""
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        calling = await x.call(customer, "101", "in")
        invite = await desk.asked("INVITE")
        desk.respond(invite, 180, "Ringing", tag="rings-here")
        await asyncio.sleep(0.05)
        place = Phone(desk, "102", invite.call_id, "rings-here", invite.sender.tag or "")
        picking = await x.call(store, "101", "pick", extra=replacing(place, early_only=True, swapped=swapped))
        await x.up(picking)
        cancel = await desk.asked("CANCEL")
        assert "cause=200" in (cancel.headers.get("Reason") or "")
        desk.respond(cancel, 200, "OK")
        desk.respond(invite, 487, "Request Terminated", tag="rings-here")
        await x.up(calling)
        assert await hears(customer, store)


async def test_a_call_that_rings_is_picked_up_by_a_code() -> None:
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        calling = await x.call(customer, "101", "in")
        desk.respond(await desk.asked("INVITE"), 180, "Ringing")
        await asyncio.sleep(0.05)
        await x.up(await x.call(store, "**101", "pick"))
        await x.up(calling)
        assert await hears(customer, store)
        assert await hears(store, customer)


@pytest.mark.parametrize(
    ("extra", "status"),
    [
        (("Replaces: guessed;to-tag=1;from-tag=2",), 481),
        (("Replaces: broken",), 400),
        (("Replaces: one;to-tag=a;from-tag=b", "Replaces: one;to-tag=a;from-tag=c"), 400),
    ],
)
async def test_an_invite_that_replaces_nothing_is_refused(extra: tuple[str, ...], status: int) -> None:
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        await x.talk(desk, customer, "one")
        await x.call(store, "101", "pick", extra=extra)
        await store.response(status)
        assert await hears(customer, desk)


async def test_ten_thousand_guessed_names_replace_nothing(seed: int) -> None:
    """T-F5, in the table itself: the names are 64 random bits each."""
    async with sip_exchange() as x:
        desk, customer = await x.registered("101", "102")
        first, _ = await x.talk(desk, customer, "one")
        dialogs = x.world.server._wire.dialogs
        guessed = [Replaces("one", f"{number + seed:016x}", first.our_tag) for number in range(10_000)]
        assert not any(dialogs.leg_of(each) for each in guessed)
        assert dialogs.leg_of(Replaces("one", first.tag, first.our_tag)) is not None


async def test_a_talking_phone_is_replaced_by_its_own_extension_only() -> None:
    async with sip_exchange() as x:
        desk, customer, store = await x.registered("101", "102", "103")
        first, _ = await x.talk(desk, customer, "one")
        await x.call(store, "102", "steal", extra=replacing(first))
        await store.response(403)
        await x.call(store, "102", "pick", extra=replacing(first, early_only=True))
        await store.response(486)
        with Peer(x.world.server.addresses[0], "101") as mobile:
            taking = await x.call(mobile, "102", "take", extra=replacing(first))
            await x.up(taking)
            assert (await desk.asked("BYE")).method == "BYE"
            assert await hears(customer, mobile)
            taking.ask("BYE")
            await mobile.response(200)
