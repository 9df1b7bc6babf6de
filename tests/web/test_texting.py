"""SMS in the panel: lists, a conversation, writing once, taking back, and what the operator says."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gateway.events import SmsChanged
from gateway.worker.seams import MessageFilter
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import message_row
from tests.web.conftest import csrf_of
from web.live_feed import topics_of

PEER = "+79031112233"


def _form(owner: FlaskClient, path: str = "/messages") -> dict[str, str]:
    found = re.search(r'name="key" value="([0-9a-f]{32})"', owner.get(path).text)
    assert found is not None
    return {"csrf_token": csrf_of(owner, path), "key": found[1], "to": PEER, "text": "Ждём\r\nвас", "line": ""}


def test_a_form_that_is_sent_twice_sends_one_message(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = _form(owner)
    for _ in range(2):
        answer = owner.post("/messages", data=form)
        assert answer.headers["Location"] == f"/messages/with/{PEER}"
    assert [(each.to, each.text, each.by, each.line) for each in gateway.texts.sent] == [
        (PEER, "Ждём\nвас", "anna", None)
    ]


def test_what_is_refused_is_said_and_the_text_is_not_lost(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {**_form(owner), "to": "nobody", "text": "Не пропади"}
    page = owner.post("/messages", data=form).text
    assert "Не пропади" in page
    assert "nobody" in page
    assert "The number: nobody." in page
    assert "[numbers]" in page, "what to do"
    assert form["key"] not in page
    assert not gateway.texts.sent


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "queued"}, "Withdraw"), ({"state": "delivered"}, "Delivered"), ({"state": "sending"}, "Being sent"),
        ({"state": "unknown", "failure": "cut-off"}, "it may have gone out"), ({"state": "failed"}, "Send again"),
        ({"state": "queued", "line": None}, "No line chosen yet"), ({"state": "sent", "by": "101"}, "written by 101"),
    ],
)  # fmt: skip
def test_how_far_a_message_got(owner: FlaskClient, gateway: GatewayThread, changes: dict[str, str], said: str) -> None:
    gateway.archive.message_rows = [message_row(direction="outgoing", **changes)]
    assert said in owner.get("/messages").text


def test_a_conversation_reads_from_top_to_bottom(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.message_rows = [
        message_row("m3", text="third", direction="outgoing", state="sent"),
        message_row("m2", text="of another", peer="+79030000000"),
        message_row("m1", text="first"),
    ]
    page = owner.get(f"/messages/with/{PEER}").text
    assert page.index("first") < page.index("third")
    assert "of another" not in page
    assert f'name="to" value="{PEER}"' in page


def test_nothing_yet_is_said_in_words(owner: FlaskClient) -> None:
    assert "No messages with this number yet" in owner.get(f"/messages/with/{PEER}").text
    owner.set_cookie("language", "ru")
    assert "С этим номером переписки ещё не было" in owner.get(f"/messages/with/{PEER}").text


def test_taking_back_and_sending_again(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.texts.waiting.add("m1")
    token = csrf_of(owner, "/messages")
    for expected in ("The message was withdrawn.", "It is too late to withdraw that message."):
        answer = owner.post("/messages/m1/cancel", data={"csrf_token": token}, follow_redirects=True)
        assert expected in answer.text
    gateway.texts.finished.add("m1")
    answer = owner.post("/messages/m1/again", data={"csrf_token": token}, follow_redirects=True)
    assert "The message will be sent again." in answer.text


def test_the_balance_and_the_codes_of_a_line(owner: FlaskClient, gateway: GatewayThread) -> None:
    token = csrf_of(owner, "/lines")
    answer = owner.post("/lines/red/balance", data={"csrf_token": token}, follow_redirects=True)
    assert "Баланс: 123,45 р." in answer.text
    assert "123.45 RUB" in owner.get("/lines").text
    page = owner.post("/lines/red/ussd", data={"csrf_token": token, "text": "*100#"}).text
    assert "1 - balance" in page
    assert "Your answer" in page
    page = owner.post("/lines/red/ussd", data={"csrf_token": token, "text": "*900#"}).text
    assert "not on the list" in page
    assert gateway.texts.ussd == [("red", "*100#")]


def test_news_of_messages_and_balances_put_their_parts_out_of_date() -> None:
    assert topics_of(SmsChanged.type_name()) == ("messages",)
    assert topics_of("balance.checked") == ("lines",)


def test_what_the_filters_leave_is_a_table(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.message_rows = [message_row("m1"), message_row("m2", peer="+79035550001")]
    page = owner.get("/messages?show=received&search=code").text
    assert 'href="/messages.csv?show=received&amp;search=code"' in page
    answer = owner.get("/messages.csv?show=received&search=code")
    assert answer.mimetype == "text/csv"
    assert "messages.csv" in answer.headers["Content-Disposition"]
    assert answer.text.count("\r\n") == 3
    assert "2027-01-29 12:00:00" in answer.text, "by the shop's clock"
    answer.close()
    assert gateway.archive.asked[-1] == MessageFilter(direction="incoming", search="code")
    page = owner.get("/messages/with/+79035550001").text
    assert 'href="/messages.csv?peer=%2B79035550001"' in page
    assert 'href="/blocked?number=%2B79035550001"' in page
    assert 'href="/calls?search=%2B79035550001"' in page
    answer = owner.get("/messages.csv?peer=%2B79035550001")
    assert answer.text.count("\r\n") == 2, "one number's alone"
    answer.close()
