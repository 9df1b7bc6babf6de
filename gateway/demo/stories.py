"""The demo's stories: what its people do, step by step, on real SIP, RTP and emulated modems."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.demo.judge import Samples
from gateway.demo.site import COURIER, PIN, SIM_NUMBERS, STRANGER, Site
from gateway.emulator.client import EmulatorClient, RemoteCall, RemoteSubscriber
from gateway.emulator.demo_people import COURIER_VOICE, OFFICE_VOICE
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav

PATIENCE_SECONDS = 20.0
TAIL_SECONDS = 0.6
"""What is waited after the last word, so that it arrives everywhere."""

CYRILLIC = (
    "Здравствуйте! Заказ 1001 готов. Курьер Иван приедет сегодня с 14:00 до 16:00, позвонит за полчаса. "
    "Пожалуйста, приготовьте 2350 рублей без сдачи. Если планы изменились, перезвоните нам до обеда."
)
"""Three parts of UCS-2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What was said and heard in a call: the gateway's caller and callee, each as source and as heard by the other."""

    caller_said: Samples
    callee_heard: Samples
    callee_said: Samples
    caller_heard: Samples
    seconds: float
    """From the first word to the last hang-up."""


class Stage:
    """Where the stories play: the emulated network, and phone 101 registered at the gateway."""

    def __init__(
        self,
        *,
        emulator: EmulatorClient,
        courier: RemoteSubscriber,
        stranger: RemoteSubscriber,
        phone: SipPhone,
        talk_begins: Callable[[], Awaitable[None]],
    ) -> None:
        self.emulator = emulator
        self.courier = courier
        self.stranger = stranger
        self.phone = phone
        self.talk_begins = talk_begins
        """Returns once the parties hear each other and the notice of the recording has ended."""


@asynccontextmanager
async def stage(site: Site, talk_begins: Callable[[], Awaitable[None]]) -> AsyncIterator[Stage]:
    """The stage, from before the first story to after the last."""
    registrar = ("127.0.0.1", site.ports.sip)
    async with (
        EmulatorClient(site.emulator) as emulator,
        SipPhone(("127.0.0.1", 0), registrar, "101", site.phone_password) as phone,
    ):
        await phone.register()
        yield Stage(
            emulator=emulator,
            courier=await emulator.subscriber(COURIER, when_called="answer", ring_seconds=1.0),
            stranger=await emulator.subscriber(STRANGER),
            phone=phone,
            talk_begins=talk_begins,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Something that happens in the shop."""

    title: str
    play: Callable[[Stage], Awaitable[Talk | None]]


async def office_calls_courier(stage: Stage) -> Talk:
    """Phone 101 calls 2001; the courier's mobile rings, answers and speaks; the courier hangs up."""
    call = stage.phone.call("2001")
    try:
        mobile = await stage.courier.next_call(within=PATIENCE_SECONDS)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await call.answered()
        return await _talk(stage, call, mobile, phone_is_caller=True, mobile_ends=True)
    finally:
        call.hang_up()


async def courier_calls_office(stage: Stage) -> Talk:
    """The courier calls a SIM, enters PIN and extension, and reaches the front desk, which hangs up."""
    mobile = await stage.courier.call_in(SIM_NUMBERS["green"])
    await mobile.answered(within=PATIENCE_SECONDS)
    await asyncio.sleep(1.5)
    await mobile.press(f"{PIN}#")
    await asyncio.sleep(0.2 * (len(PIN) + 1) + 1.5)
    await mobile.press("101#")
    call = await _answered_by_phone(stage)
    return await _talk(stage, call, mobile, phone_is_caller=False, mobile_ends=False)


async def stranger_calls_shop(stage: Stage) -> Talk:
    """A stranger calls a SIM; phone 101 rings and answers; the stranger hangs up."""
    mobile = await stage.stranger.call_in(SIM_NUMBERS["blue"])
    call = await _answered_by_phone(stage)
    await mobile.answered(within=PATIENCE_SECONDS)
    return await _talk(stage, call, mobile, phone_is_caller=False, mobile_ends=True)


async def message_arrives(stage: Stage) -> None:
    """An SMS with Cyrillic text in three parts arrives at a SIM."""
    await stage.emulator.send_sms(STRANGER, SIM_NUMBERS["red"], CYRILLIC)


STORIES: dict[str, Story] = {
    "a": Story(title="phone 101 calls courier 2001, who answers on the mobile", play=office_calls_courier),
    "b": Story(
        title="the courier calls a SIM, enters PIN and 101, and reaches the front desk", play=courier_calls_office
    ),
    "c": Story(title="a stranger calls a SIM and reaches phone 101", play=stranger_calls_shop),
    "d": Story(title="an SMS in three parts arrives", play=message_arrives),
}


async def _answered_by_phone(stage: Stage) -> PhoneCall:
    async with asyncio.timeout(PATIENCE_SECONDS):
        call = await stage.phone.incoming()
    call.ring()
    await asyncio.sleep(1.0)
    call.answer()
    return call


async def _talk(stage: Stage, call: PhoneCall, mobile: RemoteCall, *, phone_is_caller: bool, mobile_ends: bool) -> Talk:
    """Both speak at the same time, each a text of their own, and one of them hangs up."""
    await stage.talk_begins()
    loop = asyncio.get_running_loop()
    started = loop.time()
    office, courier = load_wav(OFFICE_VOICE), load_wav(COURIER_VOICE)
    said = asyncio.Event()

    def done() -> None:
        loop.call_soon_threadsafe(said.set)

    call.play(office, done)
    await mobile.speak(Path(COURIER_VOICE))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await said.wait()
    await asyncio.sleep(TAIL_SECONDS)
    if mobile_ends:
        await mobile.hang_up()
    else:
        call.hang_up()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await call.ended()
    await mobile.ended(within=PATIENCE_SECONDS)
    by_phone, by_mobile = _samples(call.heard()), _samples((await mobile.heard()).data)
    phone_said, mobile_said = np.array(office, dtype=np.int16), np.array(courier, dtype=np.int16)
    seconds = loop.time() - started
    if phone_is_caller:
        return Talk(
            caller_said=phone_said,
            callee_heard=by_mobile,
            callee_said=mobile_said,
            caller_heard=by_phone,
            seconds=seconds,
        )
    return Talk(
        caller_said=mobile_said, callee_heard=by_phone, callee_said=phone_said, caller_heard=by_mobile, seconds=seconds
    )


def _samples(data: bytes) -> Samples:
    return np.frombuffer(data, dtype="<i2").astype(np.int16)
