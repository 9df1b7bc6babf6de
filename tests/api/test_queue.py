"""The queue by the API: its rules, who takes calls, and the messages that callers have left."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.telephony.mailboxes import LeftMessage
from gateway.telephony.queue_rules import QueueRules
from gateway.telephony.waiting_line import Waiting
from tests.api.served import serving
from tests.api.shapes import assert_fits

LEFT = LeftMessage(
    id="m1", mailbox="queue", call_id="c1", caller="+79035550001", caller_name="Ivan",
    left_at=datetime(2027, 1, 31, 12, 0, tzinfo=UTC), seconds=7.5, recording_id="r1",
)  # fmt: skip


async def test_the_rules_and_other_values() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("GET", "/api/v1/queue")
        assert status == 200
        assert_fits(answer["live"], "LiveQueue")
        assert answer["rules"] == {
            key: list(v) if isinstance(v, tuple) else v for key, v in asdict(QueueRules()).items()
        }
        changes = {"strategy": "round-robin", "wrap_up_seconds": 20, "pause_reasons": ["lunch", "store"]}
        status, answer = await served.ask("PATCH", "/api/v1/queue", json=changes)
        assert status == 200
        rules = served.shop_file.shop.queue
        assert (rules.strategy, rules.wrap_up_seconds, rules.pause_reasons) == ("round-robin", 20, ("lunch", "store"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "at-random"},
        {"step_seconds": 1},
        {"wrap_up_seconds": -1},
        {"announce_seconds": 601},
        {"pause_reasons": ["lunch", "lunch"]},
        {"pause_reasons": [""]},
        {"pause_reasons": [str(each) for each in range(10)]},
        {"overflow": "phones"},
        {"overflow": "phones", "overflow_phones": ["999"]},
        {"overflow": "number", "overflow_number": "112"},
        {"overflow": "number", "overflow_number": "nobody"},
        {"message_phones": ["999"]},
    ],
)
async def test_what_cannot_be(wrong: dict[str, Any]) -> None:
    async with serving() as served:
        await served.set_up()
        status, _ = await served.ask("PATCH", "/api/v1/queue", json=wrong)
        assert status == 422
        assert served.shop_file.shop.queue == QueueRules()


async def test_a_phone_pauses_and_takes_calls_again() -> None:
    async with serving() as served:
        await served.set_up()
        status, _ = await served.ask("POST", "/api/v1/queue/staff/101/pause", json={"reason": "lunch"})
        assert status == 204
        _, answer = await served.ask("GET", "/api/v1/queue")
        assert_fits(answer["live"], "LiveQueue")
        standing = {each["extension"]: (each["state"], each["reason"]) for each in answer["live"]["staff"]}
        assert standing["101"] == ("paused", "lunch")
        assert [(each["extension"], each["reason"], each["pauses"]) for each in answer["paused"]] == [
            ("101", "lunch", 1)
        ]
        _, snapshot = await served.ask("GET", "/api/v1/snapshot")
        assert snapshot["queue"] == answer["live"]
        assert (await served.ask("POST", "/api/v1/queue/staff/101/resume"))[0] == 204
        assert served.queue.duty.is_free("101")
        assert (await served.ask("POST", "/api/v1/queue/staff/999/pause", json={}))[0] == 404
        assert (await served.ask("POST", "/api/v1/queue/staff/101/pause", json={"reason": "x" * 41}))[0] == 400


async def test_who_waits_is_told() -> None:
    async with serving() as served:
        await served.set_up()
        served.queue.waiting.append(
            Waiting(call_id="c1", caller="+79035550001", place=1, seconds=12.5, extensions=("101",))
        )
        _, snapshot = await served.ask("GET", "/api/v1/snapshot")
        assert_fits(snapshot, "Snapshot")
        assert snapshot["queue"]["waiting"] == [
            {"call_id": "c1", "caller": "+79035550001", "place": 1, "seconds": 12.5, "extensions": ["101"], "queue": ""}
        ]


async def test_messages_are_listed_and_marked_as_heard() -> None:
    async with serving() as served:
        await served.set_up()
        served.queue.mailboxes.listed = [replace(LEFT, id="m2", recording_id=None), LEFT]
        status, answer = await served.ask("GET", "/api/v1/voicemail")
        assert status == 200
        assert_fits(answer, "Voicemail")
        assert [each["id"] for each in answer["items"]] == ["m2", "m1"]
        assert (await served.ask("POST", "/api/v1/voicemail/m1/heard"))[0] == 204
        assert served.queue.mailboxes.heard == [("m1", "anna")]
        assert (await served.ask("POST", "/api/v1/voicemail/m9/heard"))[0] == 404
