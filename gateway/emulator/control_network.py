"""The verbs of the control socket about modems and the mobile network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.emulator import sound
from gateway.emulator.control import Result, StoreWav, Verb
from gateway.emulator.emulator import Emulator, ModemOrder
from gateway.emulator.mobile_call import EndedBy, MobileCall
from gateway.emulator.modem import Modem
from gateway.emulator.progress import CallState
from gateway.emulator.registration import Registration
from gateway.emulator.sound import Samples
from gateway.emulator.subscriber import Habits, Speech, Subscriber, WhenCalled
from gateway.emulator.track import Block


class NetworkVerbs:
    """Everything one can ask of an Emulator but its phones. The arguments of the methods are those of the verbs."""

    def __init__(self, emulator: Emulator, store_wav: StoreWav) -> None:
        self._emulator = emulator
        self._network = emulator.network
        self._store_wav = store_wav

    def verbs(self) -> dict[str, Verb]:
        """By name."""
        return {
            "add-modem": self._do_add_modem, "modems": self._do_modems, "unplug": self._do_unplug,
            "replug": self._do_replug, "misbehave": self._do_misbehave, "behave": self._do_behave,
            "radio": self._do_radio, "sim": self._do_sim, "say": self._do_say, "at-log": self._do_at_log,
            "voice-stamps": self._do_voice_stamps, "subscriber": self._do_subscriber, "call-in": self._do_call_in,
            "next-call": self._do_next_call, "calls": self._do_calls, "call": self._do_call,
            "reached": self._do_reached, "answer": self._do_answer, "hang-up": self._do_hang_up,
            "speak": self._do_speak, "press": self._do_press,
            "hush": self._do_hush, "heard": self._do_heard, "said": self._do_said, "send-sms": self._do_send_sms,
            "send-pdus": self._do_send_pdus, "messages": self._do_messages, "ussd": self._do_ussd,
            "refuse-sms": self._do_refuse_sms, "lateness": self._do_lateness,
        }  # fmt: skip

    def _do_add_modem(self, family: str, is_on: bool = True, **order: Any) -> Result:
        modem = self._emulator.add_modem(ModemOrder(family=family, **order), is_on=is_on)
        return self._of_modem(modem)

    def _do_modems(self) -> Result:
        return {"modems": [self._of_modem(modem) for modem in self._emulator.modems.values()]}

    def _do_unplug(self, modem: str) -> Result:
        self._modem(modem).power_off()
        return {}

    def _do_replug(self, modem: str) -> Result:
        self._modem(modem).power_on()
        return {}

    def _do_misbehave(self, modem: str, name: str, options: dict[str, object]) -> Result:
        self._modem(modem).misbehave(name, options)
        return {}

    def _do_behave(self, modem: str, name: str | None = None) -> Result:
        self._modem(modem).behave(name)
        return {}

    def _do_radio(self, modem: str, registration: str | None = None, **changes: object) -> Result:
        device = self._modem(modem)
        if registration is not None:
            device.radio.registration = Registration[registration.upper()]
        for name, value in changes.items():
            if name not in ("operator", "operator_code", "technology", "signal"):
                raise ValueError(f"The radio has no {name!r}.")
            setattr(device.radio, name, value)
        device.registration_changed()
        return {}

    def _do_sim(self, modem: str, slots: int | None = None, **changes: object) -> Result:
        card = self._modem(modem).sim
        for name, value in changes.items():
            if name not in ("present", "pin", "puk", "pin_tries", "puk_tries", "tells_number", "call_waiting"):
                raise ValueError(f"The SIM has no {name!r}.")
            setattr(card, name, value)
        if slots is not None:
            card.store.slots = slots
        return {"lock": card.lock.value, "pin_tries": card.pin_tries, "puk_tries": card.puk_tries,
                "stored": len(card.store.messages)}  # fmt: skip

    def _do_say(self, modem: str, lines: Sequence[str]) -> Result:
        self._modem(modem).say(*lines)
        return {}

    def _do_at_log(self, modem: str, since: float = 0.0) -> Result:
        log = self._modem(modem).log
        return {
            "commands": [entry for entry in log.commands() if entry[0] >= since],
            "bytes": [(e.at, e.to_modem, e.data.decode("latin-1")) for e in log.entries if e.at >= since],
        }

    def _do_voice_stamps(self, modem: str) -> Result:
        stamps = self._modem(modem).voice.stamps
        arrived, consumed, delivered = list(stamps.arrived), list(stamps.consumed), list(stamps.delivered)
        return {
            "arrived": [(at, len(data)) for at, data in arrived],
            "consumed": [(block.at, block.due, block.missing_bytes, block.position) for block in consumed],
            "delivered": [(at, len(data)) for at, data in delivered],
            "arrived_wav": self._store_wav(f"{modem}-arrived", b"".join(data for _, data in arrived)),
            "consumed_wav": self._store_wav(f"{modem}-consumed", b"".join(block.data for block in consumed)),
            "delivered_wav": self._store_wav(f"{modem}-delivered", b"".join(data for _, data in delivered)),
            "dropped_bytes": stamps.dropped_bytes,
            "refused_bytes": stamps.refused_bytes,
        }

    def _do_subscriber(self, number: str, says: Sequence[dict[str, object]] = (), **habits: Any) -> Result:
        if "when_called" in habits:
            habits["when_called"] = WhenCalled(str(habits["when_called"]))
        speeches = tuple(_speech(each) for each in says)
        wanted = Habits(says=speeches, **habits)  # a wrong name is a TypeError, answered
        known = self._network.subscribers.get(number)
        if known is None:
            self._network.add(Subscriber(number, wanted))
        else:
            known.habits = wanted
        return {}

    def _do_call_in(self, number: str, sim: str, shows_number: bool = True) -> Result:
        if number not in self._network.subscribers:
            self._network.add(Subscriber(number))
        return _of_call(self._network.call_modem(number, sim, shows_number=shows_number))

    async def _do_next_call(self, number: str, seen: int = 0, within: float = 30.0) -> Result:
        """Wait until the subscriber has had more than `seen` calls; the first beyond them."""
        subscriber = self._network.subscribers[number]
        async with asyncio.timeout(within):
            while len(subscriber.calls) <= seen:
                await subscriber.changed()
        return _of_call(subscriber.calls[seen])

    def _do_calls(self) -> Result:
        """Every call that is not over, with whose it is and the number of the SIM."""
        sims = {id(modem): modem.number for modem in self._emulator.modems.values()}
        running = [
            {**_of_call(call), "subscriber": subscriber.number, "sim": sims.get(id(call.modem), "")}
            for subscriber in self._network.subscribers.values()
            for call in subscriber.calls
            if call.state is not CallState.ENDED
        ]
        return {"calls": running}

    def _do_call(self, call: str) -> Result:
        return _of_call(self._call(call))

    async def _do_reached(self, call: str, state: str, within: float = 30.0) -> Result:
        async with asyncio.timeout(within):
            await self._call(call).progress.reached(CallState(state))
        return _of_call(self._call(call))

    def _do_answer(self, call: str) -> Result:
        mobile_call = self._call(call)
        self._owner(mobile_call).answer(mobile_call)
        return _of_call(mobile_call)

    def _do_hang_up(self, call: str, cause: int = 16) -> Result:
        self._call(call).end(EndedBy.SUBSCRIBER, cause)
        return _of_call(self._call(call))

    async def _do_speak(self, call: str, wav: str, wait: bool = False, within: float = 600.0) -> Result:
        loop = asyncio.get_running_loop()
        said = asyncio.Event()
        samples = sound.load_wav(sound.voice(wav))
        self._call(call).track.say(samples, lambda: _ring(loop, said))
        if wait:
            async with asyncio.timeout(within):
                await said.wait()
        return {"seconds": len(samples) / sound.SAMPLE_RATE}

    def _do_press(self, call: str, digits: str, tone_seconds: float = 0.1, gap_seconds: float = 0.1) -> Result:
        owner = self._owner(self._call(call))
        owner.press(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)
        return {}

    def _do_hush(self, call: str) -> Result:
        self._call(call).track.hush()
        return {}

    def _do_heard(self, call: str) -> Result:
        return self._sound(f"{call}-heard", self._call(call).track.heard[:])

    def _do_said(self, call: str) -> Result:
        return self._sound(f"{call}-said", self._call(call).track.spoken[:])

    def _do_send_sms(self, sender: str, sim: str, text: str, **how: Any) -> Result:
        return {"pdus": self._network.messages.send(sender, sim, text, **how)}

    def _do_send_pdus(self, sim: str, pdus: Sequence[str]) -> Result:
        self._network.messages.send_raw(sim, pdus)
        return {}

    async def _do_messages(self, number: str, at_least: int = 0, within: float = 30.0) -> Result:
        """All texts that arrived at the subscriber, once there are so many."""
        subscriber = self._network.subscribers[number]
        async with asyncio.timeout(within):
            while len(subscriber.messages) < at_least:
                await subscriber.changed()
        return {"messages": [asdict(message) for message in subscriber.messages]}

    def _do_ussd(self, code: str, reply: str) -> Result:
        self._network.ussd[code] = reply
        return {}

    def _do_refuse_sms(self, error: int | None) -> Result:
        self._network.messages.refuses_with = error
        return {}

    def _do_lateness(self) -> Result:
        late = sorted(self._emulator.clock.lateness)
        if not late:
            return {"ticks": 0}
        return {
            "ticks": len(late), "p50": late[len(late) // 2], "p95": late[len(late) * 95 // 100],
            "p99": late[len(late) * 99 // 100], "max": late[-1],
        }  # fmt: skip

    def _modem(self, name: str) -> Modem:
        if name not in self._emulator.modems:
            raise LookupError(f"There is no modem {name!r}; there are: {', '.join(self._emulator.modems)}.")
        return self._emulator.modems[name]

    def _call(self, identity: str) -> MobileCall:
        if identity not in self._network.calls:
            raise LookupError(f"There is no call {identity!r}.")
        return self._network.calls[identity]

    def _owner(self, call: MobileCall) -> Subscriber:
        owner = next((each for each in self._network.subscribers.values() if call in each.calls), None)
        if owner is None:
            raise LookupError(f"Call {call.id} has not reached a subscriber.")
        return owner

    def _of_modem(self, modem: Modem) -> Result:
        directory = self._emulator.directory
        return {
            "name": modem.name, "family": modem.personality.family, "number": modem.number, "imei": modem.imei,
            "imsi": modem.sim.imsi, "iccid": modem.sim.iccid, "at": str(directory / f"{modem.name}-at"),
            "voice": str(directory / f"{modem.name}-voice"), "is_on": modem.is_on,
            "is_registered": modem.is_registered, "misbehaviours": dict(modem.misbehaviours()),
        }  # fmt: skip

    def _sound(self, name: str, blocks: list[Block]) -> Result:
        return {
            "wav": self._store_wav(name, b"".join(block.data for block in blocks)),
            "stamps": [(block.at, len(block.data)) for block in blocks],
        }


def _of_call(call: MobileCall) -> Result:
    return {
        "id": call.id, "number": call.number, "from_modem": call.from_modem, "state": call.state.value,
        "started": call.progress.started, "ringing": call.progress.ringing, "answered": call.progress.answered,
        "ended": call.progress.ended, "cause": call.cause, "ended_by": call.ended_by and call.ended_by.value,
        "seconds": call.progress.seconds, "keys": call.keys, "pressed": call.pressed,
    }  # fmt: skip


def _ring(loop: asyncio.AbstractEventLoop, bell: asyncio.Event) -> None:
    loop.call_soon_threadsafe(bell.set)


def _speech(order: dict[str, object]) -> Speech:
    """`{"wav": path, "after_seconds": 0.5}`, or tones: `{"frequencies": [440], "seconds": 2}`."""
    after = float(str(order.get("after_seconds", 0.0)))
    if "wav" in order:
        return Speech(samples=sound.load_wav(sound.voice(str(order["wav"]))), after_seconds=after)
    frequencies = json.loads(json.dumps(order["frequencies"]))
    samples: Samples = sound.tone(tuple(frequencies), float(str(order["seconds"])))
    return Speech(samples=samples, after_seconds=after)
