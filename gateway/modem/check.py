"""`simbridge modem check`: the acceptance of a new stick, and what its owner needs to know of it.

The sound is judged both ways with the help of the person at the other phone: what arrives from the modem is
measured; whether the mobile hears us, it says by a key, pressed on hearing our beeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame
from gateway.audio.level import HEARD_DBFS, LevelMeter
from gateway.audio.tones import Tone, ToneSource
from gateway.errors import GatewayError
from gateway.modem.at import fields_of, number_in
from gateway.modem.dialects import choose_dialect
from gateway.modem.known_firmware import firmware_note
from gateway.modem.modem import ModemState
from gateway.modem.trial import Trial, on_trial
from gateway.modem.voice.device import SOUND_CARD
from gateway.settings import ModemSettings
from gateway.telephony.leg import Leg
from gateway.telephony.messages import PartTaken
from gateway.telephony.numbers import Dialable

READY_SECONDS = 90.0
CALL_SECONDS = 60.0
TALK_SECONDS = 15.0
SMS_SECONDS = 90.0
_REGISTERED = {"home": "registered in its own network", "roaming": "registered, roaming"}
_LOUD_PEAK = 32_000
_QUIET_DBFS = -38.0


@dataclass(frozen=True, slots=True)
class Words:
    """The language of the report; left out, English and the bare codes."""

    said: Callable[[str], str] = str
    """A text of ours, in that language."""
    title: Callable[[str, str], str] = lambda _section, code: code
    """The title of a code in a section of the catalogue."""


Tell = Callable[[str], None]


class Outcome(StrEnum):
    """How one point came out."""

    GOOD = "ok"
    BAD = "FAILED"
    DOUBTFUL = "look"
    UNTRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the acceptance."""

    name: str
    outcome: Outcome
    found: str

    def line(self, words: Words, *, without_details: bool = False) -> str:
        """One line of a report; without what was found, where that is nobody else's business."""
        found = self.outcome if without_details else self.found
        width = max(len(words.said(outcome)) for outcome in Outcome)
        return f"{words.said(self.outcome):<{width}} {words.said(f'{self.name}:')} {words.said(found)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What shall be tried beyond the modem itself; None and False: not."""

    call: Dialable | None = None
    """The phone of the person who helps."""
    incoming: bool = False
    sms: Dialable | None = None
    """To whom a message is sent; the SIM's own number brings it back."""


