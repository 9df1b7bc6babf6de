"""How long the network shall try: as long as a message would have waited here."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.fakes.text_line import FakeTextLine
from tests.messaging.test_outbox import COURIER, room


async def test_the_network_keeps_no_message_longer_than_we_do(tmp_path: Path) -> None:
    lines = {"red": FakeTextLine("red", can_text=False)}
    async with room(tmp_path, lines=lines) as r:
        message = await r.outbox.send(COURIER, "x", by="anna", line="red")
        await asyncio.sleep(10 * 3600)
        lines["red"].can_text = True
        await r.until(message.id, "sent")
        (validity,) = lines["red"].validities
        assert validity is not None
        assert timedelta(hours=13, minutes=55) < validity <= timedelta(hours=14)
