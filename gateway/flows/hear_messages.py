"""A phone of the shop listens to what callers have left for it, and for the shop where the owner wants that.

The password of the phone's account is the proof: nobody else hears them, and no PIN is asked for.
"""

from __future__ import annotations

from gateway.errors import GatewayError
from gateway.telephony.call import Call
from gateway.telephony.flow import call_flow
from gateway.telephony.mailboxes import LeftMessage, boxes_of, clip_of
from gateway.telephony.prompts import BEEP
from gateway.telephony.routing import HearMessages

MOST_AT_ONCE = 50
KEY_SECONDS = 4.0
AGAIN = "1"
"""Whatever else is pressed, or nothing: on to the next one."""


@call_flow(HearMessages)
async def hear_messages(call: Call, settings: HearMessages) -> None:
    """The new ones, the oldest first: who called, and what was said. Heard is what was played to its end or passed."""
    boxes = boxes_of(call.exchange.shop(), settings.extension)
    new = await call.exchange.mailboxes.messages(boxes, limit=MOST_AT_ONCE, only_unheard=True)
    if not new:
        await call.say("no-new-messages")
        return
    for message in reversed(new):
        await _play(call, message, by=settings.extension)
    await call.say("no-more-messages")


async def _play(call: Call, message: LeftMessage, *, by: str) -> None:
    if message.recording_id is None:
        return
    await call.say("new-message")
    call.caller.forget_keys()
    for digit in message.caller.removeprefix("+"):
        if digit.isascii() and digit.isdigit():
            await call.say(f"digit-{digit}")
    try:
        sound = await call.exchange.sound_of(message.recording_id)
    except GatewayError:
        await call.say("please-wait")  # it cannot be had now, and stays new
        return
    key: str | None = AGAIN
    while key == AGAIN:
        await call.say(BEEP)
        call.caller.forget_keys()
        await call.play(clip_of(sound), interruptible=True)
        await call.exchange.mailboxes.mark_heard(message.id, by=by)
        key = await call.caller.next_key(within=0.0)
        if key is None:
            await call.say("message-keys", interruptible=True)
            key = await call.caller.next_key(within=KEY_SECONDS)
