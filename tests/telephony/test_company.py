"""Listening in, whispering, barging in and conference: who hears whom, told by tones; in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS
from gateway.events import CallEnded, PartyJoined, PartyLeft
from gateway.telephony.causes import Cause
from gateway.telephony.company import RING_SECONDS, Role
from gateway.telephony.leg import LegState
from tests.fakes.exchange import Scene, scene
from tests.fakes.legs import FakeLeg
from tests.fakes.talks import CUSTOMER, SHOP, hear_each_other, talking

TONES = {"customer": 400, "101": 700, "102": 1_000, "103": 1_300}
"""Whole periods in 20 ms, so that frames join without a seam and no tone leaks into another's place."""


class Room:
    """A customer and phone 101 that talk, and whoever joins; each says a tone of its own all the time."""

    def __init__(self, s: Scene, customer: FakeLeg, employee: FakeLeg) -> None:
        self.s = s
        self.legs = {"customer": customer, "101": employee}
        self.call_id = s.switchboard.calls()[0].id

    async def speak(self) -> None:
        at = 2 * np.pi * np.arange(FRAME_SAMPLES) / 8_000
        frames = {name: (2_000 * np.sin(tone * at)).astype(np.int16) for name, tone in TONES.items()}
        while True:
            for name, leg in tuple(self.legs.items()):
                if leg.state is LegState.UP:
                    leg.fake_port.speak(frames[name])
            await asyncio.sleep(FRAME_SECONDS)

    async def join(self, extension: str, role: Role) -> FakeLeg:
        """A phone is rung and answers."""
        assert self.s.switchboard.bring_in(self.call_id, extension, role, by="anna") is None
        await self.s.after(0.2)
        leg = self.s.phones.legs[extension][-1]
        leg.answers()
        self.legs[extension] = leg
        await self.s.after(0.2)
        return leg

    async def who_hears_whom(self) -> dict[str, set[str]]:
        """By the tones in the last half second of each."""
        await self.s.after(1.0)
        heard = {}
        for name, leg in self.legs.items():
            if leg.state is LegState.UP:
                sound = np.concatenate(leg.fake_port.heard[-25:]).astype(float)
                spectrum = np.abs(np.fft.rfft(sound)) / len(sound) * 2
                hertz = np.fft.rfftfreq(len(sound), 1 / 8_000)
                heard[name] = {
                    each for each, tone in TONES.items() if spectrum[np.argmin(np.abs(hertz - tone))] > 1_000
                }
        return heard


@asynccontextmanager
async def room() -> AsyncIterator[Room]:
    async with scene(SHOP) as s:
        customer = s.call_to_line("red", CUSTOMER)
        r = Room(s, customer, await talking(s, customer, "101"))
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(r.speak())
            yield r
            speaking.cancel()
        for leg in (customer, r.legs["101"]):
            if leg.state is LegState.UP:
                leg.hangs_up()
        await s.after(0.1)


async def test_who_listens_hears_both_and_nobody_hears_it() -> None:
    async with room() as r:
        boss = await r.join("102", Role.LISTENS)
        assert await r.who_hears_whom() == {
            "customer": {"101"}, "101": {"customer"}, "102": {"customer", "101"},
        }  # fmt: skip
        assert len(r.s.mix_lateness) >= 50
        assert max(r.s.mix_lateness) < 0.001, "in virtual time nothing is late"
        boss.hangs_up()
        await r.s.after(0.1)
        assert hear_each_other(r.legs["customer"], r.legs["101"]), "at once again, without a mixer"
        assert [each.bridges for each in r.s.recordings.made] == [1], "who listens changes nothing in the recording"


async def test_a_whisper_is_heard_by_the_employee_alone_and_barging_in_by_all() -> None:
    async with room() as r:
        await r.join("102", Role.LISTENS)
        assert r.s.switchboard.bring_in(r.call_id, "102", Role.WHISPERS, by="anna") is None
        assert await r.who_hears_whom() == {
            "customer": {"101"}, "101": {"customer", "102"}, "102": {"customer", "101"},
        }  # fmt: skip
        assert r.s.switchboard.bring_in(r.call_id, "102", Role.SPEAKS, by="anna") is None
        assert await r.who_hears_whom() == {
            "customer": {"101", "102"}, "101": {"customer", "102"}, "102": {"customer", "101"},
        }  # fmt: skip
        assert r.s.switchboard.bring_in(r.call_id, "102", Role.LISTENS, by="anna") is None
        assert (await r.who_hears_whom())["customer"] == {"101"}
        assert len(r.s.phones.legs["102"]) == 1, "the phone was rung once"
        roles = [(each.peer, each.role, each.by) for each in r.s.events if isinstance(each, PartyJoined)]
        assert roles == [("102", role, "anna") for role in ("listen", "whisper", "speak", "listen")]


