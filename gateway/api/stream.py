"""The event stream: every subscriber gets its own short queue, and is told when it was too slow.

Server-sent events as in the HTML standard, section 9.2: `id` is the event's `seq`, `data` its wire form.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncGenerator

from gateway.events import EventBus, Published

QUEUE_EVENTS = 256
"""What a slow subscriber may lag behind before the oldest events are dropped."""
REPLAY_EVENTS = 1024
"""How far back Last-Event-ID reaches."""
KEEP_ALIVE_SECONDS = 15.0
"""A comment is sent when nothing else was, so that a dead connection is noticed."""
LARGEST_AUDIENCE = 32

GAP = b'data: {"type": "gap"}\n\n'


class Subscription:
    """One listener's queue."""

    def __init__(self) -> None:
        self.queue: deque[bytes] = deque()
        self.has_gap = False
        self.awake = asyncio.Event()

    def add(self, message: bytes) -> None:
        """Put a message in; when there is no room the oldest goes, and the listener will hear of it."""
        if len(self.queue) >= QUEUE_EVENTS:
            self.queue.popleft()
            self.has_gap = True
        self.queue.append(message)
        self.awake.set()

    def take(self) -> bytes:
        """All that waits, as one piece; a gap is told first."""
        self.awake.clear()
        pieces = [GAP] if self.has_gap else []
        pieces.extend(self.queue)
        self.queue.clear()
        self.has_gap = False
        return b"".join(pieces)


class EventStream:
    """Fans the bus out to all listeners. `boot` tells one run of the daemon from the next."""

    def __init__(self, bus: EventBus, *, boot: str) -> None:
        self._bus = bus
        self._boot = boot
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=REPLAY_EVENTS)
        self._subscriptions: set[Subscription] = set()
        self._is_closed = False
        bus.subscribe(self._publish)

    @property
    def audience(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    @property
    def is_full(self) -> bool:
        """No further listener is taken now."""
        return len(self._subscriptions) >= LARGEST_AUDIENCE

    def close(self) -> None:
        """End every listener's stream."""
        self._is_closed = True
        for subscription in self._subscriptions:
            subscription.awake.set()

    async def messages(self, *, last_event_id: str | None, boot: str | None) -> AsyncGenerator[bytes, None]:
        """Pieces of the stream for one listener, until `close`.

        `last_event_id` goes on where an earlier stream ended; when that is not possible (too long ago,
        another run of the daemon, not a number) the listener is told of the gap.
        """
        subscription = Subscription()
        self._replay(subscription, last_event_id, boot)
        self._subscriptions.add(subscription)
        try:
            opened = {"type": "stream.opened", "boot": self._boot, "seq": self._bus.seq}
            yield b"data: " + json.dumps(opened).encode() + b"\n\n"
            while not self._is_closed:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await subscription.awake.wait()
                except TimeoutError:
                    yield b":\n\n"
                else:
                    yield subscription.take()
        finally:
            self._subscriptions.discard(subscription)

    def _publish(self, published: Published) -> None:
        data = json.dumps(published.wire(), ensure_ascii=False, separators=(",", ":"))
        message = f"id: {published.seq}\ndata: {data}\n\n".encode()
        self._recent.append((published.seq, message))
        for subscription in self._subscriptions:
            subscription.add(message)

    def _replay(self, subscription: Subscription, last_event_id: str | None, boot: str | None) -> None:
        if last_event_id is None:
            return
        is_other_run = boot is not None and boot != self._boot
        last = int(last_event_id) if re.fullmatch(r"[0-9]{1,18}", last_event_id) else -1
        oldest = self._recent[0][0] if self._recent else self._bus.seq + 1
        if is_other_run or last > self._bus.seq or last < oldest - 1 or last < 0:
            subscription.has_gap = True
            subscription.awake.set()
            return
        for seq, message in self._recent:
            if seq > last:
                subscription.add(message)
