"""A message that a caller leaves: recorded after its own notice, and kept as the recording of the call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.audio.bridge import Bridge
from gateway.audio.frame import Frame
from gateway.audio.port import FrameSource, MediaPort
from gateway.events import MessageLeft
from gateway.telephony.prompts import BEEP

if TYPE_CHECKING:
    from gateway.telephony.call import Call

LONGEST_SECONDS = 120.0
SHOP_BOX = ""
"""Holds what callers of the closed shop have left."""
QUEUE_BOX = "queue"
"""Holds what callers have left who did not want to wait any longer."""


class NobodyThere(MediaPort):
    """The other side of a message: it says nothing and hears nothing."""

    def _restart(self, source: FrameSource | None) -> None:
        pass

    def _write(self, frame: Frame, position: int) -> None:
        pass


async def take_message(call: Call, *, mailbox: str, within: float = LONGEST_SECONDS) -> None:
    """Say that it is recorded, beep, and keep what the caller says until `#`, the end of the time, or the hang-up.

    `mailbox` is the extension whose caller it is, or one of the shop's: SHOP_BOX, QUEUE_BOX.
    """
    await call.say("leave-message")
    await call.say(BEEP)
    loop = asyncio.get_running_loop()
    bridge = Bridge(call.caller.port, NobodyThere(), loop.time)
    call.caller.forget_keys()
    call.recorder.follow(bridge)
    began = loop.time()
    try:
        async with asyncio.timeout(within):
            while await call.caller.next_key(within=None) not in ("#", None):  # None: the caller has gone
                pass
    except TimeoutError:
        pass
    finally:
        bridge.stop()
        call.recorder.stop()
        call.exchange.publish(MessageLeft(call_id=call.id, mailbox=mailbox, seconds=round(loop.time() - began, 1)))
