"""A phone records a prompt: a beep, the words, the hash key; then it is played back. Hanging up keeps the old one."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.destinations import RecordPrompt
from gateway.telephony.dictation import dictated
from gateway.telephony.flow import call_flow

LONGEST_SECONDS = 65.0
"""What is longer than its prompt may be is refused; nobody talks into a phone for ever."""


@call_flow(RecordPrompt)
async def record_prompt(call: Call, settings: RecordPrompt) -> None:
    """Nothing is kept but what was ended with the hash key and is fit to be played."""
    await call.say("recording-beep")
    said = await dictated(call.caller, until="#", within=LONGEST_SECONDS)
    if said is None:
        await call.say("goodbye")
        return
    await call.exchange.keep_prompt(settings.key, said.astype("<i2").tobytes())
    await call.say(settings.key)
