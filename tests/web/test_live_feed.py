"""News reach browsers within their 2 s, one stream serves them all, and a lost daemon is told."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.events import (
    AlertRaised,
    CallEnded,
    Event,
    LegRang,
    ModemChanged,
    OrdersChanged,
    PhoneUnregistered,
    RecordingFinished,
    ShopChanged,
    SmsReceived,
    TrunkChanged,
)
from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from web.gateway_client import Asker, GatewayClient
from web.live_feed import AWAY, EVERYTHING, LARGEST_AUDIENCE, Listener, LiveFeed, topics_of

SHOWN_WITHIN_SECONDS = 2.0


def _sign_in(gateway: GatewayThread) -> Asker:
    session = GatewayClient(gateway.url).sign_in(Asker(), name="anna", password=PASSWORD)
    return Asker(token=session["token"])


@contextmanager
def _listening(feed: LiveFeed, *askers: Asker) -> Iterator[list[queue.SimpleQueue[str]]]:
    """Browsers with their own threads, as the server has them; each queue holds what its browser was told."""
    over = threading.Event()
    heard: list[queue.SimpleQueue[str]] = [queue.SimpleQueue() for _ in askers]
    listeners = [Listener(asker, is_gone=over.is_set) for asker in askers]

    def listen(listener: Listener, told: queue.SimpleQueue[str]) -> None:
        for topics in listener.topics():
            for topic in topics or []:
                told.put(topic)
        feed.leave(listener)

    threads = [threading.Thread(target=listen, args=pair) for pair in zip(listeners, heard, strict=True)]
    assert all(feed.join(listener) for listener in listeners)
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join(5)


def _wait_for_stream(gateway: GatewayThread) -> None:
    deadline = time.monotonic() + 5
    while gateway.run(lambda: gateway.listeners) == 0:
        assert time.monotonic() < deadline, "the panel does not follow the stream"
        time.sleep(0.02)


def _let_go(gateway: GatewayThread) -> None:
    """The thread of the feed finds at the next event that nobody is left."""
    deadline = time.monotonic() + 5
    while any(thread.name == "event stream" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread goes on with nobody to tell"
        gateway.publish(ShopChanged(by="anna"))
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("event", "topics"),
    [
        (LegRang(call_id="c", leg_id="l"), ("calls",)),
        (
            CallEnded(call_id="c", cause="busy", ended_by="caller", talk_seconds=0, total_seconds=1),
            ("calls", "history"),
        ),
        (
            RecordingFinished(call_id="c", recording_id="r", path="p", seconds=1, size_bytes=1, verdict="both-heard"),
            ("calls", "history"),
        ),
        (ModemChanged(modem="m0", line=None, state="ready", reason=None), ("lines",)),
        (SmsReceived(message_id="m", line="red", sender=None, text=None, parts=1), ("messages",)),
        (PhoneUnregistered(extension="101", contact="c", reason="expired"), ("phones",)),
        (TrunkChanged(trunk="pbx 2001", state="ready", reason=None), ("trunks",)),
        (AlertRaised(code="modem-lost", subject="m0", values={}), ("alerts",)),
        (OrdersChanged(numbers=("1001",), by="anna"), ("orders",)),
        (ShopChanged(by="anna"), (EVERYTHING,)),
    ],
)
def test_every_event_puts_its_parts_out_of_date(event: Event, topics: tuple[str, ...]) -> None:
    assert topics_of(event.type_name()) == topics


def test_a_gap_means_everything_and_the_rest_nothing() -> None:
    assert topics_of("") == topics_of("new.thing") == ()
    assert topics_of("stream.opened") == topics_of("gap") == (EVERYTHING,)


def test_all_browsers_hear_of_an_event_in_time_over_one_stream(gateway: GatewayThread) -> None:
    feed = LiveFeed(GatewayClient(gateway.url))
    asker = _sign_in(gateway)
    with _listening(feed, asker, asker, asker) as heard:
        _wait_for_stream(gateway)
        assert gateway.run(lambda: gateway.listeners) == 1
        assert [told.get(timeout=5) for told in heard] == [EVERYTHING] * 3  # what was before is unknown
        before = time.monotonic()
        gateway.publish(SmsReceived(message_id="m", line="red", sender=None, text=None, parts=1))
        assert [told.get(timeout=5) for told in heard] == ["messages"] * 3
        assert time.monotonic() - before < SHOWN_WITHIN_SECONDS
    _let_go(gateway)


def test_news_of_the_same_moment_come_together(gateway: GatewayThread) -> None:
    listener = Listener(_sign_in(gateway))
    for topic in ("calls", "lines", "calls", "calls"):
        listener.tell(topic)
    assert next(listener.topics()) == ["calls", "lines"]


def test_a_lost_daemon_is_told_and_its_return_too(tmp_path: Path) -> None:
    gateway = GatewayThread(tmp_path)
    gateway.make_owner()
    with gateway_running(gateway):
        port = gateway.port
        feed = LiveFeed(GatewayClient(gateway.url))
        asker = _sign_in(gateway)
        listening = _listening(feed, asker)
        (told,) = listening.__enter__()
        _wait_for_stream(gateway)
    try:
        assert [told.get(timeout=5), told.get(timeout=5)] == [EVERYTHING, AWAY]
        with gateway_running(gateway, port=port):
            while (topic := told.get(timeout=10)) == AWAY:
                pass
            assert topic == EVERYTHING
    finally:
        listening.__exit__(None, None, None)


def test_the_stream_goes_on_with_another_session_when_one_ends(gateway: GatewayThread) -> None:
    feed = LiveFeed(GatewayClient(gateway.url))
    first, second = _sign_in(gateway), _sign_in(gateway)
    gateway.accounts.open_sessions = {
        key: session for key, session in gateway.accounts.open_sessions.items() if session.token != first.token
    }
    with _listening(feed, first, second) as (told_first, told_second):
        _wait_for_stream(gateway)
        gateway.publish(SmsReceived(message_id="m", line="red", sender=None, text=None, parts=1))
        assert [told_second.get(timeout=5), told_second.get(timeout=5)] == [EVERYTHING, "messages"]
        assert told_first.empty()
    _let_go(gateway)


def test_the_audience_is_bounded_and_the_gone_make_room(gateway: GatewayThread) -> None:
    feed = LiveFeed(GatewayClient(gateway.url))
    asker = _sign_in(gateway)
    gone = [False]
    listeners = [Listener(asker, is_gone=lambda: gone[0]) for _ in range(LARGEST_AUDIENCE)]
    assert all(feed.join(listener) for listener in listeners)
    late = Listener(asker)
    assert feed.join(late) is False
    gone[0] = True
    assert feed.join(late) is True
    feed.leave(late)
    _let_go(gateway)


def test_the_browsers_stream_says_topics_only(owner: FlaskClient, app: Flask, gateway: GatewayThread) -> None:
    answer = owner.get("/news")
    pieces = answer.iter_encoded()
    assert answer.mimetype == "text/event-stream"
    assert next(pieces) == b"retry: 1000\n\n"
    _wait_for_stream(gateway)
    gateway.publish(SmsReceived(message_id="m", line="red", sender="+79031112233", text="secret", parts=1))
    topics: list[str] = []
    while "messages" not in topics:
        topics += json.loads(next(pieces).removeprefix(b"data: "))["topics"]
    assert topics == ["all", "messages"]
    answer.close()
    _let_go(gateway)
    assert app.test_client().get("/news").status_code == 302
