"""A text that cannot be kept, as the disk takes nothing: it goes out all the same, once, within the limits (X-P5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import NumberBarred
from gateway.telephony.messages import PartUnknown
from tests.messaging.test_outbox import BUSY, COURIER, LONG, room, shop


async def test_what_cannot_be_kept_goes_out_all_the_same_within_the_limits(tmp_path: Path) -> None:
    """X-P5: the modem is a way out."""
    async with room(tmp_path, shop(sms_per_day=3)) as it:
        red, blue = it.lines.values()
        red.outcomes, red.can_text, blue.can_text = [BUSY], True, False
        assert await it.outbox.send_past_disk(COURIER, LONG, by="alerts")
        assert "".join(text for _, _, text in red.sent) == LONG
        assert not await it.outbox.send_past_disk(COURIER, "once more", by="alerts"), "the day is used up"
        with pytest.raises(NumberBarred):
            await it.outbox.send_past_disk("112", "once more", by="alerts")
    assert it.store.rows("SELECT count(*) FROM messages") == [(0,)]


async def test_what_may_have_gone_out_past_the_disk_is_not_sent_again(tmp_path: Path) -> None:
    async with room(tmp_path, shop()) as it:
        for line in it.lines.values():
            line.outcomes = [PartUnknown("modem-lost")]
        assert not await it.outbox.send_past_disk(COURIER, "the disk is full", by="alerts")
        assert sum(len(line.validities) for line in it.lines.values()) == 1
