"""A shop whose phones hold, transfer and pick up, and the steps that such stories share."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.audio.frame import SILENCE
from gateway.events import CallEnded
from gateway.telephony.causes import Cause
from gateway.telephony.leg import LegState
from gateway.telephony.recording_policy import Notice, RecordCalls, RecordingPolicy
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, Shop, TrunkSettings
from gateway.telephony.transfer import TransferWish
from tests.fakes.exchange import Scene
from tests.fakes.legs import FakeLeg

CUSTOMER = "+79035550001"
COURIER = "+79161234567"
OUTSIDE = "+79035550077"
SHOP = Shop(
    lines=(LineSettings(name="red", modem="m0", rings=("101",)), LineSettings(name="blue", modem="m1")),
    phones=tuple(
        PhoneSettings(extension=each, name=f"Phone {each}", password="a-long-password")
        for each in ("101", "102", "103")
    ),
    couriers=(CourierSettings(extension="2001", mobile=COURIER, lines=("blue",)),),
    trunks=(TrunkSettings(name="provider", host="sip.example.net"),),
    recording=RecordingPolicy(calls=RecordCalls.ALL, notice=Notice.NONE),
)


@dataclass
class Told:
    """What the one who asked for a transfer learned."""

    said: list[str] = field(default_factory=list)

    def rings(self) -> None:
        self.said.append("rings")

    def succeeded(self) -> None:
        self.said.append("succeeded")

    def failed(self, cause: Cause) -> None:
        self.said.append(f"failed {cause}")


def wish(by: FakeLeg, target: str, instead_of: FakeLeg | None = None) -> tuple[Cause | None, Told]:
    """The phone asks for a transfer: why it was refused at once, and what it is told later."""
    told = Told()
    return by.wants(TransferWish(by=by, target=target, report=told, instead_of=instead_of)), told


async def talking(s: Scene, caller: FakeLeg, callee_extension: str) -> FakeLeg:
    """The phone that was rung for `caller` answers."""
    await s.after(0.2)
    callee = s.phones.legs[callee_extension][-1]
    callee.answers()
    await s.after(0.5)
    assert caller.state is LegState.UP
    return callee


def hear_each_other(one: FakeLeg, other: FakeLeg) -> bool:
    """A frame of each is heard by the other at once."""
    before = one.port.counters.frames_out, other.port.counters.frames_out
    one.fake_port.speak(SILENCE)
    other.fake_port.speak(SILENCE)
    return (one.port.counters.frames_out, other.port.counters.frames_out) == (before[0] + 1, before[1] + 1)


def records(s: Scene) -> dict[str, tuple[str, str]]:
    """How each call ended, by the caller's leg at its start."""
    return {event.call_id: (event.cause, event.ended_by) for event in s.events if isinstance(event, CallEnded)}
