"""`simbridge modem record`: plays the stories of a modem with a person's help, and writes them down.

Each story is told to the person in a sentence and then waited for; one that does not come is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.errors import GatewayError
from gateway.modem.dialects import choose_dialect
from gateway.modem.stories import (
    CALLS_IN,
    CALLS_OUT,
    INCOMING_MISSED,
    INCOMING_OURS,
    OUTGOING_BUSY,
    OUTGOING_NO_ANSWER,
    OUTGOING_OURS,
    OUTGOING_REJECTED,
    SMS_IN,
    SMS_OUT,
    Story,
)
from gateway.modem.transcript import SMS_RECEIVED, SMS_REFERENCE, SMS_TEXT, Anonymiser, Tap, TranscriptWriter
from gateway.modem.transcript import sms_stand_in as stand_in
from gateway.modem.trial import Trial, on_trial
from gateway.settings import ModemSettings
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Leg
from gateway.telephony.messages import PartTaken
from gateway.telephony.numbers import Dialable

READY_SECONDS = 90.0
PERSON_SECONDS = 90.0
_SETTLE_SECONDS = 1.0
_SHORT_SECONDS = 1.5

Tell = Callable[[str], None]


_OUTCOMES = {OUTGOING_BUSY: Cause.BUSY, OUTGOING_NO_ANSWER: Cause.NO_ANSWER, OUTGOING_REJECTED: Cause.REJECTED}


class StoryFailed(Exception):
    """It did not come as the story says; it is left out."""


class Recording:
    """Plays stories on a modem on trial, and gives the transcript."""

    def __init__(self, trial: Trial, tap: Tap, *, number: Dialable | None, ussd: str | None, tell: Tell) -> None:
        self._trial = trial
        self._tap = tap
        self._number = number
        self._ussd = ussd
        self._tell = tell

    async def run(self, stories: tuple[Story, ...], *, recorded: str) -> str:
        """The transcript of the start and of those stories that came true."""
        if not await self._trial.ready(within=READY_SECONDS):
            self._tell("The network has not taken the SIM; only the start is recorded.")
            stories = ()
        await asyncio.sleep(_SETTLE_SECONDS)
        facts = self._trial.modem.facts
        dialect = choose_dialect("auto", manufacturer=facts.maker or "", model=facts.model or "")
        anonymiser = Anonymiser(imei=facts.imei, imsi=facts.imsi, iccid=facts.iccid, ussd=dialect.ussd_coding)
        writer = TranscriptWriter(
            model=f"{facts.maker or ''} {facts.model or ''}".strip(),
            firmware=facts.firmware or "",
            anonymiser=anonymiser,
            reports_calls=dialect.reports_calls,
        )
        self._tap.note("=", f"state {self._trial.modem.state}")
        writer.add("init", self._tap.take())
        for story in stories:
            self._tell(f"{story.name}: {story.request}")
            self._tap.take()
            try:
                await self._play(story, anonymiser)
            except (StoryFailed, GatewayError, TimeoutError) as fault:
                self._tell(f"  left out: {fault or 'nothing happened in time'}")
                await self._quiet()
            else:
                await asyncio.sleep(_SETTLE_SECONDS)
                writer.add(story.name, self._tap.take())
                self._tell("  recorded")
        return writer.text(recorded=recorded)

    async def _play(self, story: Story, anonymiser: Anonymiser) -> None:
        if story in CALLS_IN:
            await self._call_in(story, anonymiser)
        elif story in CALLS_OUT:
            await self._call_out(story, anonymiser)
        elif story is SMS_IN:
            async with asyncio.timeout(PERSON_SECONDS):
                await self._trial.letters.arrived.get()
            self._tap.note("=", f"sms {SMS_RECEIVED}")
            await asyncio.sleep(_SETTLE_SECONDS)
        elif story is SMS_OUT:
            await self._send(anonymiser)
        else:
            await self._ask()

    async def _call_in(self, story: Story, anonymiser: Anonymiser) -> None:
        async with asyncio.timeout(PERSON_SECONDS):
            leg = await self._trial.legs.get()
        self._tap.note("=", f"incoming {anonymiser.number(leg.peer) if leg.peer else ''}".strip())
        if story is INCOMING_MISSED:
            await self._ends(leg, Cause.CANCELLED)
            return
        await asyncio.sleep(_SHORT_SECONDS)
        self._tap.note("@", "answer")
        leg.answer()
        await self._up(leg)
        await self._over(leg, by_us=story is INCOMING_OURS)

    async def _call_out(self, story: Story, anonymiser: Anonymiser) -> None:
        number = self._required_number()
        self._tap.note("@", f"dial {anonymiser.number(number.digits)}")
        leg = self._trial.dial(number)
        if story in _OUTCOMES:
            await self._ends(leg, _OUTCOMES[story])
            return
        await self._up(leg)
        await self._over(leg, by_us=story is OUTGOING_OURS)

    async def _up(self, leg: Leg) -> None:
        if not await leg.up(within=PERSON_SECONDS):
            raise StoryFailed(f"the call ended ({leg.cause})" if leg.cause else "nobody answered")
        self._tap.note("=", "up")

    async def _over(self, leg: Leg, *, by_us: bool) -> None:
        if by_us:
            await asyncio.sleep(_SHORT_SECONDS)
            self._tap.note("@", "hangup")
            leg.hangup()
            await self._idle()
        else:
            await self._ends(leg, Cause.HUNG_UP)

    async def _ends(self, leg: Leg, wanted: Cause) -> None:
        cause = await leg.ended(within=PERSON_SECONDS)
        if cause is not wanted or not leg.ended_by_peer:
            raise StoryFailed(f"the call ended by {cause}, not by {wanted}")
        self._tap.note("=", f"ended {cause}")
        await self._idle()

    async def _idle(self) -> None:
        service = self._trial.modem.service
        if service is not None:
            await service.calls.idle()
        self._tap.note("=", "idle")

    async def _send(self, anonymiser: Anonymiser) -> None:
        number, service = self._required_number(), self._trial.modem.service
        if service is None:
            raise StoryFailed("the modem is not served")
        self._tap.note("@", f"send {stand_in(anonymiser)} {SMS_TEXT}")
        outcome = await service.messages.send_part(number, SMS_TEXT, reference=SMS_REFERENCE, part=1)
        if not isinstance(outcome, PartTaken):
            raise StoryFailed("the network did not take it")
        self._tap.note("=", f"sent {outcome.reference}")

    async def _ask(self) -> None:
        service = self._trial.modem.service
        if service is None or self._ussd is None:
            raise StoryFailed("name a code with --ussd")
        self._tap.note("@", f"ussd {self._ussd}")
        await service.ussd.ask(self._ussd)
        self._tap.note("=", "ussd Hi")

    def _required_number(self) -> Dialable:
        if self._number is None:
            raise StoryFailed("name your phone with --call")
        return self._number

    async def _quiet(self) -> None:
        """Whatever was begun is over before the next story."""
        service = self._trial.modem.service
        if service is not None:
            service.calls.hang_up(Cause.SHUTDOWN)
            await service.calls.idle()
        while not self._trial.legs.empty():
            self._trial.legs.get_nowait()


async def record(
    settings: ModemSettings,
    *,
    number: Dialable | None,
    ussd: str | None,
    stories: tuple[Story, ...],
    recorded: str,
    tell: Tell,
    pin_file: str | None = None,
) -> str:
    """Open the modem, play the stories, give the transcript. Raises PortBusy, ModemLost, AtTimeout."""
    tap = Tap()
    async with on_trial(settings, pin_file=pin_file, open_port=tap.open) as trial:
        return await Recording(trial, tap, number=number, ussd=ussd, tell=tell).run(stories, recorded=recorded)
