"""Listening, whispering and a conference over RTP: three phones, told apart by their tones."""

from __future__ import annotations

import asyncio

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, FRAME_SECONDS
from gateway.audio.g711 import Law, decode
from gateway.telephony.company import Role
from tests.fakes.sip_exchange import sip_exchange
from tests.fakes.sip_peer import Peer

TONES = {"101": 400, "102": 700, "103": 1_000}


async def speak(seconds: float, *speakers: Peer) -> None:
    for step in range(round(seconds / FRAME_SECONDS)):
        at = 2 * np.pi * (step * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / 8_000
        for each in speakers:
            each.media.send_frame((3_000 * np.sin(TONES[each.user] * at)).astype(np.int16))
        await asyncio.sleep(FRAME_SECONDS)


def hears(peer: Peer) -> set[str]:
    """Whose tones were in the last half second."""
    sound = np.concatenate([decode(each.payload, Law.ULAW) for each in peer.media.heard[-25:]]).astype(float)
    spectrum = np.abs(np.fft.rfft(sound)) / len(sound) * 2
    hertz = np.fft.rfftfreq(len(sound), 1 / 8_000)
    return {name for name, tone in TONES.items() if spectrum[np.abs(hertz - tone) < 6].max() > 1_000}


async def test_three_phones_hear_what_each_shall_and_two_go_on_when_one_leaves() -> None:
    async with sip_exchange() as x:
        desk, store, boss = everyone = await x.registered("101", "102", "103")
        await x.talk(desk, store, "one")
        (call,) = x.switchboard.calls()
        assert x.switchboard.bring_in(call.id, "103", Role.LISTENS, by="anna") is None
        listening = await x.answered(boss, "boss")
        heard = {}
        for role in (Role.LISTENS, Role.WHISPERS, Role.SPEAKS):
            assert role is Role.LISTENS or x.switchboard.bring_in(call.id, "103", role, by="anna") is None
            await speak(1.2, *everyone)
            heard[role] = [hears(each) for each in everyone]
        assert heard[Role.LISTENS] == [{"102"}, {"101"}, {"101", "102"}]
        assert heard[Role.WHISPERS] == [{"102"}, {"101", "103"}, {"101", "102"}], "102 was called: the employee"
        assert heard[Role.SPEAKS] == [{"102", "103"}, {"101", "103"}, {"101", "102"}]
        gaps = np.diff([each.sequence for each in desk.media.heard[-50:]]) % 65_536
        assert set(gaps.tolist()) == {1}, "one stream without a gap"
        listening.ask("BYE")
        await boss.response(200)
        await speak(1.2, desk, store)
        assert [hears(desk), hears(store)] == [{"102"}, {"101"}]
