"""The event stream: in order, without loss, or with a word about it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gateway.api.stream import KEEP_ALIVE_SECONDS, LARGEST_AUDIENCE, QUEUE_EVENTS, REPLAY_EVENTS, EventStream
from gateway.events import EventBus, ShopChanged
from tests.api.served import serving


def _happen(bus: EventBus, times: int) -> None:
    for _ in range(times):
        bus.publish(ShopChanged(by="anna"))


def _parse(piece: bytes) -> list[dict[str, Any]]:
    messages = []
    for block in piece.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            data = json.loads(fields["data"])
            assert "id" not in fields or int(fields["id"]) == data["seq"]
            messages.append(data)
    return messages


async def test_events_come_in_order() -> None:
    bus = EventBus()
    stream = EventStream(bus, boot="b1")
    messages = stream.messages(last_event_id=None, boot=None)
    assert _parse(await anext(messages)) == [{"type": "stream.opened", "boot": "b1", "seq": 0}]
    _happen(bus, 3)
    assert [event["seq"] for event in _parse(await anext(messages))] == [1, 2, 3]
    _happen(bus, 1)
    assert [event["seq"] for event in _parse(await anext(messages))] == [4]
    await messages.aclose()


async def test_a_quiet_stream_is_kept_alive() -> None:
    messages = EventStream(EventBus(), boot="b1").messages(last_event_id=None, boot=None)
    await anext(messages)
    before = asyncio.get_running_loop().time()
    assert await anext(messages) == b":\n\n"
    assert asyncio.get_running_loop().time() - before == pytest.approx(KEEP_ALIVE_SECONDS)
    await messages.aclose()


async def test_a_slow_listener_loses_the_oldest_and_is_told() -> None:
    bus = EventBus()
    stream = EventStream(bus, boot="b1")
    slow, quick = (stream.messages(last_event_id=None, boot=None) for _ in range(2))
    await anext(slow)
    await anext(quick)
    seen = 0
    for _ in range(QUEUE_EVENTS + 10):
        _happen(bus, 1)
        seen += len(_parse(await anext(quick)))
    assert seen == QUEUE_EVENTS + 10
    gap, *rest = _parse(await anext(slow))
    assert gap == {"type": "gap"}
    assert [event["seq"] for event in rest] == list(range(11, QUEUE_EVENTS + 11))
    await slow.aclose()
    await quick.aclose()


@pytest.mark.parametrize(
    ("last", "boot", "expected"),
    [
        ("7", "b1", [8, 9, 10]),
        ("7", None, [8, 9, 10]),
        ("0", "b1", list(range(1, 11))),
        ("7", "b0", ["gap"]),
        ("11", "b1", ["gap"]),
        ("-1", "b1", ["gap"]),
        ("seven", "b1", ["gap"]),
        ("٧", "b1", ["gap"]),
        ("9" * 5000, "b1", ["gap"]),
    ],
)
async def test_last_event_id_goes_on_where_it_ended(last: str, boot: str | None, expected: list[object]) -> None:
    bus = EventBus()
    stream = EventStream(bus, boot="b1")
    _happen(bus, 10)
    messages = stream.messages(last_event_id=last, boot=boot)
    await anext(messages)
    assert [event.get("seq", event["type"]) for event in _parse(await anext(messages))] == expected
    await messages.aclose()


async def test_too_long_ago_is_a_gap() -> None:
    bus = EventBus()
    stream = EventStream(bus, boot="b1")
    _happen(bus, REPLAY_EVENTS + 5)
    messages = stream.messages(last_event_id="4", boot="b1")
    await anext(messages)
    assert _parse(await anext(messages)) == [{"type": "gap"}]
    await messages.aclose()


async def test_nothing_missed_is_nothing_told() -> None:
    bus = EventBus()
    stream = EventStream(bus, boot="b1")
    _happen(bus, 2)
    messages = stream.messages(last_event_id="2", boot="b1")
    await anext(messages)
    _happen(bus, 1)
    assert [event["seq"] for event in _parse(await anext(messages))] == [3]
    await messages.aclose()


async def test_a_listener_who_leaves_makes_room() -> None:
    stream = EventStream(EventBus(), boot="b1")
    audience = [stream.messages(last_event_id=None, boot=None) for _ in range(LARGEST_AUDIENCE)]
    for messages in audience:
        await anext(messages)
    full_before = stream.is_full
    await audience[0].aclose()
    assert (full_before, stream.is_full) == (True, False)
    for messages in audience:
        await messages.aclose()


@pytest.mark.real_time
async def test_snapshot_then_stream_misses_nothing_over_http() -> None:
    async with serving() as served:
        await served.set_up()
        _happen(served.bus, 3)
        _, snapshot = await served.ask("GET", "/api/v1/snapshot")
        _happen(served.bus, 2)
        headers = {"Authorization": f"Bearer {served.token}", "Last-Event-ID": str(snapshot["seq"])}
        url = served.url(f"/api/v1/stream?boot={snapshot['boot']}")
        async with served.client.get(url, headers=headers) as answer, asyncio.timeout(3):
            assert answer.content_type == "text/event-stream"
            received: list[dict[str, Any]] = []
            while len(received) < 3:
                received += _parse(await answer.content.readuntil(b"\n\n"))
        assert [event["seq"] for event in received] == [5, 4, 5]
        assert received[0]["type"] == "stream.opened"


@pytest.mark.real_time
async def test_the_audience_is_bounded_over_http() -> None:
    async with serving() as served:
        await served.set_up()
        headers = {"Authorization": f"Bearer {served.token}"}
        streams = [
            await served.client.get(served.url("/api/v1/stream"), headers=headers) for _ in range(LARGEST_AUDIENCE)
        ]
        for stream in streams:
            await stream.content.readuntil(b"\n\n")
        status, answer = await served.ask("GET", "/api/v1/stream")
        assert (status, answer["code"]) == (503, "too-many-streams")
        for stream in streams:
            stream.close()


@pytest.mark.real_time
async def test_a_stream_ends_with_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.api.live_routes.KEEP_ALIVE_SECONDS", 0.0)
    async with serving() as served:
        await served.set_up()
        headers = {"Authorization": f"Bearer {served.token}"}
        async with served.client.get(served.url("/api/v1/stream"), headers=headers) as answer, asyncio.timeout(5):
            await answer.content.readuntil(b"\n\n")
            _happen(served.bus, 1)
            assert _parse(await answer.content.readuntil(b"\n\n"))[0]["seq"] == 1
            assert (await served.ask("DELETE", "/api/v1/sessions/current"))[0] == 204
            _happen(served.bus, 1)
            assert await answer.content.read() == b""