class Check:
    """Goes through the points with one modem on trial; `points` are what was found."""

    def __init__(self, trial: Trial, wishes: Wishes, tell: Tell, words: Words) -> None:
        self._trial = trial
        self._wishes = wishes
        self._tell = tell
        self._words = words
        self.points: list[Point] = []

    async def run(self) -> bool:
        """Whether everything that was tried is good."""
        is_registered = await self._identify()
        self._judge_voice()
        if is_registered:
            await self._call_out()
            await self._call_in()
            await self._send()
        return all(point.outcome is not Outcome.BAD for point in self.points)

    # The points.

    async def _identify(self) -> bool:
        ready = await self._trial.ready(within=READY_SECONDS)
        modem, facts = self._trial.modem, self._trial.modem.facts
        name = " ".join(filter(None, (facts.maker, facts.model))) or "says nothing of itself"
        self._add("modem", Outcome.GOOD if facts.model else Outcome.DOUBTFUL, f"{name}, spoken to as {facts.family}")
        note = firmware_note(facts.firmware or "")
        outcome = Outcome.GOOD if note is None or note.is_good else Outcome.DOUBTFUL
        version = facts.firmware or "version not known"
        self._add("firmware", outcome, version if note is None else f"{version}: {note.note} (told by users)")
        if modem.state in (ModemState.NO_SIM, ModemState.LOCKED):
            self._add(
                "SIM", Outcome.BAD, "there is none" if modem.state is ModemState.NO_SIM else "it wants a PIN or PUK"
            )
            return False
        self._add(
            "SIM", Outcome.GOOD, f"ICCID {facts.iccid or 'not known'}, number {facts.own_number or 'not on the SIM'}"
        )
        signal = f"{facts.signal_dbm} dBm" if facts.signal_dbm is not None else "not known"
        where = f"{facts.operator or 'no operator'}, {facts.technology or 'technology unknown'}, signal {signal}"
        if not ready:
            why = modem.reason or str(modem.state)
            titled = self._words.title("errors" if modem.reason else "modem_states", why).removesuffix(".")
            self._add("network", Outcome.BAD, f"not registered ({titled}); {where}")
            return False
        weak = facts.signal_dbm is not None and facts.signal_dbm < -100
        self._add(
            "network",
            Outcome.DOUBTFUL if weak else Outcome.GOOD,
            f"{_REGISTERED.get(facts.registration or '', 'registered')}; {where}",
        )
        await self._look_at_ims()
        return True

    async def _look_at_ims(self) -> None:
        """Whether calls can go over LTE, where the family tells."""
        facts = self._trial.modem.facts
        dialect = choose_dialect("auto", manufacturer=facts.maker or "", model=facts.model or "")
        if dialect.ims is None:
            self._add("VoLTE", Outcome.UNTRIED, "the modem does not tell; the test calls show it")
            return
        states = [number_in(fields_of(line), 2) for line in await self._trial.ask(dialect.ims)]
        if states[:1] == [1]:
            self._add("VoLTE", Outcome.GOOD, "calls can go over LTE")
        else:
            self._add("VoLTE", Outcome.DOUBTFUL, 'not switched on: try AT+QCFG="ims",1 and the operator\'s profile')

    def _judge_voice(self) -> None:
        facts, path = self._trial.modem.facts, self._trial.modem.settings.voice
        if path is None:
            self._add("voice port", Outcome.UNTRIED, "name it with --voice")
        elif facts.voice:
            self._add("voice port", Outcome.GOOD, path)
        else:
            self._add(
                "voice port", Outcome.BAD, f"{path}: {self._words.title('errors', facts.voice_problem or 'no-voice')}"
            )

    async def _call_out(self) -> None:
        number = self._wishes.call
        if number is None:
            self._add("call out", Outcome.UNTRIED, "name your phone with --call")
            return
        if not self._can_speak("call out"):
            return
        self._say(f"Calling {number.digits}: answer, speak, and press 1 when you hear beeps.")
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            leg = self._trial.dial(number)
        except GatewayError as fault:
            self._add("call out", Outcome.BAD, str(fault))
            return
        if await leg.up(within=CALL_SECONDS):
            self._add("call out", Outcome.GOOD, f"answered after {loop.time() - began:.1f} s")
            await self._talk(leg, "call out")
        else:
            self._add("call out", Outcome.BAD, f"not answered ({self._why(leg)})")
        await self._end(leg)

    async def _call_in(self) -> None:
        if not self._wishes.incoming:
            self._add("call in", Outcome.UNTRIED, "ask for it with --incoming")
            return
        if not self._can_speak("call in"):
            return
        self._say("Call the SIM now; it is answered. Speak, and press 1 when you hear beeps.")
        try:
            async with asyncio.timeout(CALL_SECONDS):
                leg = await self._trial.legs.get()
        except TimeoutError:
            self._add("call in", Outcome.BAD, "no call arrived: on LTE some SIMs can call but not be called")
            return
        leg.answer()
        if await leg.up(within=20.0):
            self._add(
                "call in", Outcome.GOOD, f"the caller is {leg.peer}" if leg.peer else "the caller hides the number"
            )
            await self._talk(leg, "call in")
        else:
            self._add("call in", Outcome.BAD, f"could not be answered ({self._why(leg)})")
        await self._end(leg)

    async def _send(self) -> None:
        service = self._trial.modem.service
        if self._wishes.sms is None or service is None:
            self._add("SMS", Outcome.UNTRIED, "name a number with --sms, the SIM's own to see it come back")
            return
        while not self._trial.letters.arrived.empty():
            self._trial.letters.arrived.get_nowait()
        outcome = await service.messages.send_part(self._wishes.sms, "simbridge check", reference=1, part=1)
        taken = isinstance(outcome, PartTaken)
        cause = self._words.title("errors", outcome.cause) if not isinstance(outcome, PartTaken) else ""
        self._add("SMS out", Outcome.GOOD if taken else Outcome.BAD, "the network took it" if taken else cause)
        if not taken or self._wishes.sms.digits != self._trial.modem.facts.own_number:
            return
        try:
            async with asyncio.timeout(SMS_SECONDS):
                part = await self._trial.letters.arrived.get()
        except TimeoutError:
            self._add("SMS in", Outcome.BAD, f"it did not come back within {SMS_SECONDS:.0f} s")
        else:
            self._add("SMS in", Outcome.GOOD, f"it came back: {part.text!r}")

    # The sound of a call.

    async def _talk(self, leg: Leg, which: str) -> None:
        """Beep, listen, and wait for the key that says that we were heard."""
        meter = LevelMeter()
        loop = asyncio.get_running_loop()

        def listen(frame: Frame, _position: int) -> None:
            meter.feed(frame, loop.time())

        stop = leg.port.listen(listen)
        began = loop.time()
        leg.port.play(ToneSource(Tone.BUSY))
        key = None
        while key != "1" and (left := began + TALK_SECONDS - loop.time()) > 0 and leg.cause is None:
            key = await leg.next_key(within=left)
        # Somebody who has pressed at once is listened to a little longer.
        await leg.ended(within=max(0.0, began + 3.0 - loop.time()))
        stop()
        counters = leg.port.counters
        rate = counters.frames_in * FRAME_SAMPLES / max(loop.time() - began, 0.1) / SAMPLE_RATE
        self._add(f"{which}, from the mobile", *_from_mobile(meter, rate))
        if key == "1":
            self._add(f"{which}, to the mobile", Outcome.GOOD, "beeps heard there, key 1 heard here")
        else:
            self._add(
                f"{which}, to the mobile",
                Outcome.BAD,
                f"nobody pressed 1 ({counters.bytes_out} bytes went to the modem)",
            )

    async def _end(self, leg: Leg) -> None:
        leg.hangup()
        service = self._trial.modem.service
        if service is not None:
            await service.calls.idle()

    def _can_speak(self, which: str) -> bool:
        if self._trial.modem.facts.voice:
            return True
        self._add(which, Outcome.UNTRIED, "the modem has no voice here")
        return False

    def _add(self, name: str, outcome: Outcome, found: str) -> None:
        point = Point(name, outcome, found)
        self.points.append(point)
        self._tell(point.line(self._words))

    def _say(self, text: str) -> None:
        self._tell(self._words.said(text))

    def _why(self, leg: Leg) -> str:
        return self._words.title("causes", leg.cause) if leg.cause is not None else "no end in time"


