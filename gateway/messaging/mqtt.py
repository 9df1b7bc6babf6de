"""The connection to the MQTT broker of a house: what changes is told in two seconds, and all of it after a break."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import aiomqtt

from gateway.errors import GatewayError
from gateway.events import Published
from gateway.messaging.home_assistant import OFFLINE, ONLINE, House, topics

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0
BREATH_SECONDS = 1.0
"""Between two looks at what has changed: a call is many events."""
REFRESH_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 5.0, 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    has_tls: bool = False


class MqttNews:
    """Tells a broker how the gateway stands, for as long as `run` is not cancelled; `follow` is for the bus."""

    def __init__(
        self,
        broker: Broker,
        house: House,
        *,
        snapshot: Callable[[], Mapping[str, Any]],
        missed: Callable[[], Awaitable[int]],
    ) -> None:
        self._broker = broker
        self._house = house
        self._snapshot = snapshot
        self._missed = missed
        self._changed = asyncio.Event()
        self._is_there = True

    def follow(self, published: Published) -> None:
        """Something has happened; what it is does not matter."""
        del published
        self._changed.set()

    async def run(self) -> NoReturn:
        """Connect, tell, and connect again after a pause that grows."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._serve()
            except* (aiomqtt.MqttError, OSError, TimeoutError) as faults:
                if self._is_there:
                    log.warning("The MQTT broker %s cannot be reached: %s", self._broker.host, faults.exceptions[0])
                    pause = _FIRST_PAUSE_SECONDS
                self._is_there = False
            _end_if_told_to()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _serve(self) -> None:
        """One connection, until it breaks."""
        will = aiomqtt.Will(self._house.status, OFFLINE, qos=1, retain=True)
        async with aiomqtt.Client(
            self._broker.host,
            self._broker.port,
            username=self._broker.user,
            password=self._broker.password,
            identifier=self._house.node,
            will=will,
            timeout=PATIENCE_SECONDS,
            tls_context=await asyncio.to_thread(ssl.create_default_context) if self._broker.has_tls else None,
        ) as client:
            log.info("The MQTT broker %s is told how the gateway stands.", self._broker.host)
            self._is_there = True
            told: dict[str, str] = {}
            try:
                async with asyncio.TaskGroup() as work:
                    work.create_task(self._listen(client, told))
                    work.create_task(self._tell(client, told))
            finally:
                # A connection that is closed in good order has no last will.
                with suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(BREATH_SECONDS):
                        await client.publish(self._house.status, OFFLINE, qos=1, retain=True)

    async def _listen(self, client: aiomqtt.Client, told: dict[str, str]) -> None:
        """Home Assistant says when it has started: then it is told everything anew. Ends with the connection."""
        await client.subscribe(f"{self._house.discovery}/status")
        async for message in client.messages:
            if message.payload == b"online" and not message.retain:
                told.clear()
                self._changed.set()

    async def _tell(self, client: aiomqtt.Client, told: dict[str, str]) -> NoReturn:
        await client.publish(self._house.status, ONLINE, qos=1, retain=True)
        while True:
            self._changed.clear()
            with suppress(GatewayError):  # the store is away for a moment; the next look shows all
                wanted = topics(self._house, self._snapshot(), missed=await self._missed())
                for topic in sorted(told.keys() - wanted.keys()):  # a line that is no more
                    await client.publish(topic, b"", qos=1, retain=True)
                    del told[topic]
                for topic, payload in wanted.items():
                    if told.get(topic) != payload:
                        await client.publish(topic, payload, qos=1, retain=True)
                        told[topic] = payload
            await asyncio.sleep(BREATH_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._changed.wait()


def _end_if_told_to() -> None:
    """A group of tasks that fails at the moment when it is cancelled forgets that it was, before Python 3.13."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
