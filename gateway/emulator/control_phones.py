"""The verbs of the control socket about SIP phones."""

from __future__ import annotations

import asyncio

from gateway.emulator import sound
from gateway.emulator.control import Result, StoreWav, Verb
from gateway.emulator.emulator import Emulator
from gateway.emulator.progress import CallState
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone


class PhoneVerbs:
    """SIP phones by name. The arguments of the methods are those of the verbs.

    `store_wav` keeps s16le bytes as a WAV and gives its path.
    """

    def __init__(self, emulator: Emulator, store_wav: StoreWav) -> None:
        self._emulator = emulator
        self._store_wav = store_wav
        self._phones: dict[str, SipPhone] = {}

    def verbs(self) -> dict[str, Verb]:
        """By name."""
        return {
            "phone": self._do_phone, "phone-register": self._do_register, "phone-unregister": self._do_unregister,
            "phone-remove": self._do_remove, "phone-options": self._do_options, "phone-dial": self._do_dial,
            "phone-next-call": self._do_next_call, "phone-calls": self._do_calls,
            "phone-call": self._do_call, "phone-reached": self._do_reached,
            "phone-ring": self._do_ring, "phone-answer": self._do_answer, "phone-reject": self._do_reject,
            "phone-hang-up": self._do_hang_up, "phone-speak": self._do_speak, "phone-press": self._do_press,
            "phone-hush": self._do_hush, "phone-heard": self._do_heard, "phone-said": self._do_said,
            "phone-packets": self._do_packets,
        }  # fmt: skip

    async def close(self) -> None:
        """Hang up and close all phones."""
        for name in list(self._phones):
            await self._do_remove(name)

    async def _do_phone(
        self, user: str, password: str, host: str, port: int, *, name: str | None = None, bind: str = "127.0.0.1",
        codecs: list[str] | None = None, algorithm: str | None = None, ppm: float = 0.0,
    ) -> Result:  # fmt: skip
        name = name or user
        if name in self._phones:
            raise ValueError(f"There is a phone {name} already.")
        phone = SipPhone(
            (bind, 0), (host, port), user, password, clock=self._emulator.clock, algorithm=algorithm, ppm=ppm,
            name=name, codecs=tuple(codecs or ("PCMU", "PCMA")),
        )  # fmt: skip
        await phone.__aenter__()
        self._phones[name] = phone
        return {"name": name, "port": phone.endpoint.address[1]}

    async def _do_register(self, phone: str, expires_seconds: int = 300, within: float = 35.0) -> Result:
        async with asyncio.timeout(within):
            return {"granted_seconds": await self._phone(phone).register(expires_seconds)}

    async def _do_unregister(self, phone: str) -> Result:
        await self._phone(phone).unregister()
        return {}

    async def _do_remove(self, phone: str) -> Result:
        gone = self._phone(phone)
        del self._phones[phone]
        await gone.__aexit__(None, None, None)
        return {}

    async def _do_options(self, phone: str) -> Result:
        return {"status": await self._phone(phone).options()}

    def _do_dial(self, phone: str, number: str) -> Result:
        return _of_call(self._phone(phone).call(number))

    async def _do_next_call(self, phone: str, within: float = 30.0) -> Result:
        async with asyncio.timeout(within):
            return _of_call(await self._phone(phone).incoming())

    def _do_calls(self) -> Result:
        """The phones by name, and every call of theirs that is not over."""
        running = [
            {**_of_call(call), "phone": name}
            for name, phone in self._phones.items()
            for call in phone.calls
            if call.progress.state is not CallState.ENDED
        ]
        return {"phones": list(self._phones), "calls": running}

    def _do_call(self, call: str) -> Result:
        return _of_call(self._call(call))

    async def _do_reached(self, call: str, state: str, within: float = 30.0) -> Result:
        async with asyncio.timeout(within):
            await self._call(call).progress.reached(CallState(state))
        return _of_call(self._call(call))

    def _do_ring(self, call: str, status: int = 180) -> Result:
        self._call(call).ring(status)
        return {}

    def _do_answer(self, call: str) -> Result:
        self._call(call).answer()
        return _of_call(self._call(call))

    def _do_reject(self, call: str, status: int = 486, reason: str = "Busy Here") -> Result:
        self._call(call).reject(status, reason)
        return {}

    def _do_hang_up(self, call: str) -> Result:
        self._call(call).hang_up()
        return _of_call(self._call(call))

    async def _do_speak(
        self, call: str, wav: str, wait: bool = False, at: float | None = None, within: float = 600.0
    ) -> Result:
        samples = sound.load_wav(sound.voice(wav))
        loop = asyncio.get_running_loop()
        said = asyncio.Event()
        self._call(call).play(samples, lambda: _ring(loop, said), at=at)
        if wait:
            async with asyncio.timeout(within):
                await said.wait()
        return {"seconds": len(samples) / sound.SAMPLE_RATE}

    def _do_press(
        self, call: str, digits: str, tone_seconds: float = 0.1, gap_seconds: float = 0.1, in_band: bool = False
    ) -> Result:
        self._call(call).press(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds, in_band=in_band)
        return {}

    def _do_hush(self, call: str) -> Result:
        self._call(call).track.hush()
        return {}

    def _do_heard(self, call: str) -> Result:
        blocks = self._call(call).track.heard[:]
        return {
            "wav": self._store_wav(f"{call}-heard", b"".join(block.data for block in blocks)),
            "stamps": [(block.at, len(block.data)) for block in blocks],
        }

    def _do_said(self, call: str) -> Result:
        blocks = self._call(call).track.spoken[:]
        return {
            "wav": self._store_wav(f"{call}-said", b"".join(block.data for block in blocks)),
            "stamps": [(block.at, len(block.data)) for block in blocks],
        }

    def _do_packets(self, call: str) -> Result:
        rtp = self._call(call).rtp
        return {
            "heard": [
                (each.at, each.sequence, each.timestamp, each.payload_type, each.marker, each.source, each.size)
                for each in rtp.packets[:]
            ],
            "sent": rtp.sent[:],
        }

    def _phone(self, name: str) -> SipPhone:
        if name not in self._phones:
            raise LookupError(f"There is no phone {name!r}; there are: {', '.join(self._phones) or 'none'}.")
        return self._phones[name]

    def _call(self, identity: str) -> PhoneCall:
        for phone in self._phones.values():
            for call in phone.calls:
                if call.id == identity:
                    return call
        raise LookupError(f"There is no call {identity!r}.")


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    loop.call_soon_threadsafe(bell.set)


def _of_call(call: PhoneCall) -> Result:
    progress = call.progress
    return {
        "id": call.id, "peer": call.peer, "peer_name": call.peer_name, "is_incoming": call.is_incoming,
        "state": progress.state.value, "started": progress.started, "ringing": progress.ringing,
        "answered": progress.answered, "ended": progress.ended, "seconds": progress.seconds,
        "status": call.status, "reason": call.reason, "ended_by": call.ended_by, "codec": call.codec,
        "call_id": call.call_id, "statuses": call.statuses, "keys": call.rtp.keys_heard[:],
    }  # fmt: skip
