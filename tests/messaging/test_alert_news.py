"""Alerts reach a webhook and a chat: signed, tried again, once an hour, and never with a secret in a log."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway.errors import TryLater
from gateway.events import AlertCleared, AlertRaised, Event, Published, ShopChanged
from gateway.jobs import JobRunner
from gateway.messaging import outside as way_out
from gateway.messaging.alert_news import AlertNews, Outgoing, alert_jobs
from gateway.messaging.alert_targets import AlertTargets
from gateway.messaging.alert_trial import AlertTrial, Tried
from gateway.messaging.mail import SendMail, mail_sender
from gateway.messaging.outside import MOST_BYTES, Answer, Question
from gateway.telephony.alert_ways import AlertWay
from gateway.telephony.shop import Shop
from tests.fakes.direct_store import DirectStore, direct_store, loop_clock

SECRET, TOKEN = b"a-secret-that-is-shared", "12345:AAbbCC"
TARGETS = AlertTargets(
    webhook="https://shop.example/hook", webhook_secret=SECRET, telegram_token=TOKEN, telegram_chats=("77", "-100")
)
RAISED = AlertRaised(code="budget-spent", subject="line red", values={"name": "red", "minutes": "120"})


@dataclass
class Outside:
    """Answers what it is told to, and keeps what came."""

    answers: list[Answer | Exception] = field(default_factory=list)
    came: list[tuple[str, dict[str, Any], Mapping[str, str], bytes]] = field(default_factory=list)
    mail: SendMail = field(default_factory=lambda: mail_sender(way_out.Outside()))
    trusted: list[bool] = field(default_factory=list)
    """Whether each address was let be private."""

    async def ask(self, question: Question) -> Answer:
        assert (question.method, question.most_bytes) == ("POST", MOST_BYTES)
        assert question.seconds <= 20
        sent = question.body or b""
        self.came.append((question.address, json.loads(sent), question.headers, sent))
        self.trusted.append(question.may_be_private)
        answer = self.answers.pop(0) if self.answers else Answer(200)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def to(self, part: str) -> list[dict[str, Any]]:
        return [body for address, body, _, _ in self.came if part in address]


def outgoing_of(outside: Outside, targets: AlertTargets = TARGETS) -> Outgoing:
    return Outgoing(targets=lambda: targets, ask=outside.ask, mail=outside.mail, clock=loop_clock)


async def told(store: DirectStore, outside: Outside, *events: Event, targets: AlertTargets = TARGETS,
               seconds: float = 1.0, language: str = "en") -> None:  # fmt: skip
    """The events happen, and the runner runs for so long."""
    outgoing = outgoing_of(outside, targets)
    runner = JobRunner(store.jobs, alert_jobs(outgoing), clock=loop_clock)
    news = AlertNews(lambda: targets, runner, shop=lambda: Shop(name="Flowers", language=language), clock=loop_clock)
    for number, event in enumerate(events):
        news(Published(number, loop_clock(), event))
    task = asyncio.ensure_future(runner.run())
    await asyncio.sleep(seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def states(store: DirectStore) -> list[tuple[Any, ...]]:
    return store.rows("SELECT kind, state, attempts, last_error FROM jobs ORDER BY created_at, id")


async def test_a_webhook_is_signed_and_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    outside = Outside()
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, ShopChanged(by="anna"))
        ((address, body, headers, sent),) = [each for each in outside.came if "hook" in each[0]]
        assert address == "https://shop.example/hook"
        assert (body["type"], body["code"], body["subject"]) == ("alert.raised", "budget-spent", "line red")
        assert body["values"] == {"name": "red", "minutes": "120"}
        assert body["title"] == "Today's minutes are used up."
        assert body["advice"]
        assert body["shop"] == "Flowers"
        assert headers["X-Simbridge-Delivery"] == body["id"]
        seconds, _, value = headers["X-Simbridge-Signature"].partition(",v1=")
        signed = f"{seconds.removeprefix('t=')}.".encode() + sent
        assert hmac.compare_digest(value, hmac.new(SECRET, signed, hashlib.sha256).hexdigest())
        assert abs(int(seconds.removeprefix("t=")) - loop_clock().timestamp()) < 5
        assert {state for _, state, _, _ in states(store)} == {"done"}


async def test_a_chat_is_told_in_the_shops_language(tmp_path: Path) -> None:
    outside = Outside()
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, AlertCleared(code="budget-spent", subject="line red"), language="ru")
    address = next(address for address, _, _, _ in outside.came if "telegram" in address)
    assert address == f"https://api.telegram.org/bot{TOKEN}/sendMessage"
    first, second, third, _ = outside.to("telegram")
    assert [first["chat_id"], second["chat_id"]] == ["77", "-100"]
    assert "Минуты на сегодня израсходованы." in first["text"]
    assert "minutes: 120" in first["text"]
    assert third["text"].startswith("✓ Flowers: ")


async def test_the_same_alert_goes_out_once_an_hour(tmp_path: Path) -> None:
    outside = Outside()
    other = AlertRaised(code="budget-spent", subject="line blue", values={})
    with direct_store(tmp_path) as store:
        await told(store, outside, *[RAISED] * 20, other)
        assert [each["subject"] for each in outside.to("hook")] == ["line red", "line blue"]
        await asyncio.sleep(3600)
        await told(store, outside, RAISED)
        assert len(outside.to("hook")) == 3


@pytest.mark.parametrize(
    "trouble", [Answer(503), Answer(429), Answer(408), TryLater("The server cannot be reached (ClientConnectorError).")]
)
async def test_what_fails_for_a_while_is_tried_again(tmp_path: Path, trouble: Answer | Exception) -> None:
    outside = Outside(answers=[trouble, trouble, Answer(204)])
    hook = AlertTargets(webhook="https://shop.example/hook", webhook_secret=SECRET)
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=hook, seconds=60)
        assert len(outside.came) == 3
        assert len({body["id"] for _, body, _, _ in outside.came}) == 1, "the receiver knows it again"
        assert [(state, attempts) for _, state, attempts, _ in states(store)] == [("done", 3)]


async def test_a_server_says_how_long_it_wants_to_be_left_alone(tmp_path: Path) -> None:
    asks = Answer(429, json.dumps({"ok": False, "parameters": {"retry_after": 90}}).encode())
    outside = Outside(answers=[asks])
    chat = AlertTargets(telegram_token=TOKEN, telegram_chats=("77",))
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=chat, seconds=80)
        assert len(outside.came) == 1
        await told(store, outside, targets=chat, seconds=80)
        assert len(outside.came) == 2


@pytest.mark.parametrize(
    "said",
    [Answer(503, retry_after="nan"), Answer(429, b'{"parameters": {"retry_after": NaN}}'), Answer(503, b"[" * 9999)],
)
async def test_nonsense_of_a_server_does_not_end_the_jobs(tmp_path: Path, said: Answer) -> None:
    outside = Outside(answers=[said])
    chat = AlertTargets(telegram_token=TOKEN, telegram_chats=("77",))
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=chat, seconds=80)
        assert [state for _, state, _, _ in states(store)] == ["done"]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404])
async def test_what_is_not_wanted_is_given_up_at_once(tmp_path: Path, status: int) -> None:
    outside = Outside(answers=[Answer(status)])
    chat = AlertTargets(telegram_token=TOKEN, telegram_chats=("77",))
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=chat, seconds=70)
        assert states(store) == [("alert-telegram", "failed", 1, f"Telegram answered {status}.")]
        ((row),) = await store.jobs.log(("alert-webhook", "alert-telegram"))
        assert (row.kind, row.state, row.attempts) == ("alert-telegram", "failed", 1)


async def test_after_a_day_it_comes_too_late_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    hook = AlertTargets(webhook="https://shop.example/hook", webhook_secret=SECRET)
    dead = Outside(answers=[TryLater("nobody")] * 1000)
    with direct_store(tmp_path) as store:
        await told(store, dead, RAISED, targets=hook, seconds=600)
    tries = len(dead.came)
    assert 5 < tries < 10
    await asyncio.sleep(24 * 3600)
    with direct_store(tmp_path) as store:
        await told(store, dead, targets=hook)
        assert len(dead.came) == tries
        assert [state for _, state, _, _ in states(store)] == ["expired"]


async def test_without_targets_nothing_is_promised(tmp_path: Path) -> None:
    outside = Outside()
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=AlertTargets())
        assert states(store) == []


@pytest.mark.real_time
async def test_a_real_server_gets_it_and_no_fault_tells_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A server of Telegram's form on loopback, which gateway.toml has named; then nobody is there."""
    came: list[dict[str, Any]] = []

    async def send(request: web.Request) -> web.Response:
        came.append(await request.json())
        return web.json_response({"ok": True}, status=307 if len(came) == 2 else 200, headers={"Location": "/x"})

    app = web.Application()
    app.add_routes([web.post("/bot{token}/sendMessage", send)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        targets = AlertTargets(telegram=base, telegram_token=TOKEN, telegram_chats=("77",))
        trial = AlertTrial(replace(outgoing_of(Outside(), targets), ask=way_out.Outside().ask), Shop)
        assert await trial.try_out(AlertWay.TELEGRAM) == [Tried(place="77")]
        (moved,) = await trial.try_out(AlertWay.TELEGRAM)
        assert (moved.code, moved.problem) == ("delivery-refused", "Telegram answered 307."), (
            "no redirection is followed"
        )
    finally:
        await runner.cleanup()
    with caplog.at_level(logging.DEBUG):
        (gone,) = await trial.try_out(AlertWay.TELEGRAM)
    assert gone.code == "server-away"
    assert TOKEN not in str(gone)
    assert TOKEN not in caplog.text
    assert [each["chat_id"] for each in came] == ["77", "77"]


async def test_a_test_goes_everywhere_as_an_alert_would(tmp_path: Path) -> None:
    outside = Outside()
    with direct_store(tmp_path) as store:
        runner = JobRunner(store.jobs, alert_jobs(outgoing_of(outside)), clock=loop_clock)
        news = AlertNews(lambda: TARGETS, runner, shop=lambda: Shop(name="Flowers", language="ru"), clock=loop_clock)
        assert [news.test(), news.test()] == [3, 3]  # twice within a second is once
        assert AlertNews(AlertTargets, runner, shop=Shop, clock=loop_clock).test() == 0
        task = asyncio.ensure_future(runner.run())
        await asyncio.sleep(1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    (hook,) = outside.to("shop.example")
    assert (hook["type"], hook["code"]) == ("alert.test", "alert-test")
    assert [each["chat_id"] for each in outside.to("telegram")] == ["77", "-100"]
    assert all("проверка" in each["text"] for each in outside.to("telegram"))


async def test_what_was_given_up_is_tried_again_when_a_person_wants_it(tmp_path: Path) -> None:
    outside = Outside(answers=[Answer(403)])
    chat = AlertTargets(telegram_token=TOKEN, telegram_chats=("77",))
    kinds = ("alert-webhook", "alert-telegram", "alert-mail")
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED, targets=chat)
        ((row),) = await store.jobs.log(kinds)
        assert row.state == "failed"
        await asyncio.sleep(2 * 24 * 3600)
        runner = JobRunner(store.jobs, alert_jobs(outgoing_of(outside, chat)), clock=loop_clock)
        assert await runner.again("nobody", kinds) is None
        assert await runner.again(row.id, ("alert-mail",)) is None, "of these kinds there is none"
        assert await runner.again(row.id, kinds) is True
        await told(store, outside, targets=chat)
        assert [(state, attempts) for _, state, attempts, _ in states(store)] == [("done", 2)], (
            "two days are not too late"
        )
        assert await runner.again(row.id, kinds) is False
    assert len(outside.came) == 2


async def test_a_place_that_is_not_set_any_more_gets_nothing(tmp_path: Path) -> None:
    outside = Outside(answers=[Answer(503)] * 3)
    with direct_store(tmp_path) as store:
        await told(store, outside, RAISED)
        await told(store, outside, targets=AlertTargets(telegram_token=TOKEN, telegram_chats=("-100",)), seconds=60)
        assert sorted((state, why) for _, state, _, why in states(store) if state != "done") == [
            ("failed", "No webhook is set any more."),
            ("failed", "This chat is not set any more."),
        ]  # fmt: skip


async def test_only_addresses_of_gateway_toml_may_be_private() -> None:
    """T-W5: what the panel was told never is."""
    for of_file, trusted in ((frozenset[AlertWay](), False), (frozenset({AlertWay.WEBHOOK}), True)):
        outside = Outside()
        hook = AlertTargets(webhook="https://shop.example/hook", webhook_secret=SECRET, of_file=of_file)
        assert await AlertTrial(outgoing_of(outside, hook), Shop).try_out(AlertWay.WEBHOOK) == [
            Tried(place="shop.example")
        ]
        assert outside.trusted == [trusted]


async def test_a_trial_that_takes_too_long_says_so() -> None:
    class Silent(Outside):
        async def ask(self, _question: Question) -> Answer:
            await asyncio.sleep(3600)
            return Answer(200)

    trial = AlertTrial(outgoing_of(Silent()), Shop)
    assert [each.code for each in await trial.try_out(AlertWay.TELEGRAM)] == ["server-away"] * 2
    assert await trial.try_out(AlertWay.SMS) == []
    assert await AlertTrial(outgoing_of(Outside(), AlertTargets()), Shop).try_out(AlertWay.MAIL) == []