def _from_mobile(meter: LevelMeter, rate: float) -> tuple[Outcome, str]:
    if not meter.frames:
        return Outcome.BAD, "nothing came from the voice port"
    level = f"{meter.level_dbfs:.0f} dBFS, {rate:.0%} of the samples a second"
    if not meter.heard:
        return Outcome.BAD, f"only silence below {HEARD_DBFS:.0f} dBFS came, {rate:.0%} of the samples a second"
    if meter.peak >= _LOUD_PEAK:
        return Outcome.DOUBTFUL, f"{level}: it clips; set from_mobile of the line to quiet"
    if meter.level_dbfs < _QUIET_DBFS:
        return Outcome.DOUBTFUL, f"{level}: faint; set from_mobile of the line to loud"
    return Outcome.GOOD, level


async def check(
    settings: ModemSettings, wishes: Wishes, tell: Tell, *, pin_file: str | None = None, words: Words | None = None
) -> bool:
    """Open the modem and go through the points; whether all is good. Raises PortBusy, ModemLost, AtTimeout."""
    words = words or Words()
    async with on_trial(settings, pin_file=pin_file) as trial:
        acceptance = Check(trial, wishes, tell, words)
        good = await acceptance.run()
        facts = trial.modem.facts
    tell("")
    tell(words.said("For a report (nothing in it is personal):"))
    kind = "no voice" if settings.voice is None else "sound card" if settings.voice.startswith(SOUND_CARD) else "serial"
    firmware = facts.firmware or "?"
    tell(f"  {facts.maker or '?'} | {facts.model or '?'} | {firmware} | {words.said(f'voice: {kind}')}")
    usb = facts.usb_device or words.said("USB id: see lsusb")
    tell(f"  {facts.operator or '?'} | {facts.technology or '?'} | {usb}")
    for point in acceptance.points:
        if point.name not in ("SIM", "network"):
            # A port's name may hold the modem's serial number, and who called is somebody.
            tell(f"  {point.line(words, without_details=point.name in ('call in', 'voice port'))}")
    return good
