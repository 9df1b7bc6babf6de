"""What the way out does not take, and what the sender is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import NoFreeLine, PduInvalid, RecipientBarred, SmsLimitReached
from gateway.messages import error_advice, error_detail, error_title
from gateway.telephony.shop import NumberRules
from tests.fakes.text_line import FakeTextLine
from tests.messaging.test_outbox import COURIER, room


@pytest.mark.parametrize(
    ("to", "text", "line", "fault"),
    [
        ("+79161234567\r\nATD900;", "x", None, RecipientBarred), (COURIER, "", None, PduInvalid),
        (COURIER, "я" * 700, None, SmsLimitReached), (COURIER, "x", "green", NoFreeLine),
        (COURIER, "half a pair \ud83d", None, PduInvalid),
    ],
)  # fmt: skip
async def test_what_is_refused_leaves_nothing(
    tmp_path: Path, to: str, text: str, line: str | None, fault: type[Exception]
) -> None:
    async with room(tmp_path) as r:
        with pytest.raises(fault):
            await r.outbox.send(to, text, by="anna", line=line)
        assert r.store.rows("SELECT count(*) FROM messages") == [(0,)]


@pytest.mark.parametrize("to", ["112", "*100#", "900", "call me", "+88213000000", "+14155552671"])
async def test_a_number_that_gets_no_sms_is_named_with_what_to_do(tmp_path: Path, to: str) -> None:
    async with room(tmp_path) as r:
        with pytest.raises(RecipientBarred) as refusal:
            await r.outbox.send(to, "x", by="anna")
        assert r.store.rows("SELECT count(*) FROM messages") == [(0,)]
    code, values = refusal.value.code, refusal.value.values
    assert to in str(error_detail(code, "en", values))
    assert to in str(error_detail(code, "ru", values))
    assert "SMS" in error_title(code, "ru"), "nobody has dialled"
    for language in ("en", "ru"):
        assert "[numbers]" in str(error_advice(code, language)), "what to do"


async def test_a_number_that_was_barred_meanwhile_is_not_written_to(tmp_path: Path) -> None:
    line = FakeTextLine("red", can_text=False)
    async with room(tmp_path, lines={"red": line}) as r:
        message = await r.outbox.send(COURIER, "x", by="anna")
        r.shop = replace(r.shop, numbers=NumberRules(country="BY"))
        line.can_text = True
        await r.until(message.id, "failed")
        assert r.state(message.id) == ("failed", "recipient-barred")
        assert not line.sent
