"""A phone of the shop listens to what callers have left for it, and for the shop where the owner wants that.

The password of the phone's account is the proof, and no PIN is asked for. From another phone the messages are opened
by the extension and the PIN that the owner has set for it; where there is none, by nothing.
"""

from __future__ import annotations

import hmac

from gateway.errors import GatewayError
from gateway.telephony.call import Call
from gateway.telephony.destinations import HearMessages
from gateway.telephony.flow import call_flow
from gateway.telephony.mailboxes import LeftMessage, boxes_of, clip_of
from gateway.telephony.prompts import BEEP

MOST_AT_ONCE = 50
KEY_SECONDS = 4.0
AGAIN = "1"
"""Whatever else is pressed, or nothing: on to the next one."""
TRIES = 3
ASKED_SECONDS = 10.0
LONGEST_EXTENSION = 8
LONGEST_PIN = 12


@call_flow(HearMessages)
async def hear_messages(call: Call, settings: HearMessages) -> None:
    """The new ones, the oldest first: who called, and what was said. Heard is what was played to its end or passed."""
    extension = settings.extension or await _proven(call)
    if extension is None:
        await call.say("goodbye")
        return
    boxes = boxes_of(call.exchange.shop(), extension)
    new = await call.exchange.mailboxes.messages(boxes, limit=MOST_AT_ONCE, only_unheard=True)
    if not new:
        await call.say("no-new-messages")
        return
    for message in reversed(new):
        await _play(call, message, by=call.caller.peer)
    await call.say("no-more-messages")


async def _proven(call: Call) -> str | None:
    """The extension that was asked for, once its PIN was right; None: it was not, or too much was guessed today.

    A wrong extension and one without a PIN are told from a wrong PIN by nothing, and digits are never logged (T-F7).
    """
    for _ in range(TRIES):
        extension = await call.ask("enter-extension", most=LONGEST_EXTENSION, within=ASKED_SECONDS)
        typed = await call.ask("enter-pin", most=LONGEST_PIN, within=ASKED_SECONDS) if extension else ""
        if not typed:
            return None
        key = await call.exchange.pin_entry.begin(call.caller.peer)
        if key is None:
            return None
        phone = call.exchange.shop().phone(extension)
        pin = phone.voicemail_pin if phone is not None else None
        if pin is not None and hmac.compare_digest(typed.encode(), pin.encode()):
            await call.exchange.pin_entry.was_right(key)
            return extension
        await call.say("wrong-pin")
    return None


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
