"""One subscriber thread to the daemon's event stream, and its news passed on to the browsers.

A browser is told only which parts of its page are out of date, as topics; it fetches them again as
its own user. So nothing of an event reaches somebody who may not see it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator

from web.gateway_client import Asker, GatewayAway, GatewayClient, Refused

LARGEST_AUDIENCE = 12
"""Streams hold a thread each; above this a page asks again every 2 s instead."""
EVERYTHING = "all"
AWAY = "away"
_TOPICS_OF_KIND = {
    "call": ("calls",),
    "leg": ("calls",),
    "recording": ("calls",),
    "audio": ("calls",),
    "party": ("calls",),
    "message": ("calls",),
    "modem": ("lines",),
    "sms": ("messages",),
    "orders": ("orders",),
    "missed": ("missed",),
    "contacts": ("contacts",),
    "balance": ("lines",),
    "phone": ("phones",),
    "trunk": ("trunks",),
    "staff": ("queue",),
    "mailbox": ("voicemail",),
    "alert": ("alerts",),
    "shop": (EVERYTHING,),
    "gap": (EVERYTHING,),
    "stream": (EVERYTHING,),
}
"""By the first word of an event. What happened before `stream.opened` is unknown: everything may be out of date."""
_HISTORY = frozenset({"call.started", "call.answered", "call.ended", "recording.finished"})
_RETRY_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_KEEP_ALIVE_LOOKS = 10


class Listener:
    """One browser's stream. `is_gone` says, as far as the server can tell, that nobody is at the other end."""

    def __init__(self, asker: Asker, is_gone: Callable[[], bool] = lambda: False) -> None:
        self.asker = asker
        self.is_gone = is_gone
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._is_over = False

    def tell(self, topic: str) -> None:
        """Put a topic in."""
        self._news.put(topic)

    def end(self) -> None:
        """Let the stream end: the session is over, and the browser must ask anew."""
        self._is_over = True

    def topics(self) -> Iterator[list[str] | None]:
        """Batches of topics, each at most once; news of the same moment come together. None: nothing for a while."""
        looks = 0
        while not (self._is_over or self.is_gone()):
            try:
                batch = [self._news.get(timeout=_LOOK_SECONDS)]
            except queue.Empty:
                looks += 1
                if looks % _KEEP_ALIVE_LOOKS == 0:
                    yield None
                continue
            time.sleep(0.1)
            while not self._news.empty():
                batch.append(self._news.get())
            yield list(dict.fromkeys(batch))


class LiveFeed:
    """The thread runs while there is somebody to tell; it uses a session of one of its listeners."""

    def __init__(self, client: GatewayClient) -> None:
        self._client = client
        self._listeners: dict[Listener, None] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def join(self, listener: Listener) -> bool:
        """Tell the listener from now on; False when the audience is full."""
        with self._lock:
            for each in [each for each in self._listeners if each.is_gone()]:
                del self._listeners[each]
            if len(self._listeners) >= LARGEST_AUDIENCE:
                return False
            self._listeners[listener] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="event stream", daemon=True)
                self._thread.start()
        return True

    def leave(self, listener: Listener) -> None:
        """The browser is gone."""
        with self._lock:
            self._listeners.pop(listener, None)

    def _follow(self) -> None:
        while (asker := self._somebody()) is not None:
            try:
                with self._client.stream(asker) as events:
                    for event in events:
                        for topic in topics_of(str(event.get("type", ""))):
                            self._tell_all(topic)
                        if not self._is_wanted(asker):
                            break
            except GatewayAway:
                pass
            except Refused as refusal:
                if refusal.status in (401, 403):
                    self._drop(asker)
                    continue
            if self._is_wanted(asker):
                self._tell_all(AWAY)
                time.sleep(_RETRY_SECONDS)

    def _somebody(self) -> Asker | None:
        """Whose session to use; None ends the thread."""
        with self._lock:
            for listener in self._listeners:
                return listener.asker
            self._thread = None
            return None

    def _is_wanted(self, asker: Asker) -> bool:
        with self._lock:
            return any(listener.asker == asker for listener in self._listeners)

    def _drop(self, asker: Asker) -> None:
        """That session is over: its browsers find out when they ask again."""
        with self._lock:
            for listener in [each for each in self._listeners if each.asker.token == asker.token]:
                listener.end()
                del self._listeners[listener]

    def _tell_all(self, topic: str) -> None:
        with self._lock:
            for listener in self._listeners:
                listener.tell(topic)


def topics_of(event_type: str) -> tuple[str, ...]:
    """Which parts of a page an event puts out of date."""
    topics = _TOPICS_OF_KIND.get(event_type.partition(".")[0], ())
    return (*topics, "history") if event_type in _HISTORY else topics