async def test_a_whisper_follows_the_customer_s_hold_and_the_customer_never_hears_it() -> None:
    async with room() as r:
        await r.join("102", Role.WHISPERS)
        r.legs["101"].holds()
        assert "102" not in (await r.who_hears_whom())["customer"]
        r.legs["101"].resumes()
        heard = await r.who_hears_whom()
        assert heard["101"] == {"customer", "102"}
        assert heard["customer"] == {"101"}


async def test_a_conference_of_four_where_each_hears_the_others_and_dropping_one_keeps_the_rest() -> None:
    """D1."""
    async with room() as r:
        await r.join("102", Role.SPEAKS)
        await r.join("103", Role.SPEAKS)
        everyone = set(TONES)
        assert await r.who_hears_whom() == {each: everyone - {each} for each in everyone}
        assert r.s.switchboard.drop(r.call_id, r.legs["102"].id)
        left = everyone - {"102"}
        assert await r.who_hears_whom() == {each: left - {each} for each in left}
        assert [(each.peer) for each in r.s.events if isinstance(each, PartyLeft)] == ["102"]
        assert [each.runs for each in r.s.recordings.made] == [True], "one recording"


@pytest.mark.parametrize("gone", ["customer", "101"])
async def test_when_one_of_the_first_two_leaves_the_others_go_on_and_end_by_themselves(gone: str) -> None:
    async with room() as r:
        await r.join("102", Role.SPEAKS)
        await r.join("103", Role.SPEAKS)
        r.legs[gone].hangs_up()
        left = set(TONES) - {gone}
        assert await r.who_hears_whom() == {each: left - {each} for each in left}
        r.legs["103"].hangs_up()
        left -= {"103"}
        assert await r.who_hears_whom() == {each: left - {each} for each in left}
        r.legs["102"].hangs_up()
        await r.s.after(0.2)
        assert isinstance(r.s.ended(), CallEnded)


async def test_who_holds_in_a_conference_is_left_out_and_the_others_go_on() -> None:
    async with room() as r:
        await r.join("102", Role.SPEAKS)
        r.legs["101"].holds()
        heard = await r.who_hears_whom()
        assert (heard["customer"], heard["102"]) == ({"102"}, {"customer"})
        r.legs["101"].resumes()
        assert (await r.who_hears_whom())["101"] == {"customer", "102"}


async def test_only_a_guest_can_be_dropped_while_two_would_not_be_left() -> None:
    async with room() as r:
        assert r.s.switchboard.drop(r.call_id, r.legs["101"].id) is False
        assert r.s.switchboard.drop(r.call_id, "unknown") is False
        await r.join("102", Role.LISTENS)
        assert r.s.switchboard.drop(r.call_id, r.legs["101"].id) is False
        assert r.s.switchboard.drop(r.call_id, r.legs["102"].id) is True
        await r.s.after(0.1)
        assert r.legs["102"].told[-1].startswith("hangup")


async def test_whom_cannot_be_asked_in() -> None:
    async with room() as r:
        bring_in = r.s.switchboard.bring_in
        with pytest.raises(LookupError):
            bring_in("unknown", "102", Role.LISTENS, by="anna")
        assert bring_in(r.call_id, "999", Role.LISTENS, by="anna") is Cause.NO_SUCH_NUMBER
        assert bring_in(r.call_id, "101", Role.LISTENS, by="anna") is Cause.REJECTED, "talks there already"
        r.s.phones.away.add("103")
        assert bring_in(r.call_id, "103", Role.LISTENS, by="anna") is Cause.UNREACHABLE


async def test_a_phone_that_nobody_answers_is_rung_no_longer() -> None:
    async with room() as r:
        assert r.s.switchboard.bring_in(r.call_id, "102", Role.LISTENS, by="anna") is None
        await r.s.after(RING_SECONDS + 0.1)
        assert r.s.phones.legs["102"][-1].state is LegState.ENDED
        assert not any(isinstance(each, PartyJoined) for each in r.s.events)


async def test_a_call_that_ends_takes_its_guests_with_it() -> None:
    async with room() as r:
        boss = await r.join("102", Role.LISTENS)
        assert r.s.switchboard.bring_in(r.call_id, "103", Role.LISTENS, by="anna") is None
        r.legs["customer"].hangs_up()
        await r.s.after(0.2)
        assert boss.state is LegState.ENDED
        assert r.s.phones.legs["103"][-1].state is LegState.ENDED


async def test_a_guest_stays_through_a_transfer() -> None:
    async with room() as r:
        await r.join("102", Role.LISTENS)
        assert r.s.switchboard.transfer(r.call_id, "103") is None
        await r.s.after(0.3)
        new = r.s.phones.legs["103"][-1]
        new.answers()
        r.legs["103"] = new
        assert await r.who_hears_whom() == {
            "customer": {"103"}, "103": {"customer"}, "102": {"customer", "103"},
        }  # fmt: skip
        new.hangs_up()
        await r.s.after(0.1)
