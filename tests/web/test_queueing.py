"""The pages of the queue and of voicemail."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.telephony.mailboxes import LeftMessage
from gateway.telephony.queue_rules import NamedQueue, Overflow, QueueRules, Strategy
from gateway.telephony.waiting_line import Waiting
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of
from web.parts import PARTS

FORM = {
    "strategy": "least-recent", "step_seconds": "10", "wrap_up_seconds": "20", "pause_reasons": "lunch\r\n\r\n store ",
    "announce_seconds": "45", "overflow": "phones", "overflow_callers": "4", "overflow_seconds": "",
    "overflow_phones": ["101"], "overflow_number": "", "message_phones": ["101"],
}  # fmt: skip
LEFT = LeftMessage(
    id="m1", mailbox="queue", call_id="c1", caller="+79035550001", caller_name="Анна",
    left_at=datetime(2027, 1, 31, 12, 0, tzinfo=UTC), seconds=7.5, recording_id="r-c1",
)  # fmt: skip


def _post(browser: FlaskClient, path: str, **form: object) -> TestResponse:
    return browser.post(path, data={"csrf_token": csrf_of(browser, "/queue"), **form}, follow_redirects=True)


def test_every_rule_can_be_set_and_is_shown(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/queue").text
    assert all(f'name="{each.name}"' in page for each in fields(QueueRules))
    assert "Saved. These rules apply to the next caller." in _post(owner, "/queue", **FORM).text
    assert gateway.shop_file.shop.queue == QueueRules(
        strategy=Strategy.LEAST_RECENT, step_seconds=10, wrap_up_seconds=20, pause_reasons=("lunch", "store"),
        announce_seconds=45, overflow=Overflow.PHONES, overflow_callers=4, overflow_phones=("101",),
        message_phones=("101",),
    )  # fmt: skip


def test_what_is_wrong_is_told_and_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    for name, value in (("step_seconds", "1"), ("announce_seconds", "often"), ("overflow_callers", "101")):
        refused = _post(owner, "/queue", **{**FORM, name: value})
        assert refused.status_code == 422
        assert f'value="{value}"' in refused.text
    assert gateway.shop_file.shop.queue == QueueRules()


def test_who_waits_and_who_pauses_is_on_the_board(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "Nobody waits in the queue" in owner.get("/live").text
    gateway.queue.waiting.append(
        Waiting(call_id="c1", caller="+79035550001", place=1, seconds=75.0, extensions=("101",))
    )
    page = owner.get("/parts/queue").text
    assert "place 1" in page
    assert "1:15" in page
    tiles = owner.get("/parts/tiles").text
    assert "Callers who wait" in tiles
    assert "the longest for 1:15" in tiles
    assert "queue" in PARTS["tiles"].topics
    gateway.queue.waiting.clear()
    assert "Callers who wait" not in owner.get("/parts/tiles").text


def test_a_phone_pauses_and_takes_calls_again(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.shop_file.shop = replace(gateway.shop_file.shop, queue=QueueRules(pause_reasons=("lunch",)))
    assert "<option>lunch</option>" in owner.get("/parts/queue").text
    page = _post(owner, "/queue/staff/101/pause", reason="lunch").text
    assert "Pauses of the last 24 hours" in page
    assert gateway.queue.duty.standing("101").reason == "lunch"
    _post(owner, "/queue/staff/101/resume")
    assert gateway.queue.duty.is_free("101")
    assert "There is no phone 999." in _post(owner, "/queue/staff/999/pause").text


def test_messages_are_listed_played_and_marked(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "No messages yet" in owner.get("/voicemail").text
    boxes = gateway.queue.mailboxes
    heard = replace(LEFT, id="m2", mailbox="101", heard_at=LEFT.left_at, heard_by="anna")
    boxes.listed = [LEFT, heard, replace(LEFT, id="m3", mailbox=""), replace(LEFT, id="m4", mailbox="queue-sales")]
    boxes.set("queue", 2, 1)
    page = owner.get("/voicemail").text
    assert "left in the queue</p>" in page
    assert "left in the queue sales" in page
    assert "left when the shop was closed" in page
    assert "Heard by anna" in page
    assert 'data-recording="/recordings/r-c1' in page
    _post(owner, "/voicemail/m1/heard")
    assert boxes.heard == [("m1", "anna")]
    assert "That message is gone." in _post(owner, "/voicemail/m9/heard").text


def test_the_menu_and_the_missed_page_count_what_nobody_has_heard(owner: FlaskClient, gateway: GatewayThread) -> None:
    assert "that nobody has heard" not in owner.get("/missed").text
    gateway.queue.mailboxes.set("101", 2, 5)
    assert "2 messages that nobody has heard" in owner.get("/missed").text
    assert '2<span class="only-read"> new messages</span>' in owner.get("/").text


def test_the_story_of_a_call_names_the_queue_its_caller_waited_in(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.shop = replace(gateway.shop, queues=(NamedQueue(name="sales", title="Продажи", phones=("101",)),))
    gateway.archive.call_rows = [call_row("c1")]
    moments = [("sales", "2027-01-29T09:00:01.000Z"), ("", "2027-01-29T09:00:31.000Z")]
    gateway.archive.details["c1"] = {
        "timeline": [{"type": "call.queued", "time": at, "data": {"queue": name}} for name, at in moments]
    }
    page = owner.get("/calls/c1").text.replace("&#39;", "'")
    assert "Waits in the queue: Продажи" in page
    assert "Waits in the queue: The shop's queue" in page
