"""How quickly signalling passes through the gateway, by what was seen on the AT port and at the phone.

Moments are monotonic seconds; `commands` and `said` are what the modem got and what it said since the call began.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.emulator.client import CallFacts, PhoneCallFacts

Lines = Sequence[tuple[float, str]]
Bytes = Sequence[tuple[float, bytes]]

_ANSWERED = {
    "huawei": re.compile(rb"\^CONN:"),
    "quectel": re.compile(rb'\^DSCI: \d+,0,3,|\+QIND: "ccinfo",\d+,0,0,'),
    "simcom": re.compile(rb"VOICE CALL: BEGIN|\+CLCC: \d+,0,0,"),
    "generic": re.compile(rb"\+CLCC: \d+,0,0,"),
}
"""What each family says when the called party answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupTimes:
    """In ms; None for what this way of calling does not have."""

    number_to_invite: float | None = None
    """From the line that carries the caller's number to INVITE at the phone."""
    invite_to_dial: float | None = None
    """From the phone's INVITE with its credentials to ATD."""
    first_invite_to_dial: float | None = None
    """The same from the INVITE that was challenged."""
    answer_to_ok: float | None = None
    """From the line that says that the mobile answered to 200 at the phone."""
    ok_to_answer: float | None = None
    """From the phone's 200 to ATA."""


def outgoing_times(family: str, commands: Lines, said: Bytes, mobile: CallFacts, phone: PhoneCallFacts) -> SetupTimes:
    """Of a call from a phone to a courier."""
    dialled = next(at for at, line in commands if line.upper().startswith("ATD"))
    challenged = next((at for at, status in phone.statuses if status in (401, 407)), phone.started)
    answered = mobile.answered if mobile.answered is not None else float("inf")
    told = next(at for at, data in said if at >= answered and _ANSWERED[family].search(data))
    passed_on = next(at for at, status in phone.statuses if status == 200)
    return SetupTimes(
        invite_to_dial=(dialled - challenged) * 1000,
        first_invite_to_dial=(dialled - phone.started) * 1000,
        answer_to_ok=(passed_on - told) * 1000,
    )


def incoming_times(commands: Lines, said: Bytes, caller: str, phone: PhoneCallFacts) -> SetupTimes:
    """Of a call from outside to a phone."""
    number = next(at for at, data in said if caller.lstrip("+").encode() in data)
    taken = next(at for at, line in commands if line.upper() == "ATA")
    return SetupTimes(
        number_to_invite=(phone.started - number) * 1000,
        ok_to_answer=(taken - phone.answered) * 1000 if phone.answered is not None else None,
    )
