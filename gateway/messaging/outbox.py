"""The way out: messages wait on disk, each goes by the best line at the pace its SIM may keep, and none goes twice.

What a part may cost is committed before the modem is told of it. Where the modem or the gateway went away
in the midst, nobody knows whether the part went out: it is shown as unknown, and a person decides.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from gateway.clock import CERTAIN, Dating, WallClock, follow_in_loop
from gateway.errors import NoFreeLine, OutboxFull, RecipientBarred, SmsLimitReached, StoreError
from gateway.events import AlertCleared, AlertRaised, Publish
from gateway.ids import new_id
from gateway.messaging.pace import Pace
from gateway.telephony.ledger import Outbox, OutgoingText
from gateway.telephony.messages import (
    CountParts,
    MessageState,
    PartOutcome,
    PartRefused,
    PartTaken,
    PartUnknown,
    TextLine,
)
from gateway.telephony.numbers import Dialable, NumberPolicy, Verdict
from gateway.telephony.shop import ShopView

log = logging.getLogger(__name__)

LASTS = timedelta(hours=24)
SHORTEST_VALIDITY = timedelta(minutes=5)
"""After this a message that could not be sent has come too late."""
MOST_WAITING = 500
MOST_PARTS = 10
"""A longer text is a mistake: each part is paid."""
FIRST_PAUSE_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 900.0
MOST_ATTEMPTS = 12
LOOK_SECONDS = 15.0
"""How often lines are looked at while something waits for one."""
IDLE_SECONDS = 60.0
DISK_RETRY_SECONDS = 5.0
TRIES_PAST_DISK = 40
"""Some ten minutes of looking for a line."""
FAREWELL_SECONDS = 6.0
"""What a part that is on its way gets when the gateway stops; what takes longer is of unknown outcome."""
_LONGEST_SHOWN = 40


class SmsOutbox:
    """Accepts messages and sends them. `run` never ends; `async with` a TaskGroup is its own."""

    def __init__(
        self,
        ledger: Outbox,
        lines: Mapping[str, TextLine],
        *,
        shop: ShopView,
        count_parts: CountParts,
        publish: Publish,
        clock: WallClock,
        dating: Dating = CERTAIN,
    ) -> None:
        self._ledger = ledger
        self._lines = lines
        self._shop = shop
        self._count_parts = count_parts
        self._publish = publish
        self._clock = clock
        self._pace = Pace(shop, clock)
        self._waiting: dict[str, OutgoingText] = {}
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._busy_lines: set[str] = set()
        self._woken = asyncio.Event()
        self._limited: set[str] = set()
        self._is_stopping = False
        self._dating = dating
        self._offset_seconds = dating.offset_seconds
        self._from_before: frozenset[str] | None = None
        """Ids of what a former run has accepted, by whatever clock; None: not read yet."""
        self._early: set[str] = set()
        """Ids of what this run has accepted before that was read."""

    # For who has something to say.

    async def send(
        self, to: str, text: str, *, by: str, line: str | None = None, message_id: str | None = None
    ) -> OutgoingText:
        """Keep a message to be sent; committed when this returns. With a `message_id` that is known, nothing is done.

        `line` is the line that must carry it; None: the best one that is ready. Raises RecipientBarred,
        NoFreeLine (there is no such line), PduInvalid, SmsLimitReached, OutboxFull, StoreError.
        """
        number = self._recipient(to)
        parts = self._count_parts(text)
        if parts > MOST_PARTS:
            raise SmsLimitReached(f"A text of {parts} parts is too long; at most {MOST_PARTS} are sent.", parts=parts)
        if line is not None and self._shop().line(line) is None:
            raise NoFreeLine(f"There is no line {line}.", line=line)
        if len(self._waiting) >= MOST_WAITING:
            raise OutboxFull(f"{MOST_WAITING} messages wait already.", waiting=MOST_WAITING)
        names = [line] if line is not None else [each.name for each in self._shop().lines]
        if not any(self._pace.left_today(name) >= parts for name in names):
            raise SmsLimitReached("The messages of today are used up.", line=line or "")
        message = self._draft(number, text, parts, by=by, line=line, message_id=message_id)
        if self._from_before is None:
            self._early.add(message.id)
        if await self._ledger.accept(message):
            self._take(message)
        return message

    async def send_past_disk(self, to: str, text: str, *, by: str) -> bool:
        """Send what cannot be kept, as the disk takes nothing: the alert that says so. Whether it went out.

        The limits of the lines hold; what is sent is known to the log alone, and what may have been sent is not
        sent again. Raises RecipientBarred and PduInvalid.
        """
        number = self._recipient(to)
        message = self._draft(number, text, self._count_parts(text), by=by)
        for _ in range(TRIES_PAST_DISK):
            line = self._best_line(message)
            if line is None:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            part = message.parts_taken + 1
            match await self._send_unkept(number, message, part, line):
                case PartTaken():
                    message = replace(message, parts_taken=part, carried_by=line.name)
                case PartRefused(cause, is_final=False):
                    log.info("The line %s does not take a message now: %s.", line.name, cause)
                    await asyncio.sleep(FIRST_PAUSE_SECONDS)
                case PartRefused() | PartUnknown():
                    return False
            if message.parts_taken == message.parts:
                return True
        return False

    async def cancel(self, message_id: str) -> bool:
        """Take back a message that waits; False when it does not (any more)."""
        message = self._waiting.get(message_id)
        if message is None or message_id in self._sending:
            return False
        del self._waiting[message_id]
        return await self._ledger.end(message, part=None, state=MessageState.CANCELLED, failure=None)

    async def send_again(self, message_id: str) -> bool:
        """Let a message that came to nothing, or to nobody knows what, wait again; False when it cannot."""
        now = self._clock()
        message = await self._ledger.revive(message_id, now=now, expires_at=now + LASTS)
        if message is None:
            return False
        self._take(message)
        return True

    def lines_changed(self) -> None:
        """A line may have become ready."""
        self._woken.set()

    def _clock_was_set(self) -> None:
        """What was accepted in this run lasts as long as it would have, and nothing waits longer (X-T1)."""
        before, self._offset_seconds = self._offset_seconds, self._dating.offset_seconds
        by = timedelta(seconds=self._offset_seconds - before)
        latest = self._clock() + timedelta(seconds=LONGEST_PAUSE_SECONDS)
        for message in self._waiting.values():
            own = timedelta() if message.id in (self._from_before or ()) else by
            self._waiting[message.id] = replace(
                message, due_at=min(message.due_at + own, latest), expires_at=message.expires_at + own
            )
        self._woken.set()

    # The daemon runs this.

    async def run(self) -> NoReturn:
        """Send what waits, for ever. Cancelled, it lets what is on its way come to an end for some seconds."""
        unfollow = follow_in_loop(self._dating, self._clock_was_set)
        try:
            await self._load()
            await self._send_what_waits()
        finally:
            unfollow()

    async def _send_what_waits(self) -> NoReturn:
        async with asyncio.TaskGroup() as tasks:
            try:
                while True:
                    self._woken.clear()
                    pause = await self._start(tasks)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._woken.wait()
            finally:
                self._is_stopping = True
                if self._sending:
                    await asyncio.wait(self._sending.values(), timeout=FAREWELL_SECONDS)

    async def _load(self) -> None:
        while True:
            try:
                kept = await self._ledger.waiting()
                self._from_before = frozenset(message.id for message in kept) - self._early
                for message in kept:
                    self._waiting.setdefault(message.id, message)
                await self._pace.load(self._ledger)
            except StoreError as fault:
                log.warning("Messages wait for the disk: %s", fault)
                await asyncio.sleep(DISK_RETRY_SECONDS)
            else:
                return

    async def _start(self, tasks: asyncio.TaskGroup) -> float:
        """Start each message that can go now; how long to sleep then."""
        now = self._clock()
        await self._give_up_late_ones(now)
        wake_in = IDLE_SECONDS
        for message in sorted(self._waiting.values(), key=lambda each: (each.due_at, each.id)):
            if message.id in self._sending:
                continue
            seconds = (message.due_at - now).total_seconds()
            if seconds > 0:
                wake_in = min(wake_in, seconds)
                continue
            line = self._best_line(message)
            if line is None:
                wake_in = min(wake_in, LOOK_SECONDS)
                continue
            self._busy_lines.add(line.name)
            task = tasks.create_task(self._carry(message, line))
            self._sending[message.id] = task
        return wake_in

    async def _give_up_late_ones(self, now: datetime) -> None:
        late = [each for each in self._waiting.values() if each.expires_at <= now and each.id not in self._sending]
        for message in late:
            try:
                await self._ledger.end(message, part=None, state=MessageState.EXPIRED, failure="too-late")
            except StoreError as fault:
                log.warning("A message that is too late waits for the disk: %s", fault)
                return
            self._waiting.pop(message.id, None)

    def _best_line(self, message: OutgoingText) -> TextLine | None:
        """The line that was asked for, or began the message; or the ready one with the most room today."""
        fixed = message.carried_by or message.line
        names = [fixed] if fixed is not None else [each.name for each in self._shop().lines]
        ready: list[TextLine] = []
        for name in names:
            line = self._lines.get(name)
            if line is None or name in self._busy_lines or not line.can_text:
                continue
            if self._pace.left_today(name) < 1:
                self._tell_of_limit(name)
            elif self._pace.seconds_until_free(name) <= 0:
                ready.append(line)
        return max(ready, key=lambda line: (self._pace.left_today(line.name), line.signal_dbm or -999), default=None)

    def _tell_of_limit(self, name: str) -> None:
        if name not in self._limited:
            self._limited.add(name)
            self._publish(AlertRaised(code="sms-limit", subject=name, values={"line": name}))

    async def _carry(self, message: OutgoingText, line: TextLine) -> None:
        """Send the parts that are left by that line, one after the other."""
        try:
            await self._send_parts(message, line)
        except StoreError as fault:
            log.warning("A message waits for the disk: %s", fault)
            self._wait_again(message, DISK_RETRY_SECONDS)
        finally:
            self._busy_lines.discard(line.name)
            self._sending.pop(message.id, None)
            self._woken.set()

    async def _send_parts(self, message: OutgoingText, line: TextLine) -> None:
        message = replace(message, attempts=message.attempts + 1, carried_by=line.name)
        for part in range(message.parts_taken + 1, message.parts + 1):
            try:
                number = self._recipient(message.to)  # the owner's rules may have changed since
            except RecipientBarred:
                await self._end(message, None, MessageState.FAILED, RecipientBarred.code)
                return
            await asyncio.sleep(max(0.0, self._pace.seconds_until_free(line.name)))
            if self._is_stopping or not line.can_text or self._pace.left_today(line.name) < 1:
                await self._later(message, None, "no-free-line")
                return
            await self._ledger.begin(message, part=part, line=line.name, imsi=line.imsi, local_day=self._pace.today)
            self._pace.count(line.name)
            # The network gives up when we would have: a text of yesterday must not reach a phone that is on again.
            rest = max(message.expires_at - self._clock(), SHORTEST_VALIDITY)
            outcome = await line.send_part(number, message.text, reference=message.reference, part=part, valid_for=rest)
            match outcome:
                case PartTaken(reference):
                    message = replace(message, parts_taken=part)
                    if part == message.parts:
                        self._waiting.pop(message.id, None)
                    else:
                        self._waiting[message.id] = message
                    await self._ledger.taken(message, part=part, reference=reference)
                    self._clear_limit(line.name)
                case PartUnknown(cause):
                    log.warning("Whether a message went out by the line %s is not known (%s).", line.name, cause)
                    await self._end(message, part, MessageState.UNKNOWN, "outcome-unknown")
                    return
                case PartRefused(cause, is_final):
                    self._pace.uncount(line.name)
                    if is_final or message.attempts >= MOST_ATTEMPTS:
                        await self._end(message, part, MessageState.FAILED, cause)
                    else:
                        await self._later(message, part, cause)
                    return

    async def _end(self, message: OutgoingText, part: int | None, state: MessageState, failure: str) -> None:
        """Not tried any more. Kept from being tried again in this run even while the disk is away."""
        self._waiting.pop(message.id, None)
        try:
            await self._ledger.end(message, part=part, state=state, failure=failure)
        except StoreError as fault:
            log.warning("What became of a message could not be kept: %s", fault)

    async def _later(self, message: OutgoingText, part: int | None, failure: str) -> None:
        """Try again, after a pause that grows; by another line where none of it went out yet."""
        if message.parts_taken == 0:
            message = replace(message, carried_by=None)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(message.attempts - 1, 20), LONGEST_PAUSE_SECONDS)
        message = self._wait_again(message, pause)
        await self._ledger.postpone(message, part=part, failure=failure)

    def _wait_again(self, message: OutgoingText, seconds: float) -> OutgoingText:
        known = self._waiting.get(message.id, message)
        later = replace(
            message,
            parts_taken=max(message.parts_taken, known.parts_taken),
            due_at=self._clock() + timedelta(seconds=seconds),
            expires_at=known.expires_at,
        )
        self._waiting[message.id] = later
        return later

    async def _send_unkept(self, number: Dialable, message: OutgoingText, part: int, line: TextLine) -> PartOutcome:
        self._busy_lines.add(line.name)
        self._pace.count(line.name)
        try:
            outcome = await line.send_part(number, message.text, reference=message.reference, part=part)
        finally:
            self._busy_lines.discard(line.name)
            self._woken.set()
        if isinstance(outcome, PartRefused):
            self._pace.uncount(line.name)
        return outcome

    def _draft(
        self,
        number: Dialable,
        text: str,
        parts: int,
        *,
        by: str,
        line: str | None = None,
        message_id: str | None = None,
    ) -> OutgoingText:
        now = self._clock()
        return OutgoingText(
            id=message_id or new_id(),
            to=number.digits,
            text=text,
            parts=parts,
            reference=secrets.randbelow(256),
            by=by,
            line=line,
            accepted_at=now,
            due_at=now,
            expires_at=now + LASTS,
        )

    def _take(self, message: OutgoingText) -> None:
        self._waiting[message.id] = message
        self._woken.set()

    def _recipient(self, to: str) -> Dialable:
        """The number, if the owner's rules let messages go there. Raises RecipientBarred."""
        checked = NumberPolicy(self._shop().numbers).check(to)
        if isinstance(checked, Dialable) and not checked.emergency:
            return checked
        reason = str(checked.reason) if isinstance(checked, Verdict) else "emergency"
        shown = (checked.number if isinstance(checked, Verdict) else checked.digits) or to[:_LONGEST_SHOWN]
        raise RecipientBarred(f"No SMS is sent to {shown!r} ({reason}).", number=shown, reason=reason)

    def _clear_limit(self, name: str) -> None:
        if name in self._limited:
            self._limited.discard(name)
            self._publish(AlertCleared(code="sms-limit", subject=name))
