"""The stories of a modem that a person can play: by these names they stand in a transcript."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Story:
    """One story: its name in the transcript, and what the person is asked to do."""

    name: str
    request: str


INCOMING_FAR = Story("incoming, answered, hung up by the caller", "Call the SIM; it is answered; then hang up.")
INCOMING_OURS = Story("incoming, answered, hung up by us", "Call the SIM; it is answered and hung up by itself.")
INCOMING_MISSED = Story("incoming, missed", "Call the SIM and hang up while it rings.")
OUTGOING_FAR = Story("outgoing, answered, hung up by the far end", "Your phone rings: answer, then hang up.")
OUTGOING_OURS = Story("outgoing, answered, hung up by us", "Your phone rings: answer, and wait.")
OUTGOING_BUSY = Story("outgoing, busy", "Be busy: your phone is called while it is in a call.")
OUTGOING_NO_ANSWER = Story("outgoing, no answer", "Your phone rings: do nothing.")
OUTGOING_REJECTED = Story("outgoing, rejected", "Your phone rings: reject the call.")
SMS_IN = Story("sms", "Send an SMS to the SIM.")
SMS_OUT = Story("sms, sent", "An SMS is sent to your phone.")
USSD = Story("ussd", "The operator is asked by USSD.")

CALLS_IN = (INCOMING_FAR, INCOMING_OURS, INCOMING_MISSED)
CALLS_OUT = (OUTGOING_FAR, OUTGOING_OURS, OUTGOING_BUSY, OUTGOING_NO_ANSWER, OUTGOING_REJECTED)
ALL_STORIES = (*CALLS_IN, *CALLS_OUT, SMS_IN, SMS_OUT, USSD)
